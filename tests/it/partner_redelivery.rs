//! `PartnerRedelivery`: what one subscription of one partner missed comes again to it alone, whatever happens in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use contoso_handlers::domain::partner::{WELCOME, event_grid_name};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{net::TcpListener, sync::Notify};

use crate::{
    partners::Partner,
    support::{Inside, eventually, machine, within},
};

/// A webhook that is down or not, and keeps what it takes.
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    is_down: Arc<AtomicBool>,
    /// Takes nothing now, and may be asked again.
    is_busy: bool,
    /// Waits with every consent but the first, which is to the app, until it is told.
    hesitates: Option<Arc<Hesitation>>,
    got: Arc<Mutex<Vec<Value>>>,
}

/// How often a webhook was asked, and what it waits for.
#[derive(Default)]
pub(crate) struct Hesitation {
    asked: AtomicUsize,
    pub(crate) consents: Notify,
}

impl Receiver {
    pub(crate) fn hesitating(hesitation: &Arc<Hesitation>) -> Self {
        Self { hesitates: Some(Arc::clone(hesitation)), ..Self::default() }
    }

    pub(crate) fn busy() -> Self {
        Self { is_busy: true, ..Self::default() }
    }

    pub(crate) async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = Router::new().route("/{*path}", any(Self::answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn answer(State(this): State<Self>, method: Method, body: Bytes) -> Response {
        if method == Method::OPTIONS {
            if let Some(hesitation) = &this.hesitates
                && hesitation.asked.fetch_add(1, Ordering::SeqCst) > 0
            {
                hesitation.consents.notified().await;
            }
            return [("webhook-allowed-origin", "*"), ("webhook-allowed-rate", "*")].into_response();
        }
        if this.is_busy {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        if this.is_down.load(Ordering::SeqCst) {
            // Event Grid gives such an event up at once.
            return StatusCode::BAD_REQUEST.into_response();
        }
        this.got.lock().expect("no panic").push(serde_json::from_slice(&body).expect("an event"));
        StatusCode::OK.into_response()
    }

    /// Product events by id, and by which job they came.
    fn got(&self, job: Option<&str>) -> BTreeMap<String, Value> {
        let got = self.got.lock().expect("no panic");
        let of_job =
            got.iter().filter(|event| event["redelivery"].as_str() == job && event["source"] == "/contoso/catalog");
        of_job.map(|event| (event["id"].as_str().expect("an id").to_owned(), event.clone())).collect()
    }

    /// Whether it was told who subscribed it; else what came.
    pub(crate) fn was_welcomed(&self) -> Result<(), String> {
        let got = self.got.lock().expect("no panic");
        got.iter().any(|event| event["type"] == WELCOME).then_some(()).ok_or_else(|| format!("{got:?}"))
    }

    /// Whether anything came again.
    fn was_told_again(&self) -> bool {
        self.got.lock().expect("no panic").iter().any(|event| event.get("redelivery").is_some())
    }

    pub(crate) async fn gets(&self, job: Option<&str>, count: usize) -> BTreeMap<String, Value> {
        eventually(&format!("{count} events of {job:?}"), || async {
            let got = self.got(job);
            if got.len() == count { Ok(got) } else { Err(format!("{} came", got.len())) }
        })
        .await
    }
}

impl Partner<'_> {
    pub(crate) async fn subscribes(&self, name: &str, receiver: &Receiver, selection: Value) {
        let mut wish = selection;
        wish["name"] = json!(name);
        wish["endpoint"] = json!(receiver.serve().await);
        let (status, made) = self.post("/subscriptions", wish).await;
        assert_eq!(status, 201, "{made}");
        self.stands(&format!("/subscriptions/{name}"), "active").await;
    }

    /// Asks for a job, and returns its path and id.
    pub(crate) async fn asks(&self, path: &str, body: &Value) -> (String, String) {
        let answer = self.request(Method::POST, path).json(body).send().await.expect("an answer");
        assert_eq!(answer.status(), 202, "{path}");
        let location = answer.headers()["location"].to_str().expect("a text").to_owned();
        let job: Value = answer.json().await.expect("JSON");
        let id = job["id"].as_str().expect("an id").to_owned();
        assert!(location.ends_with(&format!("/redeliveries/{id}")), "{location}");
        (location.split_once("/subscriptions").map(|(_, path)| format!("/subscriptions{path}")).expect("a path"), id)
    }

    async fn job_is(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        within(Duration::from_secs(120), what, || async {
            #[expect(clippy::disallowed_methods, reason = "a key may ask 20 times a second, and not more")]
            tokio::time::sleep(Duration::from_millis(100)).await;
            let (_, job) = self.get(path).await;
            if wanted(&job) { Ok(job) } else { Err(job.to_string()) }
        })
        .await
    }

    pub(crate) async fn job_ends(&self, path: &str, state: &str) -> Value {
        let job = self.job_is(path, "the end of a job", |job| job.get("ended").is_some()).await;
        assert_eq!(job["state"], state, "{job}");
        job
    }
}

impl Inside {
    /// Closes the capture windows, and waits until everything so far is in a file.
    pub(crate) async fn captures(&self, hub: &str) {
        self.step(Duration::from_secs(301));
        eventually("everything captured", || async {
            let state = (self.captured(hub), self.events_of(hub));
            if state.0 == state.1 { Ok(()) } else { Err(format!("{state:?}")) }
        })
        .await;
    }

    async fn products(&self, prefix: &str, count: usize) {
        for number in 0..count {
            let product =
                json!({"name": "Rope", "category": "Climbing", "price": {"amount": "9.00", "currency": "USD"}});
            self.put(&format!("{prefix}-{number}"), &product).await;
        }
    }
}

const PRICES: &str = "/subscriptions/prices";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_subscription_missed_comes_again_to_it_alone() {
    let shop = Inside::start().await;
    let (acme, other) = (Partner::joins(&shop, "acme").await, Partner::joins(&shop, "other").await);
    let [prices, all, theirs] = [(); 3].map(|()| Receiver::default());
    acme.subscribes("prices", &prices, json!({"productPrefix": "rope"})).await;
    acme.subscribes("everything", &all, json!({})).await;
    other.subscribes("prices", &theirs, json!({"productPrefix": "rope"})).await;

    let from = json!({"from": machine::now().format(&Rfc3339).expect("a time")});
    let early = acme.post(&format!("{PRICES}/redeliveries:preview"), from.clone()).await;
    assert_eq!((early.0, &early.1["count"]), (200, &json!(0)), "{early:?}");

    // Two come while it is paused, and nothing can be sent again then. Eight come while the endpoint is down: after
    // ten failures Event Grid would hold the next back.
    assert_eq!(acme.post(&format!("{PRICES}/pause"), json!({})).await.0, 200);
    let refused = acme.post(&format!("{PRICES}/redeliveries"), from.clone()).await;
    assert_eq!((refused.0, &refused.1["type"]), (409, &json!("/problems/subscription-paused")), "{refused:?}");
    shop.products("rope-p", 2).await;
    theirs.gets(None, 2).await;
    assert_eq!(acme.post(&format!("{PRICES}/resume"), json!({})).await.0, 200);
    acme.stands(PRICES, "active").await;
    prices.is_down.store(true, Ordering::SeqCst);
    shop.products("rope", 8).await;
    shop.products("tent", 3).await;
    let originals = theirs.gets(None, 10).await;
    all.gets(None, 13).await;

    // Nothing is captured: it says so.
    let open = acme.post(&format!("{PRICES}/redeliveries:preview"), from.clone()).await.1;
    assert!(
        open["count"] == 0 && open["completeUntil"].is_string() && open["completeUntil"] != open["until"],
        "{open}"
    );
    shop.captures("products").await;
    prices.is_down.store(false, Ordering::SeqCst);
    let events = shop.events_of("products");

    // What is previewed is what is sent.
    let (status, preview) = acme.post(&format!("{PRICES}/redeliveries:preview"), from.clone()).await;
    assert_eq!((status, &preview["count"], &preview["isWhole"]), (200, &json!(10), &json!(true)), "{preview}");
    let (path, id) = acme.asks(&format!("{PRICES}/redeliveries"), &from).await;
    let job = acme.job_ends(&path, "done").await;
    assert_eq!(
        (&job["progress"]["sent"], &job["progress"]["matched"]),
        (&preview["count"], &preview["count"]),
        "{job}"
    );
    let again = prices.gets(Some(&id), 10).await;
    for (id, original) in &originals {
        for member in ["id", "source", "type", "time", "subject", "sequence", "partitionkey", "data"] {
            assert_eq!(again[id][member], original[member], "{id}: {member}");
        }
        assert_eq!((&original["audience"], &again[id]["audience"]), (&json!("all"), &json!("acme/prices")));
        assert_eq!(original["data"]["match"]["categories"], json!(["Climbing"]), "{original}");
    }

    // What came while it was paused is known to be missing.
    let (path, id) = acme.asks(&format!("{PRICES}/redeliveries"), &json!({"only": "missing"})).await;
    acme.job_ends(&path, "done").await;
    let missed = prices.got(Some(&id));
    assert!(["rope-p-0-1", "rope-p-1-1"].iter().all(|id| missed.contains_key(*id)), "{:?}", missed.keys());

    // What failed is known by the log; twice as much is not sent.
    let failed = json!({"only": "failed", "from": from["from"]});
    let preview = acme.post(&format!("{PRICES}/redeliveries:preview"), failed.clone()).await;
    assert_eq!((preview.0, &preview.1["count"]), (200, &json!(8)), "{preview:?}");
    let (path, id) = acme.asks(&format!("{PRICES}/redeliveries"), &failed).await;
    acme.job_ends(&path, "done").await;
    assert!(!prices.gets(Some(&id), 8).await.contains_key("rope-p-0-1"));

    // One event: of this subscription, of another selection, and none.
    let (path, resent) = acme.asks(&format!("{PRICES}/events/rope-3-1/resend"), &json!({})).await;
    acme.job_ends(&path, "done").await;
    prices.gets(Some(&resent), 1).await;
    for missing in ["tent-1-1", "rope-3-9", "nothing"] {
        let (status, problem) = acme.post(&format!("{PRICES}/events/{missing}/resend"), json!({})).await;
        assert_eq!(status, 404, "{problem}");
    }

    // The pull list has everything once, page by page, and goes on from its end.
    let mut pulled = BTreeSet::new();
    let mut page = acme.get("/events?limit=4&since=2020-01-01T00:00:00Z").await.1;
    loop {
        let ids = page["events"]
            .as_array()
            .expect("events")
            .iter()
            .map(|event| event["id"].as_str().expect("an id").to_owned());
        for id in ids {
            assert!(pulled.insert(id.clone()), "{id} came twice");
        }
        if page["more"] == false {
            break;
        }
        page = acme.get(&format!("/events?limit=4&after={}", page["next"].as_str().expect("a cursor"))).await.1;
    }
    assert_eq!(pulled.len(), 13, "{pulled:?}");
    shop.products("late", 1).await;
    all.gets(None, 14).await;
    shop.captures("products").await;
    let next = format!("/events?after={}", page["next"].as_str().expect("a cursor"));
    let last = acme.get(&next).await.1;
    assert_eq!(
        (last["events"].as_array().map(Vec::len), &last["events"][0]["id"]),
        (Some(1), &json!("late-0-1")),
        "{last}"
    );
    let types = acme.get(&format!("{next}&types=com.contoso.product.discontinued.v1")).await.1;
    assert_eq!(types["events"], json!([]));
    assert_eq!(acme.get("/events?after=nonsense").await.0, 400);

    // A selection is tried on the last events.
    let (status, tried) = acme.post("/subscriptions:preview", json!({"productPrefix": "rope", "last": 1000})).await;
    assert_eq!((status, &tried["looked"], &tried["matched"]), (200, &json!(14), &json!(10)), "{tried}");
    let tried = acme.post("/subscriptions:preview", json!({"last": 5})).await.1;
    assert_eq!((&tried["looked"], &tried["events"][0]["id"]), (&json!(5), &json!("late-0-1")), "{tried}");

    // Nobody else saw any of it, nor can look at it.
    assert!(!all.was_told_again() && !theirs.was_told_again());
    assert_eq!(shop.events_of("products"), events + 1, "nothing was put on the hub");
    assert_eq!(other.get(&path).await.0, 404);
    assert_eq!(other.call(Method::DELETE, &path, None).await.0, 404);
    assert_eq!(acme.post("/subscriptions/none/redeliveries", from).await.0, 404);
    let listed = acme.get(&format!("{PRICES}/redeliveries")).await.1;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(4), "{listed}");

    // What Event Grid gave up is among its dead letters.
    const LETTERS: &str = "event-grid-dead-letters";
    let name = event_grid_name(
        &"acme".to_owned().try_into().expect("a name"),
        &"prices".to_owned().try_into().expect("a name"),
    );
    let letters = eventually("eight events given up", || async {
        let names = shop.blobs(LETTERS, "");
        let events: usize =
            names.iter().map(|name| shop.json_blob(LETTERS, name).0.as_array().map_or(1, Vec::len)).sum();
        if events == 8 { Ok(names.len()) } else { Err(events.to_string()) }
    })
    .await;
    shop.parks(&name.to_uppercase(), letters).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_cancelled_within_seconds_and_survives_its_worker() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    let receiver = Receiver::default();
    acme.subscribes("prices", &receiver, json!({})).await;
    shop.products("rope", 60).await;
    receiver.gets(None, 60).await;
    shop.captures("products").await;
    let wish = json!({"from": "2026-01-01T00:00:00Z", "rate": 4});

    let (path, id) = acme.asks(&format!("{PRICES}/redeliveries"), &wish).await;
    acme.job_is(&path, "some of a job", |job| job["progress"]["sent"].as_u64() >= Some(8)).await;
    let (status, cancelled) = acme.call(Method::DELETE, &path, None).await;
    assert_eq!((status, &cancelled["state"]), (200, &json!("cancelled")), "{cancelled}");
    assert_eq!(acme.call(Method::DELETE, &path, None).await.0, 200, "a second time changes nothing");

    // The worker dies in the middle. Another goes on: some events come twice, none is missing.
    let first = path;
    let (path, second) = acme.asks(&format!("{PRICES}/redeliveries"), &wish).await;
    acme.job_is(&path, "some of a job", |job| job["progress"]["sent"].as_u64() >= Some(12)).await;
    let before = receiver.got(Some(&id)).len();
    assert!(before < 30, "{before} events of a cancelled job");
    // The topic is busy for a while, too.
    let busy = json!({"service": "eventGrid", "times": 4, "status": 429});
    let armed = shop
        .http
        .post(format!("{}/faults", shop.stack.endpoints().control))
        .json(&busy)
        .send()
        .await
        .expect("an answer");
    assert!(armed.status().is_success(), "{}", armed.status());
    shop.kill_handler().await;
    let job = acme.job_ends(&path, "done").await;
    assert!(job["progress"]["sent"].as_u64() >= Some(60), "{job}");
    assert_eq!(receiver.gets(Some(&second), 60).await.len(), 60);
    assert_eq!(receiver.got(Some(&id)).len(), before, "nothing came of it afterwards");
    let (_, cancelled) = acme.get(&first).await;
    assert_eq!(
        (&cancelled["state"], &cancelled["progress"]["sent"]),
        (&json!("cancelled"), &json!(before)),
        "{cancelled}"
    );
    assert_eq!(acme.call(Method::DELETE, &path, None).await.0, 409, "it has ended");
    shop.stop().await;
}

/// What is published while a pause comes between reaches nobody, and is not said to be sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_in_the_middle_of_a_job_makes_no_count_untrue() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    let receiver = Receiver::default();
    acme.subscribes("prices", &receiver, json!({})).await;
    shop.products("rope", 30).await;
    receiver.gets(None, 30).await;
    shop.captures("products").await;
    let wish = json!({"from": "2026-01-01T00:00:00Z", "rate": 4});
    let (path, id) = acme.asks(&format!("{PRICES}/redeliveries"), &wish).await;
    acme.job_is(&path, "some of a job", |job| job["progress"]["sent"].as_u64() >= Some(4)).await;

