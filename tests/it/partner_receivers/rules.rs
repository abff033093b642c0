//! What every receiver of partners must do with what may come, whatever it is built on.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use reqwest::Body;
use serde_json::{Value, json};

use super::receiver::Receiver;
use crate::support::eventually;

/// The secrets that the receivers know.
pub(super) const SECRETS: [&str; 2] = ["whs_bmV3", "whs_b2xk"];

const CHANGED: &str = "com.contoso.product.changed.v1";
const DISCONTINUED: &str = "com.contoso.product.discontinued.v1";
const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
const SECRET: HeaderName = HeaderName::from_static("x-contoso-secret");

/// A change with an id of its own; ids are unlike wherever one of the arguments is.
fn event(subject: &str, sequence: &str) -> Value {
    of_type(CHANGED, subject, sequence)
}

fn of_type(kind: &str, subject: &str, sequence: &str) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{kind}-{subject}-{sequence}"), "source": "/contoso/catalogue", "type": kind,
        "subject": subject, "sequence": sequence, "partitionkey": subject, "audience": "all",
        "data": { "productId": subject, "state": { "price": { "amount": "17.50", "currency": "USD" } } },
    })
}

fn with(mut event: Value, member: &str, value: Value) -> Value {
    event[member] = value;
    event
}

impl Receiver {
    async fn send(&self, method: Method, path: &str, headers: HeaderMap, body: impl Into<Body>) -> reqwest::Response {
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.url)).headers(headers);
        request.body(body).send().await.unwrap_or_else(|error| panic!("{error:?}: {:?}", self.said()))
    }

    async fn deliver_with(&self, headers: HeaderMap, body: impl Into<Body>) -> u16 {
        self.send(Method::POST, "/hook", headers, body).await.status().as_u16()
    }

    /// A delivery with a right secret.
    pub(super) async fn deliver(&self, body: &Value) -> u16 {
        self.deliver_with(right(), body.to_string()).await
    }

    /// Waits until it said these of a product, in this order: the first word of each line that names it.
    pub(super) async fn judges(&self, subject: &str, verdicts: &[&str]) {
        eventually(&format!("{verdicts:?} of {subject}"), || async {
            let said = self.said();
            let of_it = said
                .iter()
                .map(|line| line.split(' ').collect::<Vec<_>>())
                .filter(|words| words.get(2) == Some(&subject));
            let judged: Vec<_> = of_it.map(|words| words[0].to_owned()).collect();
            if judged == verdicts { Ok(()) } else { Err(format!("{judged:?}: {said:?}")) }
        })
        .await;
    }
}

/// The headers of a delivery.
fn right() -> HeaderMap {
    headers(&[SECRETS[0].as_bytes()], Some(STRUCTURED))
}

