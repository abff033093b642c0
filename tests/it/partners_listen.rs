//! `contoso partners listen` and `send`: a partner's events at a server on this machine, without a gap, and nothing left behind.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    routing::any,
};
use reqwest::Method as Verb;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    partners::Partner,
    support::{Inside, Shop, ShopOptions, contoso, eventually, python, signal, within},
};

/// A local server of a partner's developer, which keeps what it gets as it came.
#[derive(Clone, Default)]
struct Server {
    /// What it answers; 0 is 200.
    answers: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Server {
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = Router::new().route("/hook", any(Self::answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn answer(State(this): State<Self>, method: Method, headers: HeaderMap, body: Bytes) -> StatusCode {
        let answer = match this.answers.load(Ordering::SeqCst) {
            0 => StatusCode::OK,
            status => StatusCode::from_u16(status).expect("a status"),
        };
        if method == Method::POST && answer == StatusCode::OK {
            this.got.lock().expect("no panic").push((headers, body));
        }
        answer
    }

    async fn gets(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> (HeaderMap, Bytes, Value) {
        eventually(what, || async {
            let got = self.got.lock().expect("no panic").clone();
            let mut read = got.into_iter().map(|(headers, body)| {
                let event = serde_json::from_slice::<Value>(&body).expect("JSON");
                (headers, body, event)
            });
            read.find(|(_, _, event)| wanted(event)).ok_or_else(|| format!("not among {:?}", self.ids()))
        })
        .await
    }

    fn ids(&self) -> Vec<String> {
        let got = self.got.lock().expect("no panic");
        got.iter().map(|(_, body)| serde_json::from_slice::<Value>(body).expect("JSON")["id"].to_string()).collect()
    }
}

/// A `contoso partners listen --json` that runs.
struct Listening {
    child: Child,
    stdin: ChildStdin,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Listening {
    fn start(endpoints: &Path, state: &Path, forward_to: &str, arguments: &[&str]) -> Self {
        let mut command = contoso();
        command.args(["partners", "--endpoints"]).arg(endpoints).args([
            "listen",
            "acme",
            "--json",
            "--forward-to",
            forward_to,
        ]);
        command.arg("--state").arg(state).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("contoso starts");
        let (stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                kept.lock().expect("no panic").push(serde_json::from_str(&line).expect("a line of JSON"));
            }
        });
        Self { child, stdin, lines }
    }

    fn lines(&self, kind: &str) -> Vec<Value> {
        let lines = self.lines.lock().expect("no panic");
        lines.iter().filter(|line| line["type"] == kind).cloned().collect()
    }

    async fn says(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        within(Duration::from_secs(60), &format!("a line of type {kind}"), || async {
            let found = self.lines(kind).into_iter().find(|line| wanted(line));
            found.ok_or_else(|| format!("{:?}", self.lines.lock().expect("no panic")))
        })
        .await
    }

    async fn ready(&self) -> String {
        self.says("ready", |_| true).await["listener"].as_str().expect("an id").to_owned()
    }

    async fn ends(&mut self) -> Option<i32> {
        let status = within(Duration::from_secs(60), "the end of listen", || {
            let state = self.child.try_wait().expect("waiting works");
            async move { state.ok_or_else(|| "it still runs".to_owned()) }
        })
        .await;
        status.code()
    }

    async fn interrupt(&mut self) -> Option<i32> {
        signal(self.child.id(), "-INT");
        self.ends().await
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Already gone is as good.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn rope(price: &str) -> Value {
    json!({"name": "Rope", "category": "Ropes", "price": {"amount": price, "currency": "USD"}})
}

fn is_priced(price: &str) -> impl Fn(&Value) -> bool {
    let price = price.to_owned();
    move |event| event["subject"] == "rope-1" && event["data"]["state"]["price"]["amount"] == *price
}

/// Runs `contoso partners` against the stack of this file.
async fn partners(endpoints: &Path, arguments: &[&str]) -> Output {
    let mut command = contoso();
    command.args(["partners", "--endpoints"]).arg(endpoints).args(arguments);
    tokio::task::spawn_blocking(move || command.output().expect("contoso runs")).await.expect("no panic")
}

/// What `contoso partners send` says that it sent.
async fn sends(endpoints: &Path, arguments: &[&str]) -> Value {
    let sent = partners(endpoints, &[&["send"], arguments, &["--json"]].concat()).await;
    assert!(sent.status.success(), "{sent:?}");
    serde_json::from_slice(&sent.stdout).expect("JSON")
}

/// Queue and event subscription of a listener.
fn queue_of(listener: &str) -> String {
    listener.replace('_', "-")
}

impl Inside {
    /// Queues and event subscriptions of listeners.
    async fn left_of(&self, listener: &str) -> (bool, bool) {
        let has_queue = self.stack.queues().count(&queue_of(listener)).is_ok();
        let shown = self.item("partners", "listeners", "acme", listener).await;
        (has_queue, shown.is_some())
    }

    /// Waits until so many events wait for a listener.
    async fn has_in_queue(&self, listener: &str, events: usize) {
        eventually("events in the queue", || async {
            let count = self.stack.queues().count(&queue_of(listener));
            if count.as_ref().is_ok_and(|count| *count == events) { Ok(()) } else { Err(format!("{count:?}")) }
        })
        .await;
    }

    fn endpoints_in(&self, folder: &Path) -> std::path::PathBuf {
        let file = folder.join("endpoints.json");
        let text = serde_json::to_string(self.stack.endpoints()).expect("JSON");
        std::fs::write(&file, text).expect("written");
        file
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_a_webhook_gets_them_and_what_fails_is_kept_and_sent_again() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    let folder = TempDir::new().expect("a folder");
    let endpoints = shop.endpoints_in(folder.path());
    let (server, state) = (Server::default(), folder.path().join("state"));
    let url = server.serve().await;
    // Without a key: the stack gives one to this machine.
    let mut listening = Listening::start(&endpoints, &state, &url, &["--category", "Ropes"]);
    let id = listening.ready().await;

    shop.put("tent-1", &json!({"name": "Tent", "category": "Tents", "price": {"amount": "5.00", "currency": "USD"}}))
        .await;
    shop.put("rope-1", &rope("5.00")).await;
    let (headers, body, event) = server.gets("the rope", is_priced("5.00")).await;
    let (_, shown) = acme.get(&format!("/listeners/{id}")).await;
    for (name, value) in shown["headers"].as_object().expect("headers") {
        assert_eq!(headers[name.as_str()], value.as_str().expect("text"), "{name}");
    }
    assert!(shown["headers"]["x-contoso-secret"].as_str().is_some_and(|secret| secret.starts_with("whs_")), "{shown}");
    assert_eq!(headers["content-type"], "application/cloudevents+json; charset=utf-8");
    assert_eq!(headers["aeg-event-type"], "Notification");
    assert_eq!(headers["aeg-delivery-count"], "0");
    assert_eq!(serde_json::from_slice::<Value>(&body).expect("JSON")["audience"], "all");
    let line = listening.says("event", |line| line["id"] == event["id"]).await;
    assert_eq!((&line["status"], &line["repeat"], &line["error"]), (&json!(200), &json!(false), &Value::Null));
    assert!(line["ms"].is_u64(), "{line}");
    assert_eq!(server.ids().len(), 1, "the tent is of another category");

    // A failure is no success: kept, and sent again when asked for.
    server.answers.store(500, Ordering::SeqCst);
    shop.put("rope-1", &rope("6.00")).await;
    let failed = listening.says("event", |line| line["status"] == 500).await;
    assert_eq!(failed["error"], "your server answered 500");
    server.answers.store(0, Ordering::SeqCst);
    listening.stdin.write_all(b"r\n").expect("written");
    let (headers, _, _) = server.gets("the second price", is_priced("6.00")).await;
    assert_eq!(headers["aeg-delivery-count"], "1");
    listening.says("event", |line| line["id"] == failed["id"] && line["status"] == 200).await;

    // An example reaches this listener alone, marked, and below any real event.
    let sent = sends(&endpoints, &["product.changed", "--set", "state.price.amount=17.50"]).await;
    let (_, _, event) = server.gets("the example", |event| event["id"] == sent["id"]).await;
    assert_eq!(event["audience"], format!("acme/{id}"));
    assert_eq!((&event["test"], &event["sequence"]), (&json!(true), &json!("0000000000000000000")));
    assert_eq!(
        (&event["data"]["state"]["price"]["amount"], &event["data"]["state"]["category"]),
        (&json!("17.50"), &json!("Ropes"))
    );
    assert_eq!(event["data"]["changes"][0]["to"]["amount"], "17.50");
    assert_eq!(listening.says("event", |line| line["id"] == sent["id"]).await["marks"], json!(["test"]));
    for notice in ["test", "welcome"] {
        let sent = sends(&endpoints, &[notice]).await;
        let (_, _, event) = server.gets(notice, |event| event["id"] == sent["id"]).await;
        assert_eq!(
            (&event["test"], event["id"].as_str().is_some_and(|id| id.starts_with("test-"))),
            (&json!(true), true)
        );
    }
    for (arguments, code, said) in [
        (
            ["product.changed", "--set", "state.price.amuont=17.50"].as_slice(),
            1,
            "is not in the event; did you mean state.price.amount? state.price has amount, currency",
        ),
        (
            &["product.changed", "--set", "state.price.amount=-1"],
            1,
            "set is not valid: state.price: must not be negative",
        ),
        (
            &["product.discontinued", "--set", "lastState.category=Tents"],
            1,
            "does not let this event through, so nothing was sent",
        ),
        (&["product.changed", "--set", "state.stock=1", "--set", "state.stock=2"], 2, "--set says state.stock twice"),
        (&["product.changed", "--subscription", "x/../../keys"], 2, "must be 3 to 40"),
        (&["order.placed"], 1, "must be one of"),
    ] {
        let refused = partners(&endpoints, &[&["send"], arguments].concat()).await;
        let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(code) && complaint.contains(said), "{arguments:?}: {complaint}");
    }
    for none in ["nope", "lsn_0123456789abcdef", "../subscriptions"] {
        let gone = partners(&endpoints, &["listeners", "--remove", none, "--json"]).await;
        let told: Value = serde_json::from_slice(&gone.stdout).expect("JSON");
        assert_eq!((gone.status.code(), &told["removed"]), (Some(1), &json!(false)), "{gone:?}");
        assert!(String::from_utf8_lossy(&gone.stderr).contains(&format!("acme has no listener {none}")), "{gone:?}");
    }

    assert_eq!(listening.interrupt().await, Some(130));
    assert_eq!(shop.left_of(&id).await, (false, false), "nothing is left");
    let end = listening.says("end", |_| true).await;
    assert_eq!((&end["refused"], &end["kept"]), (&json!(0), &json!(0)), "what was refused was taken later: {end}");
    assert!(end["forwarded"].as_u64() >= Some(5), "{end}");
    assert_eq!(
        listening.lines("ready")[0]["forwardTo"].as_str(),
        url.strip_suffix("hook").map(|host| format!("{host}…")).as_deref()
    );
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_goes_on_without_a_gap_and_leaves_nothing_for_ever() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    let folder = TempDir::new().expect("a folder");
    let endpoints = shop.endpoints_in(folder.path());
    let (server, state) = (Server::default(), folder.path().join("state"));
    let url = server.serve().await;
    shop.put("rope-0", &rope("4.00")).await;
    shop.comes_to_rest(1).await;
    shop.captures("products").await;
    let first = Listening::start(&endpoints, &state, &url, &[]);
    let id = first.ready().await;
    drop(first);
    shop.put("rope-1", &rope("5.00")).await;
    shop.has_in_queue(&id, 1).await;

    // What was down is made up for by the same listener; for CI it ends by itself.
    let arguments = ["--since", "10m", "--exit-after", "2", "--timeout", "60s"];
    let mut second = Listening::start(&endpoints, &state, &url, &arguments);
    assert_eq!(second.says("ready", |_| true).await["resumed"], true);
    server.gets("the event of the time between", is_priced("5.00")).await;
    server.gets("what was captured before", |event| event["subject"] == "rope-0").await;
    assert_eq!(second.ends().await, Some(0));
    assert_eq!(shop.left_of(&id).await, (false, false));
    let mut idle = Listening::start(&endpoints, &state, &url, &["--exit-after", "1", "--timeout", "2s"]);
    assert_eq!(idle.ends().await, Some(1), "no event came in time");

    // Nobody renews: Event Grid ends it by itself, and the app removes the rest.
    let killed = Listening::start(&endpoints, &state, &url, &["--hours", "1"]);
    let id = killed.ready().await;
    drop(killed);
    assert_eq!(shop.left_of(&id).await, (true, true));
    let listed = acme.get("/listeners").await.1;
    assert_eq!(listed["items"][0]["id"], id.as_str());
    shop.step(Duration::from_secs(3601));
    eventually("nothing of the listener", || async {
        shop.stack.host().expect("a host").fire_timer("PartnerHealth").await.expect("a timer");
        let left = shop.left_of(&id).await;
        if left == (false, false) { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    assert_eq!(acme.get(&format!("/listeners/{id}")).await.0, 404);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_is_its_partners_and_within_its_bounds() {
    let shop = Inside::start().await;
    let (acme, other) = (Partner::joins(&shop, "acme").await, Partner::joins(&shop, "other").await);
    let made = || async {
        let request = acme.request(Verb::POST, "/listeners").header("idempotency-key", "k-1");
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let (status, first) = made().await;
    assert_eq!((status, &first["state"], &first["secretOf"]), (201, &json!("live"), &json!("listener")), "{first}");
    let (status, again) = made().await;
    let whole = |answer: &Value| json!([answer["id"], answer["headers"], answer["secretOf"], answer["state"]]);
    assert_eq!((status, whole(&again)), (201, whole(&first)), "told as whoever asks for the listener is");
    let path = format!("/listeners/{}", first["id"].as_str().expect("an id"));
    for (method, path) in
        [(Verb::GET, path.clone()), (Verb::POST, format!("{path}/receive")), (Verb::DELETE, path.clone())]
    {
        assert_eq!(other.call(method, &path, None).await.0, 404, "{path}");
    }
    for (body, status, said) in [
        (json!({"hours": 25}), 422, "hours"),
        (json!({"like": "none-such"}), 422, "like"),
        (json!({"like": "none-such", "categories": ["Ropes"]}), 422, "categories"),
        (json!({"category": "Ropes"}), 400, "category"),
        (json!({"eventTypes": ["com.contoso.partner.subscription-failing.v1"]}), 422, "eventTypes"),
    ] {
        let (answered, problem) = acme.post("/listeners", body.clone()).await;
        assert!(answered == status && problem["errors"][0]["field"] == said, "{body}: {problem}");
    }
    let mut others = Vec::new();
    for _ in 0..2 {
        let (status, made) = acme.post("/listeners", json!({"hours": 1.0})).await;
        assert_eq!(status, 201, "{made}");
        others.push(format!("/listeners/{}", made["id"].as_str().expect("an id")));
    }
    let (status, problem) = acme.post("/listeners", json!({})).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/too-many-listeners")), "{problem}");

    // An official client finds in the queue what Azure's Event Grid would put there.
    shop.put("rope-1", &rope("5.00")).await;
    let id = first["id"].as_str().expect("an id");
    shop.has_in_queue(id, 1).await;
    let mut given = json!(shop.stack.endpoints());
    given["name"] = json!(queue_of(id));
    let said =
        tokio::task::spawn_blocking(move || python::run_client("listener_queue.py", &given)).await.expect("no panic");
    assert_eq!(said.trim(), "ok");

    // What waits is there until it is acknowledged.
    let taken = eventually("the event", || async {
        let (status, taken) = acme.post(&format!("{path}/receive"), json!({"max": 1})).await;
        if taken["events"][0].is_object() { Ok(taken) } else { Err(format!("{status} {taken}")) }
    })
    .await;
    // The receipt of another listener's event ends nothing, and that is said; and neither does one whose event is gone.
    let own = &taken["events"][0]["receipt"];
    let foreign = eventually("the event at another", || async {
        let (status, taken) = acme.post(&format!("{}/receive", others[0]), json!({"max": 1})).await;
        let receipt = taken["events"][0]["receipt"].clone();
        if receipt.is_string() { Ok(receipt) } else { Err(format!("{status} {taken}")) }
    })
    .await;
    let acknowledge = |receipts: Value| {
        let path = format!("{path}/acknowledge");
        let acme = &acme;
        async move { acme.post(&path, json!({ "receipts": receipts })).await }
    };
    let unknown =
        |acknowledged: u32, receipt: &Value| (200, json!({"acknowledged": acknowledged, "unknown": [receipt]}));
    assert_eq!(acknowledge(json!([foreign])).await, unknown(0, &foreign));
    assert_eq!(acknowledge(json!([foreign, own])).await, unknown(1, &foreign));
    assert_eq!(acknowledge(json!([own])).await, unknown(0, own), "again is no harm");
    let kept = acme.post(&format!("{}/acknowledge", others[0]), json!({ "receipts": [foreign] })).await;
    assert_eq!(kept.0, 204, "it stayed where it was: {kept:?}");
    assert_eq!(acme.post(&format!("{path}/acknowledge"), json!({"receipts": ["x"]})).await.0, 422);
    shop.has_in_queue(id, 0).await;
    assert_eq!(acme.call(Verb::POST, &format!("{path}/renew"), None).await.0, 200);
    assert_eq!(acme.call(Verb::DELETE, &path, None).await.0, 204);
    assert_eq!(acme.call(Verb::DELETE, &path, None).await.0, 404);
    let (status, ended) = made().await;
    assert_eq!((status, &ended["type"]), (409, &json!("/problems/listener-ended")), "{ended}");
    assert_eq!(acme.get(&path).await.0, 404, "it is not made again");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_is_down_for_a_while_loses_nothing() {
    let shop = Shop::start(ShopOptions::default()).await;
    let added = partners(&shop.endpoints_file(), &["add", "acme", "--contact", "ops@acme.example", "--key-only"]).await;
    assert!(added.status.success(), "{added:?}");
    let state = TempDir::new().expect("a folder");
    let server = Server::default();
    let url = server.serve().await;
    let mut listening = Listening::start(&shop.endpoints_file(), state.path(), &url, &["--heartbeat", "1s"]);
    let id = listening.ready().await;
    listening.says("heartbeat", |line| line["connected"] == true).await;
    let shop = {
        shop.put_product("rope-1", &rope("5.00")).await;
        server.gets("the first price", is_priced("5.00")).await;
        let crashed = shop.crash();
        listening.says("lost", |line| line["seconds"] == 0).await;
        // While it lasts, nothing says that all is well.
        let before = listening.lines("heartbeat").len();
        listening.says("lost", |line| line["seconds"].as_u64() >= Some(1) && line["heard"].is_string()).await;
        assert_eq!(listening.lines("heartbeat").len(), before);
        crashed.restart().await
    };
    // The stack is up again, at other ports; nobody asked the command to begin anew.
    shop.put_product("rope-1", &rope("6.00")).await;
    listening.says("back", |_| true).await;
    server.gets("the second price", is_priced("6.00")).await;
    assert_eq!(listening.lines("ready").len(), 1, "the same listener");
    assert_eq!(listening.lines("ready")[0]["listener"], id.as_str());
    assert_eq!(listening.interrupt().await, Some(130));
}
