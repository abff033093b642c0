//! The URL of a webhook is a credential, in its path as in its query: nothing tells more of it than its host, whatever goes wrong.

use std::collections::BTreeMap;

use axum::extract::Path;
use contoso_handlers::domain::partner::event_grid_name;

use super::*;
use crate::support::{Otlp, Shop, ShopOptions, within};

/// An endpoint for each way of going wrong, which says the secret wherever it can.
#[derive(Clone, Default)]
struct Faulty {
    callback: Arc<Mutex<Option<String>>>,
    /// Requests to where the redirect leads.
    moved: Arc<AtomicUsize>,
    /// A part of the secret header of each delivery.
    secrets: Arc<Mutex<BTreeSet<String>>>,
}

impl Faulty {
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let host = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().route(&format!("/{CREDENTIAL}/{{way}}"), any(Self::answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        host
    }

    async fn answer(State(this): State<Self>, Path(way): Path<String>, method: Method, headers: HeaderMap) -> Response {
        let location =
            [("location", format!("/{CREDENTIAL}/moved?k={CREDENTIAL}")), ("x-debug", CREDENTIAL.to_owned())];
        let said =
            |status: StatusCode| (status, location.clone(), format!("at /{CREDENTIAL}?k={CREDENTIAL}")).into_response();
        if way == "moved" {
            this.moved.fetch_add(1, Ordering::SeqCst);
        }
        if let Some(secret) = headers.get("x-contoso-secret").and_then(|secret| secret.to_str().ok()) {
            this.secrets.lock().expect("no panic").insert(secret.to_owned());
        }
        match (method == Method::OPTIONS, way.as_str()) {
            (true, "refuses") => said(StatusCode::FORBIDDEN),
            (true, "turns") => said(StatusCode::PERMANENT_REDIRECT),
            (true, "headless") => said(StatusCode::OK),
            (true, "manual") => {
                let callback = headers.get("webhook-request-callback").and_then(|callback| callback.to_str().ok());
                *this.callback.lock().expect("no panic") = callback.map(str::to_owned);
                StatusCode::OK.into_response()
            }
            (true, "silent") | (false, "slow") => std::future::pending().await,
            (true, _) => [("webhook-allowed-origin", "*"), ("webhook-allowed-rate", "*")].into_response(),
            (false, "breaks") => said(StatusCode::INTERNAL_SERVER_ERROR),
            (false, "final") => said(StatusCode::BAD_REQUEST),
            (false, "moves") => said(StatusCode::TEMPORARY_REDIRECT),
            (false, _) => StatusCode::OK.into_response(),
        }
    }
}

/// A partner of a shop that is a process of its own, whose log is whole.
struct Caller<'a> {
    shop: &'a Shop,
    key: String,
    /// All answers.
    heard: Mutex<String>,
}

