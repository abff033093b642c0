//! Claims: what the tokens of one connection are good for, and when they expire.

use tokio::time::Instant;

use crate::event_hubs::{
    access::{Audience, Entity, Grant, Unauthorized},
    hub::Hub,
};

/// Audiences that one connection may hold tokens for; more than any client with all partitions of all hubs open.
const MAX_GRANTS: usize = 1024;

/// The grants of one connection, one an audience.
#[derive(Default)]
pub(super) struct Claims {
    grants: Vec<TimedGrant>,
    /// That of the last request to `$management` with a token of its own. It opens nothing beside that request, but shows
    /// that the peer has a right.
    shown: Option<TimedGrant>,
}

struct TimedGrant {
    grant: Grant,
    expires_at: Option<Instant>,
}

impl TimedGrant {
    fn new(grant: Grant, now: Instant) -> Self {
        // An expiry beyond what the clock can count to never comes.
        let expires_at = grant.expires_in().and_then(|left| now.checked_add(left));
        Self { grant, expires_at }
    }

    fn holds(&self, now: Instant) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

impl Claims {
    /// Adds what a token is good for, in place of an earlier one for the same audience; says whether there was room.
    pub(super) fn add(&mut self, grant: Grant, now: Instant) -> bool {
        self.remove(grant.audience());
        let room = self.grants.len() < MAX_GRANTS;
        if room {
            self.grants.push(TimedGrant::new(grant, now));
        }
        room
    }

    /// Notes what a request's own token is good for.
    pub(super) fn show(&mut self, grant: Grant, now: Instant) {
        self.shown = Some(TimedGrant::new(grant, now));
    }

    /// Gives up the token for an audience.
    pub(super) fn remove(&mut self, audience: &Audience) {
        self.grants.retain(|timed| timed.grant.audience() != audience);
    }

    /// Whether any token opens `entity`; if not, what the nearest one lacks.
    pub(super) fn permit(&self, entity: &Entity) -> Result<(), Unauthorized> {
        first_ok(self.grants.iter().map(|timed| timed.grant.permits(entity)))
    }

    /// Whether any token opens the properties of a hub.
    pub(super) fn permit_reading(&self, name: &str, hub: Option<&Hub>) -> Result<(), Unauthorized> {
        let groups = hub.map(Hub::consumer_groups).unwrap_or_default();
        first_ok(self.grants.iter().map(|timed| timed.grant.permits_reading(name, groups)))
    }

    /// Whether the peer has proved a right to anything, by a token that still holds.
    pub(super) fn prove_a_right(&self) -> bool {
        !self.grants.is_empty() || self.shown.is_some()
    }

    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.grants.iter().chain(&self.shown).filter_map(|timed| timed.expires_at).min()
    }

    /// Gives up what has expired; says whether anything that opens links has.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let before = self.grants.len();
        self.grants.retain(|timed| timed.holds(now));
        self.shown.take_if(|timed| !timed.holds(now));
        self.grants.len() < before
    }
}

/// The first success, or else the failure that says most: that of a token for the right entity comes later than "no token".
fn first_ok(attempts: impl Iterator<Item = Result<(), Unauthorized>>) -> Result<(), Unauthorized> {
    let mut failure = Unauthorized("InvalidAudience: The connection has no token for this entity.".to_owned());
    for attempt in attempts {
        match attempt {
            Ok(()) => return Ok(()),
            Err(other) if other.0.starts_with("InvalidAudience") => {}
            Err(other) => failure = other,
        }
    }
    Err(failure)
}
