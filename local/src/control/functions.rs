//! Levers of the functions host: timers out of turn, and events a second time.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::{
    Handles,
    problem::{Json, Problem},
};
use crate::functions_host::{FunctionsHost, LeverError, Redelivery};

impl Handles {
    fn host(&self) -> Result<Arc<FunctionsHost>, Problem> {
        self.app.host().ok_or_else(|| match self.app.external() {
            Some(address) => Problem::conflict(format!(
                "The Functions host is not part of this stack: it runs beside it, at {address}; ask its own /admin calls."
            )),
            None => Problem::conflict("No app runs."),
        })
    }
}

impl From<LeverError> for Problem {
    fn from(error: LeverError) -> Self {
        match error {
            LeverError::NoFunction { .. } | LeverError::NoPartition { .. } => Self::not_found(error.to_string()),
            LeverError::Store { .. } | LeverError::Busy { .. } | LeverError::Stopping => {
                Self::conflict(error.to_string())
            }
        }
    }
}

#[derive(Serialize)]
pub(super) struct Fired {
    /// Whether the run succeeded.
    succeeded: bool,
}

/// Answers when the run is over.
pub(super) async fn fire(
    State(handles): State<Handles>,
    Path(name): Path<String>,
) -> Result<axum::Json<Fired>, Problem> {
    let host = handles.host()?;
    let succeeded = host.fire_timer(&name).await.map_err(|error| Problem::not_found(error.to_string()))?;
    Ok(axum::Json(Fired { succeeded }))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    /// Partition of the hub; all where absent. The ranges of a change feed move together.
    partition: Option<String>,
    /// Sequence number or LSN of the first event that comes again; the oldest there is where absent.
    from: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Redelivered {
    partitions: Vec<Redelivery>,
}

/// Answers when the positions are stored; the events come after that.
pub(super) async fn redeliver(
    State(handles): State<Handles>,
    Path(name): Path<String>,
    Json(Position { partition, from }): Json<Position>,
) -> Result<axum::Json<Redelivered>, Problem> {
    let host = handles.host()?;
    let partitions = host.redeliver(&name, partition.as_deref(), from).await?;
    Ok(axum::Json(Redelivered { partitions }))
}
