//! Levers, what tests do to the account: requests that fail on demand, a limit on throughput, regions that go away.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Deserialize;

use crate::cosmos::wire::{
    operation_kind::OperationKind,
    regions::{Region, Regions, UnknownRegion},
    request::{ContainerName, Request},
    responses,
};

static RETRY_AFTER: HeaderName = HeaderName::from_static("x-ms-retry-after-ms");

/// Requests to answer with an error instead of serving them. The default is one 429/3200 after 100 ms for the next
/// operation on items.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Fault {
    /// How many requests.
    pub count: u32,
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// `x-ms-substatus`, by which clients tell causes apart.
    pub substatus: Option<u16>,
    /// `x-ms-retry-after-ms`.
    pub retry_after_ms: Option<u64>,
    /// Only requests of this database.
    pub database: Option<String>,
    /// Only requests of this container.
    pub container: Option<String>,
    /// Only operations of these kinds; where empty, of any kind but [`OperationKind::Metadata`].
    pub operations: Vec<OperationKind>,
    /// Serves the request first, then loses its answer: what a client sees when a connection breaks after the commit.
    pub after_commit: bool,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            count: 1,
            status: 429,
            substatus: Some(3200),
            retry_after_ms: Some(100),
            database: None,
            container: None,
            operations: Vec::new(),
            after_commit: false,
        }
    }
}

/// A lever cannot be pulled like that; nothing was changed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LeverError {
    /// The account has no such region, or it is the last one online.
    #[error(transparent)]
    Region(#[from] UnknownRegion),
    /// The status does not stand for a failure.
    #[error("{0} is not a status of a failed request (400 to 599)")]
    Status(u16),
}

/// The levers of one account; clones share it. Only requests over the wire are affected.
#[derive(Clone)]
pub struct Levers {
    regions: Arc<Regions>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    faults: Vec<Fault>,
    budgets: HashMap<ContainerName, Budget>,
}

/// Request units of a container, refilled by time as each second passes.
struct Budget {
    per_second: f64,
    left: f64,
    at: Instant,
}

impl Levers {
    pub(in crate::cosmos) fn new(regions: Arc<Regions>) -> Self {
        Self { regions, state: Arc::default() }
    }

    /// Fails the next requests that `fault` describes. Several faults are used up in the order in which they were given.
    ///
    /// # Errors
    /// When its status is not one of a failure.
    pub fn fail_next(&self, fault: Fault) -> Result<(), LeverError> {
        if !(400..600).contains(&fault.status) {
            return Err(LeverError::Status(fault.status));
        }
        self.state().faults.push(fault);
        Ok(())
    }

    /// Gives a container `per_second` request units: what exceeds them, reads and queries too, is answered 429/3200 until
    /// the next second. None takes the limit away.
    pub fn limit_throughput(&self, database: &str, container: &str, per_second: Option<u32>) {
        let name = ContainerName::new(database, container);
        let mut state = self.state();
        match per_second {
            None => drop(state.budgets.remove(&name)),
            Some(units) => {
                let units = f64::from(units);
                state.budgets.insert(name, Budget { per_second: units, left: units, at: Instant::now() });
            }
        }
    }

    /// Forgets every fault and limit. Regions stay as they are.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    /// Faults that have not been used up.
    #[must_use]
    pub fn pending(&self) -> u32 {
        self.state().faults.iter().map(|fault| fault.count).sum()
    }

    /// Takes a region away: its port answers 403/1008. Where it was the write region, the next one takes its place.
    ///
    /// # Errors
    /// When there is no such region, or it is the last one online.
    pub fn take_offline(&self, region: &str) -> Result<(), LeverError> {
        Ok(self.regions.take_offline(region)?)
    }

    /// Brings a region back, to read from; the write region stays where it is.
    ///
    /// # Errors
    /// When there is no such region.
    pub fn bring_online(&self, region: &str) -> Result<(), LeverError> {
        Ok(self.regions.bring_online(region)?)
    }

    /// The regions, in the order in which they take over.
    #[must_use]
    pub fn regions(&self) -> Vec<Region> {
        self.regions.list()
    }

    /// The fault that `request` runs into, if any: it counts as used.
    pub(in crate::cosmos) fn fault(&self, request: &Request) -> Option<Fault> {
        let kind = OperationKind::of(request);
        let mut state = self.state();
        let at = state.faults.iter().position(|fault| fault.concerns(request, kind))?;
        let fault = state.faults.get_mut(at)?;
        fault.count = fault.count.saturating_sub(1);
        let hit = fault.clone();
        if hit.count == 0 {
            state.faults.remove(at);
        }
        Some(hit)
    }

    /// How long `request` has to wait for its container's budget, if that is used up.
    pub(in crate::cosmos) fn throttle(&self, request: &Request) -> Option<Duration> {
        if OperationKind::of(request) == OperationKind::Metadata {
            return None;
        }
        let name = request.container()?;
        let mut state = self.state();
        let budget = state.budgets.get_mut(&name)?;
        let now = Instant::now();
        if now.duration_since(budget.at) >= Duration::from_secs(1) {
            // What was overspent is paid back first.
            budget.left = budget.per_second + budget.left.min(0.0);
            budget.at = now;
        }
        (budget.left <= 0.0).then(|| Duration::from_secs(1).saturating_sub(now.duration_since(budget.at)))
    }

    /// Takes what `response` says it cost from the container's budget.
    pub(in crate::cosmos) fn charge(&self, request: &Request, response: &Response<Bytes>) {
        let Some(name) = request.container() else { return };
        if let Some(budget) = self.state().budgets.get_mut(&name) {
            let charge = response.headers().get("x-ms-request-charge").and_then(|charge| charge.to_str().ok());
            budget.left -= charge.and_then(|charge| charge.parse::<f64>().ok()).unwrap_or(0.0);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn concerns(&self, request: &Request, kind: OperationKind) -> bool {
        let name = request.container();
        let is_in = |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|it| Some(it) == found);
        let named =
            if self.operations.is_empty() { kind != OperationKind::Metadata } else { self.operations.contains(&kind) };
        self.count > 0
            && named
            && is_in(&self.container, name.as_ref().map(|name| name.container.as_str()))
            && is_in(&self.database, request.segments().get(1).copied())
    }

    /// The answer to a request that runs into it.
    pub(in crate::cosmos) fn answer(&self, request: &Request) -> Response<Bytes> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let code = match self.status {
            429 => "TooManyRequests".to_owned(),
            _ => status.canonical_reason().unwrap_or("Error").replace(' ', ""),
        };
        let message = if self.status == 429 { RATE_EXCEEDED } else { "The request was made to fail by a test." };
        let mut response = responses::error(request, status, &code, message);
        if let Some(substatus) = self.substatus {
            response = responses::with_substatus(response, substatus);
        }
        if let Some(millis) = self.retry_after_ms {
            response.headers_mut().insert(RETRY_AFTER.clone(), HeaderValue::from(millis));
        }
        response
    }
}

const RATE_EXCEEDED: &str = "Request rate is large. More Request Units may be needed, so no changes were made. Please \
    retry this request later.";

/// 429/3200 for a container whose budget is used up for another `wait`.
pub(in crate::cosmos) fn throttled(request: &Request, wait: Duration) -> Response<Bytes> {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    Fault { retry_after_ms: Some(millis), ..Fault::default() }.answer(request)
}
