//! Where services listen: loopback only, every port bound before any work.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};

use tokio::net::{TcpListener, TcpSocket};

/// Name of the functions host in messages.
pub(super) const FUNCTIONS: &str = "the functions host";

/// Connections that the system keeps until they are accepted. With the standard library's 128 a burst of them makes
/// others try again after a second.
const BACKLOG: u32 = 1024;

/// The port of each service; 0 takes any free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Functions host.
    pub functions: u16,
    /// Pages of the app.
    pub site: u16,
    /// Cosmos DB.
    pub cosmos: u16,
    /// Blob Storage.
    pub blob: u16,
    /// Queue Storage.
    pub queue: u16,
    /// Event Hubs, AMQP.
    pub event_hubs: u16,
    /// Schema registry.
    pub schema_registry: u16,
    /// Event Grid and Resource Manager.
    pub event_grid: u16,
    /// Levers for tests.
    pub control: u16,
    /// The identity endpoint of apps.
    pub identity: u16,
}

impl Ports {
    /// The ports of the official local tools.
    #[must_use]
    pub fn defaults() -> Self {
        Self {
            functions: 7071,
            site: 7070,
            cosmos: 8081,
            blob: 10000,
            queue: 10001,
            event_hubs: 5672,
            schema_registry: 5300,
            event_grid: 6501,
            control: 6510,
            identity: 6502,
        }
    }

    /// Any free ports, so that stacks run side by side.
    #[must_use]
    pub fn auto() -> Self {
        Self {
            functions: 0,
            site: 0,
            cosmos: 0,
            blob: 0,
            queue: 0,
            event_hubs: 0,
            schema_registry: 0,
            event_grid: 0,
            identity: 0,
            control: 0,
        }
    }

    /// Port of a region of Cosmos DB, numbered from 0: they follow the account's, and are any free ones where it is.
    pub(super) fn cosmos_region(self, number: u16) -> u16 {
        if self.cosmos == 0 { 0 } else { self.cosmos.saturating_add(1).saturating_add(number) }
    }
}

/// A service cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct PortError {
    /// Who wanted it.
    pub service: &'static str,
    /// The port.
    pub port: u16,
    /// What the system said.
    pub source: std::io::Error,
}

impl PortError {
    fn text(&self) -> String {
        let Self { service, port, source } = self;
        match source.kind() {
            ErrorKind::AddrInUse => {
                format!("port {port} for {service} is not free; stop what uses it, or take any free ports")
            }
            _ => format!("{service} cannot listen on port {port}"),
        }
    }
}

pub(super) fn unbound(service: &'static str, port: u16, source: std::io::Error) -> PortError {
    PortError { service, port, source }
}

pub(super) fn bind(service: &'static str, port: u16) -> Result<StdListener, PortError> {
    let listener = listen(service, port)?.into_std();
    listener.map_err(|source| unbound(service, port, source))
}

pub(super) fn listen(service: &'static str, port: u16) -> Result<TcpListener, PortError> {
    let listener = || {
        let socket = TcpSocket::new_v4()?;
        // As the standard library does: a port is free again once nobody listens, whatever connections linger.
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        socket.listen(BACKLOG)
    };
    listener().map_err(|source| unbound(service, port, source))
}
