//! A subscription in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::event_grid::{
    attempts::Attempts,
    event::Schema,
    names::Source,
    queue::Position,
    subscription::{self, ProvisioningState, Record, Settings},
};

/// A subscription while the stack runs.
pub(crate) struct Subscription {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) source: Source,
    /// Schema of the topic's events.
    pub(crate) input: Schema,
    pub(crate) attempts: Attempts,
    /// Cancelled when the subscription is deleted.
    pub(crate) gone: CancellationToken,
    pub(super) state: RwLock<State>,
    news: Notify,
    /// The least queue position that may hold something the worker has not seen.
    earliest_news: Mutex<Option<Position>>,
    /// Cancels the operation that validates the newest properties.
    validation: Mutex<CancellationToken>,
}

/// What is stored, with its checked form.
pub(super) struct State {
    pub(super) record: Record,
    settings: Option<Arc<Settings>>,
}

impl Subscription {
    pub(super) fn new(record: Record, input: Schema) -> Result<Self, String> {
        Ok(Self {
            id: record.id,
            name: record.name.clone(),
            source: record.source.clone(),
            input,
            attempts: Attempts::default(),
            gone: CancellationToken::new(),
            state: RwLock::new(State::new(record, input)?),
            news: Notify::new(),
            earliest_news: Mutex::new(None),
            validation: Mutex::new(CancellationToken::new()),
        })
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of what is stored.
    pub(crate) fn record(&self) -> Record {
        self.state().record.clone()
    }

    /// The settings in force; `None` while the first handshake is outstanding or after it failed.
    pub(crate) fn settings(&self) -> Option<Arc<Settings>> {
        self.state().settings.clone()
    }

    /// The settings to deliver with. A subscription of the topology collects events from the start, but delivers only
    /// once its endpoint has agreed.
    pub(crate) fn open_settings(&self) -> Option<Arc<Settings>> {
        let state = self.state();
        let waiting = state.record.deployed && state.record.state != ProvisioningState::Succeeded;
        state.settings.clone().filter(|_| !waiting)
    }

    /// When it goes by itself; `None` for never.
    pub(crate) fn expires(&self) -> Option<OffsetDateTime> {
        self.settings()?.expires
    }

    pub(crate) fn expired(&self, now: OffsetDateTime) -> bool {
        self.expires().is_some_and(|expires| expires <= now)
    }

    /// Tells the worker that something was stored at `position`, or that it should look again.
    pub(crate) fn wake(&self, position: Option<Position>) {
        if let Some(position) = position {
            let mut earliest = lock(&self.earliest_news);
            *earliest = Some(earliest.map_or(position, |earliest| earliest.min(position)));
        }
        self.news.notify_one();
    }

    pub(crate) fn take_earliest_news(&self) -> Option<Position> {
        lock(&self.earliest_news).take()
    }

    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    /// Starts a validation and cancels the one before; the token is the new one's.
    pub(crate) fn supersede_validation(&self) -> CancellationToken {
        let mut current = lock(&self.validation);
        current.cancel();
        *current = self.gone.child_token();
        current.clone()
    }
}

impl State {
    pub(super) fn new(record: Record, input: Schema) -> Result<Self, String> {
        let settings = record
            .in_force
            .as_ref()
            .map(|properties| subscription::parse(properties, input, None))
            .transpose()?
            .map(Arc::new);
        Ok(Self { record, settings })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