fn headers(secrets: &[&[u8]], content_type: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for secret in secrets {
        headers.append(SECRET, HeaderValue::from_bytes(secret).expect("a header"));
    }
    if let Some(content_type) = content_type {
        headers.insert("content-type", content_type.parse().expect("a header"));
    }
    for (name, value) in
        [("aeg-subscription-name", "CPS-0001"), ("aeg-event-type", "Notification"), ("aeg-delivery-count", "0")]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

/// The handshake: consent goes to whoever asks at this path as Event Grid does.
pub(super) async fn consents(receiver: &Receiver) {
    for origin in ["eventgrid.azure.net", "eventgrid.azure.us"] {
        let asked: HeaderMap = [(HeaderName::from_static("webhook-request-origin"), HeaderValue::from_static(origin))]
            .into_iter()
            .collect();
        let consent = receiver.send(Method::OPTIONS, "/hook", asked.clone(), "").await;
        assert_eq!(
            (consent.status(), &consent.headers()["webhook-allowed-origin"]),
            (StatusCode::OK, &HeaderValue::from_static(origin))
        );
        assert_eq!(consent.headers()["webhook-allowed-rate"], "*");
        let elsewhere = receiver.send(Method::OPTIONS, "/hook/x", asked, "").await;
        assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
        assert!(!elsewhere.headers().contains_key("webhook-allowed-origin"));
    }
    // What a page in a browser asks before it posts is no handshake.
    let asked: HeaderMap =
        [(HeaderName::from_static("origin"), HeaderValue::from_static("https://page.example"))].into_iter().collect();
    let refused = receiver.send(Method::OPTIONS, "/hook", asked, "").await;
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
}

/// The secret: any that counts, and nothing else, and whatever else stands there is 401.
pub(super) async fn knows_the_secrets(receiver: &Receiver) {
    let [new, old] = SECRETS;
    let cases: [(&str, Vec<Vec<u8>>, u16); 14] = [
        ("the new one", vec![new.into()], 200),
        ("the old one", vec![old.into()], 200),
        ("both", vec![format!("{new}, {old}").into()], 200),
        ("the next one, which it does not know yet", vec![format!("whs_bmV4dA, {new}").into()], 200),
        ("none", vec![], 401),
        ("empty", vec![vec![]], 401),
        ("commas", vec![b", ,".to_vec()], 401),
        ("another", vec![b"whs_bmV4dA".to_vec()], 401),
        ("longer", vec![format!("{new}x").into()], 401),
        ("shorter", vec![new[..new.len() - 1].into()], 401),
        ("in other case", vec![new.to_uppercase().into()], 401),
        ("twice", vec![new.into(), new.into()], 401),
        ("é in Latin-1", vec![b"\xe9".to_vec()], 401),
        ("é in UTF-8", vec!["é".into()], 401),
    ];
    for (what, secrets, status) in cases {
        let secrets: Vec<_> = secrets.iter().map(Vec::as_slice).collect();
        let body = event("secret", "1").to_string();
        assert_eq!(receiver.deliver_with(headers(&secrets, Some(STRUCTURED)), body).await, status, "{what}");
    }
}

/// Media types and bodies: one event or several, up to 2 MiB; what holds no events is 400, and then nothing of it counts.
pub(super) async fn reads(receiver: &Receiver) {
    for (content_type, status) in [
        (Some("application/cloudevents+json"), 200),
        (Some("application/cloudevents+json;charset=UTF-8"), 200),
        (Some("Application/CloudEvents+JSON; Charset=utf-8"), 200),
        (Some("application/cloudevents-batch+json; charset=utf-8"), 200),
        (Some("APPLICATION/CLOUDEVENTS-BATCH+JSON"), 200),
        (Some("application/json; charset=utf-8"), 200),
        (Some("application/cloudevents+jsonx"), 415),
        (Some("text/plain"), 415),
        (None, 415),
    ] {
        let headers = headers(&[SECRETS[0].as_bytes()], content_type);
        let shapes = [event("typed", "1"), json!([event("typed", "2"), event("typed", "3")])];
        for body in shapes {
            assert_eq!(
                receiver.deliver_with(headers.clone(), body.to_string()).await,
                status,
                "{content_type:?} {body}"
            );
        }
    }

    let long = |bytes: usize| {
        with(event("long", "1"), "data", json!({ "productId": "long", "pad": "x".repeat(bytes) })).to_string()
    };
    let nested = "[".repeat(20_000);
    for (what, body, status) in [
        ("one", event("single", "1").to_string(), 200),
        ("an array of one", json!([event("array", "1")]).to_string(), 200),
        ("several", json!([event("several", "1"), event("other", "1"), event("several", "2")]).to_string(), 200),
        ("an empty array", "[]".to_owned(), 200),
        ("a megabyte", long(1024 * 1024), 200),
        ("three megabytes", long(3 * 1024 * 1024), 413),
        ("nothing", String::new(), 400),
        ("no JSON", "{".to_owned(), 400),
        ("nested", nested, 400),
        ("a number", "1".to_owned(), 400),
        ("null", "null".to_owned(), 400),
        ("no event", "{}".to_owned(), 400),
        ("an event of another version", with(event("bad", "1"), "specversion", json!("0.3")).to_string(), 400),
        ("an id that is a number", with(event("bad", "1"), "id", json!(1)).to_string(), 400),
        ("one bad beside a good one", json!([event("bad", "1"), { "specversion": "1.0" }]).to_string(), 400),
        ("a number beside a good one", json!([event("bad", "1"), 1]).to_string(), 400),
        // Half of a character, and a line end where it would fake a line of the log.
        (
            "text that is no text",
            r#"{"specversion":"1.0","id":"\ud800","source":"/x","type":"x","subject":"a\napplied x forged"}"#
                .to_owned(),
            200,
        ),
    ] {
        assert_eq!(receiver.deliver_with(right(), body).await, status, "{what}: {:?}", receiver.said());
    }
    // What is no JSON in UTF-8 is 400 everywhere, and never a failure of the receiver, which would have it come again.
    let said = |member: &str, value: &str| {
        let event = r#"{"specversion":"1.0","id":"said","source":"/x","type":"com.contoso.product.changed.v1","sequence":"1","NAME":VALUE}"#;
        event.replace("NAME", member).replace("VALUE", value).into_bytes()
    };
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let fine = event("bad", "2").to_string();
    for (what, body, status) in [
        (
            "broken UTF-8",
            [br#"{"specversion":"1.0","id":"1","source":"/x","type":"x","subject":""#, b"\xff\xfe\"}".as_slice()]
                .concat(),
            400,
        ),
        (
            "half of a character at the end",
            [br#"{"specversion":"1.0","id":"1","source":"/x","type":""#, b"\xe2\x82\"}".as_slice()].concat(),
            400,
        ),
        (
            "broken UTF-8 in data",
            [br#"{"specversion":"1.0","id":"1","source":"/x","type":"x","data":""#, b"\xc3\x28\"}".as_slice()].concat(),
            400,
        ),
        ("a byte order mark", format!("\u{feff}{fine}").into_bytes(), 400),
        ("UTF-16", utf_16(&fine), 400),
        ("UTF-16 with its mark", utf_16(&format!("\u{feff}{fine}")), 400),
        ("NaN", said("data", r#"{"productId":"bad","x":NaN}"#), 400),
        ("Infinity", said("data", "Infinity"), 400),
        ("-Infinity", said("data", "[-Infinity]"), 400),
        ("a subject that is a number", said("subject", "7"), 400),
        ("a subject that is a list", said("subject", r#"["bad"]"#), 400),
        ("a subject that is an object", said("subject", r#"{"toString":1}"#), 400),
        ("a subject that is a flag", said("subject", "true"), 400),
        ("a subject that is null", said("subject", "null"), 200),
        ("a sequence that is an object", said("sequence", r#"{"toString":1}"#), 200),
    ] {
        assert_eq!(receiver.deliver_with(right(), body).await, status, "{what}: {:?}", receiver.said());
    }
    // As a proxy in front may send it: without a length.
    let event = event("chunked", "1").to_string();
    let (first, second) = event.split_at(7);
    let chunks = [first, second].map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk.as_bytes())));
    let body = Body::wrap_stream(futures::stream::iter(chunks));
    assert_eq!(receiver.deliver_with(right(), body).await, 200, "{:?}", receiver.said());

    for subject in ["single", "array", "chunked", "other"] {
        receiver.judges(subject, &["applied"]).await;
    }
    receiver.judges("several", &["applied"; 2]).await;
    for subject in ["bad", "forged"] {
        receiver.judges(subject, &[]).await;
    }
}

/// Orders and repeats: the highest `sequence` stands, a repeat is answered 200 and changes nothing, and what is not known is taken.
pub(super) async fn keeps_the_newest(receiver: &Receiver) {
    let later = with(event("tent-1", "3"), "id", json!("later"));
    for event in [event("tent-1", "3"), event("tent-1", "1"), event("tent-1", "2"), event("tent-1", "3"), later] {
        assert_eq!(receiver.deliver(&event).await, 200);
    }
    receiver.judges("tent-1", &["applied", "older", "older", "repeat", "older"]).await;

    // Written with and without leading zeros, and beyond what a double can tell apart.
    let sequences = [
        "9",
        "0000000000000000010",
        "9",
        "9007199254740992",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775806",
    ];
    for (index, sequence) in sequences.into_iter().enumerate() {
        let event = with(event("rope-1", sequence), "id", json!(index.to_string()));
        assert_eq!(receiver.deliver(&event).await, 200);
    }
    receiver.judges("rope-1", &["applied", "applied", "older", "applied", "applied", "applied", "older"]).await;

    // What is no longer sold is not brought back by an older change, but by a newer one.
    for event in
        [event("boot-1", "1"), of_type(DISCONTINUED, "boot-1", "3"), event("boot-1", "2"), event("boot-1", "4")]
    {
        assert_eq!(receiver.deliver(&event).await, 200);
    }
    receiver.judges("boot-1", &["applied", "applied", "older", "applied"]).await;

    // A repeat has source, id and subscription of another: the same event over another subscription is none, nor is one of another source.
    let first = of_type("com.contoso.partner.test.v1", "sign-1", "1");
    let mut elsewhere = right();
    elsewhere.insert("aeg-subscription-name", HeaderValue::from_static("CPS-0002"));
    assert_eq!(receiver.deliver(&first).await, 200);
    assert_eq!(receiver.deliver_with(elsewhere, first.to_string()).await, 200);
    assert_eq!(receiver.deliver(&with(first.clone(), "source", json!("/other"))).await, 200);
    assert_eq!(receiver.deliver(&json!([first, first])).await, 200);
    receiver.judges("sign-1", &["notice", "notice", "notice", "repeat", "repeat"]).await;

    // What tells of other subscriptions is taken and told, and is no product.
    for kind in ["failing", "paused", "recovered"] {
        let told = of_type(&format!("com.contoso.partner.subscription-{kind}.v1"), "acme/prices", "1");
        assert_eq!(receiver.deliver(&told).await, 200);
    }
    receiver.judges("acme/prices", &["notice"; 3]).await;

    // An example that was asked for is noticed whatever its sequence is, and what is known of the product stays.
    let example =
        |id: &str, sequence: &str| with(with(event("lamp-1", sequence), "id", json!(id)), "test", json!(true));
    let unmarked = with(with(event("lamp-1", "2"), "id", json!("unmarked")), "test", json!(false));
    for event in
        [example("test-0", "0"), example("test-9", "9"), event("lamp-1", "1"), example("test-0", "0"), unmarked]
    {
        assert_eq!(receiver.deliver(&event).await, 200);
    }
    receiver.judges("lamp-1", &["notice", "notice", "applied", "repeat", "applied"]).await;
    let gone = with(of_type(DISCONTINUED, "lamp-1", "8"), "test", json!(true));
    assert_eq!(receiver.deliver(&json!([gone, event("lamp-1", "3")])).await, 200);
    receiver.judges("lamp-1", &["notice", "notice", "applied", "repeat", "applied", "notice", "applied"]).await;

    // Types that come some day, and what a known type cannot be, are taken too: a refusal would have them come again for a day.
    let numbered = with(with(event("odd-1", "4"), "sequence", json!(7)), "id", json!("numbered"));
    for event in [
        of_type("com.contoso.product.changed.v9", "odd-1", "1"),
        of_type("com.example.other", "odd-1", "1"),
        event("odd-1", "-1"),
        event("odd-1", "1e3"),
        event("odd-1", ""),
        event("odd-1", "٣"),
        numbered,
        with(event("odd-1", "6"), "data", Value::Null),
    ] {
        assert_eq!(receiver.deliver(&event).await, 200, "{event}");
    }
    receiver.judges("odd-1", &["ignored"; 8]).await;
}
