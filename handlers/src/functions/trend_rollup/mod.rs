//! `TrendRollup`: sums what `Trends` counted.
//!
//! Triggered by a timer, every 10 seconds.
//!
//! Promises: once clicks are counted in `analytics/windows`, however late, the next runs make the minute's item in `analytics/minutes` the sum of
//! its windows, and `site/trending` lists what is viewed most and what is rising as of the run, of the products that the site has.
//!
//! A second delivery changes nothing: minutes are never added to but summed again from their windows, which only grow. What changed is told by
//! the change feed of `analytics/windows`; how far that was read is stored after the minutes are.

mod lists;
mod minutes;
mod sold;

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use contoso_json::Plain;
use futures::{StreamExt, TryStreamExt, stream};

use self::minutes::{Pages, Summing};
use crate::{
    app::App,
    domain::trends::{
        minute::Minute,
        past::Past,
        window::{PageDocument, PageId},
    },
    function::{Function, Trigger},
    outcome::Cause,
    stores::{minutes::Progress, windows::read_page},
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("TrendRollup", Trigger::Timer { handle: |app, _| Box::pin(handle(app)) });

/// After so long the lists are made, even if there are more changes; the next run goes on where this one stopped.
const SUMMING: Duration = Duration::from_secs(20);

/// Minutes summed at a time.
const CONCURRENT_MINUTES: usize = 32;

async fn handle(app: App) -> Result<(), Cause> {
    let until = Instant::now() + SUMMING;
    let found = app.stores().minutes.progress().await;
    let mut progress = found.map_err(|error| Cause::from_error("read how far the windows were summed", error))?;
    loop {
        let changes = app.stores().windows.changes(progress.continuation.as_deref()).await?;
        let is_at_end = changes.items.is_empty();
        let past = Past::hours_before(Minute::of(app.now()));
        let changed = sum(&app, changes.items).await?;
        progress
            .hours
            .extend(changed.iter().map(|minute| minute.epoch().div_euclid(60)).filter(|hour| past.contains(hour)));
        if progress.continuation.as_deref() != Some(&changes.continuation) {
            progress.continuation = Some(changes.continuation);
            keep(&app, &progress).await?;
        }
        if is_at_end || Instant::now() > until {
            break;
        }
    }
    lists::write(&app, &progress.hours).await?;
    if !progress.hours.is_empty() {
        progress.hours.clear();
        keep(&app, &progress).await?;
    }
    Ok(())
}

async fn keep(app: &App, progress: &Progress) -> Result<(), Cause> {
    let kept = app.stores().minutes.write_progress(progress).await;
    kept.map_err(|error| Cause::from_error("store how far the windows were summed", error))
}

/// Sums every minute again, whatever was summed before, and makes the lists of it; calls `each` with the number of pages read. The
/// function may run meanwhile: how far it read is left as it is.
///
/// # Errors
/// If a service fails. Repeating is safe, and begins again.
pub async fn sum_everything(app: &App, mut each: impl FnMut(u64) + Send) -> Result<(), Cause> {
    let windows = &app.stores().windows;
    let mut continuation: Option<String> = None;
    loop {
        let read = windows.changes(continuation.as_deref()).await?;
        if read.items.is_empty() {
            break;
        }
        each(read.items.len() as u64);
        sum(app, read.items).await?;
        continuation = Some(read.continuation);
    }
    lists::write(app, &Past::hours_before(Minute::of(app.now())).collect()).await
}

/// What is stored among the windows.
#[derive(Debug, Default)]
pub struct Survey {
    /// The pages that can be summed.
    pub readable: HashSet<PageId>,
    /// Ids of the other documents, and what is wrong with each.
    pub damaged: Vec<(String, Cause)>,
}

/// Looks at every page of the windows.
///
/// # Errors
/// If a service fails. Nothing is written.
pub async fn survey(app: &App) -> Result<Survey, Cause> {
    let windows = &app.stores().windows;
    let mut continuation: Option<String> = None;
    let mut survey = Survey::default();
    loop {
        let read = windows.changes(continuation.as_deref()).await?;
        if read.items.is_empty() {
            return Ok(survey);
        }
        for Plain(document) in read.items {
            let id = document["id"].as_str().unwrap_or_default().to_owned();
            let page = serde_json::from_value::<PageDocument>(document);
            let page = page.map_err(|error| Cause::from_error("read a page", error));
            match page.and_then(|document| read_page(&document)) {
                Ok((id, _)) => drop(survey.readable.insert(id)),
                Err(cause) => survey.damaged.push((id, cause)),
            }
        }
        continuation = Some(read.continuation);
    }
}

/// Sums the minutes that these pages are of, and returns them.
async fn sum(app: &App, changed: Vec<Plain>) -> Result<Vec<Minute>, Cause> {
    let mut minutes: BTreeMap<Minute, Pages> = BTreeMap::new();
    for Plain(document) in changed {
        let id = document["id"].to_string();
        let page = serde_json::from_value::<PageDocument>(document).ok();
        match page.and_then(|page| Some((page.id.parse::<PageId>().ok()?, page))) {
            Some((id, page)) => minutes.entry(id.window.minute).or_default().changed(id, page),
            // Nobody of ours wrote it; nothing is lost by passing it.
            None => tracing::warn!(id, "a document among the windows is none of a window"),
        }
    }
    let summing = Summing::new(app);
    stream::iter(minutes)
        .map(|(minute, pages)| {
            let summing = &summing;
            async move { summing.sum(minute, pages).await.map(|()| minute) }
        })
        .buffer_unordered(CONCURRENT_MINUTES)
        .try_collect()
        .await
}
