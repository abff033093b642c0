//! Forwarded HTTP requests, and the last catch for panics.

use std::{any::Any, future::Future, panic::AssertUnwindSafe, time::Instant};

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::StatusCode,
    middleware::{self, Next},
    response::Response,
};
use futures::FutureExt;

use super::response::{problem, problem_document};

/// Adds to the routes of an HTTP function: one log line per request, and a problem document where it panics.
pub(super) fn guarded(function: &'static str, routes: Router) -> Router {
    routes.layer(middleware::from_fn(move |request: Request, next: Next| forward(function, request, next)))
}

async fn forward(function: &'static str, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    // Not the path: it may name a visitor.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|panic| {
        tracing::error!(function, cause = panic_text(&*panic), "the function panicked");
        problem_document(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal error",
            "The request met a fault of this program.",
        )
    });
    tracing::info!(
        function,
        %method,
        route = route.as_ref().map(MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = started.elapsed().as_millis(),
        "request"
    );
    response
}

/// An invocation's answer, even if it panicked: to the host, a dropped connection would look like a dead handler.
pub(super) async fn caught(invocation: impl Future<Output = Response>) -> Response {
    AssertUnwindSafe(invocation).catch_unwind().await.unwrap_or_else(|panic| problem(500, "Panic", panic_text(&*panic)))
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}
