//! `Recommendations`: what is viewed together, per product, and what a visitor may like.
//!
//! Triggered by a timer, every minute.
//!
//! Promises: documents `product|<id>` and `visitor|<id>` of `site/recommendations` hold up to 20 products, none of which is known to
//! be discontinued. They follow from what `CaptureBatch` stored of the captured clicks of the last 100 days (`co_views`), by
//! the rules of [`crate::domain::recommendation`]. Only what changed is written. A visitor's list is made when a captured file has
//! clicks of that visitor, from what `site/visitors` says was viewed last; who was erased there gets none.
//!
//! A second delivery finds that nothing changed: it reads one listing, one blob and the ids of discontinued products. A run that ends
//! early, by its own limit or a kill, leaves what it merged and wrote; the next goes on from there, and ends in the same documents. One that
//! finds `contoso rebuild` at work waits for it, and leaves the work to the next tick if that takes long.
//!
//! What it keeps for itself is in container `co-views`, see [`crate::stores::co_views`].

mod claim;
mod making;
mod merging;
mod products;
mod progress;
mod visitors;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use self::{
    making::{End, Making},
    progress::Progress,
};
use crate::{
    app::App,
    clock,
    domain::{
        click::VisitorId,
        product::ProductId,
        recommendation::{
            Day,
            co_views::Added,
            state::{ChangedDays, Sources},
        },
    },
    function::{Function, Trigger},
    outcome::Cause,
    stores::co_views::{self, MARKS},
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function::new("Recommendations", Trigger::Timer { handle: |app, _| Box::pin(handle(app)) });

/// A run of the timer takes so long at most; the next goes on where it was. With the wait for another it stays below the deadline of timers.
const RUN: Duration = Duration::from_secs(200);
/// A run waits so long for another: longer than a claim holds whose holder died.
const WAIT: Duration = Duration::from_secs(45);
/// Who makes every list waits until a run of the timer must have ended.
const LONG_WAIT: Duration = Duration::from_secs(330);

/// Attempts of who makes every list, each going on where the one before it failed.
const ATTEMPTS: u32 = 6;

async fn handle(app: App) -> Result<(), Cause> {
    let sources = sources(&app).await?;
    if Progress::read(&app).await?.state().is_of(&sources) {
        return Ok(());
    }
    let mut written = 0;
    match claim::alone(&app, WAIT, run(&app, Some(RUN), &mut written)).await? {
        Some(End::Whole) => {}
        Some(End::Cut) => tracing::info!(written, "there is more to recommend than fits in a run; the next goes on"),
        None => tracing::info!("a rebuild or another run is at work on the recommendations; the next tick looks again"),
    }
    Ok(())
}

/// Writes what changed since the last run, for as long as `limit`, and counts the lists in `written`. What was done is stored on the way,
/// also if it fails.
async fn run(app: &App, limit: Option<Duration>, written: &mut u64) -> Result<End, Cause> {
    let until = limit.map(|limit| Instant::now() + limit);
    let is_over = || until.is_some_and(|until| Instant::now() > until);
    let mut progress = Progress::read(app).await?;
    let sources = sources(app).await?;
    if progress.state().is_of(&sources) {
        return Ok(End::Whole);
    }
    let today = sources.today.unwrap_or_else(|| Day::of(app.now()));
    let changes = merging::catch_up(app, today, progress.state(), &sources.marks).await?;
    let making = Making::new(app, &sources, today).await?;
    let files: Vec<Added> = changes.unserved.keys().cloned().collect();
    let done = write_changed(&making, &sources, changes.unserved, &mut progress, &is_over, written).await;
    if matches!(done, Ok(End::Whole)) {
        progress.end(sources, changes.served.into_iter().chain(files)).await?;
    } else if let Err(cause) = progress.store().await {
        tracing::warn!(cause = cause.chain(), "what a run did could not be stored");
    }
    done
}

async fn write_changed(
    making: &Making<'_>,
    sources: &Sources,
    unserved: BTreeMap<Added, BTreeSet<VisitorId>>,
    progress: &mut Progress<'_>,
    is_over: &(impl Fn() -> bool + Sync),
    written: &mut u64,
) -> Result<End, Cause> {
    if products::write_lists(making, progress, is_over, written).await? == End::Cut
        || visitors::serve(making, unserved, progress, is_over, written).await? == End::Cut
    {
        return Ok(End::Cut);
    }
    let known = &progress.state().sources;
    // Before the first run there is no list that could hold them.
    if known.today.is_some() {
        let gone: Vec<&ProductId> = sources.discontinued.difference(&known.discontinued).collect();
        visitors::take_out(making.app, &gone, &making.hidden).await?;
    }
    Ok(End::Whole)
}

/// Makes every list again, whatever was written before: of the products, and of the visitors who clicked in the last 30 days. With
/// `from_nothing`, the tables they are made of too. `prepare` runs once nothing is known of the lists that stand: should anything fail
/// after it, the function makes those of the products by itself. Runs of the function wait meanwhile. Returns how many lists were written.
///
/// # Errors
/// If a service fails, or others are at work all the time. Repeating is safe.
pub async fn make_everything(
    app: &App,
    from_nothing: bool,
    prepare: impl Future<Output = Result<(), Cause>>,
) -> Result<u64, Cause> {
    let work = async {
        // Only a run that knows of no list writes all of them; and none that began before can end after this.
        Progress::forget(app).await?;
        if from_nothing {
            merging::forget_tables(app).await?;
        }
        prepare.await?;
        let mut written = 0;
        let mut attempts = 0..ATTEMPTS;
        while let Err(cause) = run(app, None, &mut written).await {
            let Some(attempt) = attempts.next() else { return Err(cause) };
            tracing::warn!(cause = cause.chain(), "making the recommendations goes on where it failed");
            clock::pause(Duration::from_millis(200) * 2_u32.pow(attempt)).await;
        }
        let sources = sources(app).await?;
        let today = Day::of(app.now());
        let making = Making::new(app, &sources, today).await?;
        for mark in sources.marks.keys() {
            let visitors = merging::visitors_before_yesterday(app, today, mark).await?;
            written += visitors::write_lists(&making, visitors).await?;
        }
        Ok(written)
    };
    let busy = || Cause::new("others are at work on the recommendations all the time; repeating is safe");
    claim::alone(app, LONG_WAIT, work).await?.ok_or_else(busy)
}

/// What lists are to be made of now.
async fn sources(app: &App) -> Result<Sources, Cause> {
    let today = Day::of(app.now());
    Ok(Sources { today: Some(today), marks: marks(app).await?, discontinued: discontinued(app).await? })
}

async fn marks(app: &App) -> Result<ChangedDays, Cause> {
    co_views::list(app.blobs(), MARKS).await.map_err(|error| Cause::from_error("list what changed", error))
}

async fn discontinued(app: &App) -> Result<BTreeSet<ProductId>, Cause> {
    let ids = app.stores().products.discontinued().await;
    let ids = ids.map_err(|error| Cause::from_error("ask which products are discontinued", error))?;
    Ok(ids.into_iter().collect())
}
