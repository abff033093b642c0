//! Where a captured file is, and who works on it.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// A window's beginning in the name of its file, UTC.
const WINDOW: &[BorrowedFormatItem<'_>] = format_description!("[year]/[month]/[day]/[hour]/[minute]/[second]");

/// The beginning of a window, of its text; `None` if it is none.
pub(super) fn begins(window: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(window, WINDOW).ok().map(PrimitiveDateTime::assume_utc)
}

/// A captured file, by its place: `{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}.avro`, the
/// service's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureFile {
    /// The container it is in.
    pub container: String,
    /// Its name there.
    pub path: String,
    /// The hub.
    pub hub: String,
    /// The partition id.
    pub partition: String,
    /// The beginning of the window, as `yyyy/MM/dd/HH/mm/ss`.
    window: String,
}

impl CaptureFile {
    /// Reads the subject of a `Microsoft.Storage.BlobCreated` event, `/blobServices/default/containers/<container>/blobs/<path>`.
    /// `None`: it is about no captured file.
    pub fn from_subject(subject: &str) -> Option<Self> {
        let place = subject.trim_start_matches('/').strip_prefix("blobServices/default/containers/")?;
        let (container, path) = place.split_once("/blobs/")?;
        let parts: Vec<&str> = path.strip_suffix(".avro")?.split('/').collect();
        let [_namespace, hub, partition, window @ ..] = parts.as_slice() else { return None };
        let widths = [4, 2, 2, 2, 2, 2];
        let is_window = window.len() == widths.len()
            && window
                .iter()
                .zip(widths)
                .all(|(part, width)| part.len() == width && part.bytes().all(|b| b.is_ascii_digit()));
        is_window.then(|| Self {
            container: container.to_owned(),
            path: path.to_owned(),
            hub: (*hub).to_owned(),
            partition: (*partition).to_owned(),
            window: window.join("/"),
        })
    }

    /// The beginning of its window, as `yyyy/MM/dd/HH/mm/ss`: it sorts as time does.
    pub fn window(&self) -> &str {
        &self.window
    }

    /// The beginning of its window; `None` where the digits are no time.
    pub fn begins(&self) -> Option<OffsetDateTime> {
        begins(&self.window)
    }

    /// Where its report is: one place per file, so that a repeat finds it. A file of container `capture-personal` has `-personal` at the
    /// end: a hub whose container is changed can have two files of one window.
    pub fn report(&self) -> String {
        let container = self.container.strip_prefix("capture").unwrap_or(&self.container);
        format!("{}/{}/{}{container}.json", self.hub, self.partition, self.window)
    }

    /// Its partition and the day of its window: `<hub>/<partition>/<yyyy>/<MM>/<dd>`.
    pub fn day(&self) -> String {
        let date: Vec<&str> = self.window.splitn(4, '/').take(3).collect();
        format!("{}/{}/{}", self.hub, self.partition, date.join("/"))
    }

    /// Where the work on the file's version `etag` is claimed.
    pub fn claim(&self, etag: &str) -> String {
        format!("claims/{}/{}/{}/{etag}.json", self.hub, self.partition, self.window)
    }

    /// Where it stands how many bad records of the file's version `etag` are parked, while that takes several deliveries.
    pub fn parking(&self, etag: &str) -> String {
        format!("parking/{}/{}/{}/{etag}.json", self.hub, self.partition, self.window)
    }
}

/// The work on a file, taken by one delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// When it was taken.
    #[serde(with = "time::serde::rfc3339")]
    pub claimed_at: OffsetDateTime,
}

/// How many bad records of a file are parked: the first ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parking {
    /// So many.
    pub parked: u64,
}
