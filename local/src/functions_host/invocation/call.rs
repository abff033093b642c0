//! HTTP client to the handler.

use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderValue, Method, header};
use hyper::body::Incoming;
use uuid::Uuid;

use super::forward::{Forwarder, NoAnswer};
use crate::transport::PlainPath;

/// The four-part version of the host this one stands in for.
pub(crate) const HOST_VERSION: &str = "4.1037.0.0";
const USER_AGENT: &str = "Azure-Functions-Host/4.1037.0.0";
/// Size of the pieces of a chunked body: small enough that every larger body really comes in several.
const CHUNK: usize = 64 * 1024;

/// Headers of every request of an invocation.
pub(crate) fn host_headers(invocation: Uuid) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-azure-functions-hostversion", HeaderValue::from_static(HOST_VERSION));
    if let Ok(id) = HeaderValue::from_str(&invocation.to_string()) {
        headers.insert("x-azure-functions-invocationid", id);
    }
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers
}

/// Keeps connections to the handler alive. Clones share them.
#[derive(Clone)]
pub(crate) struct Client {
    /// Follows redirects, as the real host does for invocations: a 301 turns the POST into a GET.
    following: reqwest::Client,
    /// For forwarded requests, whose redirects belong to the caller. Connections of its own, since a handler may end them
    /// over a body that it does not read.
    forwarder: Forwarder,
    chunked: bool,
}

/// Status, content type and body of an answer.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

impl Client {
    /// `chunked` sends bodies in chunks as Azure does; otherwise with a `Content-Length` as under Core Tools.
    pub(crate) fn new(chunked: bool) -> Result<Self, reqwest::Error> {
        let following = reqwest::Client::builder()
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .tcp_nodelay(true)
            .pool_idle_timeout(Duration::from_secs(60))
            .http1_only()
            .redirect(reqwest::redirect::Policy::limited(50))
            .build()?;
        Ok(Self { following, forwarder: Forwarder::new(), chunked })
    }

    /// Posts the body of an invocation to `/<function>`. It is not repeated where the connection breaks: that the handler
    /// never saw it, or died over it, looks the same from here, and the trigger's own policy says what follows.
    pub(crate) async fn invoke(
        &self,
        port: u16,
        function: &str,
        invocation: Uuid,
        body: Bytes,
    ) -> Result<Response, reqwest::Error> {
        let request = self
            .following
            .post(format!("http://127.0.0.1:{port}/{function}"))
            .headers(host_headers(invocation))
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8");
        let response = if self.chunked {
            request.body(reqwest::Body::wrap_stream(pieces(body))).send().await?
        } else {
            request.body(body).send().await?
        };
        let content_type =
            response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Response { status: response.status().as_u16(), content_type, body: response.bytes().await? })
    }

    /// Sends a request on as it came; the answer's body is still to be read. It takes no path that could become another
    /// on its way.
    pub(crate) async fn forward(
        &self,
        port: u16,
        method: Method,
        path: &PlainPath,
        query: Option<&str>,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<http::Response<Incoming>, NoAnswer> {
        self.forwarder.send(port, &method, &path.at("", query), &headers, &body.unwrap_or_default()).await
    }

    /// Whether anything answers at `/`, with whatever status.
    pub(crate) async fn is_ready(&self, port: u16) -> bool {
        self.forwarder.send(port, &Method::GET, "/", &HeaderMap::new(), &Bytes::new()).await.is_ok()
    }
}

fn pieces(body: Bytes) -> impl futures::Stream<Item = Result<Bytes, std::convert::Infallible>> + Send + 'static {
    stream::unfold(body, |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        let piece = rest.split_to(CHUNK.min(rest.len()));
        Some((Ok(piece), rest))
    })
}
