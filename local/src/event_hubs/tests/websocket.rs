//! AMQP over WebSockets, by messages that the test cuts as it likes.

use bytes::BytesMut;
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, handshake::client::Request},
};

use super::{
    Stand,
    peer::{ATTACH, OPEN, TRANSFER, attach_fields, begin, greeting, put_with_payload, transfer_fields},
    wire::exchange,
};
use crate::event_hubs::amqp::{Decoder, Value, frame::take_frame};

type Header<'a> = (&'static str, &'a str);

fn request(stand: &Stand, path: &str, headers: &[Header<'_>]) -> Request {
    let mut request = format!("ws://{}{path}", stand.hubs.address()).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    request
}

async fn connect(stand: &Stand, request: Request) -> Result<(WebSocketStream<TcpStream>, String), StatusCode> {
    let stream = TcpStream::connect(stand.hubs.address()).await.unwrap();
    match client_async(request, stream).await {
        Ok((socket, response)) => {
            Ok((socket, response.headers()["sec-websocket-protocol"].to_str().unwrap().to_owned()))
        }
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

/// Codes of the frames that come, until there is one with `code`.
async fn frames_until(socket: &mut WebSocketStream<TcpStream>, input: &mut BytesMut, code: u64) -> Vec<(u64, Value)> {
    let mut frames = Vec::new();
    loop {
        while let Some(header) = input.strip_prefix(b"AMQP") {
            let rest = header.len() - 4;
            drop(input.split_to(input.len() - rest));
        }
        while let Some(frame) = take_frame(input).unwrap() {
            if let Ok(Value::Described(descriptor, fields)) = Decoder::new(&frame.body).value() {
                frames.push((u64::try_from(descriptor.as_i64().unwrap()).unwrap(), *fields));
            }
            // The second header follows the outcome of the security layer.
            if input.starts_with(b"AMQP") {
                break;
            }
        }
        if frames.iter().any(|(found, _)| *found == code) {
            return frames;
        }
        if !input.starts_with(b"AMQP") {
            match socket.next().await.expect("the server goes on").unwrap() {
                Message::Binary(bytes) => input.extend_from_slice(&bytes),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_connection_is_carried_in_messages_that_are_cut_anywhere() {
    let stand = Stand::new().await;
    let offer = [("sec-websocket-protocol", "mqtt, AMQPWSB10")];
    let asked = request(&stand, "/$servicebus/websocket/", &offer);
    let (mut socket, protocol) = connect(&stand, asked).await.unwrap();
    assert_eq!(protocol, "AMQPWSB10");
    let mut out = greeting();
    begin(&mut out);
    put_with_payload(&mut out, 0, ATTACH, attach_fields(0, "products/Partitions/0"), b"");
    put_with_payload(&mut out, 0, TRANSFER, transfer_fields(0, 0, false), &super::message("a"));
    put_with_payload(&mut out, 0, TRANSFER, transfer_fields(0, 1, false), &super::message("b"));
    for piece in out.chunks(7) {
        socket.send(Message::Binary(piece.to_vec().into())).await.unwrap();
        socket.send(Message::Ping(Vec::new().into())).await.unwrap();
    }
    stand.hub().partitions()[0].grown_past(0).await;
    // The pongs come in between, and are no part of the stream.
    let (mut sink, mut stream) = socket.split();
    sink.send(Message::Close(None)).await.unwrap();
    let mut input = BytesMut::new();
    while let Some(Ok(message)) = stream.next().await {
        if let Message::Binary(bytes) = message {
            input.extend_from_slice(&bytes);
        }
    }
    assert!(input.starts_with(b"AMQP\x03\x01\x00\x00"));
    stand.hubs.stop().await;
}

/// A receiver gets what is larger than any message, in frames of AMQP however the server cuts them.
#[tokio::test]
async fn large_events_come_whole_to_a_slow_reader() {
    let stand = Stand::new().await;
    let events: Vec<_> = (0..40).map(|_| super::message(&"x".repeat(100_000))).collect();
    for event in &events {
        stand.hub().partitions()[0].append(std::slice::from_ref(event)).unwrap();
    }
    let (mut socket, _) = connect(&stand, request(&stand, "/%24servicebus/websocket", &[AMQP])).await.unwrap();
    let mut out = greeting();
    begin(&mut out);
    let mut fields = attach_fields(0, "here");
    fields[2] = Value::Bool(true);
    fields[5] = super::peer::terminus(0x28, "products/ConsumerGroups/site/Partitions/0", None);
    put_with_payload(&mut out, 0, ATTACH, fields, b"");
    let flow = [1, 5000, 0, 5000, 0, 0, 1000].map(Value::Uint).to_vec();
    put_with_payload(&mut out, 0, super::peer::FLOW, flow, b"");
    socket.send(Message::Binary(out.to_vec().into())).await.unwrap();
    let mut input = BytesMut::new();
    let frames = frames_until(&mut socket, &mut input, OPEN).await;
    let mut ends = frames.iter().filter(|frame| ends_delivery(frame)).count();
    while ends < events.len() {
        let frames = frames_until(&mut socket, &mut input, TRANSFER).await;
        ends += frames.iter().filter(|frame| ends_delivery(frame)).count();
    }
    stand.hubs.stop().await;
    assert!(matches!(socket.next().await, Some(Ok(_))), "a close of AMQP or of the socket");
}

const AMQP: Header<'_> = ("sec-websocket-protocol", "amqp");

fn ends_delivery((code, fields): &(u64, Value)) -> bool {
    *code == TRANSFER && *fields.field(5) != Value::Bool(true)
}

#[tokio::test]
async fn what_may_not_be_is_refused_by_name() {
    let stand = Stand::new().await;
    const PATH: &str = "/$servicebus/websocket";
    let cases: [(u16, &str, &[Header<'_>]); 8] = [
        (101, PATH, &[AMQP, ("origin", "http://localhost:3000")]),
        (404, "/", &[AMQP]),
        (404, "/products", &[AMQP]),
        (400, PATH, &[]),
        (400, PATH, &[("sec-websocket-protocol", "mqtt")]),
        (400, PATH, &[AMQP, ("sec-websocket-version", "8")]),
        (403, PATH, &[AMQP, ("origin", "https://elsewhere.example")]),
        (421, PATH, &[AMQP, ("host", "elsewhere.example")]),
    ];
    for (expected, path, headers) in cases {
        let status = match connect(&stand, request(&stand, path, headers)).await {
            Ok(_) => 101,
            Err(status) => status.as_u16(),
        };
        assert_eq!(status, expected, "{path} {headers:?}");
    }
    for (expected, request) in [
        ("HTTP/1.1 426 ", "GET /$servicebus/websocket HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("HTTP/1.1 404 ", "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"),
        ("HTTP/1.1 400 ", "GET /$servicebus/websocket HTTP/1.1\r\n\r\n"),
    ] {
        let answer = String::from_utf8(exchange(&stand, request.as_bytes()).await).unwrap();
        assert!(answer.starts_with(expected), "{request}: {answer}");
    }
    // Text is no part of the protocol, nor is a message without bound.
    for message in [Message::Text("AMQP".into()), Message::Binary(vec![0; 2 << 20].into())] {
        let (mut socket, _) = connect(&stand, request(&stand, PATH, &[AMQP])).await.unwrap();
        // The server may hang up before all of it is sent.
        drop(socket.send(message).await);
        while let Some(Ok(message)) = socket.next().await {
            assert!(!matches!(message, Message::Binary(_)), "{message:?}");
        }
    }
    stand.hubs.stop().await;
}

/// Before a connection is open nothing long is taken, in one message or in many; then a message may be long.
#[tokio::test]
async fn a_peer_says_little_before_it_is_open() {
    let stand = Stand::new().await;
    const PATH: &str = "/$servicebus/websocket";
    const AMQP_HEADER: &[u8] = b"AMQP\x00\x01\x00\x00";
    let mut sent = greeting();
    let open = sent.windows(8).position(|bytes| bytes == AMQP_HEADER).expect("a header") + 8;
    sent.truncate(open);
    sent.extend_from_slice(&[0, 0, 0, 8, 2, 0, 0, 0].repeat(1 << 15));
    for length in [sent.len(), 1 << 10] {
        let (socket, _) = connect(&stand, request(&stand, PATH, &[AMQP])).await.unwrap();
        let (mut sink, stream) = socket.split();
        for piece in sent.chunks(length) {
            // The server may hang up before all of it is sent.
            drop(sink.send(Message::Binary(piece.to_vec().into())).await);
        }
        let heard: Vec<_> = stream.filter_map(async |message| message.ok()).collect().await;
        let heard: Vec<u8> = heard.into_iter().flat_map(|message| message.into_data()).collect();
        assert!(heard.is_empty() || heard.ends_with(AMQP_HEADER), "no word of a slow peer: {heard:?}");
    }
    let mut stream = TcpStream::connect(stand.hubs.address()).await.unwrap();
    drop(stream.write_all(&sent).await);
    let mut heard = Vec::new();
    drop(stream.read_to_end(&mut heard).await);
    assert!(heard.is_empty() || heard.ends_with(AMQP_HEADER), "no word of a slow peer: {heard:?}");

    let (mut socket, _) = connect(&stand, request(&stand, PATH, &[AMQP])).await.unwrap();
    let mut out = greeting();
    begin(&mut out);
    put_with_payload(&mut out, 0, ATTACH, attach_fields(0, "products/Partitions/0"), b"");
    socket.send(Message::Binary(out.to_vec().into())).await.unwrap();
    frames_until(&mut socket, &mut BytesMut::new(), ATTACH).await;
    let mut out = BytesMut::new();
    for id in 0..100 {
        put_with_payload(&mut out, 0, TRANSFER, transfer_fields(0, id, false), &super::message(&"x".repeat(3000)));
    }
    socket.send(Message::Binary(out.to_vec().into())).await.unwrap();
    stand.hub().partitions()[0].grown_past(98).await;
    stand.hubs.stop().await;
}
