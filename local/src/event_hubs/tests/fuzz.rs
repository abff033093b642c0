//! The machine against frames that no client sends: it never panics, and always answers or closes.

use std::time::Duration;

use bytes::BytesMut;
use proptest::{prelude::*, sample::Index};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::{
    Stand, message,
    peer::{self, attach_fields, begin, greeting, put_with_payload, terminus, transfer_fields},
};
use crate::{
    event_hubs::{
        amqp::{
            Value,
            frame::{FrameKind, put_frame},
        },
        engine::{Opening, serve},
    },
    transport::slots::Slot,
};

/// A conversation that uses every performative, as a client would have it.
fn conversation() -> Vec<BytesMut> {
    let mut frames = Vec::new();
    let mut add = |code, fields: Vec<Value>, payload: &[u8]| {
        let mut frame = BytesMut::new();
        put_with_payload(&mut frame, 0, code, fields, payload);
        frames.push(frame);
    };
    let receive = |handle, source, selector| {
        let mut fields = attach_fields(handle, "here");
        fields[2] = Value::Bool(true);
        fields[5] = terminus(0x28, source, selector);
        fields
    };
    let flow = |handle, credit| {
        let numbers = [1, 100, 0, 100, handle, 0, credit].map(Value::Uint);
        [&numbers[..], &[Value::Null, Value::Bool(true), Value::Bool(true)]].concat()
    };
    let token = [("operation", "put-token"), ("type", "jwt"), ("name", "sb://localhost/products")];
    let read = [("operation", "READ"), ("type", "com.microsoft:partition"), ("name", "products"), ("partition", "0")];
    add(peer::ATTACH, attach_fields(0, "$cbs"), b"");
    add(peer::ATTACH, receive(1, "$cbs", None), b"");
    add(peer::FLOW, flow(1, 10), b"");
    add(peer::TRANSFER, transfer_fields(0, 0, false), &peer::request(&token, Value::string("x")));
    add(peer::ATTACH, attach_fields(2, "$management"), b"");
    add(peer::ATTACH, receive(3, "$management", None), b"");
    add(peer::FLOW, flow(3, 10), b"");
    add(peer::TRANSFER, transfer_fields(2, 1, false), &peer::request(&read, Value::Null));
    add(peer::ATTACH, attach_fields(4, "products/Partitions/0"), b"");
    add(peer::TRANSFER, transfer_fields(4, 2, true), &message("a"));
    add(peer::TRANSFER, vec![Value::Uint(4)], &message("b"));
    let selector = Some("amqp.annotation.x-opt-offset > '-1'");
    add(peer::ATTACH, receive(5, "products/ConsumerGroups/site/Partitions/0", selector), b"");
    add(peer::FLOW, flow(5, 5), b"");
    add(peer::DISPOSITION, vec![Value::Bool(true), Value::Uint(1), Value::Uint(1), Value::Bool(true)], b"");
    add(peer::DETACH, vec![Value::Uint(5), Value::Bool(true)], b"");
    add(0x17, vec![], b"");
    frames
}

#[derive(Clone, Debug)]
enum Change {
    /// Another byte at a place.
    Byte(Index, Index, u8),
    /// A frame twice.
    Repeat(Index),
    /// A frame left out.
    Omit(Index),
    /// Two frames in the other order.
    Swap(Index, Index),
    /// A frame on another channel.
    Channel(Index, u16),
    /// A whole frame with random bytes in place of a performative.
    Noise(Index, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (any::<Index>(), any::<Index>(), any::<u8>()).prop_map(|(frame, at, byte)| Change::Byte(frame, at, byte)),
        2 => any::<Index>().prop_map(Change::Repeat),
        2 => any::<Index>().prop_map(Change::Omit),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Change::Swap(a, b)),
        1 => (any::<Index>(), any::<u16>()).prop_map(|(frame, channel)| Change::Channel(frame, channel)),
        1 => (any::<Index>(), prop::collection::vec(any::<u8>(), 0..64)).prop_map(|(at, noise)| Change::Noise(at, noise)),
    ]
}

