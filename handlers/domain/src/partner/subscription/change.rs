//! What can become of a subscription, from which state.

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{COMPARED_EVERY, Gap, MOST_GAPS, PausedBy, Previous, STUCK_AFTER, State, Subscription};
use crate::partner::{
    PartnerName, SubscriptionName, health::Health, settings::Settings, webhook_secret::SecretVersion,
};

/// A new secret does not end the old one sooner: deliveries that wait for a retry take up to a quarter of an hour to have the new one.
pub const SHORTEST_OVERLAP: Duration = Duration::hours(1);
/// Nor later.
pub const LONGEST_OVERLAP: Duration = Duration::days(7);
/// The most secrets that are valid at one time, so that a header holds them.
const MOST_SECRETS: usize = 5;

/// A change that the state does not allow: 409 to a partner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Event Grid has not finished the change before.
    #[error("the subscription is {0}; try again when that is done")]
    Busy(&'static str),
    /// Nothing but resuming leads out.
    #[error("the subscription is paused; resume it first")]
    Paused,
    /// It is going.
    #[error("the subscription is being deleted")]
    Deleting,
    /// What Event Grid says does not go with the state; it is older than it.
    #[error("the subscription is {0}, which does not wait for that")]
    Unexpected(&'static str),
    /// Old secrets must end first.
    #[error("{MOST_SECRETS} secrets are valid already; the first of them ends at {0}")]
    TooManySecrets(OffsetDateTime),
    /// See [`SHORTEST_OVERLAP`] and [`LONGEST_OVERLAP`].
    #[error("an old secret stays valid for 1 hour to 7 days")]
    Overlap,
}

impl Subscription {
    /// A new subscription, to be created with Event Grid at once, or later if `paused`. `master` is the id of the master key of its secret.
    pub fn new(
        partner: PartnerName,
        name: SubscriptionName,
        settings: Settings,
        master: &str,
        paused: bool,
        now: OffsetDateTime,
    ) -> Self {
        let state = if paused { State::Paused { by: PausedBy::Partner, reason: None } } else { State::Creating };
        let secret = SecretVersion { master: master.to_owned(), number: now.unix_timestamp(), since: now, until: None };
        Self {
            name,
            partner,
            settings,
            previous: None,
            secrets: vec![secret],
            gaps: vec![Gap { from: now, until: None, reason: state.as_str().to_owned() }],
            first_delivered: None,
            state,
            since: now,
            created: now,
            changed: now,
            provisioned: None,
            accepted: None,
            attempt: 1,
            withdraw: false,
            welcomed: None,
            seen: None,
            health: Health::default(),
            revision: 1,
        }
    }

    /// Other settings. Where it delivers, Event Grid is to change it; where it failed, to make it anew; where it is paused, nothing.
    ///
    /// # Errors
    /// Event Grid is busy with it, or it is being deleted.
    pub fn update(&self, settings: Settings, now: OffsetDateTime) -> Result<Self, Conflict> {
        let state = match &self.state {
            State::Active => State::Updating,
            State::Paused { .. } => self.state.clone(),
            State::Failed { .. } | State::AwaitingManualAction => State::Creating,
            state if state.is_leaving() => return Err(Conflict::Deleting),
            state => return Err(Conflict::Busy(state.as_str())),
        };
        let previous = self.kept_for(&state);
        let mut next = self.moved(state, now);
        if settings.endpoint != self.settings.endpoint {
            next.health.begin_anew();
        }
        Ok(Self { settings, previous, ..next })
    }

    /// No deliveries until it is resumed: its event subscription is to be removed. One that is paused stays as it is.
    ///
    /// # Errors
    /// Event Grid is busy with it, or it is being deleted.
    pub fn pause(&self, by: PausedBy, reason: Option<String>, now: OffsetDateTime) -> Result<Self, Conflict> {
        match self.state {
            State::Paused { .. } => Ok(self.clone()),
            State::Active | State::AwaitingManualAction | State::Failed { .. } | State::Stuck { deleting: false } => {
                Ok(Self { withdraw: true, ..self.moved(State::Paused { by, reason }, now).settled() })
            }
            State::Creating | State::Updating => Err(Conflict::Busy(self.state.as_str())),
            State::Stuck { deleting: true } | State::Deleting => Err(Conflict::Deleting),
        }
    }

    /// Ends a pause: Event Grid is to make it anew. The gap stays open until it delivers. One that delivers stays as it is.
    ///
    /// # Errors
    /// It failed or is on its way, so that there is nothing to resume, or it is being deleted.
    pub fn resume(&self, now: OffsetDateTime) -> Result<Self, Conflict> {
        match self.state {
            State::Paused { .. } => Ok(Self { withdraw: false, ..self.moved(State::Creating, now) }),
            State::Active | State::Updating => Ok(self.clone()),
            State::Stuck { deleting: true } | State::Deleting => Err(Conflict::Deleting),
            _ => Err(Conflict::Busy(self.state.as_str())),
        }
    }

    /// Tries the handshake again: Event Grid is to make it anew. One that delivers stays as it is.
    ///
    /// # Errors
    /// It is paused, on its way or being deleted.
    pub fn retry(&self, now: OffsetDateTime) -> Result<Self, Conflict> {
        match self.state {
            State::Failed { .. } | State::AwaitingManualAction => Ok(self.moved(State::Creating, now).settled()),
            State::Active => Ok(self.clone()),
            State::Paused { .. } => Err(Conflict::Paused),
            State::Stuck { deleting: true } | State::Deleting => Err(Conflict::Deleting),
            State::Creating | State::Updating | State::Stuck { .. } => Err(Conflict::Busy(self.state.as_str())),
        }
    }

    /// Its end: the event subscription is to be removed, then the document.
    #[must_use]
    pub fn delete(&self, now: OffsetDateTime) -> Self {
        Self { withdraw: false, ..self.moved(State::Deleting, now) }
    }

    /// A new secret, derived from `master`; the ones before stay valid for `overlap` at most. Where it delivers, Event Grid is to be told.
    ///
    /// # Errors
    /// Event Grid is busy with it, it is being deleted, the overlap is out of bounds, or too many secrets are valid.
    pub fn rotate(&self, master: &str, overlap: Duration, now: OffsetDateTime) -> Result<Self, Conflict> {
        if !(SHORTEST_OVERLAP..=LONGEST_OVERLAP).contains(&overlap) {
            return Err(Conflict::Overlap);
        }
        let state = self.state_with_other_headers()?;
        let end = now.saturating_add(overlap);
        let number = self.secrets.first().map_or(0, |secret| secret.number + 1).max(now.unix_timestamp());
        let old = self.secrets.iter().filter(|secret| secret.is_valid(now));
        let old: Vec<_> = old
            .map(|old| SecretVersion { until: Some(old.until.map_or(end, |until| until.min(end))), ..old.clone() })
            .collect();
        if old.len() >= MOST_SECRETS {
            return Err(Conflict::TooManySecrets(old.iter().filter_map(|secret| secret.until).min().unwrap_or(end)));
        }
        let new = SecretVersion { master: master.to_owned(), number, since: now, until: None };
        let secrets = std::iter::once(new).chain(old).collect();
        Ok(Self { secrets, previous: self.kept_for(&state), ..self.moved(state, now) })
    }

    /// Takes away secrets that ended, so that deliveries no longer have them; Event Grid is to be told as after [`Subscription::rotate`].
    /// None if there is none, or it must wait.
    pub fn without_ended_secrets(&self, now: OffsetDateTime) -> Option<Self> {
        let secrets: Vec<_> = self.secrets.iter().filter(|secret| secret.is_valid(now)).cloned().collect();
        if secrets.len() == self.secrets.len() {
            return None;
        }
        let state = self.state_with_other_headers().ok()?;
        Some(Self { secrets, previous: self.kept_for(&state), ..self.moved(state, now) })
    }

    fn state_with_other_headers(&self) -> Result<State, Conflict> {
        match &self.state {
            State::Active => Ok(State::Updating),
            State::Paused { .. } | State::Failed { .. } => Ok(self.state.clone()),
            state if state.is_leaving() => Err(Conflict::Deleting),
            state => Err(Conflict::Busy(state.as_str())),
        }
    }

    /// Resource Manager took what it is to have. What Event Grid makes of it is not known yet.
    #[must_use]
    pub fn accepted(&self) -> Self {
        Self { accepted: self.provisioned.clone(), ..self.clone() }
    }

    /// Resource Manager removed the event subscription of one that is paused. One that a late write may yet make is removed again later.
    #[must_use]
    pub fn withdrawn(&self, now: OffsetDateTime) -> Self {
        Self { withdraw: self.withdraw && self.may_be_written(now), ..self.clone() }
    }

    /// Event Grid may have something else than this document, which it delivers by: it is to be told again. None in a state in which
    /// it is not to have anything.
    pub fn again(&self, now: OffsetDateTime) -> Option<Self> {
        match &self.state {
            State::Active => {
                Some(Self { previous: self.kept_for(&State::Updating), ..self.moved(State::Updating, now) })
            }
            state if self.waits() => Some(Self { accepted: None, ..self.moved(state.clone(), now) }),
            _ => None,
        }
    }

    /// Event Grid has nothing of it any more, or gave it up, though it was taken to deliver: it is to be made anew. Since when is not known,
    /// so the gap begins where it was surely there. What it was to be told meanwhile is what it is made from.
    ///
    /// # Errors
    /// It did not deliver.
    pub fn vanished(&self, now: OffsetDateTime) -> Result<Self, Conflict> {
        let next = self.moved(State::Creating, now);
        match self.state {
            State::Active => Ok(next),
            State::Updating => Ok(Self { attempt: self.attempt, ..next }),
            _ => Err(Conflict::Unexpected(self.state.as_str())),
        }
    }

    /// Event Grid was seen to deliver, if it is active. That is no other version of the document: the same in all else.
    pub fn compared(&self, now: OffsetDateTime) -> Option<Self> {
        (self.state == State::Active).then(|| Self { seen: Some(now), ..self.clone() })
    }

    /// The last time at which it is known to have delivered, where it was taken to deliver until `now`.
    fn surely_delivered(&self, now: OffsetDateTime) -> OffsetDateTime {
        // Of documents without it nothing is known but that they are compared once an hour, and that a turn may be missed.
        self.seen.unwrap_or_else(|| self.since.max(now - COMPARED_EVERY * 2))
    }

    /// Event Grid delivers, with the settings of this document.
    ///
    /// # Errors
    /// The state does not wait for that.
    pub fn activated(&self, now: OffsetDateTime) -> Result<Self, Conflict> {
        match self.state {
            State::Active => Ok(self.clone()),
            _ if self.waits() => {
                let welcomed = Some(self.settings.endpoint.digest());
                Ok(Self { welcomed, seen: Some(now), ..self.moved(State::Active, now).settled().accepted() })
            }
            _ => Err(Conflict::Unexpected(self.state.as_str())),
        }
    }

    /// Event Grid waits for somebody to open the callback's URL.
    ///
    /// # Errors
    /// The state does not wait for that.
    pub fn awaiting_manual_action(&self, now: OffsetDateTime) -> Result<Self, Conflict> {
        match self.state {
            State::AwaitingManualAction => Ok(self.clone()),
            _ if self.waits() => Ok(self.moved(State::AwaitingManualAction, now)),
            _ => Err(Conflict::Unexpected(self.state.as_str())),
        }
    }

    /// Event Grid took a change and did not make it, and delivers as before, by what has the hash `version`: settings and secrets are
    /// again those before the change.
    ///
    /// # Errors
    /// It was not being changed, or Resource Manager did not take the change, so that Event Grid does not know of it.
    pub fn reverted(&self, version: Option<&str>, now: OffsetDateTime) -> Result<Self, Conflict> {
        if self.state != State::Updating || !self.is_accepted() {
            return Err(Conflict::Unexpected(self.state.as_str()));
        }
        let provisioned = version.map(str::to_owned);
        let next = Self { provisioned, seen: Some(now), ..self.moved(State::Active, now) }.accepted();
        Ok(match self.previous.as_deref() {
            Some(Previous { settings, secrets }) => {
                Self { settings: settings.clone(), secrets: secrets.clone(), ..next.settled() }
            }
            None => next,
        })
    }

    /// Resource Manager refused a change, so that Event Grid delivers as before: settings and secrets are again those before it. What Event Grid
    /// has by which hash is not known any more. `None` if it was not being changed.
    pub fn refused(&self, now: OffsetDateTime) -> Option<Self> {
        let Previous { settings, secrets } = self.previous.as_deref().filter(|_| self.state == State::Updating)?;
        let (settings, secrets) = (settings.clone(), secrets.clone());
        let next = self.moved(State::Active, now).settled();
        Some(Self { settings, secrets, provisioned: None, accepted: None, ..next })
    }

    /// Event Grid gave up on it, or has it no more: when, is not known, so the gap begins where it surely delivered. Where it was being changed, its settings are again those that deliveries had before;
    /// to deliver it must be made anew ([`Subscription::retry`]).
    ///
    /// # Errors
    /// The state does not wait for that.
    pub fn failed(&self, cause: String, now: OffsetDateTime) -> Result<Self, Conflict> {
        self.failed_handshake(cause, None, now)
    }

    /// The same, with what `handshake` says to programs.
    ///
    /// # Errors
    /// The state does not wait for that.
    pub fn failed_handshake(
        &self,
        cause: String,
        handshake: Option<Value>,
        now: OffsetDateTime,
    ) -> Result<Self, Conflict> {
        if !(self.waits() || self.state == State::Active) {
            return Err(Conflict::Unexpected(self.state.as_str()));
        }
        // The secrets stay: somebody was told the newest, and when it is made anew deliveries have it beside the old ones.
        let settings = self.previous.as_deref().map_or(&self.settings, |previous| &previous.settings).clone();
        Ok(Self { settings, ..self.moved(State::Failed { cause, handshake }, now).settled() })
    }

    /// The same, stuck, if it is on its way for [`STUCK_AFTER`] or longer.
    pub fn stuck(&self, now: OffsetDateTime) -> Option<Self> {
        let is_late = self.state.is_on_its_way() && !self.state.is_late() && now - self.since >= STUCK_AFTER;
        is_late.then(|| self.moved(State::Stuck { deleting: self.state.is_leaving() }, now))
    }

    /// Whether Event Grid is to say what became of it.
    fn waits(&self) -> bool {
        self.state.is_on_its_way() && !self.state.is_leaving()
    }

    /// What deliveries have now, if they go on with it while Event Grid makes a change.
    fn kept_for(&self, next: &State) -> Option<Box<Previous>> {
        let Self { settings, secrets, .. } = self;
        (*next == State::Updating).then(|| Box::new(Previous { settings: settings.clone(), secrets: secrets.clone() }))
    }

    fn settled(self) -> Self {
        Self { previous: None, ..self }
    }

    /// The next version, in `state`. Opens a gap when deliveries end, and closes it when they begin.
    fn moved(&self, state: State, now: OffsetDateTime) -> Self {
        let mut next = self.clone();
        match (self.state.delivers(), state.delivers()) {
            (true, false) => {
                let from = match (&self.state, &state) {
                    // It is found to be gone.
                    (_, State::Creating) | (State::Active, State::Failed { .. }) => self.surely_delivered(now),
                    // Whether Event Grid delivered while it tried in vain to change the subscription is not documented.
                    (State::Updating, _) => self.since,
                    _ => now,
                };
                next.gaps.push(Gap { from, until: None, reason: state.as_str().to_owned() });
            }
            (false, true) => {
                next.health.begin_anew();
                if let Some(gap) = next.gaps.last_mut().filter(|gap| gap.until.is_none()) {
                    gap.until = Some(now.max(gap.from));
                }
            }
            _ => {}
        }
        // The first gap ends later once it is made one with the second.
        next.first_delivered = next.first_delivered();
        if next.gaps.len() > MOST_GAPS {
            let oldest = next.gaps.remove(0);
            next.gaps[0].from = oldest.from;
        }
        if state != self.state {
            next.since = now;
            if matches!(state, State::Creating | State::Updating) {
                next.attempt += 1;
                next.accepted = None;
            }
        }
        Self { state, changed: now, welcomed: self.last_welcomed(), revision: self.revision + 1, ..next }
    }
}
