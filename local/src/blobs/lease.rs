//! Leases: one writer for a time.
//!
//! Source: "Lease Blob", its table of outcomes by state. Times are milliseconds since the Unix epoch on the stack's clock.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::{Code, Failure};

/// What is stored of a blob's lease. What it amounts to depends on the time: see [`Lease::state`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Lease {
    #[default]
    Available,
    Held {
        id: Uuid,
        /// Seconds; `None` is without end.
        duration: Option<u32>,
        /// `None` is never.
        ends: Option<i64>,
    },
    Breaking {
        id: Uuid,
        ends: i64,
    },
    Broken {
        id: Uuid,
    },
}

/// `x-ms-lease-state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Available,
    Leased,
    Expired,
    Breaking,
    Broken,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Leased => "leased",
            Self::Expired => "expired",
            Self::Breaking => "breaking",
            Self::Broken => "broken",
        }
    }

    /// `x-ms-lease-status`.
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Leased | Self::Breaking => "locked",
            Self::Available | Self::Expired | Self::Broken => "unlocked",
        }
    }
}

/// `x-ms-lease-action` with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Acquire { proposed: Uuid, duration: Option<u32> },
    Renew { id: Uuid },
    Change { id: Uuid, proposed: Uuid },
    Release { id: Uuid },
    Break { period: Option<u32> },
}

impl Lease {
    pub(super) fn state(&self, now: i64) -> State {
        match *self {
            Self::Available => State::Available,
            Self::Held { ends: Some(ends), .. } if ends <= now => State::Expired,
            Self::Held { .. } => State::Leased,
            Self::Breaking { ends, .. } if ends <= now => State::Broken,
            Self::Breaking { .. } => State::Breaking,
            Self::Broken { .. } => State::Broken,
        }
    }

    fn id(&self) -> Option<Uuid> {
        match *self {
            Self::Available => None,
            Self::Held { id, .. } | Self::Breaking { id, .. } | Self::Broken { id } => Some(id),
        }
    }

    /// `x-ms-lease-duration` of an active lease: `fixed` or `infinite`.
    pub(super) fn duration(&self, now: i64) -> Option<&'static str> {
        match (self, self.state(now)) {
            (Self::Held { duration: None, .. }, State::Leased) => Some("infinite"),
            (Self::Held { .. }, State::Leased) => Some("fixed"),
            _ => None,
        }
    }

    /// Carries out `action`; answers the lease afterwards and, for a break, the seconds until it is free.
    ///
    /// # Errors
    /// The service's refusals, all `409`.
    pub(super) fn apply(self, action: Action, now: i64) -> Result<(Self, u32), Failure> {
        let state = self.state(now);
        let held = |id| Some(id) == self.id();
        let lease = match action {
            Action::Acquire { proposed, duration } => match state {
                State::Leased if !held(proposed) => return Err(Code::LeaseAlreadyPresent.into()),
                State::Breaking if held(proposed) => return Err(Code::LeaseIsBreakingAndCannotBeAcquired.into()),
                State::Breaking => return Err(Code::LeaseAlreadyPresent.into()),
                State::Available | State::Leased | State::Expired | State::Broken => start(proposed, duration, now),
            },
            Action::Renew { id } => match (state, self) {
                (State::Available, _) => return Err(Code::LeaseNotPresentWithLeaseOperation.into()),
                _ if !held(id) => return Err(Code::LeaseIdMismatchWithLeaseOperation.into()),
                (State::Leased | State::Expired, Self::Held { duration, .. }) => start(id, duration, now),
                _ => return Err(Code::LeaseIsBrokenAndCannotBeRenewed.into()),
            },
            Action::Change { id, proposed } => match (state, self) {
                (State::Leased, Self::Held { duration, ends, .. }) if held(id) || held(proposed) => {
                    Self::Held { id: proposed, duration, ends }
                }
                (State::Leased, _) => return Err(Code::LeaseIdMismatchWithLeaseOperation.into()),
                (State::Breaking, _) if held(id) => return Err(Code::LeaseIsBreakingAndCannotBeChanged.into()),
                (State::Breaking, _) => return Err(Code::LeaseIdMismatchWithLeaseOperation.into()),
                _ => return Err(Code::LeaseNotPresentWithLeaseOperation.into()),
            },
            Action::Release { id } => match state {
                State::Available => return Err(Code::LeaseNotPresentWithLeaseOperation.into()),
                _ if !held(id) => return Err(Code::LeaseIdMismatchWithLeaseOperation.into()),
                _ => Self::Available,
            },
            Action::Break { period } => return self.end(period, now),
        };
        Ok((lease, 0))
    }

    fn end(self, period: Option<u32>, now: i64) -> Result<(Self, u32), Failure> {
        let Some(id) = self.id() else {
            return Err(Code::LeaseNotPresentWithLeaseOperation.into());
        };
        // What is left of a lease or of a break under way; `None` is an endless lease.
        let left = match self {
            Self::Held { ends: None, .. } => None,
            Self::Held { ends: Some(ends), .. } | Self::Breaking { ends, .. } => Some((ends - now).max(0)),
            Self::Available | Self::Broken { .. } => Some(0),
        };
        let asked = period.map(|seconds| i64::from(seconds) * 1000);
        let wait = match (asked, left) {
            (Some(asked), Some(left)) => asked.min(left),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => 0,
        };
        if wait == 0 {
            return Ok((Self::Broken { id }, 0));
        }
        let seconds = u32::try_from((wait + 999) / 1000).unwrap_or(u32::MAX);
        Ok((Self::Breaking { id, ends: now + wait }, seconds))
    }

    /// Whether a write that names `given` may go on; answers the lease afterwards: a write ends what has run out.
    ///
    /// # Errors
    /// The service's refusals, all `412`.
    pub(super) fn permit_write(self, given: Option<Uuid>, now: i64) -> Result<Self, Failure> {
        match (self.state(now), given) {
            (State::Leased | State::Breaking, None) => Err(Code::LeaseIdMissing.into()),
            (_, Some(_)) => self.permit_read(given, now).map(|()| self),
            (State::Available | State::Expired | State::Broken, None) => Ok(Self::Available),
        }
    }

    /// Whether a read that names `given` may go on.
    ///
    /// # Errors
    /// The service's refusals, all `412`.
    pub(super) fn permit_read(&self, given: Option<Uuid>, now: i64) -> Result<(), Failure> {
        let Some(given) = given else { return Ok(()) };
        match self.state(now) {
            State::Available => Err(Code::LeaseNotPresentWithBlobOperation.into()),
            _ if Some(given) != self.id() => Err(Code::LeaseIdMismatchWithBlobOperation.into()),
            State::Leased | State::Breaking => Ok(()),
            State::Expired | State::Broken => Err(Code::LeaseLost.into()),
        }
    }
}