fn changed(changes: &[Change]) -> Vec<u8> {
    let mut frames = conversation();
    for change in changes {
        let count = frames.len();
        match change {
            Change::Byte(frame, at, byte) => {
                let frame = frame.get_mut(&mut frames);
                let at = at.index(frame.len());
                frame[at] = *byte;
            }
            Change::Repeat(frame) => {
                let frame = frame.index(count);
                frames.insert(frame, frames[frame].clone());
            }
            Change::Omit(frame) if count > 1 => drop(frames.remove(frame.index(count))),
            Change::Omit(_) => {}
            Change::Swap(a, b) => frames.swap(a.index(count), b.index(count)),
            Change::Channel(frame, channel) => {
                frame.get_mut(&mut frames)[6..8].copy_from_slice(&channel.to_be_bytes());
            }
            Change::Noise(at, noise) => {
                let size = u32::try_from(noise.len() + 8).unwrap().to_be_bytes();
                let frame = [&size[..], &[2, 0, 0, 0], noise].concat();
                frames.insert(at.index(count), BytesMut::from(&frame[..]));
            }
        }
    }
    frames.concat()
}

/// Well-formed frames in any order, with any fields.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let performative =
        (0x10..0x19_u64, prop::collection::vec(field(), 0..14), 0..2_u16, prop::collection::vec(any::<u8>(), 0..32));
    prop::collection::vec(performative, 1..12).prop_map(|frames| {
        let mut out = BytesMut::new();
        for (code, fields, channel, payload) in frames {
            put_with_payload(&mut out, channel, code, fields, &payload);
        }
        out.to_vec()
    })
}

fn field() -> impl Strategy<Value = Value> {
    let address = prop_oneof![
        Just("products"),
        Just("products/Partitions/0"),
        Just("$cbs"),
        Just("products/ConsumerGroups/$Default/Partitions/0"),
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (0..4_u32).prop_map(Value::Uint),
        any::<u32>().prop_map(Value::Uint),
        address.prop_map(|text| Value::composite(0x28, vec![Value::string(text)])),
    ]
}

/// Serves one peer that sends these bytes and then nothing more; what it was answered.
async fn answer(stand: &Stand, bytes: &[u8]) -> Vec<u8> {
    let (peer, served) = tokio::io::duplex(1 << 20);
    let (mut reader, mut writer) = tokio::io::split(peer);
    let serving = serve(
        served,
        Opening::default(),
        BytesMut::new(),
        Slot::alone(),
        stand.hubs.clone(),
        Duration::from_secs(60),
        CancellationToken::new(),
    );
    let talking = async {
        // The server may have closed before all was written.
        drop(writer.write_all(bytes).await);
        drop(writer.shutdown().await);
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let both = async { tokio::join!(serving, talking) };
    let (_, answer) = tokio::time::timeout(Duration::from_secs(30), both).await.expect("the server ends");
    answer
}

/// What such a peer is answered that opens the connection, begins a session and, behind `frames`, closes.
async fn answer_to(stand: &Stand, frames: &[u8]) -> Vec<u8> {
    let mut bytes = greeting();
    begin(&mut bytes);
    bytes.extend_from_slice(frames);
    put_frame(&mut bytes, FrameKind::Amqp, 0, peer::CLOSE, vec![]);
    answer(stand, &bytes).await
}

#[test]
fn whatever_frames_come_they_end_in_an_answer() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stand = runtime.block_on(Stand::new());
    let changed = prop::collection::vec(change(), 0..6).prop_map(|changes| changed(&changes));
    let frames = prop_oneof![3 => changed, 1 => noise()];
    proptest!(ProptestConfig::with_cases(400), |(frames in frames)| {
        let answer = runtime.block_on(answer_to(&stand, &frames));
        // Headers, mechanisms, outcome, open and begin at the least.
        prop_assert!(answer.len() > 100, "{:?}", answer);
    });
    // Whatever they did, no receiver is left, and the hubs serve on.
    assert_eq!(stand.hubs.levers().state().links, []);
    let answer = runtime.block_on(answer_to(&stand, &conversation().concat()));
    assert!(answer.len() > 1000, "{answer:?}");
    runtime.block_on(stand.hubs.stop());
}
