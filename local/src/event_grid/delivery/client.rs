//! The HTTP client of deliveries and handshakes. It sends the headers that it is given and no others: the service sends
//! no `Accept`, which other clients add.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_tls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, timeout_at};
use url::Url;

/// How long an endpoint has to answer. Real time: stepping the clock must not cut an answer off.
const RESPONSE_LIMIT: Duration = Duration::from_secs(30);

/// How long a connection waits for another request.
const IDLE: Duration = Duration::from_secs(90);
/// How much of an answer is read: enough for that to a handshake, and so that the connection can be used again.
const ANSWER_BYTES: usize = 64 * 1024;

/// Calls endpoints, with connections that are kept. It follows no redirects, and no proxy stands in between: partners run
/// beside the stack.
pub(crate) struct HttpClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// What an endpoint said.
#[derive(Debug)]
pub(crate) struct EndpointAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Its beginning.
    pub(crate) body: Vec<u8>,
}

/// An endpoint gave no answer. Asking again may help.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("no answer within {} seconds", RESPONSE_LIMIT.as_secs())]
    TimedOut,
    #[error("the host has no address")]
    Resolution(#[source] Box<dyn Error + Send + Sync>),
    #[error("the connection failed")]
    Socket(#[source] Box<dyn Error + Send + Sync>),
}

impl HttpClient {
    /// # Errors
    /// When this machine's TLS cannot be set up.
    pub(crate) fn new() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tls = native_tls::TlsConnector::new()?;
        let connector = HttpsConnector::from((tcp, tls.into()));
        let mut client = Client::builder(TokioExecutor::new());
        Ok(Self(client.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new()).build(connector)))
    }

    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<EndpointAnswer, NoAnswer> {
        let uri: Uri = url.as_str().parse().map_err(|error| NoAnswer::Socket(Box::new(error)))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let deadline = Instant::now() + RESPONSE_LIMIT;
        let response = match timeout_at(deadline, self.0.request(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if names_resolution(&error) => return Err(NoAnswer::Resolution(Box::new(error))),
            Ok(Err(error)) => return Err(NoAnswer::Socket(Box::new(error))),
            Err(_) => return Err(NoAnswer::TimedOut),
        };
        let (parts, incoming) = response.into_parts();
        let mut body = Vec::new();
        // The status counts, whatever becomes of the body.
        let _cut_off = timeout_at(deadline, read(incoming, &mut body)).await;
        Ok(EndpointAnswer { status: parts.status, headers: parts.headers, body })
    }
}

async fn read(mut incoming: Incoming, into: &mut Vec<u8>) {
    while let Some(Ok(frame)) = incoming.frame().await {
        if let Some(data) = frame.data_ref() {
            into.extend_from_slice(data);
        }
        if into.len() > ANSWER_BYTES {
            break;
        }
    }
}

/// Whether the cause is the name of the host: the connector tells it only in the text of the chain.
fn names_resolution(error: &dyn Error) -> bool {
    let mut cause = error.source();
    while let Some(source) = cause {
        if source.to_string().contains("dns error") {
            return true;
        }
        cause = source.source();
    }
    false
}
