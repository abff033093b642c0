//! Blob containers `capture` and `capture-personal`, where Event Hubs keeps what went through the hubs, and `reports`, where `CaptureBatch`
//! says what is in the files, `<hub>/<partition>/<yyyy>/<MM>/<dd>/<HH>/<mm>/<ss>.json`, and who is at work on one.

use std::collections::HashMap;

use serde_json::Value;

use crate::azure::blobs::{Blob, BlobError, Blobs, Condition};

/// The captured files: of hubs whose events name nobody, and of those that name visitors, whose files expire soon so that an erasure is
/// true. Whoever reads them takes a hub's files from both, since older ones stay where they were written.
pub const FILES: [&str; 2] = ["capture", "capture-personal"];

/// Reports and claims.
pub const REPORTS: &str = "reports";

/// A document among the reports.
pub(crate) async fn read_report(blobs: &Blobs, name: &str) -> Result<Option<Blob>, BlobError> {
    blobs.get(REPORTS, name).await
}

/// Writes a document among the reports, and returns its ETag.
pub(crate) async fn write_report(
    blobs: &Blobs,
    name: &str,
    document: &Value,
    condition: Condition<'_>,
) -> Result<String, BlobError> {
    blobs.put(REPORTS, name, document.to_string(), "application/json", HashMap::new(), condition).await
}

/// Deletes a document among the reports.
pub(crate) async fn delete_report(blobs: &Blobs, name: &str) -> Result<(), BlobError> {
    blobs.delete(REPORTS, name).await
}
