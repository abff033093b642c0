//! HTTP client below the client of invocations: sends requests whose every header, its place and its spelling are ours.
//!
//! A handler may answer before it has read a request, and may close a connection that it kept so far. Neither must look
//! like a fault of the function to a caller who did nothing wrong:
//!
//! - An answer that comes while the request is still being sent is the answer, also where the handler then closes and
//!   the rest cannot be sent any more.
//! - Where a connection breaks before an answer, the request is repeated once, on a connection of its own, if its method
//!   is idempotent (RFC 9110 §9.2.2). Others are not: whether the handler never saw the request, or died over it, looks
//!   the same from here. Of any method, a request is repeated of which nothing was sent; hyper does that by itself.

use std::{
    error::Error as _,
    io::{ErrorKind, IoSlice, Result as IoResult},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Method, Request, Response, Uri};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    rt::{Read, ReadBufCursor, Write},
};
use hyper_util::{
    client::legacy::{
        Client, Error,
        connect::{Connected, Connection, HttpConnector},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::net::TcpStream;
use tower::util::{MapResponse, ServiceExt as _};

use super::spelling;

/// Largest answer to a forwarded request, in bytes; the real host's client holds 2 GB.
pub(super) const ANSWER_LIMIT: usize = 256 << 20;

/// How long a connection waits for another request.
const IDLE: Duration = Duration::from_secs(60);

type Connector = MapResponse<HttpConnector, fn(TokioIo<TcpStream>) -> ReadToTheEnd>;

/// Keeps connections to the handler alive. Clones share them.
#[derive(Clone)]
pub(super) struct Forwarder {
    kept: Client<Connector, Pieces>,
    /// Whose connections are all new.
    fresh: Client<Connector, Pieces>,
    /// How the names of headers are spelled that are not in title case.
    spelling: Extensions,
}

/// The handler gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The path cannot be asked for.
    #[error("the request's path cannot be forwarded")]
    Path(#[from] http::uri::InvalidUri),
    /// The connection failed. Whether repeating is safe depends on the request.
    #[error("the handler gave no answer")]
    Connection(#[from] Error),
    /// The connection failed within an answer.
    #[error("the handler's answer broke off")]
    Answer(#[from] hyper::Error),
    /// More than is held of an answer.
    #[error("the handler's answer is larger than {ANSWER_LIMIT} bytes")]
    TooLarge,
    /// An answer after which the connection is to speak something else.
    #[error("the handler answered {0}, which is not passed on")]
    Switches(http::StatusCode),
}

/// A body in pieces, so that one that is sent in chunks really comes in several.
struct Pieces(Bytes);

/// Size of a piece.
const PIECE: usize = 64 * 1024;

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let length = self.0.len().min(PIECE);
        Poll::Ready((length > 0).then(|| Ok(Frame::data(self.0.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

impl Forwarder {
    pub(super) async fn new() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let connector = tcp.map_response(ReadToTheEnd::new as fn(TokioIo<TcpStream>) -> ReadToTheEnd);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).http1_title_case_headers(true);
        let kept = builder.build(connector.clone());
        let fresh = builder.pool_max_idle_per_host(0).build(connector);
        Self { kept, fresh, spelling: spelling::of_wire().await }
    }

    /// Sends a request to `url`, with these headers in this order and no others but those that HTTP/1.1 needs.
    pub(super) async fn send(
        &self,
        method: &Method,
        url: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let uri: Uri = url.parse()?;
        let request = || {
            let mut request = Request::new(Pieces(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            *request.extensions_mut() = self.spelling.clone();
            request
        };
        match self.kept.request(request()).await {
            Err(error) if method.is_idempotent() && broke(&error) => {
                tracing::debug!(%method, url, "a connection to the handler broke; the request is repeated");
                Ok(self.fresh.request(request()).await?)
            }
            answered => Ok(answered?),
        }
    }
}

/// Whether a connection that stood ended before an answer began, rather than that there was none or the answer was not HTTP.
fn broke(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
    !error.is_connect() && cause.is_some_and(|cause| !cause.is_parse() && !cause.is_user())
}

/// A connection whose answer is read even where the peer takes no more of the request: what is written then is dropped,
/// and reading tells how it ends.
struct ReadToTheEnd {
    stream: TokioIo<TcpStream>,
}

impl ReadToTheEnd {
    fn new(stream: TokioIo<TcpStream>) -> Self {
        Self { stream }
    }
}

/// As if `length` bytes had been written, where the peer takes none any more.
fn dropped(written: Poll<IoResult<usize>>, length: usize) -> Poll<IoResult<usize>> {
    match written {
        Poll::Ready(Err(error)) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
            Poll::Ready(Ok(length))
        }
        written => written,
    }
}

impl Read for ReadToTheEnd {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<IoResult<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for ReadToTheEnd {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<IoResult<usize>> {
        dropped(Pin::new(&mut self.stream).poll_write(cx, buffer), buffer.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<IoResult<usize>> {
        let length = buffers.iter().map(|buffer| buffer.len()).sum();
        dropped(Pin::new(&mut self.stream).poll_write_vectored(cx, buffers), length)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<IoResult<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<IoResult<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connection for ReadToTheEnd {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}
