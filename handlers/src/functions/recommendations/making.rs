//! What a run makes lists of, and how it ends.

use std::collections::HashSet;

use time::OffsetDateTime;

use super::merging;
use crate::{
    app::App,
    domain::{
        product::ProductId,
        recommendation::{Day, state::Sources, weights::Weights},
    },
    outcome::Cause,
};

/// Documents on their way at once.
pub(super) const CONCURRENT_DOCUMENTS: usize = 32;

/// Lists worked on before what was done may be stored.
pub(super) const PORTION: usize = 256;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Every list is as it is to be.
    Whole,
    /// Its time was over. What it did is stored.
    Cut,
}

/// What lists are made of, and where they go.
pub(super) struct Making<'a> {
    pub(super) app: &'a App,
    pub(super) weights: Weights,
    pub(super) hidden: HashSet<ProductId>,
    pub(super) now: OffsetDateTime,
}

impl<'a> Making<'a> {
    pub(super) async fn new(app: &'a App, sources: &Sources, today: Day) -> Result<Self, Cause> {
        Ok(Self {
            app,
            weights: merging::weights(app, today, &sources.marks).await?,
            hidden: sources.discontinued.iter().cloned().collect(),
            now: app.now(),
        })
    }
}
