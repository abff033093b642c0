//! How connections come in: in plain text or over TLS on the same port, told apart by the first byte.
//!
//! A TLS client speaks first and its first byte is 0x16 (RFC 8446 §5.1: a handshake record), which neither HTTP nor
//! AMQP begins with. So every port of the stack is also its own secure port, and no client needs another one.

mod http_server;
mod incoming;
mod path;
mod tls;

pub use http_server::{HttpServer, Peer};
pub(crate) use incoming::Incoming;
pub(crate) use path::PlainPath;
pub use tls::{Connection, Tls};
