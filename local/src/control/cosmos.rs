//! Levers of Cosmos DB: operations that fail by kind and container, throughput, regions.

use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    Handles,
    problem::{Json, Problem},
};
use crate::cosmos::{Fault, LeverError};

impl From<LeverError> for Problem {
    fn from(error: LeverError) -> Self {
        match error {
            LeverError::Status(_) => Self::bad_request(error.to_string()),
            LeverError::Region(_) => Self::conflict(error.to_string()),
        }
    }
}

/// What there is now.
#[derive(Serialize)]
pub(super) struct Shown {
    /// Requests that faults still strike.
    left: u32,
    /// In the order in which they take over.
    regions: Vec<Region>,
}

#[derive(Serialize)]
struct Region {
    name: String,
    endpoint: String,
    online: bool,
    writable: bool,
}

fn shown(handles: &Handles) -> axum::Json<Shown> {
    let levers = handles.services.cosmos.levers();
    let regions = levers
        .regions()
        .into_iter()
        .map(|region| Region {
            name: region.name,
            endpoint: region.endpoint,
            online: region.online,
            writable: region.writable,
        })
        .collect();
    axum::Json(Shown { left: levers.pending(), regions })
}

pub(super) async fn show(State(handles): State<Handles>) -> axum::Json<Shown> {
    shown(&handles)
}

pub(super) async fn clear(State(handles): State<Handles>) -> StatusCode {
    handles.services.cosmos.levers().clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn fail(
    State(handles): State<Handles>,
    Json(fault): Json<Fault>,
) -> Result<axum::Json<Shown>, Problem> {
    handles.services.cosmos.levers().fail_next(fault)?;
    Ok(shown(&handles))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Limit {
    database: String,
    container: String,
    /// None takes the limit away.
    request_units_per_second: Option<u32>,
}

pub(super) async fn limit(
    State(handles): State<Handles>,
    Json(Limit { database, container, request_units_per_second }): Json<Limit>,
) -> axum::Json<Shown> {
    handles.services.cosmos.levers().limit_throughput(&database, &container, request_units_per_second);
    shown(&handles)
}

pub(super) async fn offline(
    State(handles): State<Handles>,
    Path(region): Path<String>,
) -> Result<axum::Json<Shown>, Problem> {
    handles.services.cosmos.levers().take_offline(&region)?;
    Ok(shown(&handles))
}

pub(super) async fn online(
    State(handles): State<Handles>,
    Path(region): Path<String>,
) -> Result<axum::Json<Shown>, Problem> {
    handles.services.cosmos.levers().bring_online(&region)?;
    Ok(shown(&handles))
}
