//! Levers of Event Hubs: links that are broken, slow, stolen, and sends that are answered unkindly.

use std::{num::NonZeroU32, time::Duration};

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    Handles,
    problem::{Json, Problem},
};
use crate::event_hubs::levers::{Answer, LeverError, LeverState, Scope};

/// No client waits longer.
const LONGEST_DELAY: u64 = 600_000;

impl From<LeverError> for Problem {
    fn from(error: LeverError) -> Self {
        match error {
            LeverError::Condition => Self::bad_request(error.to_string()),
            LeverError::Hub(_) | LeverError::Partition { .. } | LeverError::ConsumerGroup { .. } => {
                Self::not_found(error.to_string())
            }
        }
    }
}

/// Which links: all, those of a hub, or those of one of its partitions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Links {
    hub: Option<String>,
    partition: Option<String>,
}

impl Links {
    fn scope(self) -> Result<Scope, Problem> {
        match (self.hub, self.partition) {
            (None, None) => Ok(Scope::All),
            (Some(hub), None) => Ok(Scope::Hub(hub)),
            (Some(hub), Some(partition)) => Ok(Scope::Partition { hub, partition }),
            (None, Some(_)) => Err(Problem::bad_request("`partition` needs its `hub`.")),
        }
    }
}

/// How many links or connections a lever met.
#[derive(Serialize)]
pub(super) struct Met {
    count: usize,
}

impl Met {
    fn of(count: usize) -> axum::Json<Self> {
        axum::Json(Self { count })
    }
}

pub(super) async fn show(State(handles): State<Handles>) -> axum::Json<LeverState> {
    axum::Json(handles.services.event_hubs.levers().state())
}

pub(super) async fn clear(State(handles): State<Handles>) -> StatusCode {
    handles.services.event_hubs.levers().clear();
    StatusCode::NO_CONTENT
}

/// Cuts connections.
pub(super) async fn drop_links(
    State(handles): State<Handles>,
    Json(links): Json<Links>,
) -> Result<axum::Json<Met>, Problem> {
    Ok(Met::of(handles.services.event_hubs.levers().drop_connections(&links.scope()?)?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Detach {
    hub: Option<String>,
    partition: Option<String>,
    /// Symbol of the error, such as `amqp:link:detach-forced`.
    condition: String,
}

pub(super) async fn detach(
    State(handles): State<Handles>,
    Json(Detach { hub, partition, condition }): Json<Detach>,
) -> Result<axum::Json<Met>, Problem> {
    let scope = Links { hub, partition }.scope()?;
    Ok(Met::of(handles.services.event_hubs.levers().detach_links(&scope, &condition)?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Slow {
    hub: Option<String>,
    partition: Option<String>,
    #[serde(default)]
    delivery_millis: Option<u64>,
    #[serde(default)]
    disposition_millis: Option<u64>,
}

/// Holds back deliveries to receivers, answers to senders, or both.
pub(super) async fn delay(
    State(handles): State<Handles>,
    Json(Slow { hub, partition, delivery_millis, disposition_millis }): Json<Slow>,
) -> Result<axum::Json<LeverState>, Problem> {
    let given = [delivery_millis, disposition_millis];
    if given == [None, None] || given.iter().flatten().any(|millis| *millis > LONGEST_DELAY) {
        return Err(Problem::bad_request("One of `deliveryMillis` and `dispositionMillis` is needed, at most 600000."));
    }
    let scope = Links { hub, partition }.scope()?;
    let levers = handles.services.event_hubs.levers();
    if let Some(millis) = delivery_millis {
        levers.delay_deliveries(scope.clone(), Duration::from_millis(millis))?;
    }
    if let Some(millis) = disposition_millis {
        levers.delay_dispositions(scope, Duration::from_millis(millis))?;
    }
    Ok(axum::Json(levers.state()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Plan {
    hub: Option<String>,
    partition: Option<String>,
    answer: Answer,
    #[serde(default = "once")]
    times: NonZeroU32,
}

fn once() -> NonZeroU32 {
    NonZeroU32::MIN
}

pub(super) async fn answer_sends(
    State(handles): State<Handles>,
    Json(Plan { hub, partition, answer, times }): Json<Plan>,
) -> Result<axum::Json<LeverState>, Problem> {
    let levers = handles.services.event_hubs.levers();
    levers.answer_sends(Links { hub, partition }.scope()?, answer, times)?;
    Ok(axum::Json(levers.state()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Steal {
    hub: String,
    consumer_group: String,
    partition: String,
}

pub(super) async fn steal(
    State(handles): State<Handles>,
    Json(Steal { hub, consumer_group, partition }): Json<Steal>,
) -> Result<axum::Json<Met>, Problem> {
    Ok(Met::of(handles.services.event_hubs.levers().steal(&hub, &consumer_group, &partition)?))
}
