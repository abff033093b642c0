//! Regions of the account: endpoints of the same data, one of which takes writes.
//!
//! Replication between regions is immediate, since every region is served from one store; what a region adds is its own
//! endpoint, its being online, and who may write. The store never hears of regions.

use std::{
    net::SocketAddr,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use bytes::Bytes;
use http::{Response, StatusCode, uri::Scheme};

use crate::cosmos::wire::{
    account_document::{self, Location},
    request::Request,
    responses,
};

/// Name of the first region where the topology names none.
pub(in crate::cosmos) const DEFAULT: &str = "East US";

/// One region of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its name, such as `East US`.
    pub name: String,
    /// Where it listens.
    pub endpoint: String,
    /// Whether it answers.
    pub online: bool,
    /// Whether it takes writes.
    pub writable: bool,
}

/// Through which port a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cosmos) enum Endpoint {
    /// The account's own endpoint, which leads to the write region of the moment.
    Global,
    /// The endpoint of a region, by number.
    Region(usize),
}

/// The account has no such region, or must keep it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{region} {problem}; the regions are {regions}")]
pub struct UnknownRegion {
    region: String,
    problem: &'static str,
    regions: String,
}

/// The regions in the order in which they take over from each other.
pub(in crate::cosmos) struct Regions {
    state: RwLock<State>,
}

struct State {
    regions: Vec<Entry>,
    write: usize,
}

struct Entry {
    name: String,
    address: SocketAddr,
    online: bool,
}

impl Entry {
    fn location(&self) -> Location<'_> {
        Location { name: &self.name, authority: self.address.to_string() }
    }
}

impl Regions {
    /// All online, the first one takes writes.
    pub(in crate::cosmos) fn new(regions: Vec<(String, SocketAddr)>) -> Self {
        let regions = regions.into_iter().map(|(name, address)| Entry { name, address, online: true }).collect();
        Self { state: RwLock::new(State { regions, write: 0 }) }
    }

    /// The answer of a region that does not serve `request`, if it does not.
    pub(in crate::cosmos) fn refusal(&self, endpoint: Endpoint, request: &Request) -> Option<Response<Bytes>> {
        let Endpoint::Region(number) = endpoint else { return None };
        let state = self.state();
        let region = state.regions.get(number)?;
        if !region.online {
            // What a removed region answers, and what clients fail over on at once; a transport error or 5xx would hold
            // up writes of an account with a single write region.
            let message = format!("Database Account {} does not exist", region.name);
            return Some(responses::with_substatus(
                responses::error(request, StatusCode::FORBIDDEN, "Forbidden", &message),
                1008,
            ));
        }
        if number != state.write && request.operation().is_write() {
            let message = "Write operations are not allowed on this region.";
            return Some(responses::with_substatus(
                responses::error(request, StatusCode::FORBIDDEN, "Forbidden", message),
                3,
            ));
        }
        None
    }

    /// The account's document with the locations of the moment; `host` and `scheme` are how the client addressed it.
    pub(in crate::cosmos) fn describe(&self, host: &str, scheme: &Scheme) -> Bytes {
        let state = self.state();
        let readable: Vec<_> = state
            .regions
            .get(state.write)
            .into_iter()
            .chain(state.regions.iter().enumerate().filter(|(number, _)| *number != state.write).map(|(_, it)| it))
            .filter(|region| region.online)
            .map(Entry::location)
            .collect();
        let writable: Vec<_> = state.regions.get(state.write).map(Entry::location).into_iter().collect();
        account_document::document(host, scheme, &writable, &readable).to_string().into()
    }

    pub(in crate::cosmos) fn take_offline(&self, name: &str) -> Result<(), UnknownRegion> {
        let mut state = self.state_mut();
        let number = state.find(name)?;
        let Some(next) = state.regions.iter().enumerate().position(|(other, it)| it.online && other != number) else {
            return Err(state.problem(name, "is the last region online"));
        };
        if let Some(region) = state.regions.get_mut(number) {
            region.online = false;
        }
        if state.write == number {
            state.write = next;
        }
        Ok(())
    }

    pub(in crate::cosmos) fn bring_online(&self, name: &str) -> Result<(), UnknownRegion> {
        let mut state = self.state_mut();
        let number = state.find(name)?;
        if let Some(region) = state.regions.get_mut(number) {
            region.online = true;
        }
        Ok(())
    }

    pub(in crate::cosmos) fn list(&self) -> Vec<Region> {
        let state = self.state();
        let region = |(number, region): (usize, &Entry)| Region {
            name: region.name.clone(),
            endpoint: format!("http://{}", region.address),
            online: region.online,
            writable: number == state.write,
        };
        state.regions.iter().enumerate().map(region).collect()
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find(&self, name: &str) -> Result<usize, UnknownRegion> {
        self.regions
            .iter()
            .position(|region| region.name == name)
            .ok_or_else(|| self.problem(name, "is no region of the account"))
    }

    fn problem(&self, region: &str, problem: &'static str) -> UnknownRegion {
        let regions: Vec<&str> = self.regions.iter().map(|region| region.name.as_str()).collect();
        UnknownRegion { region: region.to_owned(), problem, regions: regions.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_region_takes_over_and_one_always_stays() {
        let named = |name: &str| (name.to_owned(), SocketAddr::from(([127, 0, 0, 1], 1)));
        let regions = Regions::new(vec![named("a"), named("b")]);
        let writable = || regions.list().into_iter().find(|region| region.writable).map(|region| region.name);
        regions.take_offline("a").unwrap();
        assert_eq!(writable().as_deref(), Some("b"));
        assert!(regions.take_offline("b").unwrap_err().to_string().contains("last region"));
        regions.bring_online("a").unwrap();
        assert_eq!(writable().as_deref(), Some("b"), "back, but to read from");
        assert!(regions.take_offline("c").unwrap_err().to_string().contains("a, b"));
    }
}
