//! What Event Hubs, Capture and Blob Storage of the local stack carry, with the official Rust clients.
//!
//! The stack runs in a child process and the clients in this one, so that memory and processor time of the two can be
//! told apart. Events go in and come out at once: senders wait while readers are behind, and both rates are of the same
//! seconds.

mod child;
mod client;
mod figures;
mod files;
mod retained;
mod streams;

use std::time::Duration;

use anyhow::Result;
use contoso_local::storage::Sync as SyncMode;

use self::child::Child;
use crate::output;
pub use child::serve;
pub use figures::Figures;

/// What to measure with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How long each combination of size, batch and partitions is measured.
    pub duration: Duration,
    /// How far a write reaches before it is acknowledged.
    pub sync: SyncMode,
    /// Events that the hubs retain when their memory is read.
    pub retained: u64,
    /// Bytes of the captured file and of the blob.
    pub file_bytes: u64,
}

/// Runs the whole plan. Each part has a stack of its own, on an empty directory.
///
/// # Errors
/// When a stack does not start, or a client fails or waits in vain.
pub async fn run(plan: &Plan) -> Result<Figures> {
    let mut figures = Figures::new(plan);
    let cases = streams::Case::all();
    let bar = output::bar("hubs", u64::try_from(cases.len())? + 3);
    let stack = Child::start(plan).await?;
    for case in cases {
        figures.streams.push(streams::measure(&stack, plan, case).await?);
        bar.inc(1);
    }
    stack.stop().await?;

    bar.set_message("capture");
    let stack = Child::start(plan).await?;
    figures.capture = Some(files::capture(&stack, plan).await?);
    stack.stop().await?;
    bar.inc(1);

    bar.set_message("blobs");
    let stack = Child::start(plan).await?;
    figures.blobs = Some(files::blobs(&stack, plan).await?);
    stack.stop().await?;
    bar.inc(1);

    bar.set_message("memory");
    figures.memory = Some(retained::measure(plan).await?);
    bar.finish_and_clear();
    Ok(figures)
}
