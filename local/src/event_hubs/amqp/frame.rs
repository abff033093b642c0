//! Frames (part 2 §2.3): finding them in what has been received, and writing them.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::value::Value;

/// The largest frame that this server takes and, to peers that allow it, sends; the service's own limit.
pub(crate) const MAX_FRAME_SIZE: u32 = 65_536;

/// Every peer takes frames of this size.
pub(crate) const MIN_MAX_FRAME_SIZE: u32 = 512;

/// Room that a transfer needs beside its payload: the frame header and the longest performative that [`put_transfer`] writes.
const TRANSFER_OVERHEAD: usize = 64;

/// The two kinds of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Amqp,
    Sasl,
}

/// A received frame without its header.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    pub(crate) channel: u16,
    /// Performative and payload; empty for a heartbeat.
    pub(crate) body: Bytes,
}

/// The stream can no longer be cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FramingError(&'static str);

/// Takes the next whole frame off `input`, or nothing while it is incomplete.
pub(crate) fn take_frame(input: &mut BytesMut) -> Result<Option<Frame>, FramingError> {
    let Some([a, b, c, d, doff, kind, high, low]) = input.first_chunk().copied() else {
        return Ok(None);
    };
    let size = u32::from_be_bytes([a, b, c, d]);
    let header = usize::from(doff) * 4;
    if size > MAX_FRAME_SIZE {
        return Err(FramingError("a frame is larger than the announced max-frame-size"));
    }
    let size = usize::try_from(size).map_err(|_| FramingError("a frame is too large"))?;
    if header < 8 || size < header {
        return Err(FramingError("the data offset of a frame does not fit its size"));
    }
    let kind = match kind {
        0 => FrameKind::Amqp,
        1 => FrameKind::Sasl,
        _ => return Err(FramingError("a frame is neither AMQP nor SASL")),
    };
    if input.len() < size {
        return Ok(None);
    }
    let mut body = input.split_to(size).freeze();
    body.advance(header);
    Ok(Some(Frame { kind, channel: u16::from_be_bytes([high, low]), body }))
}

/// Writes a frame with a performative of the given code.
pub(crate) fn put_frame(out: &mut BytesMut, kind: FrameKind, channel: u16, code: u64, fields: Vec<Value>) {
    let start = begin(out, kind, channel);
    Value::composite(code, fields).encode(out);
    end(out, start);
}

/// An empty frame, which keeps a quiet connection open.
pub(crate) fn put_heartbeat(out: &mut BytesMut) {
    let start = begin(out, FrameKind::Amqp, 0);
    end(out, start);
}

/// What is particular to one frame of a delivery.
pub(crate) struct TransferHead {
    pub(crate) handle: u32,
    /// Delivery id, on the first frame of a delivery only; its tag is derived from it.
    pub(crate) delivery: Option<u32>,
    pub(crate) more: bool,
}

/// Bytes of payload that fit a transfer to a peer with this `max-frame-size`.
pub(crate) fn transfer_room(max_frame_size: u32) -> usize {
    usize::try_from(max_frame_size).unwrap_or(usize::MAX).saturating_sub(TRANSFER_OVERHEAD)
}

/// Writes a pre-settled transfer. Written by hand, as it is the one frame whose cost counts.
pub(crate) fn put_transfer(out: &mut BytesMut, channel: u16, head: &TransferHead, payload: &[u8]) {
    let start = begin(out, FrameKind::Amqp, channel);
    out.put_slice(&[0x00, 0x53, 0x14, 0xc0, 0, 11]);
    let fields = out.len() - 1;
    out.put_u8(0x70);
    out.put_u32(head.handle);
    match head.delivery {
        Some(id) => {
            out.put_u8(0x70);
            out.put_u32(id);
            out.put_slice(&[0xa0, 4]);
            out.put_u32(id);
            out.put_u8(0x43);
        }
        None => out.put_slice(&[0x40, 0x40, 0x40]),
    }
    // settled, more, rcv-settle-mode, state, resume, aborted, batchable
    out.put_slice(&[0x41, if head.more { 0x41 } else { 0x42 }, 0x40, 0x40, 0x42, 0x42, 0x42]);
    let size = u8::try_from(out.len() - fields).unwrap_or(u8::MAX);
    out[fields - 1] = size;
    out.put_slice(payload);
    end(out, start);
}

fn begin(out: &mut BytesMut, kind: FrameKind, channel: u16) -> usize {
    let start = out.len();
    out.put_u32(0);
    out.put_slice(&[2, u8::from(kind == FrameKind::Sasl)]);
    out.put_u16(channel);
    start
}

fn end(out: &mut BytesMut, start: usize) {
    let size = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}
