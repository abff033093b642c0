//! Clock lever: steps the stack's clock, forward only.

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Handles,
    problem::{Json, Problem},
};
use crate::clock::Clock;

/// How far ahead of the wall the clock may be: a century, so that every time it gives can still be written.
const FURTHEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    seconds: f64,
}

/// What the clock shows.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reading {
    #[serde(with = "time::serde::rfc3339")]
    now: OffsetDateTime,
    /// How far it is ahead of the wall.
    ahead_seconds: f64,
}

impl Reading {
    fn of(clock: &Clock) -> axum::Json<Self> {
        axum::Json(Self { now: clock.now(), ahead_seconds: clock.ahead().as_secs_f64() })
    }
}

pub(super) async fn read(State(handles): State<Handles>) -> axum::Json<Reading> {
    Reading::of(&handles.clock)
}

pub(super) async fn advance(
    State(handles): State<Handles>,
    Json(Advance { seconds }): Json<Advance>,
) -> Result<axum::Json<Reading>, Problem> {
    let step = Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|step| handles.clock.ahead().checked_add(*step).is_some_and(|ahead| ahead <= FURTHEST))
        .ok_or_else(|| Problem::bad_request("`seconds` must be 0 or more, and at most a century in all."))?;
    handles.clock.advance(step);
    Ok(Reading::of(&handles.clock))
}
