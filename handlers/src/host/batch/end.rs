//! Where a record of a running batch stands.

use crate::outcome::{Cause, Outcome};

/// How a record ended, so far.
pub(super) enum End {
    Untried,
    Done,
    Skipped(&'static str),
    /// Bad, and not yet among the dead letters.
    Bad(Cause),
    Parked(Cause),
    Retry(Cause),
}

impl End {
    /// What became of the record in the end.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Done => Outcome::Done,
            Self::Skipped(reason) => Outcome::Skip(reason),
            Self::Parked(cause) => Outcome::Park(cause.clone()),
            Self::Bad(cause) | Self::Retry(cause) => Outcome::Retry(cause.clone()),
            Self::Untried => Outcome::Retry(Cause::new("it was not tried")),
        }
    }

    /// The outcome's word in telemetry and the cause's label, empty if it is done.
    pub(super) fn label(&self) -> (&'static str, &'static str) {
        match self {
            Self::Done => ("done", ""),
            Self::Skipped(reason) => ("skipped", reason),
            Self::Parked(cause) => ("parked", cause.label()),
            Self::Bad(cause) | Self::Retry(cause) => ("retried", cause.label()),
            Self::Untried => ("retried", "not tried"),
        }
    }
}