    // The topic takes its time, and meanwhile the subscription is paused.
    let faults = format!("{}/faults", shop.stack.endpoints().control);
    let slow = json!({"service": "eventGrid", "times": 1, "delayMillis": 4000});
    let armed = shop.http.post(&faults).json(&slow).send().await.expect("an answer");
    assert!(armed.status().is_success(), "{}", armed.status());
    eventually("a batch is on its way", || async {
        let left = shop.http.get(&faults).send().await.expect("an answer").text().await.expect("text");
        if left.contains("\"left\":0") { Ok(()) } else { Err(left) }
    })
    .await;
    assert_eq!(acme.post(&format!("{PRICES}/pause"), json!({})).await.0, 200);
    let job = acme.job_ends(&path, "failed").await;
    assert_eq!(job["reason"], "The subscription was paused.", "{job}");
    let counted = |name: &str| job["progress"][name].as_u64().and_then(|count| usize::try_from(count).ok());
    assert_eq!(counted("sent"), Some(receiver.got(Some(&id)).len()), "{job}");
    assert!(counted("uncertain") > Some(0) && counted("matched") < Some(30), "{job}");
    shop.stop().await;
}

/// Two partners with as many long jobs as there are places keep no third one waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_many_places_gives_one_up_for_who_has_none() {
    let shop = Inside::start().await;
    let [acme, other, third] = [
        Partner::joins(&shop, "acme").await,
        Partner::joins(&shop, "other").await,
        Partner::joins(&shop, "third").await,
    ];
    for partner in [&acme, &other, &third] {
        partner.subscribes("prices", &Receiver::default(), json!({})).await;
    }
    shop.products("rope", 90).await;
    eventually("every product is announced", || async {
        let there = shop.events_of("products");
        if there == 90 { Ok(()) } else { Err(there.to_string()) }
    })
    .await;
    shop.captures("products").await;
    let long = json!({"from": "2026-01-01T00:00:00Z", "rate": 1});
    let mut running = Vec::new();
    for partner in [&acme, &other] {
        for _ in 0..4 {
            running.push((partner, partner.asks(&format!("{PRICES}/redeliveries"), &long).await.0));
        }
    }
    for (partner, path) in &running {
        partner.job_is(path, "all places taken", |job| job["progress"]["sent"].as_u64() >= Some(1)).await;
    }
    let short = json!({"from": "2026-01-01T00:00:00Z", "rate": 300});
    let (path, _) = third.asks(&format!("{PRICES}/redeliveries"), &short).await;
    third.job_ends(&path, "done").await;
    for (partner, path) in &running {
        let (_, job) = partner.get(path).await;
        assert_eq!(job.get("ended"), None, "it need not wait for one to end: {job}");
        assert_eq!(partner.call(Method::DELETE, path, None).await.0, 200);
    }
    shop.stop().await;
}

