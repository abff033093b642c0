//! `SalesFileSlices`: goes on with sales files that a delivery did not finish.
//!
//! Triggered by a timer, every 10 seconds.
//!
//! Promises: what `SalesFileReceived` promises, of files that take longer than a delivery may, and of those whose worker died. One file does
//! not keep the others waiting for longer than a run.
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
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function::new("SalesFileSlices", Trigger::Timer { handle: |app, _| Box::pin(handle(app)) });

/// How long a run works, below what an invocation may last.
const RUN: Duration = Duration::from_secs(120);

/// Files of one run.
const FILES: usize = 1_000;

/// Files side by side.
const AT_ONCE: usize = 2;

async fn handle(app: App) -> Result<(), Cause> {
    let until = Instant::now() + RUN;
    let waiting = app.stores().sales_files.waiting(FILES).await?;
    let app = &app;
    let mut working =
        stream::iter(waiting)
            .map(|waiting| async move {
                if Instant::now() < until { work_on(app, &waiting, until).await.err() } else { None }
            })
            .buffer_unordered(AT_ONCE);
    let mut failure = None;
    while let Some(failed) = working.next().await {
        failure = failure.or(failed);
    }
    failure.map_or(Ok(()), Err)
}
