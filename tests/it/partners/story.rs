//! One partner from its first key to the end of an outage: nothing is missing afterwards, and another partner saw none of it.

use std::{collections::BTreeSet, time::Duration};

use contoso_handlers::domain::partner::event_grid_name;
use time::format_description::well_known::Rfc3339;

use super::*;

/// What the endpoint does with deliveries.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Takes,
    /// 429, and asks to be left alone for two minutes.
    Throttles,
    /// Takes one more, and fails from then on.
    TakesOne,
    Fails,
}

/// A partner's endpoint.
#[derive(Clone, Default)]
struct Endpoint(Arc<Mutex<Standing>>);

#[derive(Default)]
struct Standing {
    consents: bool,
    mood: Mood,
    deliveries: usize,
    got: Vec<Value>,
}

impl Endpoint {
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/{CREDENTIAL}", listener.local_addr().expect("an address"));
        let router = Router::new().route("/{*path}", any(Self::answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn answer(State(this): State<Self>, method: Method, body: Bytes) -> Response {
        let mut standing = this.0.lock().expect("no panic");
        if method == Method::OPTIONS {
            return match standing.consents {
                true => [("webhook-allowed-origin", "*"), ("webhook-allowed-rate", "*")].into_response(),
                false => StatusCode::NOT_FOUND.into_response(),
            };
        }
        standing.deliveries += 1;
        match standing.mood {
            Mood::Throttles => return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "120")]).into_response(),
            Mood::Fails => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Mood::TakesOne => standing.mood = Mood::Fails,
            Mood::Takes => {}
        }
        standing.got.push(serde_json::from_slice(&body).expect("an event"));
        StatusCode::OK.into_response()
    }

    fn is(&self, mood: Mood) {
        self.0.lock().expect("no panic").mood = mood;
    }

    fn consents(&self) {
        self.0.lock().expect("no panic").consents = true;
    }

    fn deliveries(&self) -> usize {
        self.0.lock().expect("no panic").deliveries
    }

    /// Events about products, each as often as it came.
    fn got(&self) -> Vec<Value> {
        let standing = self.0.lock().expect("no panic");
        standing.got.iter().filter(|event| event["source"] == "/contoso/catalog").cloned().collect()
    }

    fn ids(&self) -> BTreeSet<String> {
        self.got().iter().map(id).collect()
    }
}

fn id(event: &Value) -> String {
    event["id"].as_str().expect("an id").to_owned()
}

/// All that was published, by the endpoint of a partner that gets everything.
struct Published<'a> {
    shop: &'a Inside,
    everything: &'a Endpoint,
}

impl Published<'_> {
    /// Puts a product into a category, or takes it off sale, and returns the id of the event that tells it.
    async fn change(&self, product: &str, category: Option<&str>) -> String {
        let before = self.everything.ids();
        match category {
            Some(category) => self.shop.put(product, &super::product(category, "5.00")).await,
            None => {
                let url = format!("{}/api/products/{product}", self.shop.stack.endpoints().functions);
                let answer = self.shop.http.delete(url).send().await.expect("an answer");
                assert!(answer.status().is_success(), "{}", answer.status());
            }
        }
        // Awaited one by one: of two changes in quick succession the feed may leave out the first.
        eventually("it is told", || async {
            let new: Vec<_> = self.everything.ids().difference(&before).cloned().collect();
            if let [new] = new.as_slice() { Ok(new.clone()) } else { Err(format!("{new:?}")) }
        })
        .await
    }
}

impl<'a> Partner<'a> {
    /// Joins by the command line.
    async fn is_added(shop: &'a Inside, name: &'static str) -> Self {
        let contact = format!("ops@{name}.example");
        let key = shop.partners(&["add", name, "--contact", &contact, "--key-only"]).await;
        Self { shop, name, key: key.trim().to_owned() }
    }

    /// Sends with this key until it is refused for that, and returns the refusal.
    async fn is_throttled(&self) -> reqwest::Response {
        eventually("the end of a key's allowance", || async {
            let all = (0..40).map(|_| self.request(Method::GET, "").send());
            let answers = futures::future::join_all(all).await.into_iter().map(|answer| answer.expect("an answer"));
            let refused = answers.into_iter().find(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS);
            refused.ok_or_else(|| "all were answered".to_owned())
        })
        .await
    }
}

