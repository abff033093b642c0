//! Performatives that we send.
//!
//! They are written full length, null for what is absent: Python's client indexes the fields by position.

use bytes::BytesMut;

use super::{
    condition::Refusal,
    frame::{FrameKind, MAX_FRAME_SIZE, put_frame},
    performative::{Attach, Role},
    value::Value,
};

/// Incoming and outgoing window that we announce; with the flow that tops up credit it never runs out.
const WINDOW: u32 = 0x7fff_ffff;

/// Handles per session are `0..=HANDLE_MAX`.
pub(crate) const HANDLE_MAX: u32 = 255;

/// Channels per connection are `0..=CHANNEL_MAX`.
pub(crate) const CHANNEL_MAX: u16 = 4999;

/// The largest message, and batch, that the service takes (standard tier).
pub(crate) const MAX_MESSAGE_SIZE: usize = 1_048_576;

/// Delivery id of the first delivery in a session.
pub(crate) const FIRST_OUTGOING_ID: u32 = 1;

/// `idle_time_out_millis` is the silence after which we drop the peer.
pub(crate) fn put_open(out: &mut BytesMut, container: &str, idle_time_out_millis: u32) {
    let mut fields = vec![
        Value::string(container),
        Value::Null,
        Value::Uint(MAX_FRAME_SIZE),
        Value::Ushort(CHANNEL_MAX),
        Value::Uint(idle_time_out_millis),
    ];
    fields.resize(10, Value::Null);
    put_frame(out, FrameKind::Amqp, 0, 0x10, fields);
}

pub(crate) fn put_begin(out: &mut BytesMut, channel: u16) {
    let mut fields = vec![
        Value::Ushort(channel),
        Value::Uint(FIRST_OUTGOING_ID),
        Value::Uint(WINDOW),
        Value::Uint(WINDOW),
        Value::Uint(HANDLE_MAX),
    ];
    fields.resize(8, Value::Null);
    put_frame(out, FrameKind::Amqp, channel, 0x11, fields);
}

/// The answer to `attach`: the same link seen from the other end.
///
/// Of a link that is refused, and so detached at once, the terminus that would be ours is null (part 2 §2.6.3): .NET's
/// client tells by it, and takes any other for an open link.
pub(crate) fn put_attach_reply(out: &mut BytesMut, channel: u16, attach: &Attach, admitted: bool) {
    let (mut source, mut target) = (terminus(&attach.source, 0x28, 11), terminus(&attach.target, 0x29, 7));
    if !admitted {
        match attach.role {
            Role::Receiver => source = Value::Null,
            Role::Sender => target = Value::Null,
        }
    }
    let fields = vec![
        attach.name.clone(),
        Value::Uint(attach.handle),
        Value::Bool(attach.role == Role::Sender),
        match &attach.sender_settle_mode {
            Value::Null => Value::Ubyte(2),
            mode => mode.clone(),
        },
        // rcv-settle-mode `first`, whatever was asked: Python asks for `second` and then does not act on it.
        Value::Ubyte(0),
        source,
        target,
        Value::Null,
        Value::Null,
        match attach.role {
            Role::Receiver => Value::Uint(0),
            Role::Sender => Value::Null,
        },
        Value::Ulong(MAX_MESSAGE_SIZE as u64),
        Value::Null,
        Value::Null,
        Value::Null,
    ];
    put_frame(out, FrameKind::Amqp, channel, 0x12, fields);
}

/// The peer's source or target, or one without an address: an empty one counts as missing for Python's client.
fn terminus(theirs: &Value, code: u64, fields: usize) -> Value {
    match theirs.undescribed() {
        Value::List(given) if !given.is_empty() => theirs.clone(),
        _ => Value::composite(code, vec![Value::Null; fields]),
    }
}

/// Session state for a flow, and link state where there is a link.
pub(crate) struct FlowState {
    pub(crate) next_incoming_id: u32,
    pub(crate) next_outgoing_id: u32,
    pub(crate) link: Option<LinkState>,
}

pub(crate) struct LinkState {
    pub(crate) handle: u32,
    pub(crate) delivery_count: u32,
    pub(crate) credit: u32,
    pub(crate) drain: bool,
}

pub(crate) fn put_flow(out: &mut BytesMut, channel: u16, state: &FlowState) {
    let mut fields = vec![
        Value::Uint(state.next_incoming_id),
        Value::Uint(WINDOW),
        Value::Uint(state.next_outgoing_id),
        Value::Uint(WINDOW),
    ];
    if let Some(link) = &state.link {
        fields.extend([
            Value::Uint(link.handle),
            Value::Uint(link.delivery_count),
            Value::Uint(link.credit),
            Value::Uint(0),
            Value::Bool(link.drain),
            Value::Bool(false),
        ]);
    }
    fields.resize(11, Value::Null);
    put_frame(out, FrameKind::Amqp, channel, 0x13, fields);
}

/// What became of a delivery that we received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryState {
    Accepted,
    Rejected(Refusal),
    Released,
    Modified,
}

pub(crate) fn put_disposition(
    out: &mut BytesMut,
    channel: u16,
    (first, last): (u32, u32),
    outcome: &DeliveryState,
    settled: bool,
) {
    let state = match outcome {
        DeliveryState::Accepted => Value::composite(0x24, Vec::new()),
        DeliveryState::Rejected(refusal) => Value::composite(0x25, vec![refusal.to_value()]),
        DeliveryState::Released => Value::composite(0x26, Vec::new()),
        // delivery-failed, undeliverable-here, message-annotations
        DeliveryState::Modified => Value::composite(0x27, vec![Value::Bool(true), Value::Bool(false), Value::Null]),
    };
    let fields =
        vec![Value::Bool(true), Value::Uint(first), Value::Uint(last), Value::Bool(settled), state, Value::Bool(false)];
    put_frame(out, FrameKind::Amqp, channel, 0x15, fields);
}

pub(crate) fn put_detach(out: &mut BytesMut, channel: u16, handle: u32, closed: bool, error: Option<&Refusal>) {
    let fields = vec![Value::Uint(handle), Value::Bool(closed), error_field(error)];
    put_frame(out, FrameKind::Amqp, channel, 0x16, fields);
}

pub(crate) fn put_end(out: &mut BytesMut, channel: u16, error: Option<&Refusal>) {
    put_frame(out, FrameKind::Amqp, channel, 0x17, vec![error_field(error)]);
}

pub(crate) fn put_close(out: &mut BytesMut, error: Option<&Refusal>) {
    put_frame(out, FrameKind::Amqp, 0, 0x18, vec![error_field(error)]);
}

fn error_field(error: Option<&Refusal>) -> Value {
    error.map_or(Value::Null, Refusal::to_value)
}
