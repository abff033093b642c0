//! Fault injection into the HTTP services.

use std::{num::NonZeroU32, time::Duration};

use axum::extract::{Path, State};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Handles,
    problem::{Json, Problem},
};
use crate::faults::{Armed, Effect, Fault, Faults, Refusal, Requests};

/// No client waits longer.
const LONGEST_DELAY: Duration = Duration::from_secs(600);

/// The services that take faults, as the control port names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Service {
    Blob,
    Cosmos,
    EventGrid,
    Functions,
    Identity,
    LogAnalytics,
    Queue,
    ResourceManager,
    SchemaRegistry,
}

impl Service {
    const ALL: [Self; 9] = [
        Self::Blob,
        Self::Cosmos,
        Self::EventGrid,
        Self::Functions,
        Self::Identity,
        Self::LogAnalytics,
        Self::Queue,
        Self::ResourceManager,
        Self::SchemaRegistry,
    ];
}

impl Handles {
    /// The faults of a service; `None` where it does not run.
    fn faults(&self, service: Service) -> Option<Faults> {
        Some(match service {
            Service::Blob => self.services.blobs.faults().clone(),
            Service::Cosmos => self.services.cosmos.faults().clone(),
            Service::EventGrid => self.event_grid.publish_faults().clone(),
            Service::Functions => self.app.host()?.faults().clone(),
            Service::Identity => self.identity.faults().clone(),
            Service::LogAnalytics => self.event_grid.log_analytics_faults().clone(),
            Service::Queue => self.services.queues.faults().clone(),
            Service::ResourceManager => self.event_grid.resource_manager_faults().clone(),
            Service::SchemaRegistry => self.schema_registry.faults().clone(),
        })
    }
}

/// A fault on the wire: with `status`, with `close`, or with a delay alone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wanted {
    service: Service,
    #[serde(default = "once")]
    times: NonZeroU32,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    delay_millis: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<Close>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    substatus: Option<u16>,
}

/// When the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Close {
    /// Before the service sees the request.
    Before,
    /// After it did its work.
    After,
}

fn once() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl TryFrom<&Wanted> for Fault {
    type Error = Problem;

    fn try_from(wanted: &Wanted) -> Result<Self, Problem> {
        let delay = Duration::from_millis(wanted.delay_millis);
        if delay > LONGEST_DELAY {
            return Err(Problem::bad_request("`delayMillis` is at most 600000."));
        }
        let method = wanted.method.as_deref().map(|method| Method::from_bytes(method.to_ascii_uppercase().as_bytes()));
        let method = method.transpose().map_err(|_| Problem::bad_request("`method` is not a method."))?;
        let effect = match (wanted.status, wanted.close) {
            (Some(status), None) => Effect::Refuse(wanted.refusal(status)?),
            (None, Some(Close::Before)) => Effect::Disconnect,
            (None, Some(Close::After)) => Effect::LoseAnswer,
            (None, None) if !delay.is_zero() => Effect::Proceed,
            _ => return Err(Problem::bad_request("A fault has either `status` or `close`, or `delayMillis` alone.")),
        };
        let requests = Requests { method, path_prefix: wanted.path_prefix.clone() };
        Ok(Self { requests, times: wanted.times, delay, effect })
    }
}

impl Wanted {
    fn refusal(&self, status: u16) -> Result<Refusal, Problem> {
        let bad = |detail: &str| Problem::bad_request(detail);
        let status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .ok_or_else(|| bad("`status` must be from 400 to 599."))?;
        if !self.code.as_deref().is_none_or(|code| code.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(bad("`code` must be one word of ASCII, since it stands in a header too."));
        }
        let retry_after = self.retry_after_seconds.map(Duration::try_from_secs_f64).transpose();
        Ok(Refusal {
            status,
            code: self.code.clone(),
            message: self.message.clone(),
            retry_after: retry_after.map_err(|_| bad("`retryAfterSeconds` must be 0 or more."))?,
            substatus: self.substatus,
        })
    }

    fn of(service: Service, fault: Fault) -> Self {
        let (close, refusal) = match fault.effect {
            Effect::Proceed => (None, None),
            Effect::Disconnect => (Some(Close::Before), None),
            Effect::LoseAnswer => (Some(Close::After), None),
            Effect::Refuse(refusal) => (None, Some(refusal)),
        };
        let status = refusal.as_ref().map(|refusal| refusal.status.as_u16());
        let retry_after = refusal.as_ref().and_then(|refusal| refusal.retry_after);
        let substatus = refusal.as_ref().and_then(|refusal| refusal.substatus);
        let (code, message) = refusal.map(|refusal| (refusal.code, refusal.message)).unwrap_or_default();
        Self {
            service,
            times: fault.times,
            method: fault.requests.method.map(|method| method.to_string()),
            path_prefix: fault.requests.path_prefix,
            delay_millis: u64::try_from(fault.delay.as_millis()).unwrap_or(u64::MAX),
            close,
            status,
            code,
            message,
            retry_after_seconds: retry_after.map(|after| after.as_secs_f64()),
            substatus,
        }
    }
}

/// An armed fault on the wire.
#[derive(Serialize)]
pub(super) struct Shown {
    id: Uuid,
    /// Requests that it will still strike.
    left: u32,
    #[serde(flatten)]
    fault: Wanted,
}

impl Shown {
    fn of(service: Service, armed: Armed) -> Self {
        Self { id: armed.id, left: armed.left, fault: Wanted::of(service, armed.fault) }
    }
}

#[derive(Serialize)]
pub(super) struct List {
    faults: Vec<Shown>,
}

pub(super) async fn arm(
    State(handles): State<Handles>,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, axum::Json<Shown>), Problem> {
    let fault = Fault::try_from(&wanted)?;
    let faults = handles.faults(wanted.service);
    let faults = faults.ok_or_else(|| Problem::conflict("No app runs, so there is no functions host to fail."))?;
    let armed = faults.arm(fault).map_err(|error| Problem::conflict(error.to_string()))?;
    Ok((StatusCode::CREATED, axum::Json(Shown::of(wanted.service, armed))))
}

pub(super) async fn list(State(handles): State<Handles>) -> axum::Json<List> {
    let of = |service| handles.faults(service).map(|faults| (service, faults.all()));
    let faults = Service::ALL
        .into_iter()
        .filter_map(of)
        .flat_map(|(service, all)| all.into_iter().map(move |armed| Shown::of(service, armed)))
        .collect();
    axum::Json(List { faults })
}

pub(super) async fn clear(State(handles): State<Handles>) -> StatusCode {
    for faults in Service::ALL.into_iter().filter_map(|service| handles.faults(service)) {
        faults.clear();
    }
    StatusCode::NO_CONTENT
}

pub(super) async fn disarm(State(handles): State<Handles>, Path(id): Path<Uuid>) -> Result<axum::Json<Shown>, Problem> {
    Service::ALL
        .into_iter()
        .find_map(|service| Some(Shown::of(service, handles.faults(service)?.disarm(id)?)))
        .map(axum::Json)
        .ok_or_else(|| Problem::not_found(format!("There is no fault {id}.")))
}