fn start(id: Uuid, duration: Option<u32>, now: i64) -> Lease {
    Lease::Held { id, duration, ends: duration.map(|seconds| now + i64::from(seconds) * 1000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_answers_as_the_service_tabulates() {
        let (a, b, c) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let acquire = |id| Action::Acquire { proposed: id, duration: Some(15) };
        let available = Lease::Available;
        let leased = available.apply(acquire(a), 0).expect("free").0;
        let breaking = leased.apply(Action::Break { period: Some(10) }, 0).expect("held").0;
        let broken = leased.apply(Action::Break { period: Some(0) }, 0).expect("held").0;
        let states = [(available, 0), (leased, 0), (breaking, 0), (broken, 0), (leased, 15_000)];
        let change = |id, proposed| Action::Change { id, proposed };
        let period = |period| Action::Break { period };
        // Rows: action; columns: available, leased by a, breaking, broken, expired. `x` is a refusal.
        let table = [
            (acquire(a), "LLxLL"),
            (acquire(b), "LxxLL"),
            (change(a, b), "xLxxx"),
            (change(b, a), "xLxxx"),
            (change(b, c), "xxxxx"),
            (Action::Renew { id: a }, "xLxxL"),
            (Action::Renew { id: b }, "xxxxx"),
            (Action::Release { id: a }, "xAAAA"),
            (Action::Release { id: b }, "xxxxx"),
            (period(Some(0)), "xKKKK"),
            (period(Some(5)), "xBBKK"),
        ];
        for (action, row) in table {
            for ((lease, now), expected) in states.iter().zip(row.chars()) {
                let outcome = match lease.apply(action, *now).map(|(lease, _)| lease.state(*now)) {
                    Err(_) => 'x',
                    Ok(State::Available) => 'A',
                    Ok(State::Leased) => 'L',
                    Ok(State::Breaking) => 'B',
                    Ok(State::Broken) => 'K',
                    Ok(State::Expired) => 'E',
                };
                assert_eq!(outcome, expected, "{action:?} on {:?}", lease.state(*now));
            }
        }
        assert_eq!(breaking.state(10_000), State::Broken, "a break runs out");
    }
}
