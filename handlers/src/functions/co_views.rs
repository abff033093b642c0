//! Container `co-views`: where the sessions of captured clicks are, and the part of `CaptureBatch` that puts them there.
//!
//! `<hub>/<partition>/<yyyy>/<MM>/<dd>/<HH>/<mm>/<ss>.json` holds the sessions of one captured file. It is replaced as a whole, so a
//! repeat is harmless. After it `changed/<hub>/<partition>/<yyyy>/<MM>/<dd>` is written: one listing of these marks tells
//! `Recommendations` whether there is anything to do, and where.

use std::collections::HashMap;

use serde::Serialize;
use time::OffsetDateTime;

use super::{CLICKS_HUB, click};
use crate::{
    app::App,
    azure::blobs::{BlobError, Condition},
    domain::{
        capture::{CaptureFile, ReportedFile},
        click::Timing,
        recommendation::sessions::Collector,
    },
    events::Event,
};

/// The container.
pub const CONTAINER: &str = "co-views";

/// What marks begin with.
pub(super) const MARKS: &str = "changed/";

/// Sessions of the file that is being read; of files of other hubs there are none.
pub struct FileSessions(Option<Collector>);

impl FileSessions {
    /// Of a file of which nothing was read yet.
    pub fn new(file: &CaptureFile, version: &ReportedFile) -> Self {
        Self((file.hub == CLICKS_HUB).then(|| Collector::new(version.clone())))
    }

    /// Adds the event in the next record of the file, and when the hub stored it. What is no click that counts makes no session; the readers of the hub park or skip it.
    pub fn add(&mut self, enqueued: Option<OffsetDateTime>, event: &Event) {
        let Some(collector) = &mut self.0 else { return };
        let Some(at) = event.time.or(enqueued) else { return };
        let stored = enqueued.unwrap_or(at);
        if let (Ok(Some(click)), Timing::Counts) = (click(event), Timing::of(at, stored)) {
            collector.add(click, at.unix_timestamp(), stored.unix_timestamp());
        }
    }

    /// Stores them, and marks their day as changed.
    ///
    /// # Errors
    /// If storage fails. Repeating is safe.
    pub async fn store(self, app: &App, file: &CaptureFile) -> Result<(), BlobError> {
        let Some(collector) = self.0 else { return Ok(()) };
        put(app, &file.report(), &collector.finish(), Condition::None).await?;
        put(app, &format!("{MARKS}{}", file.day()), &file.path, Condition::None).await?;
        Ok(())
    }
}

/// Writes a document and returns its ETag.
pub(super) async fn put<T: Serialize>(
    app: &App,
    name: &str,
    document: &T,
    condition: Condition<'_>,
) -> Result<String, BlobError> {
    let body = serde_json::to_vec(document).unwrap_or_default();
    app.blobs().put(CONTAINER, name, body, "application/json", HashMap::new(), condition).await
}
