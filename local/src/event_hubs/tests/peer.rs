//! A client that says exactly what a test wants on the wire.

use std::{collections::VecDeque, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Stand;
use crate::event_hubs::amqp::{
    Decoder, Value,
    frame::{FrameKind, put_frame, take_frame},
    message::compose,
    section::{Kind, sections},
};

pub(super) const OPEN: u64 = 0x10;
pub(super) const BEGIN: u64 = 0x11;
pub(super) const ATTACH: u64 = 0x12;
pub(super) const FLOW: u64 = 0x13;
pub(super) const TRANSFER: u64 = 0x14;
pub(super) const DISPOSITION: u64 = 0x15;
pub(super) const DETACH: u64 = 0x16;
pub(super) const CLOSE: u64 = 0x18;

const PLAIN: &[u8] = b"\0RootManageSharedAccessKey\0SAS_KEY_VALUE";

pub(super) struct Peer {
    stream: TcpStream,
    input: BytesMut,
    /// Frames that a wait for another has passed over.
    passed_over: VecDeque<Answer>,
    next_delivery: u32,
}

/// One frame that the server sent.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: u64,
    pub(super) fields: Value,
    pub(super) payload: Bytes,
}

/// Headers, SASL and `open`, as a client pipelines them, with the namespace's key.
pub(super) fn greeting() -> BytesMut {
    greeting_with(PLAIN, Value::Null)
}

pub(super) fn greeting_with(plain: &[u8], idle_time_out: Value) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_slice(b"AMQP\x03\x01\x00\x00");
    let (mechanism, response) = match plain {
        [] => ("ANONYMOUS", Value::Null),
        response => ("PLAIN", Value::Binary(response.to_vec())),
    };
    put_frame(&mut out, FrameKind::Sasl, 0, 0x41, vec![Value::symbol(mechanism), response]);
    out.put_slice(b"AMQP\x00\x01\x00\x00");
    let fields = vec![Value::string("test"), Value::Null, Value::Uint(65_536), Value::Null, idle_time_out];
    put_frame(&mut out, FrameKind::Amqp, 0, OPEN, fields);
    out
}

pub(super) fn begin(out: &mut BytesMut) {
    let fields = vec![Value::Null, Value::Uint(0), Value::Uint(5000), Value::Uint(5000)];
    put_frame(out, FrameKind::Amqp, 0, BEGIN, fields);
}

