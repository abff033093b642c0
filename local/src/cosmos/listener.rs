//! Listener on each port: HTTP/1.1 and HTTP/2, in plain text as the clients of the emulators speak, and over TLS.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request as HttpRequest, State},
};
use bytes::Bytes;
use http::{
    HeaderMap, Response, StatusCode, header,
    uri::{Authority, Scheme},
};
use tokio::net::TcpListener;

use crate::{
    cosmos::{
        gateway,
        store::account::Account,
        wire::{
            authorization::{EMULATOR_KEY, Guard, Refused},
            levers::{self, Levers},
            operation_kind::OperationKind,
            regions::{Endpoint, Regions},
            request::{PHYSICAL_PARTITIONS, Request},
            resource_ids::{self, Address},
            responses,
            signature::Spelling,
            unsupported,
            usage::Meter,
        },
    },
    faults::Faults,
    identity::Identity,
    transport::{HttpServer, Peer},
};

/// Above the service's 2 MB for an item, so that it is the data plane that refuses an item and says why.
const BODY_LIMIT: usize = 16 << 20;

/// What every port of the account shares.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) account: Arc<Account>,
    pub(super) regions: Arc<Regions>,
    pub(super) levers: Levers,
    pub(super) meter: Meter,
    pub(super) faults: Faults,
    pub(super) identity: Identity,
}

/// One port.
#[derive(Clone)]
struct Port {
    endpoint: Endpoint,
    guard: Guard,
    shared: Shared,
}

/// Serves the account at one of its endpoints until it is stopped.
///
/// # Errors
/// When the listener has no address.
pub(super) fn serve(
    listener: TcpListener,
    address: SocketAddr,
    endpoint: Endpoint,
    shared: &Shared,
) -> std::io::Result<()> {
    let stopped = shared.account.stopped().clone();
    let guard = Guard::new(EMULATOR_KEY, shared.identity.clone(), address);
    let router = Router::new().fallback(answer).with_state(Port { endpoint, guard, shared: shared.clone() });
    let router = shared.faults.guard(router);
    let server = HttpServer::start("cosmos", listener, router, shared.identity.tls())?;
    tokio::spawn(async move {
        stopped.cancelled().await;
        drop(server);
    });
    Ok(())
}

async fn answer(State(port): State<Port>, ConnectInfo(peer): ConnectInfo<Peer>, http: HttpRequest) -> Response<Body> {
    let (mut parts, body) = http.into_parts();
    parts.headers.remove(PHYSICAL_PARTITIONS);
    let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let (body, oversized) = match to_bytes(body, BODY_LIMIT).await {
        Ok(body) => (body, false),
        Err(_) => (Bytes::new(), true),
    };
    let host = parts.uri.host().map(str::to_owned).or_else(|| host_of(&parts.headers)).unwrap_or_default();
    let request = Request::new(parts.method, &path_and_query, parts.headers, body);
    let address = resource_ids::address(&request, &*port.shared.account);
    let admitted = if port.shared.account.stopped().is_cancelled() {
        Err(responses::unavailable(&request, "The account is stopped."))
    } else if let Err(message) = request.check_path() {
        Err(responses::bad_request(&request, message))
    } else if let Some(refusal) = unsupported::refuse_direct_mode(&request) {
        Err(refusal)
    } else {
        port.guard.admit(&request, &address, peer.secure).map_err(|refused| refusal(&request, &refused))
    };
    let response = match admitted {
        Err(refusal) => refusal,
        Ok(_) if oversized => {
            let message = "The request body is cut off or larger than 16 MB.";
            responses::error(&request, StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
        }
        Ok(spelling) => port.find(request, address, spelling, &host, &peer.scheme()).await,
    };
    response.map(Body::from)
}

/// The host that a client named, without its port.
fn host_of(headers: &HeaderMap) -> Option<String> {
    let authority: Authority = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
    Some(authority.host().to_owned())
}

fn refusal(request: &Request, refused: &Refused) -> Response<Bytes> {
    let (status, code) = match refused {
        Refused::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "Unauthorized"),
        _ => (StatusCode::FORBIDDEN, "Forbidden"),
    };
    let response = responses::error(request, status, code, &refused.to_string());
    match refused.substatus() {
        Some(substatus) => responses::with_substatus(response, substatus),
        None => response,
    }
}

impl Port {
    /// Answers a request that is let in, about what it means by its path.
    async fn find(
        &self,
        request: Request,
        address: Address,
        spelling: Spelling,
        host: &str,
        scheme: &Scheme,
    ) -> Response<Bytes> {
        let request = match address {
            Address::Ids(by_names) => *by_names,
            Address::Names | Address::Either => request,
        };
        let as_sent = if spelling == Spelling::AsSent { request.with_id_as_sent() } else { None };
        self.serve(as_sent.unwrap_or(request), host, scheme).await
    }

    /// Answers a request that is let in: as its region is, and unless a test wants it otherwise.
    async fn serve(&self, request: Request, host: &str, scheme: &Scheme) -> Response<Bytes> {
        let Shared { account, regions, levers, meter, .. } = &self.shared;
        if let Some(refusal) = regions.refusal(self.endpoint, &request) {
            return refusal;
        }
        let fault = levers.fault(&request);
        if let Some(fault) = fault.as_ref().filter(|fault| !fault.after_commit) {
            return fault.answer(&request);
        }
        if let Some(wait) = levers.throttle(&request) {
            return levers::throttled(&request, wait);
        }
        let is_account = request.method == http::Method::GET && request.path.is_empty();
        let request = Arc::new(request);
        let mut response = gateway::answer(account, Arc::clone(&request)).await;
        levers.charge(&request, &response);
        meter.count(&request, OperationKind::of(&request), &response);
        if let Some(fault) = fault {
            return fault.answer(&request);
        }
        if is_account {
            *response.body_mut() = regions.describe(host, scheme);
        }
        response
    }
}
