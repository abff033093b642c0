//! Checkpoint: what a run has done, stored as it goes on, so that the next goes on where it was cut.

use std::time::{Duration, Instant};

use crate::{
    app::App,
    azure::blobs::Condition,
    domain::{
        click::VisitorId,
        product::ProductId,
        recommendation::{
            co_views::Added,
            state::{Serving, Sources, State},
        },
    },
    outcome::Cause,
    stores::co_views::{forget, put, stored},
};

const STATE: &str = "state.json";

/// Storing the state takes one part in so many of a run's time: it may name a hundred thousand products.
const SHARE: u32 = 10;

/// The state, which knows how much of it is stored.
pub(super) struct Progress<'a> {
    app: &'a App,
    state: State,
    version: Option<String>,
    is_stored: bool,
    stored_at: Instant,
    /// How long storing took the last time.
    took: Duration,
}

impl<'a> Progress<'a> {
    /// As it was stored last; a state that cannot be read is as none.
    pub(super) async fn read(app: &'a App) -> Result<Self, Cause> {
        let (state, version) = stored::<State>(app.blobs(), STATE).await?;
        let state = state.unwrap_or_default();
        Ok(Self { app, state, version, is_stored: true, stored_at: Instant::now(), took: Duration::ZERO })
    }

    /// Forgets what was done: the next run makes every list.
    pub(super) async fn forget(app: &App) -> Result<(), Cause> {
        forget(app.blobs(), STATE).await
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// A product's list with this digest was written; `None`: it was removed.
    pub(super) fn listed(&mut self, product: &ProductId, digest: Option<String>) {
        match digest {
            Some(digest) => self.state.lists.insert(product.clone(), digest),
            None => self.state.lists.remove(product),
        };
        self.is_stored = false;
    }

    /// The visitors of a file have their lists, up to this one in the order of their ids.
    pub(super) fn served_until(&mut self, file: &Added, visitor: VisitorId) {
        self.state.serving = Some(Serving { file: file.clone(), visitor });
        self.is_stored = false;
    }

    /// All visitors of a file have their lists.
    pub(super) fn served(&mut self, file: Added) {
        self.state.serving.take_if(|serving| serving.file == file);
        self.state.served.insert(file);
        self.is_stored = false;
    }

    /// Stores what was done, unless that was just done.
    pub(super) async fn store_now_and_then(&mut self) -> Result<(), Cause> {
        if self.is_stored || self.stored_at.elapsed() < self.took * SHARE { Ok(()) } else { self.store().await }
    }

    /// Stores what was done.
    pub(super) async fn store(&mut self) -> Result<(), Cause> {
        self.state.is_under_way = true;
        self.write().await
    }

    /// Stores that all is done: the lists are made of `sources`, and the visitors of `served` have theirs.
    pub(super) async fn end(mut self, sources: Sources, served: impl IntoIterator<Item = Added>) -> Result<(), Cause> {
        self.state = State {
            sources,
            lists: self.state.lists,
            served: served.into_iter().collect(),
            serving: None,
            is_under_way: false,
        };
        self.write().await
    }

    async fn write(&mut self) -> Result<(), Cause> {
        let began = Instant::now();
        let condition = self.version.as_deref().map_or(Condition::IfAbsent, Condition::IfMatch);
        let written = put(self.app.blobs(), STATE, &self.state, condition).await;
        self.version = Some(written.map_err(|error| Cause::from_error("store what was recommended", error))?);
        (self.is_stored, self.stored_at, self.took) = (true, Instant::now(), began.elapsed());
        Ok(())
    }
}
