//! Clock lever: steps the stack's clock, forward only and for good.

use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Handles,
    problem::{Json, Problem},
};
use crate::clock::Clock;

/// How far ahead of the wall the clock may be: a century, so that every time it gives can still be written.
const FURTHEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

const WAY_BACK: &str = "The clock keeps its step over restarts, since what is stored goes by it. \
                        A fresh data directory has this machine's time.";

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
    /// How to have the wall's time again, where it is ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    way_back: Option<&'static str>,
}

impl Reading {
    fn of(clock: &Clock) -> axum::Json<Self> {
        let ahead = clock.ahead();
        let way_back = (!ahead.is_zero()).then_some(WAY_BACK);
        axum::Json(Self { now: clock.now(), ahead_seconds: ahead.as_secs_f64(), way_back })
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
    handles.clock.step(step).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The clock stays as it is: {error}."))
    })?;
    Ok(Reading::of(&handles.clock))
}
