//! AMQP 1.0 on the wire: values, frames, performatives and message sections.
//!
//! Only what a server for Event Hubs needs; source: OASIS AMQP 1.0 (parts 1 to 3). Nothing here allocates by a length
//! that the peer merely claims: memory stays within a small multiple of the bytes that really came.

pub(super) mod answer;
pub(super) mod condition;
mod decode;
mod encode;
pub(super) mod frame;
pub(super) mod message;
pub(super) mod performative;
#[cfg(test)]
mod properties;
pub(super) mod section;
mod value;

pub use decode::DecodeError;
pub(super) use decode::{Borrowed, Decoder};
pub use value::Value;
