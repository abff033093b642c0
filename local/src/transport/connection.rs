//! HTTP connection: one, from its first request on.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, response::IntoResponse};
use http::{Request, Response, Version, header::EXPECT};
use hyper::{body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::{
    PATIENCE,
    bodies::{self, Budget},
    peer::Peer,
    slots::Slot,
    watch::{Watch, Watched, WatchedBody},
};

/// How long a client may keep a connection of HTTP/1 between requests: as long as Azure's front ends let it.
const IDLE: Duration = Duration::from_secs(240);

/// How often a client of HTTP/2 has to say that it is there, and how long it may take for that.
const PING: Duration = Duration::from_secs(20);

/// Bytes of a body that are read ahead where it is taken piece by piece; otherwise 400 KiB, for each of the connections.
const STREAMED_BUFFER: usize = 64 << 10;

/// What a service demands of its clients.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// How long the head of a request may take.
    pub(super) patience: Duration,
    /// Where the bodies of requests are held; `None` where the service takes them piece by piece.
    pub(super) bodies: Option<&'static Budget>,
    /// Whether it matters how clients spell the names of headers.
    pub(super) spelling: bool,
}

impl Terms {
    /// Of a service that wants bodies whole.
    pub(crate) const WHOLE_BODIES: Self = Self { patience: PATIENCE, bodies: Some(&bodies::STACK), spelling: false };
    /// Of a service that wants bodies whole, and the names of headers as they are spelled.
    pub(crate) const WHOLE_BODIES_AND_SPELLING: Self = Self { spelling: true, ..Self::WHOLE_BODIES };
    /// Of a service that takes bodies piece by piece, and wants the names of headers as they are spelled.
    pub(crate) const STREAMED_BODIES_AND_SPELLING: Self = Self { patience: PATIENCE, bodies: None, spelling: true };
}

/// Serves `router` on `stream` until the client closes it, is silent for too long, or others need its slot. Once
/// `stopping` is cancelled, it ends with the requests that are under way.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    slot: Slot,
    router: Router,
    terms: Terms,
    stopping: CancellationToken,
) {
    let watch = Watch::new(slot, terms.patience);
    let evicted = watch.evicted();
    let router = TowerToHyperService::new(router);
    let service = Watching { router, peer, terms, watch: Arc::clone(&watch) };
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder.http1().preserve_header_case(terms.spelling);
    if terms.bodies.is_none() {
        builder.http1().max_buf_size(STREAMED_BUFFER);
    }
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(Watched::new(stream, watch)), service));
    let mut evicted = pin!(evicted.cancelled_owned());
    let mut stopping = pin!(stopping.cancelled_owned());
    let mut leaving = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(peer = %peer.address, error = %crate::causes::chain(&*error), "a connection broke");
                }
                return;
            }
            () = evicted.as_mut() => {
                tracing::debug!(peer = %peer.address, "a silent connection made room for others");
                return;
            }
            () = stopping.as_mut(), if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// The router, with what it has to know of the connection, and the watch told of each request.
struct Watching {
    router: TowerToHyperService<Router>,
    peer: Peer,
    terms: Terms,
    watch: Arc<Watch>,
}

impl Service<Request<Incoming>> for Watching {
    type Response = Response<WatchedBody<Body>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let exchange = self.watch.begin(&request);
        // Who waits for `100 Continue` sends nothing unless it is read; in HTTP/2 a request ends alone.
        let may_be_sending = request.version() < Version::HTTP_2 && !request.headers().contains_key(EXPECT);
        let (parts, body) = request.into_parts();
        let (body, lease) = bodies::admit(body, self.terms.bodies);
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let answer = self.router.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            // Whatever the service makes of a body that it did not get.
            let answer = lease.refusal().map_or(answer, IntoResponse::into_response);
            if may_be_sending {
                lease.read_the_rest().await;
            }
            Ok(answer.map(|body| WatchedBody::new(body, exchange)))
        })
    }
}
