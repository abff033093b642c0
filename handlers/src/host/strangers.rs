//! Invocations that do not come from the host.

use axum::{
    body::Body,
    http::{Request, StatusCode, Version},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{router, tests};

type Headers<'a> = &'a [(&'a str, &'a str)];

/// A timer that is due.
fn tick() -> Body {
    json!({ "Data": { "tick": { "ScheduleStatus": { "Next": "2026-01-05T10:00:00+00:00" } } }, "Metadata": {} })
        .to_string()
        .into()
}

async fn ask(target: &str, headers: Headers<'_>) -> (StatusCode, Value) {
    let request = headers.iter().fold(Request::post(target), |request, (name, value)| request.header(*name, *value));
    let response = router(&tests::app(), &tests::functions()).oneshot(request.body(tick()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json", "{target} {headers:?}");
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, contoso_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn an_invocation_is_taken_from_this_machine_alone() {
    let json = ("content-type", "application/json");
    for host in ["127.0.0.1:39283", "127.8.9.1", "localhost:7071", "LOCALHOST", "[::1]:80", "[::1]"] {
        let (status, answer) = ask("/Tick", &[("host", host), json]).await;
        assert_eq!(status, StatusCode::OK, "{host}: {answer}");
    }
    for content_type in ["application/json; charset=utf-8", "Application/JSON ;version=1"] {
        assert_eq!(ask("/Tick", &[("host", "localhost"), ("content-type", content_type)]).await.0, StatusCode::OK);
    }
    // HTTP/2 has no Host.
    assert_eq!(ask("http://127.0.0.1:39283/Tick", &[json]).await.0, StatusCode::OK);

    let local = ("host", "127.0.0.1:39283");
    let strange: [(&str, Headers<'_>, u16, &str); 14] = [
        ("/Tick", &[json], 403, "Host"),
        ("/Tick", &[("host", "evil.example"), json], 403, "Host"),
        ("/Tick", &[("host", "127.0.0.1.evil.example:39283"), json], 403, "Host"),
        ("/Tick", &[("host", "localhost.evil.example"), json], 403, "Host"),
        ("/Tick", &[("host", "10.0.0.1"), json], 403, "Host"),
        ("/Tick", &[("host", ""), json], 403, "Host"),
        ("/Tick", &[("host", "evil@localhost"), json], 403, "Host"),
        ("/Tick", &[local, ("host", "evil.example"), json], 403, "Host"),
        ("http://evil.example/Tick", &[local, json], 403, "Host"),
        ("/Tick", &[local, ("origin", "https://evil.example"), json], 403, "Origin"),
        // The host is no page, not even one of this machine.
        ("/Tick", &[local, ("origin", "http://127.0.0.1:7070"), json], 403, "Origin"),
        ("/Tick", &[local, ("content-type", "text/plain")], 415, "application/json"),
        ("/Tick", &[local, ("content-type", "application/jsonp")], 415, "application/json"),
        ("/Tick", &[local], 415, "application/json"),
    ];
    for (target, headers, expected, named) in strange {
        let (status, problem) = ask(target, headers).await;
        assert_eq!((status.as_u16(), &problem["status"]), (expected, &json!(expected)), "{headers:?}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(named), "{headers:?}: {problem}");
    }
}

/// Whoever the shop's customers come from, the host forwards them as they are.
#[tokio::test]
async fn forwarded_requests_may_come_from_anywhere() {
    let request = Request::get("/api/pages/7").header("host", "shop.example").header("origin", "https://shop.example");
    let request = request.version(Version::HTTP_11).body(Body::empty()).unwrap();
    let response = router(&tests::app(), &tests::functions()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

/// The headers are those of the real host, the bodies too.
#[tokio::test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
async fn what_the_real_host_sends_is_taken() {
    let folder = std::path::Path::new(env!("REAL_DATA")).join("custom-handler-payloads/real-host");
    for (file, function) in [
        ("timer.json", "Tick"),
        ("timer-past-due.json", "Tick"),
        ("cosmos.json", "Documents"),
        ("eventhub-many-binary.json", "Bare"),
        ("event-grid-one.json", "Event"),
    ] {
        let recorded: Value =
            contoso_json::from_str(&std::fs::read_to_string(folder.join(file)).expect(file)).expect(file);
        let mut request = Request::post(format!("/{function}"));
        for header in recorded["headers"].as_array().expect(file) {
            request = request.header(header[0].as_str().expect(file), header[1].as_str().expect(file));
        }
        let body = Body::from(recorded["body"].as_str().expect(file).to_owned());
        let response = router(&tests::app(), &tests::functions()).oneshot(request.body(body).unwrap()).await.unwrap();
        // What the functions of this test make of it is another question.
        assert!(!matches!(response.status().as_u16(), 400 | 403 | 404 | 415), "{file}: {}", response.status());
    }
}
