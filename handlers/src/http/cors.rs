//! CORS: which pages of other origins may read and post (the Fetch standard).

use std::time::Duration;

use axum::http::{
    Method, StatusCode,
    header::{ETAG, RETRY_AFTER},
};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::settings::Origins;

/// What browsers ask before pages of other origins may read and post (the Fetch standard's CORS protocol). No credentials: nothing
/// here depends on cookies.
pub(crate) fn cors(origins: &Origins) -> CorsLayer {
    let origins = match origins {
        Origins::Any => AllowOrigin::any(),
        Origins::Some(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        // Mirrored rather than listed: CloudEvents in binary mode come with headers of any name.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([ETAG, RETRY_AFTER])
        .max_age(Duration::from_secs(7200))
}

/// `OPTIONS` that is no preflight, which [`cors`] answers. As a route of its own it stays with its function where another function
/// serves the same path.
pub(crate) async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}
