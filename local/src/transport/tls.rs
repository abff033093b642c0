//! TLS, the server's side.

use std::{io, pin::Pin, sync::Arc};

use openssl::{
    error::ErrorStack,
    pkey::{PKey, Private},
    ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, SslVersion, select_next_proto},
    x509::X509,
};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;
use tokio_util::either::Either;

use super::Hosts;

/// First byte of a TLS handshake record.
const HANDSHAKE: u8 = 0x16;

/// What is offered by ALPN, in its wire form; AMQP clients ask for none.
const PROTOCOLS: &[u8] = b"\x02h2\x08http/1.1";

/// A connection, in plain text or over TLS.
pub type Connection = Either<TcpStream, SslStream<TcpStream>>;

/// Accepts TLS with the stack's certificate, and knows the hosts that the stack answers to. Clones share it.
#[derive(Clone)]
pub struct Tls {
    acceptor: Arc<SslAcceptor>,
    hosts: Hosts,
}

impl Tls {
    /// TLS 1.2 and 1.3 with a certificate and its key, for ports that answer to `hosts`.
    ///
    /// # Errors
    /// When the two do not belong together.
    pub(crate) fn new(certificate: &X509, key: &PKey<Private>, hosts: Hosts) -> Result<Self, ErrorStack> {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
        builder.set_certificate(certificate)?;
        builder.set_private_key(key)?;
        builder.check_private_key()?;
        builder.set_alpn_select_callback(|_, offered| select_next_proto(PROTOCOLS, offered).ok_or(AlpnError::NOACK));
        // Else a record takes one read of the socket for its head and one for its body.
        builder.set_read_ahead(true);
        Ok(Self { acceptor: Arc::new(builder.build()), hosts })
    }

    /// What the stack's ports answer to.
    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Waits for the peer's first byte and, where it begins a handshake, completes that; for how long is the caller's affair.
    ///
    /// # Errors
    /// When the connection breaks or the handshake fails.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<Connection> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if first != [HANDSHAKE] {
            return Ok(Either::Left(stream));
        }
        let session = Ssl::new(self.acceptor.context()).map_err(io::Error::other)?;
        let mut stream = SslStream::new(session, stream).map_err(io::Error::other)?;
        Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
        Ok(Either::Right(stream))
    }
}