/// A frame with a payload behind its performative.
pub(super) fn put_with_payload(out: &mut BytesMut, channel: u16, code: u64, fields: Vec<Value>, payload: &[u8]) {
    let start = out.len();
    put_frame(out, FrameKind::Amqp, channel, code, fields);
    out.put_slice(payload);
    let size = u32::try_from(out.len() - start).unwrap();
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

/// Source or target with an address, and a filter where `selector` is one.
pub(super) fn terminus(code: u64, address: &str, selector: Option<&str>) -> Value {
    let mut fields = vec![Value::Null; if code == 0x28 { 11 } else { 7 }];
    fields[0] = Value::string(address);
    if let Some(selector) = selector {
        let descriptor = Box::new(Value::Ulong(0x0000_468c_0000_0004));
        let filter = Value::Described(descriptor, Box::new(Value::string(selector)));
        fields[7] = Value::Map(vec![(Value::symbol("apache.org:selector-filter:string"), filter)]);
    }
    Value::composite(code, fields)
}

/// Fields of the attach of a sender.
pub(super) fn attach_fields(handle: u32, target: &str) -> Vec<Value> {
    let mut fields = vec![
        Value::string(format!("link-{handle}")),
        Value::Uint(handle),
        Value::Bool(false),
        Value::Null,
        Value::Null,
        terminus(0x28, "here", None),
        terminus(0x29, target, None),
    ];
    fields.resize(14, Value::Null);
    fields[9] = Value::Uint(0);
    fields
}

/// Fields of the first transfer of a delivery of format 0.
pub(super) fn transfer_fields(handle: u32, id: u32, more: bool) -> Vec<Value> {
    vec![
        Value::Uint(handle),
        Value::Uint(id),
        Value::Binary(id.to_be_bytes().to_vec()),
        Value::Uint(0),
        Value::Bool(false),
        Value::Bool(more),
    ]
}

/// A request to a node, with message id 7.
pub(super) fn request(properties: &[(&str, &str)], body: Value) -> Bytes {
    let properties = properties.iter().map(|(name, value)| (Value::string(*name), Value::string(*value)));
    let mut head = vec![Value::Null; 13];
    head[0] = Value::Ulong(7);
    compose([
        (Kind::Properties, Value::List(head)),
        (Kind::ApplicationProperties, Value::Map(properties.collect())),
        (Kind::Value, body),
    ])
}

impl Peer {
    /// A peer that has shown the namespace's key and begun a session.
    pub(super) async fn with_key(stand: &Stand) -> Self {
        Self::greet(stand, &greeting()).await
    }

    /// A peer that has shown nothing yet.
    pub(super) async fn anonymous(stand: &Stand) -> Self {
        Self::greet(stand, &greeting_with(b"", Value::Null)).await
    }

    async fn greet(stand: &Stand, greeting: &[u8]) -> Self {
        let mut stream = TcpStream::connect(stand.hubs.address()).await.unwrap();
        let mut out = BytesMut::from(greeting);
        begin(&mut out);
        stream.write_all(&out).await.unwrap();
        let mut peer = Self { stream, input: BytesMut::new(), passed_over: VecDeque::new(), next_delivery: 0 };
        peer.expect(BEGIN).await;
        peer
    }

    /// The next frame; nothing once the server has closed.
    pub(super) async fn read(&mut self) -> Option<Answer> {
        let read = async {
            loop {
                if self.input.starts_with(b"AMQP") && self.input.len() >= 8 {
                    drop(self.input.split_to(8));
                    continue;
                }
                if let Some(frame) = take_frame(&mut self.input).unwrap() {
                    let mut decoder = Decoder::new(&frame.body);
                    if let Ok(Value::Described(code, fields)) = decoder.value() {
                        let code = u64::try_from(code.as_i64().unwrap()).unwrap();
                        let payload = frame.body.slice(frame.body.len() - decoder.rest().len()..);
                        return Some(Answer { code, fields: *fields, payload });
                    }
                    continue;
                }
                if self.stream.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                    return None;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), read).await.expect("the server answers")
    }

    /// The first frame with this code that no other wait has had.
    pub(super) async fn expect(&mut self, code: u64) -> Answer {
        self.wait_for(|answer| answer.code == code).await.expect("the connection is open")
    }

    async fn wait_for(&mut self, wanted: impl Fn(&Answer) -> bool) -> Option<Answer> {
        if let Some(index) = self.passed_over.iter().position(&wanted) {
            return self.passed_over.remove(index);
        }
        loop {
            let answer = self.read().await?;
            if wanted(&answer) {
                return Some(answer);
            }
            self.passed_over.push_back(answer);
        }
    }

    /// Waits for the end of the connection; whether there was a `close` before it.
    pub(super) async fn ends_with_close(&mut self) -> bool {
        self.wait_for(|answer| answer.code == CLOSE).await.is_some()
    }

    pub(super) async fn write(&mut self, code: u64, fields: Vec<Value>, payload: &[u8]) {
        let mut out = BytesMut::new();
        put_with_payload(&mut out, 0, code, fields, payload);
        self.stream.write_all(&out).await.unwrap();
    }

    /// Attaches a sender; gives the condition of the refusal, if it is refused.
    pub(super) async fn sender(&mut self, handle: u32, target: &str) -> Result<(), String> {
        self.write(ATTACH, attach_fields(handle, target), b"").await;
        self.flow_or_refusal(handle).await
    }

    /// Attaches a receiver and gives it credit; or the condition of the refusal.
    pub(super) async fn receiver(
        &mut self,
        handle: u32,
        source: &str,
        selector: Option<&str>,
        epoch: Option<i64>,
    ) -> Result<(), String> {
        let mut fields = attach_fields(handle, "here");
        fields[2] = Value::Bool(true);
        fields[5] = terminus(0x28, source, selector);
        if let Some(epoch) = epoch {
            fields[13] = Value::Map(vec![(Value::symbol("com.microsoft:epoch"), Value::Long(epoch))]);
        }
        self.write(ATTACH, fields, b"").await;
        // Only the second flow gives credit, so that the first one's echo comes before any event.
        self.flow(handle, 0, true).await;
        self.flow_or_refusal(handle).await?;
        self.flow(handle, 1000, false).await;
        Ok(())
    }

    async fn flow(&mut self, handle: u32, credit: u32, echo: bool) {
        let mut fields = [1, 5000, 0, 5000, handle, 0, credit].map(Value::Uint).to_vec();
        fields.extend([Value::Null, Value::Null, Value::Bool(echo)]);
        self.write(FLOW, fields, b"").await;
    }

    /// The flow that follows an attach, or the condition of the refusal.
    async fn flow_or_refusal(&mut self, handle: u32) -> Result<(), String> {
        let handle = Some(i64::from(handle));
        let attached = |answer: &Answer| answer.code == ATTACH && answer.fields.field(1).as_i64() == handle;
        let attached = self.wait_for(attached).await.ok_or("closed")?;
        let about = |answer: &Answer| match answer.code {
            FLOW => answer.fields.field(4).as_i64() == handle,
            DETACH => answer.fields.field(0).as_i64() == handle,
            _ => false,
        };
        let answer = self.wait_for(about).await.ok_or("closed")?;
        // The server's terminus is null where it refuses, and so clients know that no link came to be (part 2 §2.6.3).
        let (ours, theirs) = if *attached.fields.field(2) == Value::Bool(true) { (6, 5) } else { (5, 6) };
        assert_eq!(*attached.fields.field(ours) == Value::Null, answer.code == DETACH, "{attached:?}");
        assert_ne!(*attached.fields.field(theirs), Value::Null, "{attached:?}");
        if answer.code == FLOW { Ok(()) } else { Err(answer.condition()) }
    }

    /// Sends a message; the code of the outcome and the condition that comes with it.
    pub(super) async fn send(&mut self, handle: u32, message: &[u8]) -> (u64, String) {
        self.start_send(handle, message).await;
        self.outcome().await
    }

    pub(super) async fn start_send(&mut self, handle: u32, message: &[u8]) {
        let id = self.next_delivery;
        self.next_delivery += 1;
        let chunks: Vec<&[u8]> = message.chunks(60_000).collect();
        for (index, chunk) in chunks.iter().enumerate() {
            let more = index + 1 < chunks.len();
            let fields = match index {
                0 => transfer_fields(handle, id, more),
                _ => vec![Value::Uint(handle), Value::Null, Value::Null, Value::Null, Value::Null, Value::Bool(more)],
            };
            self.write(TRANSFER, fields, chunk).await;
        }
    }

    /// The next disposition.
    pub(super) async fn outcome(&mut self) -> (u64, String) {
        let answer = self.expect(DISPOSITION).await;
        let Value::Described(code, state) = answer.fields.field(4) else { panic!("{answer:?}") };
        let condition = state.field(0).field(0).as_text().unwrap_or_default().to_owned();
        (u64::try_from(code.as_i64().unwrap()).unwrap(), condition)
    }

    /// Sends a request to a node whose links have these handles; its status code and condition.
    pub(super) async fn request(
        &mut self,
        sender: u32,
        properties: &[(&str, &str)],
        body: Value,
    ) -> (i64, Option<String>) {
        self.start_send(sender, &request(properties, body)).await;
        let reply = self.expect(TRANSFER).await.payload;
        let section = |kind| {
            let mut all = sections(&reply).map(Result::unwrap);
            let section = all.find(|section| section.kind == kind).expect("the section");
            Decoder::new(&reply[section.value]).value().unwrap()
        };
        assert_eq!(*section(Kind::Properties).field(5), Value::Ulong(7), "the correlation id");
        let properties = section(Kind::ApplicationProperties);
        let condition = properties.entry("error-condition").as_text().map(str::to_owned);
        (properties.entry("status-code").as_i64().unwrap(), condition)
    }

    /// Attaches the link pair of a node, on two handles from `handle` on.
    pub(super) async fn node(&mut self, handle: u32, node: &str) -> Result<(), String> {
        self.sender(handle, node).await?;
        self.receiver(handle + 1, node, None, None).await
    }

    /// Puts a token, for which the pair of `$cbs` must be on handle 0.
    pub(super) async fn put_token(&mut self, kind: &str, audience: &str, token: &str) -> i64 {
        let properties = [("operation", "put-token"), ("type", kind), ("name", audience)];
        self.request(0, &properties, Value::string(token)).await.0
    }
}

impl Answer {
    /// Condition of the error of a detach, end or close.
    pub(super) fn condition(&self) -> String {
        let error = self.fields.field(if self.code == DETACH { 2 } else { 0 });
        error.field(0).as_text().unwrap_or_default().to_owned()
    }
}
