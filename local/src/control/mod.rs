//! The control port: levers for tests, as JSON over HTTP, apart from the ports that apps talk to.
//!
//! `GET /` lists the levers. Whoever is on this machine may pull them; pages in its browsers may not (`guard`).

mod catalogue;
mod clock;
mod faults;
mod functions;
mod guard;
mod problem;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use http::{Method, StatusCode, Uri};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::event_grid::EventGrid;
use crate::functions_host::Services;
use crate::schema_registry::SchemaRegistry;
use crate::stack::App;
use problem::Problem;

/// Largest body in bytes.
const BODY_LIMIT: usize = 64 << 10;
/// How long a stop waits for levers that are being pulled.
const GRACE: Duration = Duration::from_secs(3);

/// What the levers work on.
#[derive(Clone)]
pub(crate) struct Handles {
    pub(crate) clock: Clock,
    pub(crate) services: Services,
    pub(crate) event_grid: EventGrid,
    pub(crate) schema_registry: SchemaRegistry,
    pub(crate) app: Arc<App>,
}

/// The port of a running stack.
pub(crate) struct Control {
    address: SocketAddr,
    stop: CancellationToken,
    server: Mutex<Option<JoinHandle<()>>>,
}

impl Control {
    /// Serves the levers on `listener`.
    pub(crate) fn start(listener: TcpListener, handles: Handles) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let server = axum::serve(listener, router(handles)).with_graceful_shutdown(stop.clone().cancelled_owned());
        let server = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the control port stopped serving");
            }
        });
        Ok(Self { address, stop, server: Mutex::new(Some(server)) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        if let Some(mut server) = self.server.lock().await.take()
            && tokio::time::timeout(GRACE, &mut server).await.is_err()
        {
            server.abort();
        }
    }
}

fn router(handles: Handles) -> Router {
    let refusing = |methods: MethodRouter<Handles>| methods.fallback(wrong_method);
    Router::new()
        .route("/", refusing(get(catalogue::show)))
        .route("/clock", refusing(get(clock::read)))
        .route("/clock/advance", refusing(post(clock::advance)))
        .route("/faults", refusing(post(faults::arm).get(faults::list).delete(faults::clear)))
        .route("/faults/{id}", refusing(delete(faults::disarm)))
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