/// What of a new subscription was before it, and jobs that outlive what they are about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_before_a_subscription_comes_once_it_delivers() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    let from = machine::now();
    shop.products("rope", 3).await;
    let receiver = Receiver::default();
    let endpoint = receiver.serve().await;

    // In the caller's own time, paused: the job is named, and is not there before anything is delivered.
    let there = time::UtcOffset::from_hms(14, 0, 0).expect("an offset");
    let start = from.to_offset(there).format(&Rfc3339).expect("a time");
    let wish = json!({"name": "prices", "endpoint": endpoint, "startFrom": start, "paused": true});
    let (status, made) = acme.post("/subscriptions", wish.clone()).await;
    assert_eq!(status, 201, "{made}");
    let id = made["startRedelivery"].as_str().expect("the job's id").to_owned();
    let path = format!("{PRICES}/redeliveries/{id}");
    assert_eq!(acme.get(&path).await.0, 404);
    let (status, again) = acme.post("/subscriptions", wish).await;
    assert_eq!((status, &again["startRedelivery"]), (200, &json!(id)), "{again}");

    shop.products("tent", 2).await;
    eventually("five events on the hub", || async {
        let events = shop.events_of("products");
        if events == 5 { Ok(()) } else { Err(events.to_string()) }
    })
    .await;
    assert_eq!(acme.post(&format!("{PRICES}/resume"), json!({})).await.0, 200);
    acme.stands(PRICES, "active").await;
    shop.captures("products").await;
    acme.job_is(&path, "the job", |job| job["id"] == json!(id)).await;
    let job = acme.job_ends(&path, "done").await;
    assert_eq!((&job["progress"]["sent"], &job["only"]), (&json!(5), &json!("missing")), "{job}");
    receiver.gets(Some(&id), 5).await;

    // A key makes one job, also for a try that does not find the request before: here, since that is forgotten. The job waits for what is
    // not captured yet.
    let ended = OffsetDateTime::parse(job["ended"].as_str().expect("a time"), &Rfc3339).expect("a time");
    let until = (ended + time::Duration::minutes(4)).format(&Rfc3339).expect("a time");
    let wish = json!({"from": job["from"], "until": until, "openWindow": "wait"});
    let tries = async |what: &str, body: &Value| {
        let mut ids = Vec::new();
        for _ in 0..2 {
            for (_, id) in shop.all("partners", "requests").await.into_keys() {
                shop.write(Method::DELETE, "partners", "requests", "acme", &id, None).await;
            }
            let request = acme.request(Method::POST, &format!("{PRICES}/{what}"));
            let answer = request.header("idempotency-key", "k-1").json(body).send().await.expect("an answer");
            assert!(answer.status() == 202 && answer.headers().get("idempotency-replayed").is_none(), "{answer:?}");
            let made: Value = answer.json().await.expect("JSON");
            ids.push(made["id"].as_str().expect("an id").to_owned());
        }
        ids
    };
    let jobs = tries("redeliveries", &wish).await;
    assert_eq!(jobs[0], jobs[1]);
    let tests = tries("test", &json!({})).await;
    assert_eq!(tests[0], tests[1], "the receiver drops the repeat");

    // The subscription is made anew under its name: the job is not for it.
    assert_eq!(acme.call(Method::DELETE, PRICES, None).await.0, 204);
    acme.subscribes("prices", &Receiver::default(), json!({})).await;
    let old = format!("{PRICES}/redeliveries/{}", jobs[0]);
    let old = acme.job_ends(&old, "failed").await;
    assert_eq!(old["reason"], "The subscription was deleted.", "{old}");
    shop.stop().await;
}
