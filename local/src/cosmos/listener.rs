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

use super::{EMULATOR_KEY, account::Account, authorization::authorize, request::Request, responses};
use crate::faults::Faults;

/// Above the service's 2 MB for an item, so that it is the emulator that refuses an item and says why.
const BODY_LIMIT: usize = 16 << 20;

/// Serves `account` until it is stopped.
pub(super) fn serve(listener: TcpListener, account: Arc<Account>, faults: &Faults) {
    // Without it, answers of more than one segment wait for the client's delayed acknowledgement.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::warn!(%error, "cosmos: cannot set TCP_NODELAY");
        }
    });
    let stopped = account.stopped().clone();
    let router = faults.guard(Router::new().fallback(answer).with_state(account));
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

async fn answer(State(account): State<Arc<Account>>, http: HttpRequest) -> Response<Body> {
    let (parts, body) = http.into_parts();
    let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let (body, oversized) = match to_bytes(body, BODY_LIMIT).await {
        Ok(body) => (body, false),
        Err(_) => (Bytes::new(), true),
    };
    let request = Request::new(parts.method, &path_and_query, parts.headers, body);
    let response = if account.stopped().is_cancelled() {
        responses::unavailable(&request, "The account is stopped.")
    } else if let Err(denied) = authorize(&request, EMULATOR_KEY) {
        responses::error(&request, StatusCode::UNAUTHORIZED, "Unauthorized", &denied.to_string())
    } else if oversized {
        let message = "The request body is cut off or larger than 16 MB.";
        responses::error(&request, StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    } else {
        account.answer(request).await
    };
    response.map(Body::from)
}
