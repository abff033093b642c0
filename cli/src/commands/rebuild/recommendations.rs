//! `site/recommendations`, from the sessions in captured files.

use std::collections::HashSet;

use anyhow::Context;
use contoso_handlers::{
    app::App, domain::capture::ReportedFile, function::Documents, functions::recommendations, outcome::Cause,
    stores::co_views::FileSessions,
};
use futures::StreamExt;

use super::{
    captured::{self, Captured, Entry, Readable},
    clear,
    tally::Tally,
};
use crate::output;

const HUB: &str = "clicks";

/// Lists written.
pub(super) const WRITTEN: &str = "lists written";

/// Stores the sessions of every captured file again, as `CaptureBatch` does, and makes every list of them. With `cleared` the lists are
/// deleted once the files are read, and the tables they are made of too.
pub(super) async fn rebuild(app: &App, cleared: Option<&[Documents]>, tally: &mut Tally) -> anyhow::Result<()> {
    let captured = Captured::list(app, HUB).await?;
    let bar = output::bar("bytes", captured.bytes());
    for file in captured.files() {
        // What is not written yet has no sessions; a file that cannot be read keeps those it has.
        if let Some(readable) = captured::fetch(app, file, tally).await? {
            sessions(app, file, readable, tally).await?;
            tally.files += 1;
        }
        bar.inc(file.length);
    }
    bar.finish_and_clear();
    let prepare = async {
        let Some(stores) = cleared else { return Ok(()) };
        let cleared = clear::documents(app, stores, &HashSet::new(), tally).await;
        cleared.map_err(|error| Cause::of("clear the recommendations", output::chain(error.as_ref())))
    };
    let made = recommendations::make_everything(app, cleared.is_some(), prepare).await;
    let made = made.map_err(|cause| anyhow::Error::msg(cause.chain()));
    tally.add(WRITTEN, made.context("the recommendations cannot be made now; running the command again is safe")?);
    Ok(())
}

async fn sessions(app: &App, entry: &Entry, readable: Readable, tally: &mut Tally) -> anyhow::Result<()> {
    let mut sessions = FileSessions::new(&entry.file, &ReportedFile::new(&entry.file, &entry.etag, entry.length));
    let mut events = Box::pin(captured::events(app, entry, readable, "")?);
    while let Some(record) = events.next().await {
        let record = record?;
        tally.events += 1;
        match record.event {
            Ok(hub_event) => sessions.add(record.enqueued, &hub_event.event),
            Err(cause) => tally.is_bad(cause),
        }
    }
    let stored = sessions.store(app.blobs(), &entry.file).await;
    stored
        .with_context(|| format!("cannot store the sessions of {}; running the command again is safe", entry.file.path))
}
