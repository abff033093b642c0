//! Ports where services listen: loopback only, every port bound before any work.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
};

use rustix::net::listen as listen_again;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::topology::Topology;

// Names of the services in messages.
pub(super) const FUNCTIONS: &str = "Functions";
pub(super) const SITE: &str = "the pages";
pub(super) const COSMOS: &str = "Cosmos DB";
pub(super) const COSMOS_REGION: &str = "a region of Cosmos DB";
pub(super) const BLOB: &str = "Blob Storage";
pub(super) const QUEUE: &str = "Queue Storage";
pub(super) const EVENT_HUBS: &str = "Event Hubs";
pub(super) const SCHEMA_REGISTRY: &str = "the schema registry";
pub(super) const EVENT_GRID: &str = "Event Grid";
pub(super) const CONTROL: &str = "the control port";
pub(super) const IDENTITY: &str = "the identity endpoint";
pub(super) const OTLP: &str = "OpenTelemetry";

/// Connections that the system keeps until they are accepted. With the standard library's 128 a burst of them makes
/// others try again after a second.
const BACKLOG: i32 = 1024;

/// The port of each service; 0 takes any free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
    /// OpenTelemetry, over HTTP. A data directory of an earlier version does not tell.
    #[serde(default)]
    pub otlp: u16,
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
            otlp: 4318,
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
            otlp: 0,
        }
    }

    /// Looks whether every port is free now, and lets it go at once: for those who want to know before they do anything long.
    /// Starting the stack looks again.
    ///
    /// # Errors
    /// Names the first port that is not.
    pub fn check(mut self, topology: &Topology) -> Result<(), PortError> {
        let regions = regions(topology).map(|region| (COSMOS_REGION, self.cosmos_region(region))).collect::<Vec<_>>();
        let services = self.services().map(|(service, port)| (service, *port));
        services.into_iter().chain(regions).try_for_each(|(service, port)| bind(service, port).map(drop))
    }

    /// The same, but for the functions host's: where that is an external one, its port is its own.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_services(self, topology: &Topology) -> Result<(), PortError> {
        Self { functions: 0, ..self }.check(topology)
    }

    /// [`or_any`](Self::or_any), but for the functions host's, which stays as it is.
    #[must_use]
    pub fn services_or_any(self, topology: &Topology) -> (Self, Vec<PortError>) {
        let (ports, taken) = Self { functions: 0, ..self }.or_any(topology);
        (Self { functions: self.functions, ..ports }, taken)
    }

    /// The same ports, with any free one in place of each that is not free now; and what was wrong with those.
    #[must_use]
    pub fn or_any(mut self, topology: &Topology) -> (Self, Vec<PortError>) {
        let mut taken = Vec::new();
        for (service, port) in self.services() {
            if let Err(error) = bind(service, *port) {
                *port = 0;
                taken.push(error);
            }
        }
        let region = |region| bind(COSMOS_REGION, self.cosmos_region(region)).err();
        if let Some(error) = regions(topology).find_map(region) {
            // They follow the account's port, so they move together.
            self.cosmos = 0;
            taken.push(error);
        }
        (self, taken)
    }

    fn services(&mut self) -> [(&'static str, &mut u16); 11] {
        [
            (FUNCTIONS, &mut self.functions),
            (SITE, &mut self.site),
            (COSMOS, &mut self.cosmos),
            (BLOB, &mut self.blob),
            (QUEUE, &mut self.queue),
            (EVENT_HUBS, &mut self.event_hubs),
            (SCHEMA_REGISTRY, &mut self.schema_registry),
            (EVENT_GRID, &mut self.event_grid),
            (CONTROL, &mut self.control),
            (IDENTITY, &mut self.identity),
            (OTLP, &mut self.otlp),
        ]
    }

    /// Port of a region of Cosmos DB, numbered from 0: they follow the account's, and are any free ones where it is.
    pub(super) fn cosmos_region(self, number: u16) -> u16 {
        if self.cosmos == 0 { 0 } else { self.cosmos.saturating_add(1).saturating_add(number) }
    }
}

/// A service cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("port {port}, for {service}, {problem}", problem = self.problem())]
pub struct PortError {
    /// Who wanted it.
    pub service: &'static str,
    /// The port.
    pub port: u16,
    /// What the system said.
    pub source: std::io::Error,
}

impl PortError {
    fn problem(&self) -> &'static str {
        match self.source.kind() {
            ErrorKind::AddrInUse => "is in use; stop what uses it, or take any free ports",
            _ => "cannot be listened on",
        }
    }
}

/// Regions with ports of their own, by number: an account with one region is served at its own port.
pub(super) fn regions(topology: &Topology) -> impl Iterator<Item = u16> + use<> {
    let regions = topology.cosmos.regions.len();
    (0u16..).take(if regions < 2 { 0 } else { regions })
}

pub(super) fn unbound(service: &'static str, port: u16, source: std::io::Error) -> PortError {
    PortError { service, port, source }
}

pub(super) fn bind(service: &'static str, port: u16) -> Result<StdListener, PortError> {
    let listener = || {
        let listener = StdListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        listen_again(&listener, BACKLOG)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    listener().map_err(|source| unbound(service, port, source))
}

/// Listens on `port`, and writes down which one it is where any would do.
pub(super) fn listen(service: &'static str, port: &mut u16) -> Result<TcpListener, PortError> {
    let listener = bind(service, *port)?;
    *port = port_of(&listener).map_err(|source| unbound(service, *port, source))?;
    TcpListener::from_std(listener).map_err(|source| unbound(service, *port, source))
}

pub(super) fn port_of(listener: &StdListener) -> std::io::Result<u16> {
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occupied() -> (StdListener, u16) {
        let listener = bind("a test", 0).expect("a port");
        let port = port_of(&listener).expect("an address");
        (listener, port)
    }

    #[test]
    fn a_port_in_use_is_named_with_its_service() {
        let (_held, port) = occupied();
        let wanted = Ports { blob: port, ..Ports::auto() };
        let error = wanted.check(&Topology::default()).expect_err("in use");
        assert_eq!((error.service, error.port, error.source.kind()), (BLOB, port, ErrorKind::AddrInUse));
        assert!(error.to_string().starts_with(&format!("port {port}, for Blob Storage, is in use; ")), "{error}");
        Ports::auto().check(&Topology::default()).expect("any port is free");
    }

    #[test]
    fn only_ports_in_use_are_given_up() {
        let ((_held, taken), (freed, free)) = (occupied(), occupied());
        drop(freed);
        let wanted = Ports { cosmos: free, event_grid: taken, ..Ports::auto() };
        let (ports, errors) = wanted.or_any(&Topology::default());
        assert_eq!(ports, Ports { cosmos: free, ..Ports::auto() });
        assert_eq!(errors.iter().map(|error| (error.service, error.port)).collect::<Vec<_>>(), [(EVENT_GRID, taken)]);
    }

    #[test]
    fn regions_move_with_the_account() {
        let topology: Topology =
            serde_json::from_str(r#"{"cosmos": {"regions": ["West Europe", "North Europe"]}}"#).expect("a topology");
        let (_held, taken) = occupied();
        let wanted = Ports { cosmos: taken - 1, ..Ports::auto() };
        assert_eq!(wanted.or_any(&topology).0, Ports::auto());
        assert!(wanted.check(&topology).is_err());
    }
}
