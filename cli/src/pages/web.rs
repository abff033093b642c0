//! The files of `web/`, which are part of this program, and the settings that tell them where this stack is.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::{Embed, EmbeddedFile};
use serde_json::json;

use super::Options;

/// A release build carries the files; a debug build reads them where they are, so that whoever works on them sees each change.
#[derive(Embed)]
#[folder = "../web"]
struct Files;

/// Every file, `/` as the storefront, and settings made for this stack in place of those of a deployment.
pub(super) fn router(options: &Options) -> Router {
    let mut settings = json!({
        "api": options.functions,
        "partner": options.partner.then_some("/partner"),
        "telemetry": options.telemetry.is_some().then_some(crate::traces::PATH),
        "schemas": (!options.schemas.is_empty()).then_some(super::catalogue::PATH),
    });
    if options.external {
        settings["external"] = true.into();
    }
    let settings = settings.to_string();
    Router::new()
        .route("/", get(async |headers: HeaderMap| file("index.html", &headers)))
        .route(
            "/config.json",
            get(async || ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], settings)),
        )
        .route("/{*path}", get(async |Path(path): Path<String>, headers: HeaderMap| file(&path, &headers)))
}

/// Adds the headers that keep a page to its own files and to the API at `functions`.
pub(super) fn guarded(pages: Router, functions: &str) -> Router {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {functions}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'self'"));
    pages.layer(middleware::from_fn(move |request: axum::extract::Request, next: Next| {
        let policy = policy.clone();
        async move {
            let mut response = next.run(request).await;
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            response
        }
    }))
}

/// A file, or 304 for a reader that has it. Nothing is kept unasked: the next start may bring other files.
fn file(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Files::get(path) else {
        return (StatusCode::NOT_FOUND, "There is no such page.\n").into_response();
    };
    let tag = tag(&file);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let validators: [(HeaderName, String); 2] =
        [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag) {
        return (StatusCode::NOT_MODIFIED, validators).into_response();
    }
    (validators, [(header::CONTENT_TYPE, content_type(path))], file.data).into_response()
}

/// An entity tag made of what the file holds.
fn tag(file: &EmbeddedFile) -> String {
    let digest = file.metadata.sha256_hash();
    let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

pub(super) fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use contoso_local::transport::Hosts;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn get(path: &str, known: Option<&HeaderValue>) -> (StatusCode, HeaderMap, String) {
        get_beside(false, path, known).await
    }

    async fn get_beside(external: bool, path: &str, known: Option<&HeaderValue>) -> (StatusCode, HeaderMap, String) {
        let options = Options {
            functions: "http://127.0.0.1:7071".to_owned(),
            external,
            partner: false,
            telemetry: None,
            schemas: std::collections::BTreeMap::new(),
            hosts: Hosts::default(),
        };
        let mut request = Request::get(path);
        if let Some(tag) = known {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let pages = guarded(router(&options), &options.functions);
        let response = pages.oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }

    #[tokio::test]
    async fn files_are_served_as_what_they_are_and_only_once() {
        for (path, content_type) in [
            ("/", "text/html; charset=utf-8"),
            ("/operations.html", "text/html; charset=utf-8"),
            ("/hub.html", "text/html; charset=utf-8"),
            ("/partners.html", "text/html; charset=utf-8"),
            ("/style.css", "text/css; charset=utf-8"),
            ("/js/dom.js", "text/javascript; charset=utf-8"),
            ("/icon.svg", "image/svg+xml"),
        ] {
            let (status, headers, body) = get(path, None).await;
            assert_eq!(
                (status, &headers[header::CONTENT_TYPE]),
                (StatusCode::OK, &HeaderValue::from_static(content_type))
            );
            assert!(!body.is_empty(), "{path}");
            let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
            assert!(policy.contains("connect-src 'self' http://127.0.0.1:7071;"), "{policy}");
            assert_eq!(get(path, Some(&headers[header::ETAG])).await.0, StatusCode::NOT_MODIFIED, "{path}");
        }
        for path in ["/none.html", "/js", "/../Cargo.toml", "/%2e%2e/Cargo.toml"] {
            assert_eq!(get(path, None).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn the_settings_are_those_of_this_stack() {
        let (_, headers, body) = get("/config.json", None).await;
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
        let settings: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(
            settings,
            json!({ "api": "http://127.0.0.1:7071", "partner": null, "telemetry": null, "schemas": null })
        );
        // Where the functions' host is another program, pages say so when nobody answers.
        let (.., body) = get_beside(true, "/config.json", None).await;
        let settings: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((&settings["api"], &settings["external"]), (&json!("http://127.0.0.1:7071"), &json!(true)));
        assert!(get("/js/api.js", None).await.2.contains("const { api, external } = await settings()"));
    }
}
