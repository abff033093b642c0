//! The HTTP client of deliveries and handshakes. It sends the headers that it is given and no others: the service sends
//! no `Accept`, which other clients add.

use std::{error::Error, io, time::Duration};

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

use super::addresses::{JudgedResolver, RefusedAddress, judge_literal};
use crate::topology::WebhookEgress;

/// How long an endpoint has to answer. Real time: stepping the clock must not cut an answer off.
const RESPONSE_LIMIT: Duration = Duration::from_secs(30);

/// How long a connection waits for another request.
const IDLE: Duration = Duration::from_secs(90);
/// How much of an answer is read: enough for that to a handshake, and so that the connection can be used again.
const ANSWER_BYTES: usize = 64 * 1024;

/// Calls endpoints, with connections that are kept. It follows no redirects, and no proxy stands in between: partners run
/// beside the stack.
pub(crate) struct HttpClient {
    egress: WebhookEgress,
    webhooks: Connections,
    /// To functions, which run where the stack was told.
    functions: Connections,
}

type Connections = Client<HttpsConnector<HttpConnector<JudgedResolver>>, Full<Bytes>>;

/// Whose endpoint is called. Addresses of webhooks come from whoever subscribes and are judged when they are dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipient {
    WebHook,
    Function,
}

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
    #[error("the address was refused")]
    Refused(#[source] RefusedAddress),
    #[error("the host has no address")]
    Resolution(#[source] Box<dyn Error + Send + Sync>),
    #[error("the connection failed")]
    Socket(#[source] Box<dyn Error + Send + Sync>),
}

impl HttpClient {
    /// # Errors
    /// When this machine's TLS cannot be set up.
    pub(crate) fn new(egress: WebhookEgress) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self { egress, webhooks: connections(egress)?, functions: connections(WebhookEgress::Any)? })
    }

    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn send(
        &self,
        recipient: Recipient,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<EndpointAnswer, NoAnswer> {
        let connections = match recipient {
            Recipient::WebHook => {
                judge_literal(url, self.egress).map_err(NoAnswer::Refused)?;
                &self.webhooks
            }
            Recipient::Function => &self.functions,
        };
        let uri: Uri = url.as_str().parse().map_err(|error| NoAnswer::Socket(Box::new(error)))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let deadline = Instant::now() + RESPONSE_LIMIT;
        let response = match timeout_at(deadline, connections.request(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(no_answer(error)),
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

fn connections(egress: WebhookEgress) -> Result<Connections, native_tls::Error> {
    let mut tcp = HttpConnector::new_with_resolver(JudgedResolver(egress));
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let tls = native_tls::TlsConnector::new()?;
    let connector = HttpsConnector::from((tcp, tls.into()));
    let mut client = Client::builder(TokioExecutor::new());
    Ok(client.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new()).build(connector))
}

/// Why there is no answer: the resolver's refusal stands in the chain of causes, and that a name has no address only in its text.
fn no_answer(error: hyper_util::client::legacy::Error) -> NoAnswer {
    let mut cause = error.source();
    let mut is_resolution = false;
    while let Some(source) = cause {
        if let Some(refused) = source.downcast_ref::<io::Error>().and_then(|error| error.get_ref()?.downcast_ref()) {
            return NoAnswer::Refused(*refused);
        }
        is_resolution |= source.to_string().contains("dns error");
        cause = source.source();
    }
    if is_resolution { NoAnswer::Resolution(Box::new(error)) } else { NoAnswer::Socket(Box::new(error)) }
}
