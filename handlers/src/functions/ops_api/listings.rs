//! What takes listings, or many reads: letters and names.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use crate::{
    app::App,
    dead_letters::stored::{self, Read},
    domain::{
        dead_letter::{Groups, Kept},
        operations::{Letter, Letters, Overview},
    },
};

/// Letters shown.
const NEWEST: usize = 8;
/// Calls in flight at once.
const CONCURRENT_CALLS: usize = 8;

#[derive(Default)]
pub(super) struct Listings {
    /// Records that functions parked; `None` where blob storage did not answer.
    pub(super) parked: Option<Letters>,
    /// Events that Event Grid gave up; likewise.
    pub(super) given_up: Option<Letters>,
    /// Names of products, by id.
    pub(super) names: BTreeMap<String, String>,
}

impl Listings {
    /// Lists again, with the names that need not be read again taken from here. A part that cannot be read is left out and logged: the
    /// rest is of use without it.
    pub(super) async fn renewed(self, app: &App, read: &Read, overview: &Overview) -> Self {
        let nobody = BTreeSet::new();
        let (parked, given_up, names) = futures::join!(
            letters(app, read, Kept::Parked, &overview.functions),
            letters(app, read, Kept::GivenUp, &nobody),
            names(app, overview, self.names),
        );
        Self { parked, given_up, names }
    }
}

/// The letters of one kind, of whatever functions and apps, and the causes of the newest. `owners` are functions that are known.
async fn letters(app: &App, read: &Read, kept: Kept, owners: &BTreeSet<String>) -> Option<Letters> {
    let listed = stored::newest(app.blobs(), read, kept, owners, NEWEST).await;
    let listed = listed.inspect_err(|error| tracing::warn!(%error, "letters cannot be listed")).ok()?;
    let mut by_owner: BTreeMap<String, usize> = BTreeMap::new();
    for letter in &listed.letters {
        *by_owner.entry(letter.id.owner().to_owned()).or_default() += 1;
    }
    let newest = listed.letters.iter().take(NEWEST).map(|letter| Letter {
        name: letter.id.name().to_owned(),
        owner: letter.id.owner().to_owned(),
        at: Some(letter.parked_at),
        cause: letter.said.as_ref().map(|said| said.cause.clone()),
    });
    Some(Letters {
        count: listed.letters.len(),
        records: Groups::of(&listed.letters).records,
        is_more: listed.is_more,
        by_owner,
        newest: newest.collect(),
    })
}

/// The names of the products that are mentioned. A name is read once, as it seldom changes, and forgotten when nothing mentions it.
async fn names(app: &App, overview: &Overview, read_before: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let trending = overview.trending.iter().flat_map(|trending| trending.top.iter().chain(&trending.rising));
    let anomalies = overview.anomalies.iter().flat_map(|anomalies| anomalies.open.iter().chain(&anomalies.recent));
    let ids: BTreeSet<String> = trending
        .map(|trend| trend.product_id.as_str())
        .chain(anomalies.filter_map(|anomaly| anomaly.scope.strip_prefix("product:")))
        .map(str::to_owned)
        .collect();
    let read_before = &read_before;
    stream::iter(ids)
        .map(|id| async move {
            if let Some(name) = read_before.get(&id) {
                return Some((id, name.clone()));
            }
            let read = app.stores().products.read(&id).await;
            let view = read.inspect_err(|error| tracing::warn!(%error, "a name cannot be read"));
            let name = view.ok()??.value.product.content.name.to_string();
            Some((id, name))
        })
        .buffer_unordered(CONCURRENT_CALLS)
        .filter_map(async |named| named)
        .collect()
        .await
}
