//! AMQP over WebSockets: the bytes of a connection in binary messages (RFC 6455), cut anywhere, for clients behind a proxy
//! that lets nothing but HTTP through.
//!
//! Source: OASIS, "Advanced Message Queuing Protocol (AMQP) WebSocket Binding (WSB) 1.0".

use std::{
    io,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::{body::Body, response::IntoResponse};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        handshake::server::create_response_with_body,
        protocol::{Role, WebSocketConfig},
    },
};

use crate::transport::{Hosts, PATIENCE, foreign_page};

/// Where it is served; clients differ about a slash at the end.
const PATH: &str = "$servicebus/websocket";

/// The sub-protocol of the specification, and that of its drafts, which official clients ask for.
const PROTOCOLS: [&str; 2] = ["amqp", "AMQPWSB10"];

/// The largest message of a client. It may hold many frames of AMQP, each of at most 64 KiB.
const MAX_MESSAGE: usize = 1 << 20;

/// The longest message that is sent.
const LONGEST: usize = 64 << 10;

/// Bytes that one read takes at most, and that may wait to be sent beside a message.
const BUFFER: usize = 16 << 10;

/// Beginnings of the methods of HTTP, none of which AMQP or its security layer begins with.
const METHODS: [&[u8; BEGINNING]; 7] = [b"GET ", b"POST", b"PUT ", b"HEAD", b"OPTI", b"PATC", b"DELE"];

/// How many bytes tell the protocol of a connection.
pub(super) const BEGINNING: usize = 4;

/// Whether a connection that begins so speaks HTTP.
pub(super) fn is_http(beginning: &[u8]) -> bool {
    METHODS.iter().any(|method| beginning.starts_with(*method))
}

/// Answers the request of a connection of HTTP; the WebSocket, where that was what it asked for and may have.
///
/// # Errors
/// When the connection breaks, or has no whole request within [`PATIENCE`].
pub(super) async fn upgrade(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    hosts: &Hosts,
) -> io::Result<Option<WebSocket>> {
    let upgrade: Mutex<Option<OnUpgrade>> = Mutex::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        let mut answer = answer(&request, hosts);
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(hyper::upgrade::on(&mut request));
        } else {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        std::future::ready(Ok::<_, std::convert::Infallible>(answer))
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    let served = server.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::time::timeout(PATIENCE, served).await?.map_err(io::Error::other)?;
    let Some(upgrade) = upgrade.into_inner().unwrap_or_else(PoisonError::into_inner) else { return Ok(None) };
    let upgraded = TokioIo::new(upgrade.await.map_err(io::Error::other)?);
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        // Whatever is handed over is sent at once.
        .write_buffer_size(0)
        .max_write_buffer_size(LONGEST + BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let socket = WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(config)).await;
    Ok(Some(WebSocket { socket, unread: Bytes::new() }))
}

/// What a request is told. As on every port, it must name this machine, and no page of another host may send it: browsers
/// let any page open a WebSocket to anywhere.
fn answer(request: &Request<Incoming>, hosts: &Hosts) -> Response<Body> {
    if let Some(refusal) = hosts.refusal(request) {
        return refusal;
    }
    if hosts.is_from_elsewhere(request.headers()) {
        return foreign_page();
    }
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
    if !path.trim_matches('/').eq_ignore_ascii_case(PATH) {
        let said = format!("This port speaks AMQP, by itself and over WebSockets at /{PATH}.\n");
        return (StatusCode::NOT_FOUND, said).into_response();
    }
    let asks = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    if !asks.is_some_and(|asks| asks.eq_ignore_ascii_case("websocket")) {
        let upgrade = [(header::UPGRADE, "websocket")];
        return (StatusCode::UPGRADE_REQUIRED, upgrade, "AMQP over WebSockets is served here.\n").into_response();
    }
    let Some(protocol) = protocol(request) else {
        let said = format!("Sec-WebSocket-Protocol must offer one of {}.\n", PROTOCOLS.join(", "));
        return (StatusCode::BAD_REQUEST, said).into_response();
    };
    match create_response_with_body(request, Body::empty) {
        Ok(mut response) => {
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
            response
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

/// The first of the sub-protocols that the client offers and we know.
fn protocol(request: &Request<Incoming>) -> Option<&'static str> {
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    offered.find_map(|offer| PROTOCOLS.into_iter().find(|known| known.eq_ignore_ascii_case(offer.trim())))
}

/// The stream of bytes that a WebSocket carries.
pub(super) struct WebSocket {
    socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>,
    /// What is left of the last message.
    unread: Bytes,
}

impl AsyncRead for WebSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Who reads gets on with sending, too: nobody else asks again for what the client was too slow to take.
        if let Poll::Ready(Err(error)) = self.as_mut().poll_flush(context) {
            return Poll::Ready(Err(error));
        }
        while self.unread.is_empty() {
            match ready!(self.socket.poll_next_unpin(context)) {
                Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                // The pong is sent with what follows.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_))) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "AMQP came as text")));
                }
                Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => {
                    return Poll::Ready(Ok(()));
                }
                Some(Err(error)) => return Poll::Ready(Err(io_error(error))),
            }
        }
        let taken = self.unread.len().min(buffer.remaining());
        buffer.put_slice(&self.unread.split_to(taken));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WebSocket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.socket.poll_ready_unpin(context)).map_err(io_error)?;
        let taken = bytes.len().min(LONGEST);
        let message = Message::Binary(Bytes::copy_from_slice(&bytes[..taken]));
        self.socket.start_send_unpin(message).map_err(io_error)?;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flush_unpin(context).map(after_the_end)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_close_unpin(context).map(after_the_end)
    }
}

/// A client that closed first needs no more.
fn after_the_end(result: Result<(), Error>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => Ok(()),
        Err(error) => Err(io_error(error)),
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}
