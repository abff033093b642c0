//! HTTP client to the handler.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::{body::Incoming, ext::ReasonPhrase};
use url::Url;
use uuid::Uuid;

use super::forward::{ANSWER_LIMIT, Forwarder, NoAnswer};

/// The four-part version of the host this one stands in for.
pub(crate) const HOST_VERSION: &str = "4.1037.0.0";
/// What the host calls itself.
pub(crate) const USER_AGENT: &str = "Azure-Functions-Host/4.1037.0.0";
/// Redirects that are followed, as .NET's client does.
const REDIRECTS: usize = 50;
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const VERSION: HeaderName = HeaderName::from_static("x-azure-functions-hostversion");
const INVOCATION: HeaderName = HeaderName::from_static("x-azure-functions-invocationid");

/// Adds what every request of an invocation has but a readiness probe: version, invocation id, and the host's name
/// behind that of the caller.
pub(crate) fn add_host_headers(headers: &mut HeaderMap, invocation: Uuid) {
    headers.insert(VERSION, HeaderValue::from_static(HOST_VERSION));
    if let Ok(id) = HeaderValue::from_str(&invocation.to_string()) {
        headers.insert(INVOCATION, id);
    }
    let agent = match headers.get(header::USER_AGENT) {
        Some(caller) => HeaderValue::from_bytes(&[caller.as_bytes(), b" ", USER_AGENT.as_bytes()].concat()),
        None => Ok(HeaderValue::from_static(USER_AGENT)),
    };
    if let Ok(agent) = agent {
        // In its place, where the caller's was.
        headers.insert(header::USER_AGENT, agent);
    }
}

/// Keeps connections to the handler alive. Clones share them.
#[derive(Clone)]
pub(crate) struct Client {
    /// For invocations. Connections of their own, since a handler may end others over a body that it does not read.
    invocations: Forwarder,
    forwarder: Forwarder,
    chunked: bool,
    /// Whether redirects of invocations are followed.
    follows: bool,
}

/// An answer with its body.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    /// The reason phrase, whatever the handler says.
    pub(crate) reason: String,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

impl Client {
    /// `chunked` sends bodies in chunks as Azure does; otherwise with a `Content-Length` as under Core Tools. `follows` is whether
    /// redirects of invocations are followed: not where requests are forwarded, for both have one client.
    pub(crate) async fn new(chunked: bool, follows: bool) -> Self {
        Self { invocations: Forwarder::new().await, forwarder: Forwarder::new().await, chunked, follows }
    }

    /// Posts the body of an invocation to `/<function>`. It is not repeated where the connection breaks: that the handler
    /// never saw it, or died over it, looks the same from here, and the trigger's own policy says what follows.
    pub(crate) async fn invoke(
        &self,
        port: u16,
        function: &str,
        invocation: Uuid,
        body: Bytes,
    ) -> Result<Response, NoAnswer> {
        let mut headers = HeaderMap::with_capacity(8);
        if let Ok(host) = HeaderValue::try_from(format!("127.0.0.1:{port}")) {
            headers.insert(header::HOST, host);
        }
        add_host_headers(&mut headers, invocation);
        if self.chunked {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        } else {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        headers.insert(header::CONTENT_TYPE, JSON);
        let url = format!("http://127.0.0.1:{port}/{function}");
        let answer = self.invocations.send(&Method::POST, &url, &headers, &body).await?;
        let answer = match redirect(&answer, &url).filter(|_| self.follows) {
            None => answer,
            Some(to) => self.follow(to, headers, body, answer).await?,
        };
        let (parts, body) = answer.into_parts();
        let reason = match parts.extensions.get::<ReasonPhrase>() {
            Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
            None => parts.status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let content_type =
            parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Response { status: parts.status, reason, content_type, body: body.collect().await?.to_bytes() })
    }

    /// Follows redirects of an invocation, as .NET's client does: a 301 turns the POST into a GET.
    async fn follow(
        &self,
        first: Url,
        mut headers: HeaderMap,
        mut body: Bytes,
        answer: http::Response<Incoming>,
    ) -> Result<http::Response<Incoming>, NoAnswer> {
        let (mut method, mut to, mut answer) = (Method::POST, first, answer);
        for _ in 0..REDIRECTS {
            if !matches!(answer.status().as_u16(), 307 | 308) && method != Method::GET {
                method = Method::GET;
                body = Bytes::new();
                for of_body in [header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::CONTENT_TYPE] {
                    headers.remove(of_body);
                }
            }
            if let Ok(host) = HeaderValue::try_from(to.authority()) {
                headers.insert(header::HOST, host);
            }
            answer = self.invocations.send(&method, to.as_str(), &headers, &body).await?;
            match redirect(&answer, to.as_str()) {
                Some(next) => to = next,
                None => break,
            }
        }
        Ok(answer)
    }

    /// Sends a request on to `path_and_query`, with exactly these headers. The answer comes whole, as the real host's client has
    /// it before anything of it goes to the caller; its redirects belong to the caller.
    pub(crate) async fn forward(
        &self,
        port: u16,
        method: &Method,
        path_and_query: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<http::Response<Bytes>, NoAnswer> {
        let url = format!("http://127.0.0.1:{port}{path_and_query}");
        let (parts, body) = self.forwarder.send(method, &url, headers, body).await?.into_parts();
        if parts.status.is_informational() {
            return Err(NoAnswer::Switches(parts.status));
        }
        let body = Limited::new(body, ANSWER_LIMIT).collect().await.map_err(|error| match error.downcast() {
            Ok(broken) => NoAnswer::Answer(*broken),
            Err(_) => NoAnswer::TooLarge,
        })?;
        Ok(http::Response::from_parts(parts, body.to_bytes()))
    }

    /// Whether anything answers at `/`, with whatever status.
    pub(crate) async fn is_ready(&self, port: u16) -> bool {
        let url = format!("http://127.0.0.1:{port}/");
        self.forwarder.send(&Method::GET, &url, &HeaderMap::new(), &Bytes::new()).await.is_ok()
    }
}

/// Where an answer sends the client to; `None` for one that is an answer itself.
fn redirect(answer: &http::Response<Incoming>, from: &str) -> Option<Url> {
    if !matches!(answer.status().as_u16(), 300..=303 | 307 | 308) {
        return None;
    }
    let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
    let to = Url::parse(from).ok()?.join(location).ok()?;
    (to.scheme() == "http").then_some(to)
}
