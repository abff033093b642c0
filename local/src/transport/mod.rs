//! Listeners: connections come in as plain text or over TLS on the same port, told apart by the first byte.
//!
//! A TLS client speaks first and its first byte is 0x16 (RFC 8446 §5.1: a handshake record), which neither HTTP nor
//! AMQP begins with. So every port of the stack is also its own secure port, and no client needs another one.
//!
//! Whoever connects has to say something whole within `PATIENCE`: first byte and TLS handshake, then the head of a
//! request, of each later one too once its first byte has come. A port has a bounded number of slots; when they are
//! taken, who has been silent longest goes. What is held of bodies at a time is bounded for all ports together.

use std::time::Duration;

mod bodies;
#[cfg(test)]
mod bounds;
mod connection;
mod heads;
mod hosts;
mod http_server;
mod incoming;
mod path;
mod peer;
mod quick_ack;
pub(crate) mod slots;
pub(crate) mod spelling;
#[cfg(test)]
mod tests;
mod tls;
mod watch;

pub(crate) use connection::Terms;
pub(crate) use hosts::foreign_page;
pub use hosts::{HostName, Hosts, InvalidHost};
pub use http_server::HttpServer;
pub(crate) use http_server::serve;
pub(crate) use incoming::{Accepted, AcceptedConnections};
pub(crate) use path::PlainPath;
pub use peer::Peer;
pub(crate) use quick_ack::QuickAck;
pub use tls::{Connection, Tls};

/// How long a client may take for a handshake, and for the head of a request.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
