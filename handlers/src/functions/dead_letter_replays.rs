//! `DeadLetterReplays`: gives parked records once more to the functions that parked them.
//!
//! Triggered by a timer, every 10 seconds, in every app: it works on letters of functions that its own app serves.
//!
//! Promises: each letter of a batch is given to the function that parked it and to no other, with the position, properties, content type and
//! bytes that it came with. What became of it is stored before the letter goes; a letter goes after Done and Skip alone. A record that is
//! bad still is parked again as the same letter, with its new cause.
//!
//! A second run finds the slices claimed, or done. Where a worker died, the next one gives some letters once more after two minutes, which
//! the function takes for what it is, a second delivery.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use crate::{
    app::App,
    azure::cosmos::Stored,
    dead_letters::shelf,
    domain::dead_letter::{
        LetterId,
        batch::{Outcome, Replayed, Slice},
    },
    function::{Function, Trigger},
    outcome::Cause,
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function::new("DeadLetterReplays", Trigger::Timer { handle: |app, _| Box::pin(handle(app)) });

/// How long a run begins work, below what an invocation may last.
const RUN: Duration = Duration::from_secs(120);

/// Letters between two stores of their slice.
const AT_ONCE: usize = 8;

async fn handle(app: App) -> Result<(), Cause> {
    let until = Instant::now() + RUN;
    while round(&app, until).await? && Instant::now() < until {}
    Ok(())
}

/// Works on whatever is free of each open batch, and says whether there was something.
async fn round(app: &App, until: Instant) -> Result<bool, Cause> {
    let replays = &app.stores().replays;
    let failed = |error| Cause::from_error("read the open batches of replays", error);
    let serves = |function: &str| app.served().iter().any(|served| served.function == function);
    let mut has_worked = false;
    for batch in replays.open().await.map_err(failed)? {
        if !batch.functions.iter().any(|function| serves(function)) {
            continue;
        }
        let slices = replays.open_slices(&batch.id).await.map_err(failed)?;
        if slices.is_empty() {
            replays.close(&batch).await.map_err(|error| Cause::from_error("close a batch of replays", error))?;
        }
        for stored in slices {
            if Instant::now() < until && serves(&stored.value.function) && stored.value.is_free(app.now()) {
                has_worked |= work(app, stored).await?;
            }
        }
    }
    Ok(has_worked)
}

/// Replays the letters of a slice; `false` if somebody else does.
async fn work(app: &App, Stored { value: mut slice, mut etag }: Stored<Slice>) -> Result<bool, Cause> {
    slice.claim(app.now());
    if !store(app, &slice, &mut etag).await? {
        return Ok(false);
    }
    // Of a worker that died after it had stored results.
    remove(app, slice.to_remove()).await?;
    let mut left = slice.next(usize::MAX);
    while !left.is_empty() {
        let rest = left.split_off(left.len().min(AT_ONCE));
        let replayed: Vec<(usize, Option<Replayed>)> = stream::iter(left)
            .map(|place| {
                let letter = slice.letters[place].letter.clone();
                async move { (place, replay(app, &letter).await) }
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut over = Vec::new();
        for (place, replayed) in replayed {
            slice.note(place, replayed, app.now());
            let task = &slice.letters[place];
            over.extend(task.outcome.is_some_and(Outcome::removes).then(|| task.letter.clone()));
        }
        slice.claim(app.now());
        if !store(app, &slice, &mut etag).await? {
            // It took so long that another took over, who gives these letters once more.
            return Ok(true);
        }
        remove(app, over.iter().map(String::as_str)).await?;
        left = rest;
    }
    slice.leave(app.now());
    store(app, &slice, &mut etag).await?;
    Ok(true)
}

/// Stores a slice; `false` if another worker has it.
async fn store(app: &App, slice: &Slice, etag: &mut String) -> Result<bool, Cause> {
    match app.stores().replays.write(slice, etag).await {
        Ok(new) => {
            *etag = new;
            Ok(true)
        }
        Err(error) if error.is_lost_race() => Ok(false),
        Err(error) => Err(Cause::from_error("store a slice of replays", error)),
    }
}

/// Takes away letters whose results are stored.
async fn remove(app: &App, letters: impl Iterator<Item = &str>) -> Result<(), Cause> {
    let ids: Vec<LetterId> = letters.filter_map(|letter| letter.parse().ok()).collect();
    let removed = stream::iter(ids)
        .map(|id| async move { shelf::remove(app.blobs(), &id, None).await.map(drop) })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await;
    removed.map_err(|error| Cause::from_error("remove a letter that was replayed", error))
}

/// `None` if the letter is gone.
async fn replay(app: &App, letter: &str) -> Option<Replayed> {
    let Ok(id) = letter.parse::<LetterId>() else {
        return Some(Replayed::Refused("it is no letter's id".to_owned()));
    };
    match shelf::open(app.blobs(), &id).await {
        Ok(Some(opened)) => Some(app.replay(id, opened).await),
        Ok(None) => None,
        Err(error) => Some(Replayed::Again(Cause::from_error("read the letter", error).chain())),
    }
}
