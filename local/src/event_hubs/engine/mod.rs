//! The AMQP server: one task per connection, and in it a protocol machine without any input or output of its own.
//!
//! [`serve`] moves bytes between the socket and a [`machine::Machine`], which reads frames, changes sessions and links and
//! appends answers to its output. Channels and handles are the same in both directions.

mod address;
mod attach;
mod cbs;
mod claims;
mod connection;
mod deliveries;
mod handshake;
mod held;
mod link;
mod machine;
mod management;
mod publish;
mod receive;
mod request;
mod rust_client;
mod session;
mod sessions;

pub(super) use connection::serve;
pub(super) use machine::Mail;
