//! Business events: CloudEvents 1.0 whose data is described by a registered Avro schema.
//!
//! On a hub an event travels in *binary mode over AMQP*: attributes are application properties named `cloudEvents:<attribute>`
//! (`cloudEvents_<attribute>` is read too), the body is bare Avro, and the content type is `avro/binary+<schema id>`, as the
//! official schema registry encoders have it. Over HTTP and Event Grid an event is structured JSON, for which `cloudevents-sdk` is
//! used. That crate has no AMQP binding, and its data knows JSON, text and bytes only, so an Avro value would have to leave and
//! re-enter it as bytes beside every attribute being boxed: the hub's binding is therefore [`attributes`], a page of our own.

pub mod attributes;
pub mod contracts;
pub mod hubs;

mod codec;
mod content;
mod deprecation;
mod event;
mod outgoing;
mod readers;

pub use self::{
    attributes::Properties,
    codec::{Codec, CodecError, DecodeError, Incoming, structured},
    content::{Content, ContentError},
    contracts::Contract,
    deprecation::Deprecation,
    event::{Event, EventData, ShapeError},
    outgoing::{HubMessage, Outgoing},
    readers::CountedClick,
};

#[cfg(test)]
pub(crate) mod tests;
