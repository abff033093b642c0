//! What takes listings, or many reads: letters and names.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    app::App,
    azure::blobs::{BlobEntry, BlobError, BlobErrorKind},
    dead_letters,
    domain::operations::{self, Letter, Letters, Overview},
};

/// Letters counted below one prefix.
const MOST: usize = 2_000;
/// Letters shown.
const NEWEST: usize = 8;
/// Calls in flight at once.
const CONCURRENT_CALLS: usize = 8;

/// Causes of the letters that are shown, by name and ETag: a letter is read once.
type Causes = HashMap<(String, String), Option<String>>;

#[derive(Default)]
pub(super) struct Listings {
    /// Records that functions parked; `None` where blob storage did not answer.
    pub(super) parked: Option<Letters>,
    /// Events that Event Grid gave up; likewise.
    pub(super) given_up: Option<Letters>,
    /// Names of products, by id.
    pub(super) names: BTreeMap<String, String>,
    parked_causes: Causes,
    given_up_causes: Causes,
}

impl Listings {
    /// Lists again, with what need not be read again taken from here. A part that cannot be read is left out and logged: the rest is
    /// of use without it.
    pub(super) async fn renewed(self, app: &App, overview: &Overview) -> Self {
        // One prefix for each function, so that the letters of one do not hide those of others.
        let functions: Vec<String> = overview.functions.iter().map(|name| format!("{name}/")).collect();
        let all = [String::new()];
        let (parked, given_up, names) = futures::join!(
            letters(app, dead_letters::CONTAINER, &functions, self.parked_causes),
            letters(app, dead_letters::EVENT_GRID, &all, self.given_up_causes),
            names(app, overview, self.names),
        );
        let (parked, parked_causes) = parked.unzip();
        let (given_up, given_up_causes) = given_up.unzip();
        Self {
            parked,
            given_up,
            names,
            parked_causes: parked_causes.unwrap_or_default(),
            given_up_causes: given_up_causes.unwrap_or_default(),
        }
    }
}

/// The letters of a container and the causes of the newest.
async fn letters(app: &App, container: &str, prefixes: &[String], read_before: Causes) -> Option<(Letters, Causes)> {
    let lists: Result<Vec<Vec<BlobEntry>>, BlobError> = stream::iter(prefixes.to_vec())
        .map(|prefix| async move {
            match app.blobs().list_first(container, &prefix, MOST + 1).await {
                Err(error) if error.kind == BlobErrorKind::NotFound => Ok(Vec::new()),
                listed => listed,
            }
        })
        .buffered(CONCURRENT_CALLS)
        .try_collect()
        .await;
    let lists = lists.inspect_err(|error| tracing::warn!(container, %error, "letters cannot be listed")).ok()?;
    let is_more = lists.iter().any(|list| list.len() > MOST);
    let mut entries: Vec<BlobEntry> = lists.into_iter().flat_map(|list| list.into_iter().take(MOST)).collect();
    let mut letters = Letters { count: entries.len(), is_more, ..Letters::default() };
    for entry in &entries {
        *letters.by_owner.entry(owner(&entry.name)).or_default() += 1;
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.last_modified));
    entries.truncate(NEWEST);
    let read_before = &read_before;
    let newest: Vec<(Letter, String)> = stream::iter(entries)
        .map(|BlobEntry { name, etag, last_modified, .. }| async move {
            let key = (name, etag);
            let cause = match read_before.get(&key) {
                Some(cause) => cause.clone(),
                None => cause(app, container, &key.0).await,
            };
            let (name, etag) = key;
            (Letter { owner: owner(&name), name, at: last_modified, cause }, etag)
        })
        .buffered(CONCURRENT_CALLS)
        .collect()
        .await;
    let causes =
        newest.iter().map(|(letter, etag)| ((letter.name.clone(), etag.clone()), letter.cause.clone())).collect();
    letters.newest = newest.into_iter().map(|(letter, _)| letter).collect();
    Some((letters, causes))
}

fn owner(name: &str) -> String {
    name.split('/').next().unwrap_or_default().to_owned()
}

async fn cause(app: &App, container: &str, name: &str) -> Option<String> {
    let blob = app.blobs().get(container, name).await;
    let blob = blob.inspect_err(|error| tracing::warn!(%error, "a letter cannot be read")).ok()??;
    operations::cause(&contoso_json::plain(&blob.body).ok()?)
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
