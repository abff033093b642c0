//! The status of a timer: what makes a missed run known after a restart. A blob, laid out as the host does.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, macros::datetime};

use crate::blobs::{self, Blobs, PutOptions};

pub(crate) const CONTAINER: &str = "azure-webjobs-hosts";
/// `DateTime.MinValue`: never.
const NEVER: OffsetDateTime = datetime!(0001-01-01 00:00 UTC);

/// The three times of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Status {
    /// The last run, `0001-01-01` before the first.
    #[serde(with = "local_time")]
    pub(crate) last: OffsetDateTime,
    #[serde(with = "local_time")]
    pub(crate) next: OffsetDateTime,
    #[serde(with = "local_time")]
    pub(crate) last_updated: OffsetDateTime,
}

impl Status {
    /// As a timer shows it that was never started before: what is stored says when that was, what is shown does not.
    pub(super) fn first(self) -> Self {
        Self { last_updated: NEVER, ..self }
    }

    /// Of a timer that never ran.
    pub(super) fn new(next: OffsetDateTime, now: OffsetDateTime) -> Self {
        Self { last: NEVER, next, last_updated: now }
    }

    /// The point after which the next occurrence was expected.
    pub(super) fn since(&self) -> OffsetDateTime {
        if self.last == NEVER { self.last_updated } else { self.last }
    }

    /// Of a timer whose schedule was changed: as if it never ran.
    pub(super) fn rescheduled(next: OffsetDateTime, since: OffsetDateTime) -> Self {
        Self { last: NEVER, next, last_updated: since }
    }
}

/// Where the status of one function is kept.
#[derive(Clone)]
pub(super) struct StatusBlob {
    blobs: Blobs,
    name: String,
}

impl StatusBlob {
    pub(super) fn open(blobs: &Blobs, host_id: &str, function: &str) -> Result<Self, blobs::Error> {
        blobs.create_container(CONTAINER)?;
        Ok(Self { blobs: blobs.clone(), name: format!("timers/{host_id}/Host.Functions.{function}/status") })
    }

    /// `None` before the first write, or where the blob is not a status.
    pub(super) fn read(&self) -> Result<Option<Status>, blobs::Error> {
        let blob = self.blobs.get(CONTAINER, &self.name)?;
        Ok(blob.and_then(|blob| contoso_json::from_slice(&blob.body).ok()))
    }

    pub(super) fn write(&self, status: &Status) -> Result<(), blobs::Error> {
        let body = Bytes::from(serde_json::to_vec(status).unwrap_or_default());
        let options = PutOptions { content_type: Some("application/json".to_owned()), ..PutOptions::default() };
        self.blobs.put(CONTAINER, &self.name, body, options)?;
        Ok(())
    }
}

/// Times with the offset of the host's zone, `+00:00` unless the app has another.
mod local_time {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    use crate::functions_host::invocation::local_date_time;

    pub(super) fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&local_date_time(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        OffsetDateTime::parse(&text, &Rfc3339).map_err(D::Error::custom)
    }
}
