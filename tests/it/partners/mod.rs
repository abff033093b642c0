//! `Partners`: a partner joins, subscribes a webhook, mends what is wrong with it, and gets what it asked for; nobody else does.

mod limits;
mod provisioning;
mod security;
mod story;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use contoso_handlers::domain::partner::{
    PartnerName, TEST, WELCOME,
    api_key::{Account, ApiKey, KeyRecord, KeyWish, RANDOM, Scope},
};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpListener;

use crate::support::{Inside, eventually, machine};

/// A webhook that consents or does not, and keeps what it gets.
#[derive(Clone, Default)]
pub(crate) struct Webhook {
    /// How often it still consents.
    consents: Arc<AtomicUsize>,
    /// How often it was asked.
    asked: Arc<AtomicUsize>,
    got: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

/// In path and query of each endpoint: no answer, log or trace may have it.
const CREDENTIAL: &str = "s3cr3t";

impl Webhook {
    /// Serves it, and returns its address.
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/{CREDENTIAL}/hook?k={CREDENTIAL}", listener.local_addr().expect("an address"));
        let router = Router::new().route("/{*path}", any(Self::answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn answer(State(this): State<Self>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
        if method == Method::OPTIONS {
            this.asked.fetch_add(1, Ordering::SeqCst);
            let left = this.consents.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            return match left {
                Ok(_) => [("webhook-allowed-origin", "*"), ("webhook-allowed-rate", "*")].into_response(),
                Err(_) => StatusCode::METHOD_NOT_ALLOWED.into_response(),
            };
        }
        let event = serde_json::from_slice(&body).expect("an event");
        this.got.lock().expect("no panic").push((headers, event));
        StatusCode::OK.into_response()
    }

    fn set(&self, consents: bool) {
        self.consents.store(if consents { usize::MAX } else { 0 }, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Waits for an event, and returns it with its headers.
    async fn gets(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> (HeaderMap, Value) {
        eventually(what, || async {
            let got = self.got.lock().expect("no panic");
            let found = got.iter().find(|(_, event)| wanted(event)).cloned();
            found.ok_or_else(|| format!("{:?}", got.iter().map(|(_, event)| event).collect::<Vec<_>>()))
        })
        .await
    }

    fn has(&self, wanted: impl Fn(&Value) -> bool) -> bool {
        self.got.lock().expect("no panic").iter().any(|(_, event)| wanted(event))
    }
}

fn is_of(subject: &str, price: &str) -> impl Fn(&Value) -> bool {
    let (subject, price) = (subject.to_owned(), price.to_owned());
    move |event| event["subject"] == *subject && event["data"]["state"]["price"]["amount"] == *price
}

/// A partner with a key.
pub(crate) struct Partner<'a> {
    shop: &'a Inside,
    name: &'static str,
    key: String,
}

impl<'a> Partner<'a> {
    /// Joins as the command line has a partner join.
    pub(crate) async fn joins(shop: &'a Inside, name: &'static str) -> Self {
        let now = machine::now();
        let partner = PartnerName::try_from(name.to_owned()).expect("a name");
        let account = Account::new(partner.clone(), name.to_uppercase(), format!("ops@{name}.example"), now);
        shop.create_in("partners", "partners", name, &json!(account)).await;
        let this = Self { shop, name, key: String::new() };
        this.with_key(Scope::Write, None).await
    }

    /// The same partner with another key.
    async fn with_key(&self, scope: Scope, expires: Option<OffsetDateTime>) -> Self {
        let now = machine::now();
        let random: [u8; RANDOM] = std::array::from_fn(|_| rand_byte());
        let key = ApiKey::of(random);
        let wish = KeyWish { scope, label: Some("test".to_owned()), expires };
        let partner = PartnerName::try_from(self.name.to_owned()).expect("a name");
        let record = KeyRecord::new(partner, &key, wish, now);
        self.shop.create_in("partners", "partners", self.name, &json!(record)).await;
        Self { shop: self.shop, name: self.name, key: key.reveal().to_owned() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/partners/{}{path}", self.shop.stack.endpoints().functions, self.name);
        self.shop.http.request(method, url).bearer_auth(&self.key)
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.request(method, path);
        answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// Waits until a subscription is as it should be.
    pub(crate) async fn stands(&self, path: &str, state: &str) -> Value {
        eventually(&format!("{path} is {state}"), || async {
            let (_, shown) = self.get(path).await;
            if shown["state"]["name"] == state { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await
    }
}

/// An answer, which has nothing of an endpoint but its host.
async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a text");
    assert!(!text.contains(CREDENTIAL), "{text}");
    (status, serde_json::from_str(&text).unwrap_or_default())
}

fn rand_byte() -> u8 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish().to_le_bytes()[0]
}

fn product(category: &str, price: &str) -> Value {
    json!({"name": "Rope", "category": category, "price": {"amount": price, "currency": "USD"}})
}

fn kind(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["type"].as_str().unwrap_or_default())
}

const HOOK: &str = "/subscriptions/prices";

#[tokio::test]
async fn a_partner_subscribes_by_itself_and_gets_what_it_asked_for() {
    let shop = Inside::start().await;
    shop.run_telling_app().await;
    let (acme, other) = (Partner::joins(&shop, "acme").await, Partner::joins(&shop, "other").await);
    let webhook = Webhook::default();
    let endpoint = webhook.serve().await;

    // The endpoint answers OPTIONS otherwise: the cause is told, and the subscription is there to be mended.
    let wish = json!({"name": "prices", "endpoint": endpoint, "productPrefix": "rope"});
    let (status, made) = acme.post("/subscriptions", wish.clone()).await;
    assert_eq!((status, &made["state"]["name"]), (201, &json!("failed")), "{made}");
    assert!(made["state"]["cause"].as_str().expect("a cause").contains("status 405"), "{made}");
    assert_eq!(made["state"]["handshake"], json!({"cause": "status", "status": 405}));
    let refused = acme.post(&format!("{HOOK}/handshake"), json!({})).await;
    assert_eq!(kind(&refused), (409, "/problems/handshake-failed"), "{refused:?}");
    assert_eq!(refused.1["handshake"], json!({"cause": "status", "status": 405}));
    webhook.set(true);
    let (status, mended) = acme.post(&format!("{HOOK}/handshake"), json!({})).await;
    assert_eq!(status, 200, "{mended}");
    acme.stands(HOOK, "active").await;
    let (headers, welcome) = webhook.gets("the welcome", |event| event["type"] == WELCOME).await;
    assert_eq!(headers["x-contoso-subscription"], "acme/prices");
    assert_eq!(welcome["data"]["partner"], "acme");

    // Sent again it is the same; with other settings it is another one of that name.
    let (status, again) = acme.post("/subscriptions", wish.clone()).await;
    assert_eq!((status, &again["state"]["name"]), (200, &json!("active")), "{again}");
    let another = acme.post("/subscriptions", json!({"name": "prices", "endpoint": endpoint})).await;
    assert_eq!(kind(&another), (409, "/problems/subscription-exists"));

    // Only what matches, with the secret.
    shop.put("tent-1", &product("Tents", "5.00")).await;
    shop.put("rope-1", &product("Ropes", "5.00")).await;
    let (headers, _) = webhook.gets("the rope", is_of("rope-1", "5.00")).await;
    let (_, secret) = acme.get(&format!("{HOOK}/secret")).await;
    assert_eq!(headers["x-contoso-secret"], secret["versions"][0]["secret"].as_str().expect("a secret"), "{secret}");

    // A test is published once for its key, and reaches this subscription.
    let tested = || {
        let request = acme.request(Method::POST, &format!("{HOOK}/test")).header("idempotency-key", "\"t-1\"");
        async move { request.send().await.expect("an answer") }
    };
    let first = tested().await;
    assert_eq!((first.status().as_u16(), first.headers().get("idempotency-replayed")), (202, None));
    let first: Value = first.json().await.expect("JSON");
    let second = tested().await;
    assert_eq!(second.headers()["idempotency-replayed"], "true");
    assert_eq!(second.json::<Value>().await.expect("JSON"), first);
    webhook.gets("the test", |event| event["type"] == TEST && event["id"] == first["id"]).await;
    let request = acme.request(Method::POST, &format!("{HOOK}/test")).header("idempotency-key", "t-1");
    assert_eq!(kind(&answer(request.json(&json!({"other": 1}))).await), (422, "/problems/idempotency-key-reused"));

    // What happens in a pause is not delivered, and is in the gap.
    let (status, paused) = acme.post(&format!("{HOOK}/pause"), json!({"reason": "maintenance"})).await;
    assert_eq!((status, &paused["state"]["name"]), (200, &json!("paused")), "{paused}");
    let (_, again) = acme.post(&format!("{HOOK}/pause"), json!({})).await;
    assert_eq!(again["revision"], paused["revision"]);
    shop.put("rope-1", &product("Ropes", "6.00")).await;
    eventually("the demo partner has it", || async {
        let told = shop.partner().await;
        if told.len() >= 3 { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
    let (status, resumed) = acme.post(&format!("{HOOK}/resume"), json!({})).await;
    assert_eq!(status, 200, "{resumed}");
    let resumed = acme.stands(HOOK, "active").await;
    let missed = &resumed["missed"];
    assert_eq!(missed["reason"], "paused", "{resumed}");
    assert!(missed["from"].as_str() >= paused["since"].as_str() && missed["until"].is_string(), "{resumed}");

    // A change asks the endpoint first, and changes nothing if it does not consent.
    webhook.set(false);
    let refused = acme.patch(HOOK, json!({"productPrefix": "tent"})).await;
    assert_eq!(kind(&refused), (409, "/problems/handshake-failed"));
    let rotated = acme.post(&format!("{HOOK}/secret"), json!({})).await;
    assert_eq!(kind(&rotated), (409, "/problems/handshake-failed"));
    assert_eq!(acme.get(HOOK).await.1, resumed, "as it was");
    webhook.set(true);
    // What Event Grid refuses, as the stack does webhooks with a token, leaves everything as it was.
    let nobody = "00000000-0000-0000-0000-000000000000";
    let application = json!({"tenantId": nobody, "applicationId": nobody});
    let refused = acme.patch(HOOK, json!({"entra": application})).await;
    assert_eq!(kind(&refused), (409, "/problems/change-refused"));
    let left = acme.get(HOOK).await.1;
    assert_eq!((&left["state"]["name"], &left["gaps"]), (&json!("active"), &resumed["gaps"]), "{left}");
    let (status, patched) = acme.patch(HOOK, json!({"productPrefix": "tent"})).await;
    assert_eq!((status, &patched["productPrefix"]), (200, &json!("tent")), "{patched}");
    acme.stands(HOOK, "active").await;
    shop.put("rope-1", &product("Ropes", "7.00")).await;
    shop.put("tent-1", &product("Tents", "7.00")).await;
    webhook.gets("the tent", is_of("tent-1", "7.00")).await;
    assert!(!webhook.has(is_of("tent-1", "5.00")), "not selected then");

    // Rotation: deliveries carry both, the new one first.
    let (status, rotated) = acme.post(&format!("{HOOK}/secret"), json!({"overlapHours": 2})).await;
    assert_eq!(status, 200, "{rotated}");
    acme.stands(HOOK, "active").await;
    shop.put("tent-1", &product("Tents", "8.00")).await;
    let (headers, _) = webhook.gets("the tent", is_of("tent-1", "8.00")).await;
    let versions = rotated["versions"].as_array().expect("versions");
    let both: Vec<_> = versions.iter().map(|version| version["secret"].as_str().expect("a secret")).collect();
    assert_eq!(headers["x-contoso-secret"], both.join(", "));
    assert_eq!((both.len(), &secret["versions"][0]["secret"]), (2, &json!(both[1])));
    for price in ["6.00", "7.00"] {
        assert!(!webhook.has(is_of("rope-1", price)), "{price}: missed, or not selected");
    }

    // Another partner sees nothing of it, and who has no key even less.
    assert_eq!(other.get(HOOK).await.0, 404);
    assert_eq!(other.get("/subscriptions").await.1, json!({"items": []}));
    assert_eq!(other.post(&format!("{HOOK}/pause"), json!({})).await.0, 404);
    let nobody = Partner { key: String::new(), ..Partner::joins(&shop, "nobody").await };
    let strange = Partner { key: ApiKey::of([7; RANDOM]).reveal().to_owned(), name: "acme", shop: &shop };
    let unknown = Partner { name: "stranger", key: acme.key.clone(), shop: &shop };
    let crossed = Partner { name: "acme", key: other.key.clone(), shop: &shop };
    let longer = Partner { name: "acme", key: format!("{}x", acme.key), shop: &shop };
    let mut bodies = Vec::new();
    for wrong in [&nobody, &strange, &unknown, &crossed, &longer] {
        let refused = wrong.get("").await;
        assert_eq!(kind(&refused), (401, "/problems/key-invalid"));
        bodies.push(refused.1);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "nothing tells them apart: {bodies:?}");
    let late = acme.with_key(Scope::Write, Some(OffsetDateTime::UNIX_EPOCH)).await;
    assert_eq!(kind(&late.get("").await), (401, "/problems/key-expired"));

    // A key that may only read.
    let reader = acme.with_key(Scope::Read, None).await;
    assert_eq!(reader.get(HOOK).await.0, 200);
    assert_eq!(kind(&reader.post(&format!("{HOOK}/pause"), json!({})).await), (403, "/problems/key-may-only-read"));
    assert_eq!(reader.get(&format!("{HOOK}/secret")).await.0, 403);

    // Rotating keys: two count, a third does not fit, a superseded one says so, a revoked one is dead at once.
    let wish = json!({"scope": "write", "label": "next"});
    assert_eq!(kind(&acme.post("/keys", wish).await), (409, "/problems/too-many-keys"));
    let reader_id = &reader.key[4..16];
    assert_eq!(acme.call(Method::DELETE, &format!("/keys/{reader_id}"), None).await.0, 204);
    assert_eq!(kind(&reader.get("").await), (401, "/problems/key-revoked"));
    let old_id = &acme.key[4..16];
    let request = acme.request(Method::POST, "/keys").header("idempotency-key", "k");
    let wish = json!({"scope": "write", "label": "next", "supersedes": old_id, "graceHours": 1.0});
    let (status, next) = answer(request.try_clone().expect("a copy").json(&wish)).await;
    assert_eq!(status, 201, "{next}");
    let (_, replayed) = answer(request.json(&wish)).await;
    assert_eq!((&replayed["id"], &replayed["key"]), (&next["id"], &Value::Null), "shown once");
    let marked = acme.request(Method::GET, "").send().await.expect("an answer");
    assert!(marked.headers().contains_key("x-contoso-key-superseded"), "{marked:?}");
    let acme = Partner { key: next["key"].as_str().expect("a key").to_owned(), ..acme };
    assert_eq!(acme.get("").await.1["name"], "ACME");

    // What was done is in the log, and the end.
    let (_, audit) = acme.get("/audit?limit=200").await;
    let done: Vec<_> = audit["items"].as_array().expect("items").iter().map(|entry| &entry["action"]).collect();
    for action in ["POST /subscriptions/prices/pause", "PATCH /subscriptions/prices", "POST /keys"] {
        assert!(done.contains(&&json!(action)), "{action}: {done:?}");
    }
    assert_eq!(acme.call(Method::DELETE, HOOK, None).await.0, 204);
    assert_eq!(acme.get(HOOK).await.0, 404);

    // Nothing that the app told of itself has a part of an endpoint that is secret, or of a key.
    let telemetry = shop.stack.telemetry();
    eventually("logs of the app", || async {
        let said = telemetry.logs(100_000, |_| true);
        if said.len() > 20 { Ok(()) } else { Err(format!("{}", said.len())) }
    })
    .await;
    let said = format!("{:?} {:?}", telemetry.logs(100_000, |_| true), telemetry.spans(100_000, |_| true));
    for secret in [CREDENTIAL, &acme.key[20..], both[0]] {
        assert!(!said.contains(secret), "{secret}");
    }
    shop.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_wish_is_named() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    let own = format!("{}/runtime/webhooks/eventgrid", shop.stack.endpoints().functions);
    let cosmos = format!("{}/x", shop.stack.endpoints().cosmos.endpoint);
    let many: Vec<String> = (0..23).map(|number| format!("c{number}")).collect();
    for (wish, status, said) in [
        (json!({"name": "prices"}), 422, "endpoint is required"),
        (json!({"name": "Prices", "endpoint": "https://ok.example/"}), 422, "must be in lower case: prices"),
        (json!({"name": "prices", "endpoint": "https://u:p@ok.example/"}), 422, "user name"),
        (json!({"name": "prices", "endpoint": own}), 422, "host of this system"),
        (json!({"name": "prices", "endpoint": cosmos}), 422, "host of this system"),
        (
            json!({"name": "prices", "endpoint": "https://ok.example/", "category": "Tents"}),
            400,
            "category is no member",
        ),
        (
            json!({"name": "prices", "endpoint": "https://ok.example/", "categories": many}),
            422,
            "make two subscriptions",
        ),
        (
            json!({"name": "prices", "endpoint": "https://ok.example/", "startFrom": "2099-01-01T00:00:00Z"}),
            422,
            "startFrom",
        ),
        (json!([]), 400, "JSON object"),
    ] {
        let (got, answer) = acme.post("/subscriptions", wish.clone()).await;
        assert!(
            got == status && answer["detail"].as_str().unwrap_or_default().contains(said),
            "{wish}: {got} {answer}"
        );
    }
    let large = json!({"name": "x".repeat(70_000)});
    assert_eq!(acme.post("/subscriptions", large).await.0, 413);
    let twice =
        acme.request(Method::POST, "/subscriptions").header("idempotency-key", "a").header("idempotency-key", "b");
    assert_eq!(answer(twice.json(&json!({}))).await.0, 400);
    assert_eq!(acme.get("/subscriptions").await.1, json!({"items": []}), "nothing was stored");

    // A key has its allowance, which it does not share.
    let other = Partner::joins(&shop, "other").await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.extend(
            futures::future::join_all((0..10).map(|_| acme.get(""))).await.into_iter().map(|(status, _)| status),
        );
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(other.get("").await.0, 200);
    shop.stop().await;
}