impl Caller<'_> {
    /// The answer, once the key has some of its allowance left.
    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        eventually(path, || async {
            let request = self.shop.http.request(method.clone(), self.shop.api(&format!("partners/acme{path}")));
            let answer = request.bearer_auth(&self.key).json(&body).send().await.expect("an answer");
            let (status, headers) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
            let text = answer.text().await.expect("a text");
            *self.heard.lock().expect("no panic") += &format!("{path}: {status} {headers} {text}\n");
            if status == 429 { Err(text) } else { Ok((status, serde_json::from_str(&text).unwrap_or_default())) }
        })
        .await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, json!({})).await.1
    }

    async fn stands(&self, name: &str, state: &str) -> Value {
        eventually(&format!("{name} is {state}"), || async {
            let shown = self.get(&format!("/subscriptions/{name}")).await;
            if shown["state"]["name"] == state { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await
    }
}

/// Runs `contoso partners`.
async fn partners(shop: &Shop, arguments: &[&str]) -> String {
    let mut command = crate::support::contoso();
    command.arg("partners").args(arguments).arg("--endpoints").arg(shop.endpoints_file());
    let output = tokio::task::spawn_blocking(move || command.output().expect("contoso runs")).await.expect("no panic");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_nothing_tells_more_of_an_endpoint_than_its_host() {
    let (receiver, environment) = Otlp::start().await;
    let shop =
        Shop::start(ShopOptions { environment, arguments: vec!["-vv".to_owned()], ..ShopOptions::default() }).await;
    let added = partners(&shop, &["add", "acme", "--contact", "ops@acme.example", "--key-only"]).await;
    let acme = Caller { shop: &shop, key: added.trim().to_owned(), heard: Mutex::default() };
    let faulty = Faulty::default();
    let host = faulty.serve().await;
    let url = |way: &str| format!("{host}/{CREDENTIAL}/{way}?k={CREDENTIAL}");

    // What is refused at once, and what does not consent.
    for endpoint in [
        format!("ftp://{}", url("x")),
        format!("{}#{CREDENTIAL}", url("x")),
        format!("http://{CREDENTIAL}:{CREDENTIAL}@ok.example/"),
        format!("http://[{CREDENTIAL}]/"),
        format!("{CREDENTIAL}/x"),
        format!("http://ok.example\\{CREDENTIAL}"),
    ] {
        let (status, refused) = acme.post("/subscriptions", json!({"name": "wrong", "endpoint": endpoint})).await;
        assert_eq!(status, 422, "{refused}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let gone = format!("http://{nobody}/{CREDENTIAL}?k={CREDENTIAL}");
    for (name, endpoint, cause) in [
        ("refuses", url("refuses"), "status"),
        ("turns", url("turns"), "status"),
        ("headless", url("headless"), "headerMissing"),
        ("silent", url("silent"), "timedOut"),
        ("gone", gone, "cannotConnect"),
    ] {
        let (status, made) = acme.post("/subscriptions", json!({"name": name, "endpoint": endpoint})).await;
        assert_eq!((status, &made["state"]["name"]), (201, &json!("failed")), "{made}");
        let (status, again) = acme.post(&format!("/subscriptions/{name}/handshake"), json!({})).await;
        assert_eq!((status, &again["handshake"]["cause"]), (409, &json!(cause)), "{again}");
    }

    // One that somebody consents for by the address that it was told, which has a code.
    let wish = json!({"name": "manual", "endpoint": url("manual"), "handshake": "manual"});
    assert_eq!(acme.post("/subscriptions", wish).await.0, 201);
    acme.stands("manual", "awaitingManualAction").await;
    let callback = faulty.callback.lock().expect("no panic").clone().expect("it was told");
    let code = callback.split_once("id=").expect("a code").1.to_owned();
    assert!(shop.http.get(&callback).send().await.expect("an answer").status().is_success());
    acme.stands("manual", "active").await;

    // And what fails with deliveries. `slow` needs the half minute that Event Grid waits for an answer.
    let ways = [("slow", json!(null)), ("breaks", json!(500)), ("final", json!(400)), ("moves", json!(307))];
    for (name, _) in &ways {
        let made = acme.post("/subscriptions", json!({"name": name, "endpoint": url(name)})).await;
        assert_eq!(made.0, 201, "{made:?}");
        acme.stands(name, "active").await;
    }
    for (name, status) in &ways {
        let patience = std::time::Duration::from_secs(90);
        let failure = within(patience, "a failure in the log", || async {
            let failures = acme.get(&format!("/subscriptions/{name}/failures")).await;
            let first = failures["items"][0].clone();
            if first.is_null() { Err(failures.to_string()) } else { Ok(first) }
        })
        .await;
        assert_eq!((&failure["status"], &failure["host"]), (status, &json!("http://127.0.0.1")), "{failure}");
        acme.get(&format!("/subscriptions/{name}/metrics")).await;
    }
    assert_eq!(faulty.moved.load(Ordering::SeqCst), 0, "redirects are not followed");

    // What was given up becomes a dead letter, under the name of its event subscription.
    let advance = json!({"seconds": 301});
    let control = format!("{}/clock/advance", shop.endpoint("/control"));
    assert!(shop.http.post(control).json(&advance).send().await.expect("an answer").status().is_success());
    let (partner, name) = ("acme".to_owned().try_into().expect("a name"), "final".to_owned());
    let owner = event_grid_name(&partner, &name.try_into().expect("a name")).to_uppercase();
    shop.parks(&owner, 1).await;

    // All that anybody can read of it afterwards.
    for path in ["", "/keys", "/audit?limit=200", "/subscriptions", "/events"] {
        acme.get(path).await;
    }
    let answers = acme.heard.lock().expect("no panic").clone();
    let secret = acme.get("/subscriptions/manual/secret").await;
    let secrets = secret["versions"].as_array().expect("versions").clone();
    let mut read = BTreeMap::from([("the answers", answers)]);
    read.insert("dead letters", shop.letters().await);
    let overview = shop.http.get(shop.api("ops/overview")).send().await.expect("an answer").text().await;
    read.insert("the operations page", overview.expect("a text"));
    read.insert("the demo partner's page", shop.partner_inbox().await.to_string());
    read.insert("the audit log", partners(&shop, &["audit", "acme"]).await);
    read.insert("the list of partners", partners(&shop, &["list"]).await);
    read.insert("the log", shop.whole_log());
    read.insert("telemetry", receiver.decoded().await.to_string());
    for (what, has) in [
        ("the log", "delivery failed"),
        ("the log", "dead-lettered"),
        ("telemetry", "Partners"),
        ("dead letters", owner.as_str()),
        ("the answers", "timedOut"),
    ] {
        assert!(read[what].contains(has), "{what} is where this would stand: {has}");
    }
    let shown: Vec<_> = secrets.iter().map(|version| version["secret"].as_str().expect("a secret")).collect();
    let delivered = faulty.secrets.lock().expect("no panic").clone();
    for (what, text) in &read {
        for hidden in [CREDENTIAL, &code, &acme.key[20..]]
            .into_iter()
            .chain(shown.iter().copied())
            .chain(delivered.iter().map(String::as_str))
        {
            let at = text.find(hidden).map(|at| text[..at].lines().last().unwrap_or_default().to_owned());
            assert_eq!(at, None, "{what} tells {hidden}");
        }
    }
}
