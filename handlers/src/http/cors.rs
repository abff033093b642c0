//! CORS: which pages of other origins may read and post (the Fetch standard).

use std::time::Duration;

use axum::http::{
    HeaderName, Method, StatusCode,
    header::{ETAG, LOCATION, RETRY_AFTER},
};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::settings::Origins;

/// What browsers ask before pages of other origins may read and post (the Fetch standard's CORS protocol). No credentials: nothing
/// here depends on cookies.
pub(crate) fn cors(origins: &Origins) -> CorsLayer {
    layer(origins, &[Method::GET, Method::HEAD, Method::POST], vec![ETAG, RETRY_AFTER])
}

/// The same for an API that pages also change things by, with a key in a header. They may read `further` headers of an answer.
pub(crate) fn cors_with_changes(origins: &Origins, further: &[HeaderName]) -> CorsLayer {
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE];
    let exposed = [LOCATION, RETRY_AFTER].iter().chain(further).cloned().collect();
    layer(origins, &methods, exposed)
}

fn layer(origins: &Origins, methods: &[Method], exposed: Vec<HeaderName>) -> CorsLayer {
    let origins = match origins {
        Origins::Any => AllowOrigin::any(),
        Origins::Some(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(methods.to_vec())
        // Mirrored rather than listed: CloudEvents in binary mode come with headers of any name.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed)
        .max_age(Duration::from_secs(7200))
}

/// `OPTIONS` that is no preflight, which [`cors`] answers. As a route of its own it stays with its function where another function
/// serves the same path.
pub(crate) async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::Body,
        http::{HeaderMap, HeaderValue, Request},
        routing::get,
    };
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(method: Method, origin: &str) -> HeaderMap {
        let origins = Origins::Some(vec![HeaderValue::from_static("https://shop.example")]);
        let further = HeaderName::from_static("x-further");
        let router = Router::new()
            .route("/keys", get(async || StatusCode::UNAUTHORIZED))
            .layer(cors_with_changes(&origins, &[further]));
        let request = Request::builder().method(method).uri("/keys").header("origin", origin);
        let request = request
            .header("access-control-request-method", "DELETE")
            .header("access-control-request-headers", "authorization,idempotency-key");
        let answer = router.oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible");
        answer.headers().clone()
    }

    #[tokio::test]
    async fn pages_of_named_origins_may_change_things_and_read_what_the_answer_says() {
        let asked = answer(Method::OPTIONS, "https://shop.example").await;
        assert_eq!(asked["access-control-allow-origin"], "https://shop.example");
        assert_eq!(asked["access-control-allow-methods"], "GET,HEAD,POST,PATCH,DELETE");
        assert_eq!(asked["access-control-allow-headers"], "authorization,idempotency-key");
        // A refusal too: the page must say why.
        let refused = answer(Method::GET, "https://shop.example").await;
        assert_eq!(refused["access-control-allow-origin"], "https://shop.example");
        assert_eq!(refused["access-control-expose-headers"], "location,retry-after,x-further");
        for method in [Method::OPTIONS, Method::GET] {
            assert!(!answer(method, "https://evil.example").await.contains_key("access-control-allow-origin"));
        }
    }
}
