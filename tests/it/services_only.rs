//! `contoso up --services-only`: a stack without a functions host of its own, and the app beside it with nothing but the settings that
//! lie ready. The host is a stand-in that does what the real one was seen to do for these requests: the handler behind it is ours.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use axum::{Router, extract::Request, http::Method, response::Response};
use contoso_cli::identity::{DEPLOYMENT, SignedIn};
use contoso_local::stack::Endpoints;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::mpsc,
};

use crate::support::{contoso, eventually};

const KEY: &str = "s3cret-of-the-webhook";

/// A stack in the background; it ends with the test.
struct Services {
    data: TempDir,
    endpoints: Endpoints,
}

impl Services {
    fn up(data: &Path, arguments: &[&str]) -> Command {
        let mut up = contoso();
        up.args(["up", "--services-only", "--ports", "auto", "--detach", "--no-demo", "--data-dir"])
            .arg(data)
            .args(arguments);
        up.env("CONTOSO_FUNCTIONS_KEY", KEY);
        up
    }

    fn start(arguments: &[&str]) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let endpoints = Self::again(data.path(), arguments);
        Self { data, endpoints }
    }

    fn again(data: &Path, arguments: &[&str]) -> Endpoints {
        let ready = Self::up(data, arguments).output().expect("contoso runs");
        assert!(ready.status.success(), "{}", said(&ready));
        serde_json::from_slice(&ready.stdout).expect("the ready line is a list of endpoints")
    }

    fn call(&self, command: &str, arguments: &[&str]) -> Output {
        let mut call = contoso();
        call.arg(command).args(arguments);
        match command {
            "simulate" => call.arg("--endpoints").arg(self.data.path().join("endpoints.json")),
            _ => call.arg("--data-dir").arg(self.data.path()),
        };
        call.output().expect("contoso runs")
    }

    /// The settings of a file in the data directory.
    fn settings(&self, file: &str) -> BTreeMap<String, String> {
        let text = std::fs::read(self.data.path().join(file)).expect("settings lie ready");
        let settings: Value = serde_json::from_slice(&text).expect("JSON");
        serde_json::from_value(settings["Values"].clone()).expect("texts")
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.call("stop", &[]);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The handler, started as a host starts it: with the settings and where to listen. It serves every function.
struct Handler {
    process: Child,
    address: String,
}

impl Handler {
    async fn start(settings: BTreeMap<String, String>) -> Self {
        // Another test may take the port before the handler does.
        loop {
            if let Some(handler) = Self::try_start(&settings).await {
                return handler;
            }
        }
    }

    async fn try_start(settings: &BTreeMap<String, String>) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let program = Path::new(contoso().get_program()).with_file_name("contoso-handler");
        let mut command = Command::new(program);
        command.env_clear().envs(settings).env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string());
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the handler starts");
        let mut handler = Self { process, address: format!("http://127.0.0.1:{port}") };
        let runs = eventually("the handler", || {
            let (ended, address) = (handler.process.try_wait().expect("a child"), handler.address.clone());
            async move {
                match ended {
                    Some(_) => Ok(false),
                    None => reqwest::get(address).await.map(|_| true).map_err(|error| error.to_string()),
                }
            }
        })
        .await;
        runs.then_some(handler)
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        // Already gone is as good.
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

/// What a host that runs `handler` does with events: its webhook agrees by the origin alone, asks for the key, calls the function and
/// answers by what became of it.
async fn webhook(listener: TcpListener, handler: String, calls: mpsc::UnboundedSender<(Method, String, u16)>) {
    let answer = async move |request: Request| {
        let (parts, body) = request.into_parts();
        let place = parts.uri.to_string();
        let name =
            place.strip_prefix(&format!("/runtime/webhooks/eventgrid?code={KEY}&functionName=")).unwrap_or_default();
        let (status, origin) = match (name, parts.headers.get("webhook-request-origin")) {
            ("", _) => (401, None),
            (_, Some(origin)) => (200, Some(origin.clone())),
            (name, None) => {
                let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
                let event: Value = serde_json::from_slice(&body).expect("an event");
                let invocation = json!({ "Data": { "event": event }, "Metadata": { "sys": { "MethodName": name } } });
                let call = reqwest::Client::new().post(format!("{handler}/{name}"));
                let call = call.header("x-azure-functions-invocationid", "00000000-0000-0000-0000-000000000001");
                let answer = call.json(&invocation).send().await.expect("an answer");
                (if answer.status().is_success() { 202 } else { 500 }, None)
            }
        };
        calls.send((parts.method, name.to_owned(), status)).expect("the test goes on");
        let mut response = Response::builder().status(status);
        if let Some(origin) = origin {
            response = response.header("webhook-allowed-origin", origin);
        }
        response.body(axum::body::Body::empty()).expect("a response")
    };
    axum::serve(listener, Router::new().fallback(answer)).await.expect("it serves");
}

async fn product(handler: &Handler) -> Value {
    let answer = reqwest::get(format!("{}/api/products/rope", handler.address)).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}

#[tokio::test]
async fn the_app_runs_beside_the_services_with_the_settings_that_lie_ready() {
    // A port that is taken, and where nobody listens yet.
    let closed = TcpSocket::new_v4().expect("a socket");
    closed.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
    let place = closed.local_addr().expect("an address");
    let catalogue = tempfile::NamedTempFile::new().expect("a temporary file");
    let rope = |price: &str| json!([{"id": "rope", "name": "Rope", "category": "Climbing", "price": {"amount": price, "currency": "USD"}}]);
    std::fs::write(catalogue.path(), rope("1.00").to_string()).expect("written");
    let file = catalogue.path().display().to_string();
    let functions = format!("http://{place}");
    let arguments = ["--functions", &functions, "--catalogue", &file];
    let services = tokio::task::spawn_blocking({
        let arguments = arguments.map(str::to_owned);
        move || Services::start(&arguments.each_ref().map(String::as_str))
    })
    .await
    .expect("no panic");
    assert_eq!(
        (&services.endpoints.functions, services.endpoints.external.as_slice()),
        (&functions, &["functions".to_owned()][..])
    );

    // What needs the host says so.
    let status = services.call("status", &["--json"]);
    let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    let unknown = status["lag"]["unknown"].as_str().expect("a reason");
    assert!(unknown.starts_with(&format!("no Functions host answers at {functions}; ")), "{unknown}");
    let simulated = services.call("simulate", &["--duration", "1s"]);
    assert!(said(&simulated).contains("func start"), "{simulated:?}");
    let config: Value = reqwest::get(format!("{}/config.json", services.endpoints.site))
        .await
        .expect("pages")
        .json()
        .await
        .expect("JSON");
    assert_eq!((&config["api"], &config["external"]), (&json!(functions), &json!(true)));
    let timers = format!("{}/functions/Heartbeat/fire", services.endpoints.control);
    let lever = reqwest::Client::new().post(timers).json(&json!({})).send().await.expect("an answer");
    assert_eq!(lever.status(), 409);
    assert!(lever.text().await.expect("a body").contains(&functions));

    // Secrets of webhooks are derived of keys of this data directory, the same by both files.
    let keys = ["local.settings.json", "local.settings.identity.json"]
        .map(|file| services.settings(file)["Partners__masterKeys"].clone());
    let drawn = std::fs::read_to_string(services.data.path().join("identity/partner-master-keys")).expect("drawn");
    assert!(keys.iter().all(|keys| *keys == drawn), "{keys:?}");

    // The product is there as the function would have stored it, by both files of settings.
    let by_identity = Handler::start(services.settings("local.settings.identity.json")).await;
    let seeded = product(&by_identity).await;
    assert_eq!((&seeded["name"], &seeded["version"]), (&json!("Rope"), &json!(1)), "{seeded}");
    drop(by_identity);
    let handler = Handler::start(services.settings("local.settings.json")).await;
    assert_eq!(product(&handler).await, seeded);

    // An event for a function that nobody runs yet: a click, captured to a file.
    let click = json!({ "productId": "rope" });
    let clicks = format!("{}/api/clicks", handler.address);
    let answer = reqwest::Client::new().post(clicks).json(&click).send().await.expect("an answer");
    assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap_or_default());
    let clock = format!("{}/clock/advance", services.endpoints.control);
    let advanced = reqwest::Client::new().post(clock).json(&json!({ "seconds": 301 })).send().await.expect("an answer");
    assert!(advanced.status().is_success(), "{}", advanced.text().await.unwrap_or_default());

    let (sender, mut calls) = mpsc::unbounded_channel();
    tokio::spawn(webhook(closed.listen(16).expect("it listens"), handler.address.clone(), sender));
    let mut next = async || {
        let call = tokio::time::timeout(crate::support::PATIENCE, calls.recv()).await;
        call.expect("a call in time").expect("the webhook serves")
    };
    // Each subscription is asked first, of which sales files have two; the order among them is nobody's promise.
    let calls = [next().await, next().await, next().await, next().await];
    let place = |method: Method, function: &str, status: u16| {
        let call = (method, function.to_owned(), status);
        calls.iter().position(|one| *one == call).unwrap_or_else(|| panic!("no {call:?}: {calls:?}"))
    };
    place(Method::OPTIONS, "SalesFileReceived", 200);
    assert!(place(Method::OPTIONS, "CaptureBatch", 200) < place(Method::POST, "CaptureBatch", 202), "{calls:?}");

    subscribe(&services.endpoints, &format!("{functions}/runtime/webhooks/eventgrid?code={KEY}&functionName=Products"))
        .await;
    assert_eq!(next().await, (Method::OPTIONS, "Products".to_owned(), 200));

    // The same catalogue again changes nothing, another price makes the next version.
    let data = services.data.path().to_owned();
    for (price, version) in [("1.00", 1), ("2.00", 2)] {
        std::fs::write(catalogue.path(), rope(price).to_string()).expect("written");
        services.call("stop", &[]);
        let (data, arguments) = (data.clone(), arguments.map(str::to_owned));
        let again = move || Services::again(&data, &arguments.each_ref().map(String::as_str));
        tokio::task::spawn_blocking(again).await.expect("no panic");
        assert_eq!(product(&handler).await["version"], version);
    }
    let log = std::fs::read_to_string(data.join("up.log")).expect("a log");
    assert!(log.contains("func start") && !log.contains(KEY), "{log}");
    let endpoints = std::fs::read_to_string(data.join("endpoints.json")).expect("endpoints");
    assert!(!endpoints.contains(KEY), "{endpoints}");
}

