//! The pages: what `web/` holds, the settings of this stack for it, the demo partner with its webhook, and what the app told
//! of itself.

mod catalogue;
mod origin_guard;
mod partner;
mod telemetry;
#[cfg(test)]
mod telemetry_tests;
mod web;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::from_fn,
    response::{Html, IntoResponse, Json, Response},
    routing::{get, options},
};
use contoso_local::{
    telemetry::Telemetry,
    transport::{Hosts, HttpServer},
};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::clock;
pub use partner::{Delivered, Inbox, Received};

/// Where the demo partner takes events, below the pages' address.
pub const WEBHOOK: &str = "/partner/events";
/// Event Grid posts at most 1 MB; room for the envelope of a batch.
const MAX_BODY: usize = 2 << 20;

/// What the pages show.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address of the functions, which the pages call.
    pub functions: String,
    /// Whether their host runs beside the stack, so that it may not have been started.
    pub external: bool,
    /// Whether the demo partner exists.
    pub partner: bool,
    /// What the app told of itself, where somebody listens.
    pub telemetry: Option<Telemetry>,
    /// The files of the catalogue of events, by their names.
    pub schemas: BTreeMap<String, String>,
    /// What the port answers to, and whose pages may send events to the partner.
    pub hosts: Hosts,
}

/// The running pages; dropping it stops them.
pub struct Pages {
    _server: HttpServer,
}

impl Pages {
    /// Serves the pages on `listener`, in plain text.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, options: Options) -> std::io::Result<Self> {
        let router = options.hosts.clone().guard(router(options));
        Ok(Self { _server: HttpServer::start("pages", listener, router, None)? })
    }
}

type Shared = Arc<Mutex<Inbox>>;

/// Every route of the pages.
pub fn router(options: Options) -> Router {
    let pages = web::router(&options);
    let pages = if options.partner { pages.merge(partner_routes(&options.hosts)) } else { pages };
    let pages = match options.telemetry {
        Some(telemetry) => pages.merge(telemetry::router(telemetry)),
        None => pages,
    };
    let pages = if options.schemas.is_empty() { pages } else { pages.merge(catalogue::router(options.schemas)) };
    web::guarded(pages, &options.functions)
}

