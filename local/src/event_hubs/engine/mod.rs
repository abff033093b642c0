//! The AMQP server: one task per connection, and in it a protocol machine without any input or output of its own.
//!
//! `welcome` tells AMQP from HTTP that asks for WebSockets. `serve` moves bytes between the socket and a
//! [`machine::Machine`], which reads frames, changes sessions and links and appends answers to its output. Channels and
//! handles are the same in both directions.

mod address;
mod attach;
mod authorise;
mod cbs;
mod claims;
mod connection;
mod delays;
mod deliveries;
mod fault;
mod handshake;
mod link;
mod machine;
mod mail;
mod management;
mod opening;
mod publish;
mod receive;
mod release;
mod request;
mod rust_client;
mod session;
mod sessions;
mod websocket;
mod welcome;
mod window;

#[cfg(test)]
pub(super) use connection::serve;
pub(super) use mail::Mail;
#[cfg(test)]
pub(super) use opening::Opening;
pub(super) use welcome::welcome;