/// The deployment makes a subscription on the storage account, as for a function that the topology does not know.
async fn subscribe(endpoints: &Endpoints, webhook: &str) {
    let deployment = SignedIn::new(endpoints, DEPLOYMENT).expect("an identity");
    let resource = "https://management.azure.com";
    let (group, _) = endpoints.event_grid.topic_id.split_once("/providers/").expect("an id");
    let url = format!(
        "{}{group}/providers/Microsoft.Storage/storageAccounts/devstoreaccount1/providers/Microsoft.EventGrid\
         /eventSubscriptions/by-hand?api-version=2025-02-15",
        endpoints.event_grid.resource_manager
    );
    let body = json!({ "properties": {
        "destination": { "endpointType": "WebHook", "properties": { "endpointUrl": webhook } },
        "eventDeliverySchema": "CloudEventSchemaV1_0",
        "filter": { "includedEventTypes": ["Microsoft.Storage.BlobCreated"], "subjectEndsWith": ".never" },
    }});
    let put = deployment.request(Method::PUT, &url, resource).await.expect("a token").json(&body);
    let answer = put.send().await.expect("an answer");
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
    eventually("the subscription", || async {
        let get = deployment.request(Method::GET, &url, resource).await.expect("a token");
        let shown: Value = get.send().await.expect("an answer").json().await.expect("JSON");
        let state = &shown["properties"]["provisioningState"];
        if state == "Succeeded" { Ok(()) } else { Err(shown.to_string()) }
    })
    .await;
}

#[test]
fn options_of_an_own_app_are_wrong_usage() {
    let data = TempDir::new().expect("a temporary folder");
    let refused = Services::up(data.path(), &["--app", "target/app"]).output().expect("contoso runs");
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(said(&refused).starts_with("error: --app cannot be used with --services-only: "), "{refused:?}");
}
