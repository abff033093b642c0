//! The Functions host's side of this program: the custom handler protocol over HTTP on loopback.
//!
//! The host asks `GET /` until anything answers, then posts one JSON object per invocation to `/<function name>`, and forwards HTTP
//! requests as they are. Every answer to an invocation is a JSON object: an empty success would leave the host waiting until its
//! time limit, and anything but JSON is a failure with another message than ours. A panic is caught where the record at fault is
//! known (`batch`), and once more around everything.

mod admission;
mod batch;
mod cosmos_db;
mod event_grid;
mod event_hub;
mod http;
mod invocation;
mod listener;
mod replay;
mod report;
mod response;
mod staged;
mod summary;
mod timer;
mod unread;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode},
    middleware::from_fn,
    response::Response,
    routing::{get, post},
};
use serde_json::json;

use self::{
    invocation::Invocation,
    replay::Replayer,
    response::{problem, problem_document},
    summary::{Called, Summary},
};
pub use self::{
    listener::{Connection, Listener},
    staged::{StagingError, staged},
};
use crate::{
    app::App,
    domain::trace_context::TraceContext,
    function::{Function, Trigger},
    http::trace_context,
};

/// The largest invocation accepted (bytes): a blob or request of 100 MB, or a batch of large events, in base64 and quoted twice.
const MAX_INVOCATION: usize = 512 << 20;

/// The routes of these functions.
pub fn router(app: &App, functions: &[Function]) -> Router {
    let replayer = Arc::new(Replayer::of(functions));
    app.replays_by(Arc::new(move |app, id, opened| {
        let replayer = Arc::clone(&replayer);
        Box::pin(async move { replayer.replay(&app, &id, &opened).await })
    }));
    let mut routes = Router::new().route("/", get(|| async { Json(json!({ "status": "ready" })) }));
    for function in functions.iter().copied() {
        routes = match function.trigger {
            Trigger::Http { router } => routes.merge(http::guarded(app, function.name, router(app.clone()))),
            _ => {
                let app = app.clone();
                let invoke = move |headers: HeaderMap, body: Body| {
                    http::caught(invoke(app.clone(), function, trace_context(&headers), body))
                };
                routes
                    .route(&format!("/{}", function.name), post(invoke).route_layer(from_fn(admission::from_the_host)))
            }
        };
    }
    let routes = routes.fallback(|request: axum::extract::Request| async move {
        let path = request.uri().path();
        let detail = format!("{path} is not served here");
        // What is not below the prefix of HTTP functions was sent by the host itself.
        if path.starts_with("/api/") {
            problem_document(StatusCode::NOT_FOUND, "Not Found", &detail)
        } else {
            problem(404, "Not found", &detail)
        }
    });
    routes.layer(from_fn(unread::read_the_rest))
}

/// One invocation, from its body to its answer.
async fn invoke(app: App, function: Function, parent: Option<TraceContext>, body: Body) -> Response {
    let body = match axum::body::to_bytes(body, MAX_INVOCATION).await {
        Ok(body) => body,
        Err(error) => return problem(413, "Invocation not read", &error.to_string()),
    };
    let result = match Invocation::parse(&body) {
        Ok(invocation) => dispatch(app, function, parent, &invocation).await,
        Err(error) => Err(error),
    };
    drop::<Bytes>(body);
    result.unwrap_or_else(|malformed| {
        tracing::error!(function = function.name, cause = %malformed, "malformed invocation");
        problem(400, "Malformed invocation", &malformed.to_string())
    })
}

async fn dispatch(
    app: App,
    function: Function,
    parent: Option<TraceContext>,
    invocation: &Invocation<'_>,
) -> Result<Response, invocation::Malformed> {
    let name = function.name;
    let called = Called { function: name, trigger: function.trigger.kind() };
    let summary = Summary::start(app.telemetry(), called, parent);
    match function.trigger {
        Trigger::EventHub { hub, consumer_group, order, handle } => {
            let subscription = event_hub::Subscription { function: name, hub, consumer_group, order };
            event_hub::invoke(&app, &subscription, handle, summary, invocation).await
        }
        Trigger::CosmosDb { handle } => cosmos_db::invoke(&app, name, handle, summary, invocation).await,
        Trigger::EventGrid { handle } => event_grid::invoke(&app, name, handle, summary, invocation).await,
        Trigger::Timer { handle } => timer::invoke(&app, handle, summary, invocation).await,
        // Only reached if a route of the function has the function's bare name.
        Trigger::Http { .. } => Ok(problem(404, "Not found", "HTTP functions are served by forwarding only")),
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod strangers;
#[cfg(test)]
pub(crate) mod tests;
