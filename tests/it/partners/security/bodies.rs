//! Bodies and texts that no honest client sends.

use super::*;

/// A body with what its head says of it, and the status that it gets on every route that takes one.
struct Body {
    what: &'static str,
    headers: String,
    bytes: Vec<u8>,
    status: u16,
}

fn bodies() -> Vec<Body> {
    const JSON: &str = "Content-Type: application/json\r\n";
    // Not read, so it may be anything.
    let gzipped = b"\x1f\x8b\x08\x00 and so on".to_vec();
    let sized = |what, headers: &str, bytes: Vec<u8>, status| {
        let headers = format!("{headers}Content-Length: {}", bytes.len());
        Body { what, headers, bytes, status }
    };
    let large = [b"{\"label\": \"".as_slice(), &vec![b'x'; (1 << 20) - 11], b"\"}"].concat();
    let mut chunked = Vec::new();
    for chunk in large.chunks(16 << 10) {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let objects = [b"{\"a\":".repeat(10_000), b"1".to_vec(), b"}".repeat(10_000)].concat();
    vec![
        sized("1 MiB and a byte", JSON, large, 413),
        // The Functions host's own answer: it hands no body on that has no length.
        Body {
            what: "1 MiB in chunks",
            headers: format!("{JSON}Transfer-Encoding: chunked"),
            bytes: chunked,
            status: 500,
        },
        sized("what is no UTF-8", JSON, b"{\"label\": \"\xff\xfe\"}".to_vec(), 400),
        sized("half a surrogate", JSON, br#"{"label": "\ud800"}"#.to_vec(), 400),
        sized("20,000 arrays in each other", JSON, b"[".repeat(20_000), 400),
        sized("10,000 objects in each other", JSON, objects, 400),
        sized("half an object", JSON, b"{\"label\": \"x".to_vec(), 400),
        sized("two objects", JSON, b"{} {}".to_vec(), 400),
        sized("a number beyond all numbers", JSON, b"{\"lable\": 1e400}".to_vec(), 400),
        sized("an array", JSON, b"[]".to_vec(), 400),
        sized("null", JSON, b"null".to_vec(), 400),
        sized(
            "a name that the parser keeps for itself",
            JSON,
            br#"{"$serde_json::private::RawValue": "{}"}"#.to_vec(),
            400,
        ),
        sized("a member that nobody knows", JSON, br#"{"constructor": {}}"#.to_vec(), 400),
        // The Functions host does not pass the header on, so that it is bytes that are no JSON.
        sized("what unpacks to any size", &format!("{JSON}Content-Encoding: gzip\r\n"), gzipped, 400),
        sized("a form", "Content-Type: application/x-www-form-urlencoded\r\n", b"label=x".to_vec(), 415),
        sized("JSON that does not say so", "", b"{\"label\": \"x\"}".to_vec(), 415),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_cannot_be_read_are_refused_on_every_route() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    let webhook = Webhook::default();
    webhook.set(true);
    let (status, made) =
        acme.post("/subscriptions", json!({"name": "prices", "endpoint": webhook.serve().await})).await;
    assert_eq!(status, 201, "{made}");
    let before = acme.stands(HOOK, "active").await;
    let names = Names { partner: "acme", subscription: "prices", key: &acme.key[4..16], job: "rd-0", event: "e-1" };
    let bodies = bodies();
    let mut taken = 0;
    for route in routes(&shop) {
        let path = names.fill(&route);
        for method in ["POST", "PATCH"] {
            let is_there = acme.says(&format!("{method} {path} HTTP/1.1\r\nContent-Length: 1"), b"{").await.0;
            if matches!(is_there, 404 | 405) {
                continue;
            }
            taken += 1;
            // Whether a request may come again changes who reads its body. A key may send 20 a second: not everything in both ways.
            for (index, Body { what, headers, bytes, status }) in bodies.iter().enumerate() {
                let again = if index % 2 == taken % 2 { "Idempotency-Key: k-1\r\n" } else { "" };
                let head = format!("{method} {path} HTTP/1.1\r\n{again}{headers}");
                let (got, text) = eventually("an answer that is not 429", || async {
                    let said = acme.says(&head, bytes).await;
                    if said.0 == 429 { Err(said.1) } else { Ok(said) }
                })
                .await;
                assert_eq!(got, *status, "{method} {route}, {what}: {text}");
                assert!(got == 500 || text.contains("application/problem+json"), "{method} {route}, {what}: {text}");
            }
        }
    }
    assert!(taken > 10, "{taken}");
    assert_eq!(acme.stands(HOOK, "active").await, before, "nothing was changed");
    for list in ["/subscriptions", "/keys"] {
        let (_, _, text) = acme.sends(|| acme.request(Method::GET, list)).await;
        let listed: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    }

    // Line ends in what becomes a header, a line of a log or a part of an address.
    const LINE: &str = "\r\nx-injected: 1";
    let uuid = "00000000-0000-0000-0000-000000000000";
    let endpoint = "https://ok.example/";
    for (method, path, body) in [
        (Method::POST, "/subscriptions", json!({"name": format!("prices{LINE}"), "endpoint": endpoint})),
        (Method::POST, "/subscriptions", json!({"name": "more", "endpoint": format!("{endpoint}{LINE}")})),
        (Method::POST, "/subscriptions", json!({"name": "more", "endpoint": endpoint, "startFrom": LINE})),
        (Method::PATCH, HOOK, json!({"endpoint": format!("{endpoint}{LINE}")})),
        (Method::PATCH, HOOK, json!({"endpoint": "https://ok.example\u{85}/"})),
        (Method::PATCH, HOOK, json!({"productPrefix": format!("rope{LINE}")})),
        (Method::PATCH, HOOK, json!({"entra": {"tenantId": uuid, "applicationId": format!("api://x{LINE}")}})),
        (Method::PATCH, HOOK, json!({"eventTypes": [LINE]})),
        (Method::PATCH, HOOK, json!({"categories": [format!("Ropes{LINE}")]})),
        (Method::POST, "/keys", json!({"scope": "read", "label": format!("ci{LINE}")})),
        (Method::POST, "/keys", json!({"scope": "read", "label": "ci\u{9b}31m"})),
        (Method::POST, "/keys", json!({"scope": "read", "supersedes": LINE})),
        (Method::POST, "/subscriptions/prices/pause", json!({"reason": format!("why{LINE}")})),
        (Method::POST, "/subscriptions/prices/redeliveries", json!({"from": LINE})),
        (Method::POST, "/subscriptions/prices%0d%0ax-injected:%201/pause", json!({})),
        (Method::POST, "/subscriptions/prices/events/e%0d%0ax-injected:%201/resend", json!({})),
        (Method::DELETE, "/subscriptions/prices/redeliveries/rd%0d%0ax-injected:%201", json!({})),
        (Method::DELETE, "/keys/%0d%0ax-injected:%201", json!({})),
        (Method::GET, "/audit?before=%0d%0ax-injected:%201", json!({})),
        (Method::GET, "/events?after=%0d%0ax-injected:%201", json!({})),
        (Method::GET, "/events?types=%0d%0ax-injected:%201", json!({})),
        (Method::GET, "/events?subscription=%0d%0ax-injected:%201", json!({})),
        (Method::GET, "/subscriptions/prices/failures?event=%0d%0ax-injected:%201", json!({})),
        (Method::GET, "/subscriptions/prices/failures?cursor=%0d%0ax-injected:%201", json!({})),
        (Method::GET, "/subscriptions/prices/metrics?since=%0d%0ax-injected:%201", json!({})),
    ] {
        let path = format!("/api/partners/acme{path}");
        let (status, headers, text) = acme.sends(|| acme.to(&method, &path).json(&body)).await;
        assert!(matches!(status.as_u16(), 400 | 404 | 422), "{method} {path} {body}: {status} {text}");
        assert!(!headers.contains_key("x-injected"), "{method} {path}: {headers:?}");
    }
    let crossed = acme.to(&Method::GET, "/api/partners/acme%0d%0ax-injected:%201").send().await.expect("an answer");
    assert_eq!((crossed.status().as_u16(), crossed.headers().get("x-injected")), (401, None));
    for (name, contact, code) in
        [("acme\r\nx", "ops@acme.example", 2), ("zeta", "ops@zeta.example\r\nx", 2), ("zeta", "\u{1b}[31m", 2)]
    {
        shop.partners_refused(&["add", name, "--contact", contact], code).await;
    }
    assert_eq!(acme.stands(HOOK, "active").await, before, "nothing was changed");
    shop.stop().await;
}
