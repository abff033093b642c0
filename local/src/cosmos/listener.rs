//! The port: HTTP/1.1 and HTTP/2 without TLS, as the clients of the emulators speak.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request as HttpRequest, State},
    serve::ListenerExt,
};
use bytes::Bytes;
use http::{Response, StatusCode};
use tokio::net::TcpListener;

use super::{
    EMULATOR_KEY,
    account::Account,
    authorization::authorize,
    levers::{self, Levers},
    regions::{Door, Regions},
    request::Request,
    responses,
};

/// Above the service's 2 MB for an item, so that it is the emulator that refuses an item and says why.
const BODY_LIMIT: usize = 16 << 20;

/// What every port of the account shares.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) account: Arc<Account>,
    pub(super) regions: Arc<Regions>,
    pub(super) levers: Levers,
}

/// Serves the account behind one of its doors until it is stopped.
pub(super) fn serve(listener: TcpListener, door: Door, shared: Shared) {
    // Without it, answers of more than one segment wait for the client's delayed acknowledgement.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::warn!(%error, "cosmos: cannot set TCP_NODELAY");
        }
    });
    let stopped = shared.account.stopped().clone();
    let router = Router::new().fallback(answer).with_state((door, shared));
    tokio::spawn(async move {
        tokio::select! {
            () = stopped.cancelled() => {}
            served = axum::serve(listener, router) => {
                if let Err(error) = served {
                    tracing::error!(%error, "cosmos: the listener failed");
                }
            }
        }
    });
}

async fn answer(State((door, shared)): State<(Door, Shared)>, http: HttpRequest) -> Response<Body> {
    let (parts, body) = http.into_parts();
    let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let (body, oversized) = match to_bytes(body, BODY_LIMIT).await {
        Ok(body) => (body, false),
        Err(_) => (Bytes::new(), true),
    };
    let request = Request::new(parts.method, &path_and_query, parts.headers, body);
    let response = if shared.account.stopped().is_cancelled() {
        responses::unavailable(&request, "The account is stopped.")
    } else if let Err(denied) = authorize(&request, EMULATOR_KEY) {
        responses::error(&request, StatusCode::UNAUTHORIZED, "Unauthorized", &denied.to_string())
    } else if oversized {
        let message = "The request body is cut off or larger than 16 MB.";
        responses::error(&request, StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    } else {
        shared.serve(door, request).await
    };
    response.map(Body::from)
}

impl Shared {
    /// Answers a request that is let in: as its region is, and unless a test wants it otherwise.
    async fn serve(&self, door: Door, request: Request) -> Response<Bytes> {
        if let Some(refusal) = self.regions.refusal(door, &request) {
            return refusal;
        }
        let fault = self.levers.fault(&request);
        if let Some(fault) = fault.as_ref().filter(|fault| !fault.after_commit) {
            return fault.answer(&request);
        }
        if let Some(wait) = self.levers.throttle(&request) {
            return levers::throttled(&request, wait);
        }
        let is_account = request.method == http::Method::GET && request.path.is_empty();
        let request = Arc::new(request);
        let mut response = self.account.answer(Arc::clone(&request)).await;
        self.levers.charge(&request, &response);
        if let Some(fault) = fault {
            return fault.answer(&request);
        }
        if is_account && let Some(document) = self.regions.describe(response.body()) {
            *response.body_mut() = document;
        }
        response
    }
}