fn partner_routes(hosts: &Hosts) -> Router {
    let inbox = Shared::default();
    let webhook = options(handshake).post(receive).layer(from_fn(origin_guard::events_only));
    let webhook = hosts.guard_from_pages(Router::new().route(WEBHOOK, webhook).with_state(Arc::clone(&inbox)));
    Router::new()
        .route("/partner", get(list))
        .route("/partner.js", get(async || asset("text/javascript; charset=utf-8", include_str!("assets/partner.js"))))
        .route("/partner.css", get(async || asset("text/css; charset=utf-8", include_str!("assets/partner.css"))))
        .with_state(inbox)
        .merge(webhook)
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

fn asset(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")], text)
}

/// The consent of the CloudEvents webhook specification (HTTP 1.1 Web Hooks, §4): the origin that asks may send, at any rate.
async fn handshake(headers: HeaderMap) -> Response {
    let Some(origin) = headers.get("webhook-request-origin") else {
        return (StatusCode::BAD_REQUEST, "WebHook-Request-Origin is missing\n").into_response();
    };
    let mut response = StatusCode::OK.into_response();
    let answer = response.headers_mut();
    answer.insert("webhook-allowed-origin", origin.clone());
    answer.insert("webhook-allowed-rate", HeaderValue::from_static("*"));
    answer.insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

/// One event, or a batch of them: Event Grid decides by the subscription, a receiver takes both.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Batch(Vec<Delivered>),
    One(Box<Delivered>),
}

async fn receive(State(inbox): State<Shared>, body: Bytes) -> Response {
    let events = match contoso_json::from_slice(&body) {
        Ok(Body::Batch(events)) => events,
        Ok(Body::One(event)) => vec![*event],
        // 400 tells Event Grid that repeating cannot help.
        Err(_) => return (StatusCode::BAD_REQUEST, "not a CloudEvent in JSON, nor a batch of them\n").into_response(),
    };
    let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
    // Behind the lock, so that times are in the order of the list.
    let now = clock::now();
    for event in events {
        inbox.deliver(event, now);
    }
    StatusCode::OK.into_response()
}

#[derive(Deserialize)]
struct Format {
    format: Option<String>,
}

async fn list(State(inbox): State<Shared>, Query(Format { format }): Query<Format>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let json = match format.as_deref() {
        Some(format) => format == "json",
        None => accept.contains("application/json"),
    };
    if json {
        let inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
        ([(header::CACHE_CONTROL, "no-store")], Json(&*inbox)).into_response()
    } else {
        Html(include_str!("assets/partner.html")).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body as HttpBody;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    fn pages() -> Router {
        router(Options {
            functions: "http://127.0.0.1:7071".to_owned(),
            external: false,
            partner: true,
            telemetry: None,
            schemas: BTreeMap::new(),
            hosts: Hosts::default(),
        })
    }

    async fn call(pages: &Router, request: Request<HttpBody>) -> (StatusCode, HeaderMap, String) {
        let response = pages.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }

    async fn post(pages: &Router, body: &str) -> StatusCode {
        let request = Request::post(WEBHOOK)
            .header("content-type", "application/cloudevents+json; charset=utf-8")
            .body(HttpBody::from(body.to_owned()))
            .expect("a request");
        call(pages, request).await.0
    }

    #[tokio::test]
    async fn the_handshake_consents_to_the_origin_that_asks() {
        let pages = pages();
        let ask = Request::options(WEBHOOK).header("WebHook-Request-Origin", "eventgrid.azure.net");
        let (status, headers, _) = call(&pages, ask.body(HttpBody::empty()).expect("a request")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers["webhook-allowed-origin"], "eventgrid.azure.net");
        assert_eq!(headers["webhook-allowed-rate"], "*");
        let (status, headers, _) =
            call(&pages, Request::options(WEBHOOK).body(HttpBody::empty()).expect("a request")).await;
        assert_eq!((status, headers.get("webhook-allowed-origin")), (StatusCode::BAD_REQUEST, None));
    }

    #[tokio::test]
    async fn what_came_is_listed_newest_first_with_its_deliveries() {
        let pages = pages();
        let event = |id: &str| {
            json!({ "specversion": "1.0", "id": id, "source": "/products", "type": "com.contoso.product.changed.v1",
                "subject": "7", "time": "2026-01-05T10:00:00Z", "data": { "price": id } })
        };
        assert_eq!(post(&pages, &event("a").to_string()).await, StatusCode::OK);
        assert_eq!(post(&pages, &json!([event("b"), event("a")]).to_string()).await, StatusCode::OK);
        assert_eq!(post(&pages, r#"{"id":"no source"}"#).await, StatusCode::BAD_REQUEST);
        // Text in text, each read with a depth of its own: this ended the process.
        let bottomless = (0..60).fold("1".to_owned(), |core, _| {
            let inner = format!("{}{core}{}", "[".repeat(125), "]".repeat(125));
            let text = inner.replace('\\', "\\u005c").replace('"', "\\u0022");
            format!("{{\"$serde_json::private::RawValue\":\"{text}\"}}")
        });
        let bottomless = format!(r#"{{"specversion":"1.0","id":"c","source":"/s","type":"t","data":{bottomless}}}"#);
        assert_eq!(post(&pages, &bottomless).await, StatusCode::BAD_REQUEST);
        assert_eq!(post(&pages, &format!("[{bottomless}]")).await, StatusCode::BAD_REQUEST);

        for request in [
            Request::get("/partner?format=json").body(HttpBody::empty()),
            Request::get("/partner").header("accept", "application/json").body(HttpBody::empty()),
        ] {
            let (status, _, body) = call(&pages, request.expect("a request")).await;
            assert_eq!(status, StatusCode::OK);
            let inbox: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!((&inbox["count"], &inbox["deliveries"]), (&json!(2), &json!(3)));
            let listed = inbox["events"].as_array().expect("a list");
            let ids: Vec<_> = listed.iter().map(|event| (&event["id"], &event["deliveries"])).collect();
            assert_eq!(ids, [(&json!("b"), &json!(1)), (&json!("a"), &json!(2))]);
            assert_eq!(listed[1]["data"], json!({ "price": "a" }));
            assert_eq!(listed[1]["subject"], "7");
        }
        let browser =
            Request::get("/partner").header("accept", "text/html").body(HttpBody::empty()).expect("a request");
        assert!(call(&pages, browser).await.2.starts_with("<!doctype html>"));
    }

    /// Any page may post text or a form; what the webhook takes needs consent, which is for Event Grid alone.
    #[tokio::test]
    async fn pages_from_elsewhere_deliver_nothing() {
        let pages = pages();
        let event = r#"{"specversion":"1.0","id":"forged","source":"/products","type":"t"}"#;
        let events = "application/cloudevents+json";
        let post = async |headers: &[(&str, &str)]| {
            let request = headers.iter().fold(Request::post(WEBHOOK), |post, (name, value)| post.header(*name, *value));
            call(&pages, request.body(HttpBody::from(event)).expect("a request")).await.0
        };
        for kind in
            ["text/plain", "application/x-www-form-urlencoded", "application/json", "application/cloudevents", ""]
        {
            assert_eq!(post(&[("content-type", kind)]).await, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
        }
        assert_eq!(post(&[]).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        for from in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            assert_eq!(post(&[("content-type", events), from]).await, StatusCode::FORBIDDEN, "{from:?}");
        }
        let asked = Request::options(WEBHOOK).header("origin", "https://evil.example");
        let asked = asked.header("access-control-request-method", "POST").body(HttpBody::empty()).expect("a request");
        let (status, headers, _) = call(&pages, asked).await;
        assert_eq!((status, headers.get("access-control-allow-origin")), (StatusCode::FORBIDDEN, None));
        let inbox = Request::get("/partner?format=json").body(HttpBody::empty()).expect("a request");
        assert!(call(&pages, inbox).await.2.contains(r#""count":0"#));
        // A page of this machine may.
        let own =
            [("content-type", "Application/CloudEvents+JSON; charset=utf-8"), ("origin", "http://localhost:7070")];
        assert_eq!(post(&own).await, StatusCode::OK);
    }

    #[tokio::test]
    async fn the_port_answers_to_this_machine_and_what_was_added() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let hosts = ["shop.test".parse().expect("a name")].into_iter().collect();
        let _pages = Pages::start(
            listener,
            Options {
                functions: String::new(),
                external: false,
                partner: true,
                telemetry: None,
                schemas: BTreeMap::new(),
                hosts,
            },
        );
        let http = reqwest::Client::new();
        for (host, expected) in [
            ("127.0.0.1", 200),
            ("localhost:1", 200),
            ("Shop.Test:7070", 200),
            ("evil.example", 421),
            ("a.shop.test", 421),
        ] {
            let request = http.get(format!("http://127.0.0.1:{port}/config.json")).header("host", host);
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), expected, "{host}");
            if expected == 421 {
                assert!(answer.text().await.expect("a body").contains(&format!("--host {host}")), "{host}");
            }
        }
    }

    #[tokio::test]
    async fn without_the_demo_there_is_no_partner() {
        let pages = router(Options {
            functions: String::new(),
            external: false,
            partner: false,
            telemetry: None,
            schemas: BTreeMap::new(),
            hosts: Hosts::default(),
        });
        let (status, ..) = call(&pages, Request::get("/partner").body(HttpBody::empty()).expect("a request")).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}
