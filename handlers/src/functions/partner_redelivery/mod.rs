//! `PartnerRedelivery`: sends captured events to one partner's subscription once more.
//!
//! Triggered by a timer, every 10 seconds.
//!
//! Promises: every event that a job asks for, and that the subscription selects today, is published once or more on the Event Grid topic, with
//! the id, source, time and `sequence` it has on the hub, for that subscription alone (`audience` is `<partner>/<subscription>`) and
//! with the job's id as `redelivery`. It goes to the topic only, never to a hub, so that it is neither captured again nor told to anyone
//! else. Not faster than the job says. A job that is cancelled stops within seconds. Of files and events, a few are in memory.
//! One partner's jobs keep no other's waiting: they take turns, and who has more slots than one that waits gives one up within seconds.
//! A new subscription with `startFrom` gets its job here once it delivers.
//!
//! A second delivery finds the jobs with another worker: each has a lease, and progress is stored under the ETag that was read. A worker
//! that dies is followed by another once its lease is over, which goes on where progress was stored: some events are sent twice, none is missed.

mod choice;
mod slots;
mod start;
mod work;

use std::time::Duration;

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;
use uuid::Uuid;

use self::slots::Slots;
pub(super) use self::{choice::Choice, start::begin};
use crate::{
    app::App,
    azure::cosmos::Stored,
    clock,
    domain::partner::redelivery::{Job, in_turn},
    function::{Function, Trigger},
    outcome::Cause,
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function::new("PartnerRedelivery", Trigger::Timer { handle: |app, _| Box::pin(handle(app)) });

/// How long one run works, below what an invocation may last. Jobs that are not done go on in the next.
const RUN: Duration = Duration::from_secs(120);

/// Between two looks for new jobs while some are worked on.
const LOOK: Duration = Duration::from_secs(3);

/// Between two looks for new subscriptions that are to have what came before them.
const BEGIN: Duration = Duration::from_secs(10);

async fn handle(app: App) -> Result<(), Cause> {
    let (app, worker) = (&app, &Uuid::new_v4().to_string());
    let ends = Instant::now() + RUN;
    let mut working = FuturesUnordered::new();
    let mut slots = Slots::default();
    let mut begun = None::<Instant>;
    loop {
        if Instant::now() < ends {
            if begun.is_none_or(|begun| begun.elapsed() >= BEGIN) {
                begun = Some(Instant::now());
                // What it costs is time: the next look finds the same.
                if let Err(cause) = start::begin_all(app).await {
                    tracing::warn!(cause = cause.chain(), "new subscriptions wait for what came before them");
                }
            }
            for (job, etag) in claim(app, worker, &slots).await? {
                let turn = slots.take(&job, ends);
                working.push(async move { work::work(app, worker, job, etag, &turn).await });
            }
        }
        if working.is_empty() {
            return Ok(());
        }
        tokio::select! {
            Some(id) = working.next() => slots.leave(&id),
            () = clock::pause(LOOK) => {}
        }
    }
}

/// Takes jobs that are due, in turn by partner and by when each was last worked on. Where all slots are taken, some are given up for them.
async fn claim(app: &App, worker: &str, slots: &Slots) -> Result<Vec<(Job, String)>, Cause> {
    let store = &app.stores().partners.redeliveries;
    let failed = |error| Cause::from_error("look for redelivery jobs", error);
    let due = in_turn(store.unfinished().await.map_err(failed)?, &slots.ids(), app.now());
    let most = slots.free();
    if most == 0 {
        slots.make_room(&due);
        return Ok(Vec::new());
    }
    let mut claimed = Vec::new();
    for job in due.into_iter().take(most) {
        let Some(Stored { value: mut job, etag }) = store.read(&job.partner, &job.id).await.map_err(failed)? else {
            continue;
        };
        if !job.is_due(app.now()) {
            continue;
        }
        job.claim(worker, app.now());
        match store.replace(&job, &etag).await {
            Ok(etag) => claimed.push((job, etag)),
            // Another was first, or the partner cancelled it.
            Err(error) if error.is_lost_race() => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(claimed)
}
