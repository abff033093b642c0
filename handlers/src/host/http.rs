//! Forwarded HTTP requests, and the last catch for panics.

use std::{any::Any, future::Future, panic::AssertUnwindSafe, time::Instant};

use axum::{
    Router,
    body::HttpBody as _,
    extract::{MatchedPath, Request},
    http::{
        Method, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    middleware::{self, Next},
    response::Response,
};
use futures::FutureExt;
use opentelemetry::KeyValue;

use super::response::{problem, problem_document};
use crate::{
    app::App,
    clock,
    http::{Cause, trace_context},
    telemetry::{self, SpanKind, Telemetry},
};

/// Adds to the routes of an HTTP function: one log line and one span per request, and a problem document where it panics, or where
/// an error has no body.
pub(super) fn guarded(app: &App, function: &'static str, routes: Router) -> Router {
    let telemetry = app.telemetry().clone();
    routes.layer(middleware::from_fn(move |request: Request, next: Next| {
        forward(telemetry.clone(), function, request, next)
    }))
}

async fn forward(telemetry: Telemetry, function: &'static str, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let mut span = telemetry.begin(function, SpanKind::Server, trace_context(request.headers()).as_ref(), || {
        vec![KeyValue::new("contoso.function", function), KeyValue::new("faas.trigger", "http")]
    });
    request.extensions_mut().insert(Cause(span.context().cloned()));
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
    let response = explained(&method, response);
    let answered = telemetry::Request {
        method: known(&method),
        route: route.as_ref().map_or("", MatchedPath::as_str),
        status: response.status().as_u16(),
    };
    if let Some(instruments) = telemetry.instruments(function) {
        instruments.request(&answered, started.elapsed());
    }
    if span.is_recorded() {
        answered.attributes().into_iter().for_each(|attribute| span.set(attribute));
        if response.status().is_server_error() {
            span.fail("the request met a fault");
        }
    }
    let _within = span.attach();
    span.end(clock::now());
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

/// Routing answers a method that a path does not have with a status and the header `Allow` alone: callers who read every error alike get a
/// problem document.
fn explained(method: &Method, response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || !response.body().is_end_stream() {
        return response;
    }
    let title = status.canonical_reason().unwrap_or("Error");
    let detail = match status {
        StatusCode::METHOD_NOT_ALLOWED => format!("There is no {method} here; the header Allow names what there is."),
        _ => "The request was refused.".to_owned(),
    };
    let (parts, _) = response.into_parts();
    let mut document = problem_document(status, title, &detail);
    for (name, value) in &parts.headers {
        if *name != CONTENT_TYPE && *name != CONTENT_LENGTH {
            document.headers_mut().append(name, value.clone());
        }
    }
    document
}

/// A method by its name; any other is one word, as the semantic conventions ask: the caller chooses it.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
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
