//! `SalesFileSlices`: goes on with sales files that a delivery did not finish.
//!
//! Triggered by a timer, every 10 seconds.
//!
//! Promises: what `SalesFileReceived` promises, of files that take longer than a delivery may, and of those whose worker died. Those that wait
//! have turns of the same length within a run, and who waits longest comes first; where they are too many for one run, the rest has its turn in
//! the next. So large files share the time with all others, and a file that fails has the others before it next time.
//!
//! A second run finds the files claimed by the first, or done.

use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::Instant;

use crate::{
    app::App,
    function::{Function, Trigger},
    outcome::Cause,
    sales_files::work_on,
    stores::sales::files::Waiting,
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function::new("SalesFileSlices", Trigger::Timer { handle: |app, _| Box::pin(handle(app)) });

/// How long a run works, below what an invocation may last.
const RUN: Duration = Duration::from_secs(120);

/// Files of one run.
const FILES: usize = 1_000;

/// Files side by side.
const AT_ONCE: u32 = 2;

/// The shortest turn: to go on, what was read of a file before is unpacked once more.
const TURN: Duration = Duration::from_secs(30);

async fn handle(app: App) -> Result<(), Cause> {
    let until = Instant::now() + RUN;
    let waiting = app.stores().sales_files.waiting(FILES).await?;
    let (app, turn) = (&app, turn(waiting.len()));
    let mut working = stream::iter(waiting)
        .map(|waiting| async move {
            let now = Instant::now();
            if now < until { work(app, &waiting, until.min(now + turn)).await.err() } else { None }
        })
        .buffer_unordered(AT_ONCE as usize);
    let mut failure = None;
    while let Some(failed) = working.next().await {
        failure = failure.or(failed);
    }
    failure.map_or(Ok(()), Err)
}

/// How long each of so many files may take.
fn turn(files: usize) -> Duration {
    let files = u32::try_from(files).unwrap_or(u32::MAX).max(1);
    (RUN * AT_ONCE / files).clamp(TURN, RUN)
}

async fn work(app: &App, waiting: &Waiting, until: Instant) -> Result<(), Cause> {
    let Err(cause) = work_on(app, waiting, until).await else { return Ok(()) };
    // It had its turn. If this fails too, it comes first once more.
    if let Err(cause) = app.stores().sales_files.wait(&waiting.file).await {
        tracing::warn!(cause = cause.chain(), "a sales file that failed was not put behind the others");
    }
    Err(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_have_a_turn_in_a_run_as_can_do_something_in_it() {
        for (files, turn_of_each) in [(0, RUN), (1, RUN), (2, RUN), (4, RUN / 2), (8, TURN), (9, TURN), (1_000, TURN)] {
            assert_eq!(turn(files), turn_of_each, "{files} files");
        }
    }
}