/// Deliveries during the outage.
const LOST: usize = 6;
const LETTERS: &str = "event-grid-dead-letters";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_recovers_from_an_outage_with_nothing_missing_and_unseen_by_another() {
    let shop = Inside::start().await;
    let began = machine::now().format(&Rfc3339).expect("a time");
    let (acme, other) = (Partner::is_added(&shop, "acme").await, Partner::is_added(&shop, "other").await);
    let (hook, everything) = (Endpoint::default(), Endpoint::default());
    everything.consents();
    let made = other.post("/subscriptions", json!({"name": "all", "endpoint": everything.serve().await})).await;
    assert_eq!(made.0, 201, "{made:?}");
    other.stands("/subscriptions/all", "active").await;

    // It subscribes with a filter, fails the handshake, and mends it.
    let wish = json!({"name": "prices", "endpoint": hook.serve().await, "categories": ["Ropes"]});
    let (status, made) = acme.post("/subscriptions", wish).await;
    assert_eq!((status, &made["state"]["name"]), (201, &json!("failed")), "{made}");
    assert!(made["state"]["cause"].as_str().is_some_and(|cause| cause.contains("status 404")), "{made}");
    hook.consents();
    let (status, mended) = acme.post(&format!("{HOOK}/handshake"), json!({})).await;
    assert_eq!(status, 200, "{mended}");
    acme.stands(HOOK, "active").await;

    // It receives only what matches: what comes into its category, is there, or leaves it.
    let published = Published { shop: &shop, everything: &everything };
    let mut matching = BTreeSet::new();
    for (product, category, matches) in [
        ("rope", Some("Ropes"), true),
        ("tent", Some("Tents"), false),
        ("rope", Some("Tents"), true),
        ("rope", Some("Bags"), false),
        ("tent", Some("Ropes"), true),
        ("tent", None, true),
    ] {
        let id = published.change(product, category).await;
        if matches {
            matching.insert(id);
        }
    }
    let is_complete = |matching: &BTreeSet<String>| {
        let (got, matching) = (hook.ids(), matching.clone());
        async move { if got == matching { Ok(()) } else { Err(format!("{got:?}, not {matching:?}")) } }
    };
    eventually("what matches", || is_complete(&matching)).await;

    // It rotates its key: the old one works for its grace, and is revoked then at once.
    let old = &acme.key[4..16];
    let wish = json!({"scope": "write", "label": "next", "supersedes": old, "graceHours": 1});
    let (status, next) = acme.post("/keys", wish).await;
    assert_eq!(status, 201, "{next}");
    let new = Partner { shop: &shop, name: "acme", key: next["key"].as_str().expect("a key").to_owned() };
    let marked = acme.request(Method::GET, "").send().await.expect("an answer");
    assert!(marked.status() == 200 && marked.headers().contains_key("x-contoso-key-superseded"), "{marked:?}");
    // A key that asks too much is told when to ask again. Neither the partner's other key nor another partner is.
    let throttled = acme.is_throttled().await;
    let wait = throttled.headers()["retry-after"].to_str().expect("text").parse::<u64>();
    assert!(wait.is_ok_and(|wait| (1..=60).contains(&wait)), "{throttled:?}");
    let problem: Value = throttled.json().await.expect("JSON");
    assert_eq!(problem["type"], "/problems/too-many-requests", "{problem}");
    assert_eq!((new.get("").await.0, other.get("").await.0), (200, 200));
    assert_eq!(new.call(Method::DELETE, &format!("/keys/{old}"), None).await.0, 204);
    assert_eq!(kind(&acme.get("").await), (401, "/problems/key-revoked"));
    let acme = new;

    // Its endpoint is busy: Event Grid waits as long as it asks for.
    hook.is(Mood::Throttles);
    let before = hook.deliveries();
    for number in 0..LOST {
        matching.insert(published.change(&format!("lost-{number}"), Some("Ropes")).await);
    }
    let told = eventually("every first attempt in the log", || async {
        let (_, told) = acme.get(&format!("{HOOK}/failures")).await;
        let items = told["items"].as_array().cloned().unwrap_or_default();
        if items.len() == LOST { Ok(items) } else { Err(told.to_string()) }
    })
    .await;
    for failure in &told {
        let told = json!([failure["status"], failure["failures"], failure["then"]]);
        assert_eq!(told, json!([429, 1, "expected by schedule"]), "{failure}");
    }
    assert_eq!(hook.deliveries() - before, LOST);
    hook.is(Mood::TakesOne);
    let mut waited = 0;
    eventually("the next attempt", || {
        shop.step(Duration::from_secs(10));
        waited += 10;
        let deliveries = hook.deliveries() - before;
        async move { if deliveries > LOST { Ok(()) } else { Err(deliveries.to_string()) } }
    })
    .await;
    assert!(waited >= 120, "it waited {waited} s");

    // Then it fails for more than a day: all but the one that it took are given up.
    let mut hours = 0;
    let letters = eventually("what was given up, as dead letters", || {
        // A busy machine may need a moment for each attempt. It gets that without growing older for ever.
        if hours < 72 {
            hours += 1;
            shop.step(Duration::from_secs(3600));
        }
        let names = shop.blobs(LETTERS, "");
        let letters: Vec<Value> = names
            .iter()
            .flat_map(|name| shop.json_blob(LETTERS, name).0.as_array().cloned().expect("letters"))
            .collect();
        async move { if letters.len() == LOST - 1 { Ok(letters) } else { Err(format!("{letters:?}")) } }
    })
    .await;
    for letter in &letters {
        let told = json!([letter["deadletterreason"], letter["lasthttpstatuscode"], letter["audience"]]);
        assert_eq!(told, json!(["TimeToLiveExceeded", 500, "all"]), "{letter}");
        assert!(letter["deliveryattempts"].as_u64() >= Some(5), "{letter}");
    }
    let lost: BTreeSet<String> = letters.iter().map(id).collect();
    assert_eq!(matching.difference(&hook.ids()).cloned().collect::<BTreeSet<_>>(), lost);
    let (partner, name) = ("acme".to_owned().try_into().expect("a name"), "prices".to_owned());
    let owner = event_grid_name(&partner, &name.try_into().expect("a name")).to_uppercase();
    shop.parks(&owner, shop.blobs(LETTERS, "").len()).await;

    // It recovers by redelivery of what failed.
    hook.is(Mood::Takes);
    shop.captures("products").await;
    let events = shop.events_of("products");
    let failed = json!({"from": began, "only": "failed"});
    let (path, job) = acme.asks(&format!("{HOOK}/redeliveries"), &failed).await;
    let done = acme.job_ends(&path, "done").await;
    assert_eq!(done["progress"]["sent"], LOST, "{done}");
    eventually("nothing is missing", || is_complete(&matching)).await;
    let again = hook.got().into_iter().filter(|event| event["redelivery"] == *job).map(|event| id(&event));
    assert!(lost.is_subset(&again.collect()), "{:?}", hook.got());
    // As the list of captured events says, too.
    let (_, pulled) = acme.get(&format!("/events?subscription=prices&since={began}")).await;
    let pulled: BTreeSet<_> = pulled["events"].as_array().expect("events").iter().map(id).collect();
    assert_eq!(pulled, matching);

    // The other partner got each event once, and saw none of that.
    let theirs = everything.got();
    assert_eq!((theirs.len(), i64::try_from(everything.ids().len())), (6 + LOST, Ok(events)), "{theirs:?}");
    assert!(theirs.iter().all(|event| event["audience"] == "all" && event.get("redelivery").is_none()), "{theirs:?}");
    assert_eq!(shop.events_of("products"), events, "nothing was put on the hub");
    assert_eq!(other.get("/subscriptions/all/failures").await.1["items"], json!([]));
    assert_eq!(other.get("/subscriptions/all/redeliveries").await.1["items"], json!([]));
    for unseen in [HOOK, path.as_str(), &format!("{HOOK}/failures")] {
        assert_eq!(other.get(unseen).await.0, 404, "{unseen}");
    }
    shop.stop().await;
}
