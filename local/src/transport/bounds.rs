//! Who says nothing, or not enough, keeps nobody waiting and does not stay.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Router,
    routing::{get, post},
};
use bytes::Bytes;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Instant,
};
use tokio_openssl::SslStream;
use tokio_util::sync::CancellationToken;

use super::{
    HttpServer, PATIENCE, Peer, Terms,
    bodies::Budget,
    connection,
    slots::{Slot, Slots},
};
use crate::{files, identity::Identity};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
const HALF_A_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: local";
/// A TLS record of 512 bytes, of which three are there.
const HALF_A_HANDSHAKE: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1];
/// How HTTP/2 begins: preface and empty settings.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// HEADERS of `GET http://a/`, complete, on stream 1.
const HTTP2_GET: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x84\x86\x41\x01a";
/// HEADERS on stream 3 that a CONTINUATION has to follow.
const HTTP2_HALF: &[u8] = b"\0\0\x01\x01\x01\0\0\0\x03\x82";

/// A quarter of a second instead of five.
const TERMS: Terms = Terms { patience: Duration::from_millis(250), bodies: None, spelling: false };

fn router() -> Router {
    let echo = post(async |body: Bytes| body);
    Router::new().route("/", get(async || "here")).route("/echo", echo)
}

/// The client's side of a connection that is served.
fn connect(router: &Router, terms: Terms) -> DuplexStream {
    let (client, server) = duplex(1 << 16);
    let peer = Peer { address: SocketAddr::from(([127, 0, 0, 1], 1)), secure: false };
    let serving = connection::serve(server, peer, Slot::alone(), router.clone(), terms, CancellationToken::new());
    tokio::spawn(serving);
    client
}

/// Sends a request and reads its answer, whose body is `end`.
async fn exchange(client: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8], end: &str) {
    client.write_all(request).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        assert_ne!(client.read_buf(&mut answer).await.expect("an answer"), 0, "closed after {answer:?}");
    }
}

/// How long it takes until the connection is closed; what still comes is dropped.
async fn closed(client: &mut (impl AsyncRead + Unpin)) -> Duration {
    let started = Instant::now();
    let mut rest = [0; 4096];
    while matches!(client.read(&mut rest).await, Ok(read) if read > 0) {}
    started.elapsed()
}

/// Closed for want of patience, neither at once nor much later.
async fn is_closed_late(client: &mut DuplexStream) -> bool {
    (TERMS.patience * 9 / 10..TERMS.patience + Duration::from_secs(5)).contains(&closed(client).await)
}

#[tokio::test]
async fn a_first_request_comes_whole_within_patience() {
    for begun in [b"".as_slice(), b"\r\n", HALF_A_REQUEST, &HTTP2[..10], HTTP2, &[HTTP2, HTTP2_HALF].concat()] {
        let mut client = connect(&router(), TERMS);
        client.write_all(begun).await.expect("sent");
        assert!(is_closed_late(&mut client).await, "{begun:?}");
    }
    // Dribbling does not help.
    let mut client = connect(&router(), TERMS);
    let started = Instant::now();
    while client.write_all(b"x").await.is_ok() {
        crate::clock::pause(TERMS.patience / 5).await;
        assert!(started.elapsed() < TERMS.patience + Duration::from_secs(5));
    }
}

#[tokio::test]
async fn between_requests_a_connection_is_kept_and_a_later_request_comes_whole_within_patience_too() {
    const POST: &[u8] = b"POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\na\n\nb!";
    let longer = || crate::clock::pause(TERMS.patience * 3);
    for (request, end) in [(REQUEST, "here"), (POST, "b!")] {
        let mut client = connect(&router(), TERMS);
        for _ in 0..2 {
            exchange(&mut client, request, end).await;
            longer().await;
        }
        // A body may take longer than a head.
        client.write_all(&POST[..POST.len() - 1]).await.expect("sent");
        longer().await;
        exchange(&mut client, b"!", "b!").await;
        longer().await;
        client.write_all(HALF_A_REQUEST).await.expect("sent");
        assert!(is_closed_late(&mut client).await);
    }
}

