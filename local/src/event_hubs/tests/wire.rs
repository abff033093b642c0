//! The machine against peers that are no clients at all.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Stand,
    peer::{greeting, greeting_with},
};
use crate::event_hubs::amqp::{
    Decoder, Value,
    frame::{FrameKind, put_frame},
};

/// Sends bytes and reads until the server closes the connection.
pub(super) async fn exchange(stand: &Stand, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(stand.hubs.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
    read.await.expect("the server closes").unwrap();
    answer
}

/// Condition of the `close` that ends the answer.
pub(super) fn condition(answer: &[u8]) -> Option<String> {
    let mut rest = answer;
    let mut last = None;
    while rest.len() >= 8 {
        let size =
            if rest.starts_with(b"AMQP") { 8 } else { u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize };
        let body = if rest.starts_with(b"AMQP") { &[] } else { &rest[8..size] };
        if let Ok(Value::Described(code, fields)) = Decoder::new(body).value() {
            last =
                (*code == Value::Ulong(0x18)).then(|| fields.field(0).field(0).as_text().map(str::to_owned)).flatten();
        }
        rest = &rest[size..];
    }
    last
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_is_told_and_dropped() {
    let stand = Stand::new().await;
    assert_eq!(exchange(&stand, b"MQTT is not it").await, b"AMQP\x03\x01\x00\x00");

    let with = |add: &dyn Fn(&mut BytesMut)| {
        let mut bytes = greeting();
        add(&mut bytes);
        bytes
    };
    let cases: [(&str, BytesMut); 5] = [
        ("amqp:connection:framing-error", with(&|out| out.put_slice(&[0xff; 8]))),
        ("amqp:connection:framing-error", with(&|out| out.put_slice(&[0, 0, 0, 4, 2, 0, 0, 0]))),
        ("amqp:decode-error", with(&|out| out.put_slice(&[0, 0, 0, 10, 2, 0, 0, 0, 0xff, 0xff]))),
        ("amqp:decode-error", with(&|out| put_frame(out, FrameKind::Amqp, 0, 0x11, vec![]))),
        ("amqp:connection:framing-error", with(&|out| put_frame(out, FrameKind::Amqp, 7, 0x17, vec![]))),
    ];
    for (expected, bytes) in cases {
        assert_eq!(condition(&exchange(&stand, &bytes).await).as_deref(), Some(expected));
    }
    stand.hubs.stop().await;
}

#[tokio::test]
async fn a_stopping_server_closes_its_connections() {
    let stand = Stand::new().await;
    let mut stream = TcpStream::connect(stand.hubs.address()).await.unwrap();
    stream.write_all(&greeting()).await.unwrap();
    let mut answer = vec![0; 8];
    stream.read_exact(&mut answer).await.unwrap();
    let (_, read) = tokio::join!(stand.hubs.stop(), stream.read_to_end(&mut answer));
    read.unwrap();
    assert_eq!(condition(&answer).as_deref(), Some("amqp:connection:forced"));
}

#[tokio::test]
async fn a_peer_with_a_short_idle_time_out_hears_heartbeats() {
    let stand = Stand::new().await;
    let mut stream = TcpStream::connect(stand.hubs.address()).await.unwrap();
    stream.write_all(&greeting_with(b"", Value::Uint(100))).await.unwrap();
    let mut answer = BytesMut::new();
    let heard = async {
        while !answer.ends_with(&[0, 0, 0, 8, 2, 0, 0, 0]) {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
    };
    tokio::time::timeout(Duration::from_secs(10), heard).await.expect("an empty frame comes");
    stand.hubs.stop().await;
}
