//! Blob container `co-views`: what recommendations are made of.
//!
//! `<hub>/<partition>/<yyyy>/<MM>/<dd>/<HH>/<mm>/<ss>.json` holds the sessions of one captured file. It is replaced as a whole, so a
//! repeat is harmless. After it `changed/<hub>/<partition>/<yyyy>/<MM>/<dd>` is written: one listing of these marks tells
//! `Recommendations` whether there is anything to do, and where. `days/…` is one partition's day, `settled.json` the days before yesterday,
//! `state.json` what was done and `claim.json` says who is at work. All but the sessions can be made again.

use std::collections::HashMap;

use serde::{Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

use crate::{
    azure::blobs::{BlobError, Blobs, Condition},
    domain::{
        capture::{CaptureFile, ReportedFile},
        recommendation::{sessions::Collector, state::ChangedDays},
    },
    events::{CountedClick, Event, hubs},
    outcome::Cause,
};

/// The container.
pub const CONTAINER: &str = "co-views";

/// What marks begin with.
pub(crate) const MARKS: &str = "changed/";

/// Sessions of the file that is being read; of files of other hubs there are none.
pub struct FileSessions(Option<Collector>);

impl FileSessions {
    /// Of a file of which nothing was read yet.
    pub fn new(file: &CaptureFile, version: &ReportedFile) -> Self {
        Self((file.hub == hubs::CLICKS).then(|| Collector::new(version.clone())))
    }

    /// Adds the event in the next record of the file, and when the hub stored it. What is no click that counts makes no session; the readers of the hub park or skip it.
    pub fn add(&mut self, enqueued: Option<OffsetDateTime>, event: &Event) {
        let Some(collector) = &mut self.0 else { return };
        let Some(at) = event.time.or(enqueued) else { return };
        let stored = enqueued.unwrap_or(at);
        if let Ok(CountedClick { click, at }) = event.counted_click(stored) {
            collector.add(click, at.unix_timestamp(), stored.unix_timestamp());
        }
    }

    /// Stores them, and marks their day as changed.
    ///
    /// # Errors
    /// If storage fails. Repeating is safe.
    pub async fn store(self, blobs: &Blobs, file: &CaptureFile) -> Result<(), BlobError> {
        let Some(collector) = self.0 else { return Ok(()) };
        put(blobs, &file.report(), &collector.finish(), Condition::None).await?;
        put(blobs, &format!("{MARKS}{}", file.day()), &file.path, Condition::None).await?;
        Ok(())
    }
}

/// Writes a document and returns its ETag.
pub(crate) async fn put<T: Serialize>(
    blobs: &Blobs,
    name: &str,
    document: &T,
    condition: Condition<'_>,
) -> Result<String, BlobError> {
    let body = serde_json::to_vec(document).unwrap_or_default();
    blobs.put(CONTAINER, name, body, "application/json", HashMap::new(), condition).await
}

/// A document of the container and its ETag. One that cannot be read is there, but counts as missing: each can be made again.
pub(crate) async fn stored<T: DeserializeOwned>(
    blobs: &Blobs,
    name: &str,
) -> Result<(Option<T>, Option<String>), Cause> {
    let blob = blobs.get(CONTAINER, name).await;
    let blob = blob.map_err(|error| Cause::from_error("read what is stored of co-views", error))?;
    let Some(blob) = blob else { return Ok((None, None)) };
    let document = contoso_json::from_slice(&blob.body);
    if let Err(error) = &document {
        tracing::warn!(blob.name = name, cause = %error, "a document of co-views cannot be read");
    }
    Ok((document.ok(), Some(blob.etag)))
}

/// Deletes a document, if it is there.
pub(crate) async fn forget(blobs: &Blobs, name: &str) -> Result<(), Cause> {
    let deleted = blobs.delete(CONTAINER, name).await;
    deleted.map_err(|error| Cause::from_error("remove what was made of co-views", error))
}

/// Names and ETags below a prefix.
pub(crate) async fn list(blobs: &Blobs, prefix: &str) -> Result<ChangedDays, BlobError> {
    let listed = blobs.list(CONTAINER, prefix).await?;
    Ok(listed.into_iter().map(|entry| (entry.name, entry.etag)).collect())
}