#[tokio::test]
async fn half_a_request_right_behind_a_whole_one_is_not_held_open_either() {
    const CHUNKED: &[u8] =
        b"POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhere\r\n0\r\n\r\n";
    const KNOWN: &[u8] = b"POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\nhere";
    for request in [REQUEST, CHUNKED, KNOWN] {
        let mut client = connect(&router(), TERMS);
        exchange(&mut client, &[request, HALF_A_REQUEST].concat(), "here").await;
        assert!(is_closed_late(&mut client).await, "{request:?}");
    }
}

#[tokio::test]
async fn half_a_head_of_http2_is_not_held_open_where_the_connection_is_kept() {
    let mut client = connect(&router(), TERMS);
    exchange(&mut client, &[HTTP2, HTTP2_GET].concat(), "here").await;
    crate::clock::pause(TERMS.patience * 3).await;
    client.write_all(HTTP2_HALF).await.expect("sent");
    assert!(is_closed_late(&mut client).await);
}

/// A budget of bodies for one test.
fn bodies(kibibytes: u32, wait: Duration) -> Terms {
    Terms { bodies: Some(Box::leak(Box::new(Budget::new(kibibytes, wait)))), ..TERMS }
}

fn post_of(length: usize) -> Vec<u8> {
    let head = format!("POST /hold HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    [head.into_bytes(), vec![b'x'; length]].concat()
}

/// Sends a request and reads the first line of its answer.
async fn status(client: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> String {
    client.write_all(request).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(client.read_buf(&mut answer).await.expect("an answer"), 0, "closed after {answer:?}");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn large_bodies_are_held_in_turn() {
    let held = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let router = Router::new().route(
        "/hold",
        post({
            let held = Arc::clone(&held);
            async move |_: Bytes| {
                let now = held.0.fetch_add(1, Relaxed) + 1;
                held.1.fetch_max(now, Relaxed);
                crate::clock::pause(Duration::from_millis(20)).await;
                held.0.fetch_sub(1, Relaxed);
            }
        }),
    );
    // Room for two of 100 KiB with their copies.
    let terms = bodies(2 * 3 * 100, Duration::from_secs(60));
    let mut sending = JoinSet::new();
    for _ in 0..12 {
        let mut client = connect(&router, terms);
        sending.spawn(async move { status(&mut client, &post_of(100 << 10)).await });
    }
    while let Some(answer) = sending.join_next().await {
        assert!(answer.expect("answered").starts_with("HTTP/1.1 200"));
    }
    assert_eq!(held.1.load(Relaxed), 2);
}

#[tokio::test]
async fn who_sends_all_of_a_body_that_nobody_reads_gets_the_answer_and_keeps_the_connection() {
    let router = Router::new().route("/refuse", post(async || "refused"));
    for terms in [TERMS, bodies(3 << 10, Duration::from_secs(60))] {
        let mut client = connect(&router, terms);
        for _ in 0..2 {
            let head = format!("POST /refuse HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", 3 << 20);
            exchange(&mut client, &[head.as_bytes(), &vec![b'x'; 3 << 20]].concat(), "refused").await;
        }
        // What does not come is not waited for.
        let head = b"POST /refuse HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf";
        exchange(&mut client, head, "refused").await;
    }
}

#[tokio::test]
async fn a_body_that_finds_no_room_is_refused_and_a_small_one_needs_none() {
    let router = Router::new().route("/hold", post(async |_: Bytes| "held"));
    let terms = bodies(3 * 100, Duration::from_millis(100));
    let whole = post_of(100 << 10);
    let mut first = connect(&router, terms);
    first.write_all(&whole[..70 << 10]).await.expect("sent");
    let refused = status(&mut connect(&router, terms), &whole).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 1\r\n"), "{refused}");
    assert!(status(&mut connect(&router, terms), &post_of(64 << 10)).await.starts_with("HTTP/1.1 200"));
    // The first goes on where it was, and leaves its room to the next.
    assert!(status(&mut first, &whole[70 << 10..]).await.starts_with("HTTP/1.1 200"));
    assert!(status(&mut connect(&router, terms), &whole).await.starts_with("HTTP/1.1 200"));

    // Of unknown length two may go on at a time, and the third is not read on.
    let head: &[u8] = b"POST /hold HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"11000\r\n".as_slice(), &[b'x'; 0x11000], b"\r\n"].concat();
    let begun = [head, &chunk].concat();
    let mut unmeasured = Vec::new();
    for _ in 0..2 {
        let mut client = connect(&router, terms);
        client.write_all(&begun).await.expect("sent");
        client.write_all(&chunk).await.expect("taken beyond what is small");
        unmeasured.push(client);
    }
    let third = status(&mut connect(&router, terms), &[&begun, b"0\r\n\r\n".as_slice()].concat()).await;
    assert!(third.starts_with("HTTP/1.1 503"), "{third}");
    for mut client in unmeasured {
        assert!(status(&mut client, b"0\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn the_longest_silent_goes_when_all_places_are_taken_and_who_is_served_stays() {
    let slots = Slots::bounded(3, 2);
    let mut served = slots.take().await;
    served.busy();
    let mut idle = slots.take().await;
    idle.idle();
    let first = slots.take().await;
    let second = slots.take().await;
    let gone = |slot: &Slot| slot.evicted().is_cancelled();
    assert!(gone(&first) && !gone(&idle) && !gone(&second));
    let mut third = slots.take().await;
    assert!(gone(&second) && !gone(&idle));
    third.busy();
    let mut fourth = slots.take().await;
    assert!(gone(&idle) && !gone(&served));
    fourth.busy();
    // Everyone is served: the next one waits until somebody leaves.
    let waiting = tokio::spawn({
        let slots = slots.clone();
        async move { slots.take().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop((first, second, idle));
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "who was sent away frees no second slot");
    drop(fourth);
    waiting.await.expect("a slot");
}

/// A server of the transport, and how clients speak TLS to it.
async fn server() -> (HttpServer, SslConnector) {
    let identity = Identity::sample().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = HttpServer::start("test", listener, router(), identity.tls()).expect("serving");
    let mut connector = SslConnector::builder(SslMethod::tls_client()).expect("TLS");
    connector.set_verify(SslVerifyMode::NONE);
    (server, connector.build())
}

async fn over_tls(connector: &SslConnector, address: SocketAddr) -> SslStream<TcpStream> {
    let session = connector.configure().and_then(|configured| configured.into_ssl("localhost")).expect("a session");
    let stream = TcpStream::connect(address).await.expect("connected");
    let mut stream = SslStream::new(session, stream).expect("a stream");
    std::pin::Pin::new(&mut stream).connect().await.expect("shaken hands");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_silent_connections_in_numbers_a_request_is_answered_at_once_and_they_are_closed() {
    files::allow_many().expect("files for two thousand connections");
    let (server, connector) = server().await;
    let address = server.address();
    for silence in [b"".as_slice(), HALF_A_REQUEST, HALF_A_HANDSHAKE] {
        let mut silent = Vec::new();
        for _ in 0..600 {
            let mut client = TcpStream::connect(address).await.expect("connected");
            client.write_all(silence).await.expect("sent");
            silent.push(client);
        }
        let started = Instant::now();
        for _ in 0..20 {
            exchange(&mut TcpStream::connect(address).await.expect("connected"), REQUEST, "here").await;
            exchange(&mut over_tls(&connector, address).await, REQUEST, "here").await;
        }
        let took = started.elapsed();
        assert!(took < PATIENCE, "40 requests beside 600 silent connections took {took:?}");
        // They are closed from the other side.
        let mut closing: JoinSet<_> =
            silent.into_iter().map(|mut client| async move { closed(&mut client).await }).collect();
        while let Some(took) = closing.join_next().await {
            assert!(took.expect("closed") < PATIENCE * 3);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_silent_connections_than_there_are_places_hold_up_nobody() {
    files::allow_many().expect("files for three thousand connections");
    let (server, _) = server().await;
    let mut silent = Vec::new();
    for _ in 0..1300 {
        silent.push(TcpStream::connect(server.address()).await.expect("connected"));
    }
    exchange(&mut TcpStream::connect(server.address()).await.expect("connected"), REQUEST, "here").await;
    // The first ones went at once, and not by the clock.
    let mut oldest = silent.swap_remove(0);
    assert!(closed(&mut oldest).await < PATIENCE);
    server.stop().await;
}
