//! The port: HTTP/1.1 and HTTP/2, in plain text as the clients of the emulators speak, and over TLS.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request as HttpRequest, State},
};
use bytes::Bytes;
use http::{Response, StatusCode};
use tokio::net::TcpListener;

use crate::{
    identity::Identity,
    transport::{HttpServer, Peer},
};

use super::{EMULATOR_KEY, account::Account, authorization::authorize, request::Request, responses};

/// Above the service's 2 MB for an item, so that it is the emulator that refuses an item and says why.
const BODY_LIMIT: usize = 16 << 20;

/// Serves `account` until it is stopped.
pub(super) fn serve(listener: TcpListener, account: Arc<Account>, identity: &Identity) -> std::io::Result<()> {
    let stopped = account.stopped().clone();
    let router = Router::new().fallback(answer).with_state(account);
    let server = HttpServer::start("cosmos", listener, router, identity.tls())?;
    tokio::spawn(async move {
        stopped.cancelled().await;
        drop(server);
    });
    Ok(())
}

async fn answer(
    State(account): State<Arc<Account>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    http: HttpRequest,
) -> Response<Body> {
    let (parts, body) = http.into_parts();
    let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let (body, oversized) = match to_bytes(body, BODY_LIMIT).await {
        Ok(body) => (body, false),
        Err(_) => (Bytes::new(), true),
    };
    let request = Request::new(parts.method, &path_and_query, parts.headers, body);
    let is_account = request.path.trim_matches('/').is_empty();
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
    match is_account && peer.secure {
        true => response.map(|body| Body::from(over_tls(&body))),
        false => response.map(Body::from),
    }
}

/// The account's description for a client that came over TLS: its regions are reached the same way, else the client's
/// next request, with its token, would go in plain text.
fn over_tls(body: &[u8]) -> String {
    String::from_utf8_lossy(body).replace("http://127.0.0.1:", "https://127.0.0.1:")
}
