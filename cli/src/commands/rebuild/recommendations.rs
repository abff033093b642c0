//! `site/recommendations`, from the sessions in captured files.

use anyhow::Context;
use backon::Retryable;
use contoso_handlers::app::App;
use contoso_handlers::domain::capture::ReportedFile;
use contoso_handlers::functions::co_views::FileSessions;
use contoso_handlers::functions::recommendations;
use futures::StreamExt;

use super::captured::{self, Captured, Entry};
use super::replayed::pauses;
use super::tally::Tally;
use crate::output;

const HUB: &str = "clicks";

/// Stores the sessions of every captured file again, as `CaptureBatch` does, and makes every list of them.
pub(super) async fn rebuild(app: &App, from_nothing: bool, tally: &mut Tally) -> anyhow::Result<()> {
    let captured = Captured::list(app, HUB).await?;
    let bar = output::bar("bytes", captured.bytes());
    // What is not written yet has no sessions.
    for file in captured.files() {
        sessions(app, file, tally).await?;
        tally.files += 1;
        bar.inc(file.length);
    }
    bar.finish_and_clear();
    let make = || async {
        let made = recommendations::make_everything(app, from_nothing).await;
        made.map_err(|cause| anyhow::Error::msg(cause.chain()))
    };
    make.retry(pauses()).await.context("the recommendations cannot be made now; running the command again is safe")
}

async fn sessions(app: &App, entry: &Entry, tally: &mut Tally) -> anyhow::Result<()> {
    let mut sessions = FileSessions::new(&entry.file, &ReportedFile::new(&entry.file, &entry.etag, entry.length));
    let mut events = Box::pin(captured::events(app, entry, "").await?);
    while let Some(record) = events.next().await {
        let record = record?;
        tally.events += 1;
        match record.event {
            Ok(hub_event) => sessions.add(record.enqueued, &hub_event.event),
            Err(cause) => tally.is_bad(cause),
        }
    }
    let stored = sessions.store(app, &entry.file).await;
    stored
        .with_context(|| format!("cannot store the sessions of {}; running the command again is safe", entry.file.path))
}
