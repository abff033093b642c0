//! Peer: who sent a request, and over what.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::{Extensions, uri::Scheme};

/// How a request came in; handlers take it as `ConnectInfo<Peer>`.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Where it came from.
    pub address: SocketAddr,
    /// Whether it came over TLS.
    pub secure: bool,
}

impl Peer {
    /// Of a request that [`HttpServer`](super::HttpServer) handed on. One that came another way counts as plain text.
    #[must_use]
    pub fn is_secure(extensions: &Extensions) -> bool {
        extensions.get::<ConnectInfo<Self>>().is_some_and(|peer| peer.secure)
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        if self.secure { Scheme::HTTPS } else { Scheme::HTTP }
    }
}
