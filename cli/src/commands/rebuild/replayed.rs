//! Projections whose function takes old events as it took them first.

use std::time::Duration;

use anyhow::Context;
use backon::{ExponentialBuilder, Retryable};
use contoso_handlers::app::App;
use contoso_handlers::outcome::Outcome;
use contoso_handlers::registry::{BoxFuture, HubEvent};
use futures::StreamExt;

use super::captured::{self, Captured};
use super::tally::Tally;
use crate::output;

/// Events given to a function at a time, as the host does.
const BATCH: usize = 500;

pub(super) const APPLIED: &str = "applied";
pub(super) const UNCHANGED: &str = "changed nothing";

const OUTLIVED: &str = "stored too long ago for what they made to be there still";

type Handle = fn(App, Vec<HubEvent>) -> BoxFuture<Vec<Outcome>>;

/// A function that takes its old events again.
pub(super) struct Replay {
    pub(super) hub: &'static str,
    pub(super) consumer_group: &'static str,
    pub(super) handle: Handle,
    /// How long its documents are kept; for ever if `None`. What was stored before that is not given to it: what expired must not come
    /// back, nor what was erased so long ago that the erasure has expired itself.
    pub(super) kept: Option<time::Duration>,
}

/// Gives every captured event of the hub to the function, partition by partition in their order.
pub(super) async fn rebuild(app: &App, replay: &Replay, tally: &mut Tally) -> anyhow::Result<()> {
    let &Replay { hub, consumer_group, handle, kept } = replay;
    let captured = Captured::list(app, hub).await?;
    let since = kept.map(|kept| app.now() - kept);
    let bar = output::bar("bytes", captured.bytes());
    for file in captured.files() {
        let mut events = Box::pin(captured::events(app, file, consumer_group).await?.chunks(BATCH));
        while let Some(chunk) = events.next().await {
            let mut batch = Vec::with_capacity(chunk.len());
            for record in chunk {
                tally.events += 1;
                let record = record?;
                if record.enqueued.zip(since).is_some_and(|(enqueued, since)| enqueued < since) {
                    tally.add(OUTLIVED, 1);
                    continue;
                }
                match record.event {
                    Ok(event) => batch.push(event),
                    Err(cause) => tally.is_bad(cause),
                }
            }
            apply(app, handle, batch, tally).await?;
        }
        tally.files += 1;
        bar.inc(file.length);
    }
    bar.finish_and_clear();
    Ok(())
}

/// One batch, again and again while the world is broken: everything in it is safe to repeat.
async fn apply(app: &App, handle: Handle, batch: Vec<HubEvent>, tally: &mut Tally) -> anyhow::Result<()> {
    let attempt = || async {
        let outcomes = handle(app.clone(), batch.clone()).await;
        match outcomes
            .iter()
            .find_map(|outcome| if let Outcome::Retry(cause) = outcome { Some(cause.chain()) } else { None })
        {
            Some(cause) => Err(anyhow::Error::msg(cause)),
            None => Ok(outcomes),
        }
    };
    let outcomes =
        attempt.retry(pauses()).await.context("the events cannot be applied now; running the command again is safe")?;
    for outcome in outcomes {
        match outcome {
            Outcome::Done => tally.add(APPLIED, 1),
            Outcome::Skip(_) => tally.add(UNCHANGED, 1),
            Outcome::Park(cause) => tally.is_bad(cause.chain()),
            Outcome::Retry(_) => {}
        }
    }
    Ok(())
}

/// Between attempts at what is safe to repeat.
pub(super) fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(Duration::from_millis(200)).with_max_times(6).with_jitter()
}
