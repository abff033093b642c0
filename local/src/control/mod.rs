//! Control port: levers (fault injection, clock, redelivery) for tests, as JSON over HTTP, apart from the ports that
//! apps talk to.
//!
//! `GET /` lists the levers. Whoever is on this machine may pull them; pages in its browsers may not (`guard`).

mod catalogue;
mod clock;
mod cosmos;
mod event_hubs;
mod faults;
mod functions;
mod guard;
mod handles;
mod problem;
mod schema_registry;
#[cfg(test)]
mod tests;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post},
};
use http::{Method, StatusCode, Uri};
use tokio::net::TcpListener;

use self::problem::Problem;
use crate::transport::HttpServer;
pub(crate) use handles::Handles;

/// Largest body in bytes.
const BODY_LIMIT: usize = 64 << 10;

/// Serves the levers on `listener`.
///
/// # Errors
/// When the listener has no address.
pub(crate) fn start(listener: TcpListener, handles: Handles) -> std::io::Result<HttpServer> {
    let tls = handles.identity.tls().clone();
    HttpServer::start("control", listener, router(handles), &tls)
}

fn router(handles: Handles) -> Router {
    let refusing = |methods: MethodRouter<Handles>| methods.fallback(wrong_method);
    Router::new()
        .route("/", refusing(get(catalogue::show)))
        .route("/clock", refusing(get(clock::read)))
        .route("/clock/advance", refusing(post(clock::advance)))
        .route("/faults", refusing(post(faults::arm).get(faults::list).delete(faults::clear)))
        .route("/faults/{id}", refusing(delete(faults::disarm)))
        .route("/event-hubs", refusing(get(event_hubs::show).delete(event_hubs::clear)))
        .route("/event-hubs/drop", refusing(post(event_hubs::drop_links)))
        .route("/event-hubs/detach", refusing(post(event_hubs::detach)))
        .route("/event-hubs/delay", refusing(post(event_hubs::delay)))
        .route("/event-hubs/answer-sends", refusing(post(event_hubs::answer_sends)))
        .route("/event-hubs/steal", refusing(post(event_hubs::steal)))
        .route("/schema-registry", refusing(get(schema_registry::show)))
        .route("/cosmos", refusing(get(cosmos::show).delete(cosmos::clear)))
        .route("/cosmos/faults", refusing(post(cosmos::fail)))
        .route("/cosmos/throughput", refusing(post(cosmos::limit)))
        .route("/cosmos/regions/{name}/offline", refusing(post(cosmos::offline)))
        .route("/cosmos/regions/{name}/online", refusing(post(cosmos::online)))
        .route("/functions/{name}/fire", refusing(post(functions::fire)))
        .route("/functions/{name}/redeliver", refusing(post(functions::redeliver)))
        .fallback(no_lever)
        .with_state(handles)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(axum::middleware::from_fn(guard::admit))
}

async fn no_lever(method: Method, uri: Uri) -> Response {
    Problem::not_found(format!("There is no lever {method} {}; GET / lists them.", uri.path())).into_response()
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let detail = format!("There is no lever {method} {}; GET / lists them.", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).into_response()
}
