//! Consumer lag: how far consumers are behind: the document `current` of `site/health`, of which each app of several has its own.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// What is measured by an app that is gone is forgotten after this time.
const FORGOTTEN: Duration = Duration::days(1);

/// Id of the document of `site/health` with the last measurement, or how the id of each app's own begins.
pub const CURRENT: &str = "current";

/// How late everything was at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// [`CURRENT`], or `current.<app>` where several apps share the functions.
    pub id: String,
    /// When it was measured.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The functions that the app serves.
    #[serde(default)]
    pub functions: Vec<String>,
    /// Every hub and consumer group that a function reads.
    pub hubs: Vec<HubLag>,
    /// Every change feed that a function reads.
    pub feeds: Vec<FeedLag>,
}

impl Health {
    /// What several apps measured, each of what it reads, as one; `None` of nothing. Its time is that of the oldest of them, so that an
    /// app whose measurements stop shows.
    pub fn together(mut measured: Vec<Self>) -> Option<Self> {
        let newest = measured.iter().map(|health| health.at).max()?;
        measured.retain(|health| newest - health.at < FORGOTTEN);
        measured.sort_by(|one, other| one.id.cmp(&other.id));
        let at = measured.iter().map(|health| health.at).min()?;
        let parts = measured.into_iter().map(|health| (health.functions, health.hubs, health.feeds));
        let (functions, hubs, feeds): (Vec<_>, Vec<_>, Vec<_>) = parts.collect();
        let functions = functions.concat();
        Some(Self { id: CURRENT.to_owned(), at, functions, hubs: hubs.concat(), feeds: feeds.concat() })
    }
}

/// How far one consumer group is behind its hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HubLag {
    /// The hub.
    pub hub: String,
    /// The consumer group.
    pub consumer_group: String,
    /// The function that reads as this group.
    pub function: String,
    /// Events it has not handled, over all partitions.
    pub lag: i64,
    /// The same by partition.
    pub partitions: Vec<PartitionLag>,
}

/// How far one consumer group is behind one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionLag {
    /// The partition id.
    pub partition: String,
    /// Events the group has not handled.
    pub lag: i64,
    /// Sequence number of the newest event; -1 if there never was one.
    pub last_sequence: i64,
    /// Sequence number of the last event the group has handled; `None` if it never stored a checkpoint.
    pub checkpoint: Option<i64>,
    /// When the newest event was stored; `None` if there never was one.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub last_enqueued: Option<OffsetDateTime>,
}

/// How far the reader of a change feed is behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedLag {
    /// The container, as `database/container`.
    pub container: String,
    /// Upper bound of the changes not handled, over the ranges where it is known; `None` if it is known of none.
    pub lag: Option<i64>,
    /// The same by range.
    pub ranges: Vec<RangeLag>,
}

/// How far the reader of a change feed is behind in one physical partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeLag {
    /// The partition's id.
    pub range: String,
    /// Upper bound of the changes not handled; `None` if no lease names this partition.
    pub lag: Option<i64>,
    /// LSN of the latest write there; 0 in documents of older versions.
    #[serde(default)]
    pub lsn: i64,
}

/// What a partition of a hub holds.
#[derive(Clone, Debug)]
pub struct PartitionEnd {
    /// The partition id.
    pub partition: String,
    /// Sequence number of the oldest event kept.
    pub begin_sequence: i64,
    /// Sequence number of the newest event; -1 if there never was one.
    pub last_sequence: i64,
    /// When the service says the newest event was stored. Of a partition that never had one it says some time all the same, as 1970.
    pub last_enqueued: Option<OffsetDateTime>,
}

/// A lease item of the change feed processor, as far as it tells how far the reader is.
#[derive(Clone, Debug, Deserialize)]
pub struct Lease {
    /// The physical partition it is about.
    #[serde(rename = "LeaseToken")]
    pub range: Option<String>,
    /// Where the reader goes on: the logical sequence number (LSN) of what it handled last, in quotes.
    #[serde(rename = "ContinuationToken")]
    pub continuation: Option<String>,
}

/// The end of a change feed in one physical partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEnd {
    /// The partition's id.
    pub range: String,
    /// LSN of the latest write there.
    pub lsn: i64,
}

impl PartitionEnd {
    /// How far a group is behind that has handled everything up to `checkpoint`. Without a checkpoint it has all retained events
    /// before it; events that have expired do not count.
    pub fn lag(self, checkpoint: Option<i64>) -> PartitionLag {
        let handled = checkpoint.unwrap_or(i64::MIN).max(self.begin_sequence - 1);
        PartitionLag {
            lag: (self.last_sequence - handled).max(0),
            partition: self.partition,
            last_sequence: self.last_sequence,
            checkpoint,
            last_enqueued: self.last_enqueued.filter(|_| self.last_sequence >= 0),
        }
    }
}

impl PartitionLag {
    /// When the newest event was stored; `None` if there never was one, whatever time a document of an older version has for that.
    pub fn last_stored(&self) -> Option<OffsetDateTime> {
        self.last_enqueued.filter(|_| self.last_sequence >= 0)
    }
}

impl FeedLag {
    /// How far the holder of `leases` is behind `ends`.
    ///
    /// The lag of a range is its latest LSN minus the lease's. That is an upper bound: one write takes one LSN, but the feed shows
    /// several writes of one document once, and the service takes LSNs for work of its own.
    pub fn new(container: &str, ends: Vec<FeedEnd>, leases: &[Lease]) -> Self {
        let ranges: Vec<RangeLag> = ends
            .into_iter()
            .map(|end| {
                let lease = leases.iter().find(|lease| lease.range.as_ref() == Some(&end.range));
                RangeLag { lag: lease.map(|lease| (end.lsn - lease.lsn()).max(0)), lsn: end.lsn, range: end.range }
            })
            .collect();
        let known: Vec<i64> = ranges.iter().filter_map(|range| range.lag).collect();
        Self { container: container.to_owned(), lag: (!known.is_empty()).then(|| known.iter().sum()), ranges }
    }
}

impl Lease {
    /// A reader that has not begun has no token: all is before it.
    fn lsn(&self) -> i64 {
        self.continuation.as_deref().and_then(|token| token.trim_matches('"').parse().ok()).unwrap_or(0)
    }
}

impl FeedEnd {
    /// Reads a session token: `<range>:<version>#<lsn>` with more after another `#`, or the older `<range>:<lsn>`.
    pub fn from_session_token(token: &str) -> Option<Self> {
        let (range, vector) = token.split_once(':')?;
        let lsn = vector.split('#').nth(1).unwrap_or(vector);
        Some(Self { range: range.to_owned(), lsn: lsn.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_behind_by_what_is_kept_and_not_handled() {
        for (begin_sequence, last_sequence, checkpoint, lag) in [
            (0, -1, None, 0),
            (0, 9, None, 10),
            (0, 9, Some(9), 0),
            (0, 9, Some(4), 5),
            // Events up to 99 have expired.
            (100, 109, None, 10),
            (100, 109, Some(50), 10),
            (110, 109, Some(50), 0),
        ] {
            let end = PartitionEnd { partition: "0".to_owned(), begin_sequence, last_sequence, last_enqueued: None };
            assert_eq!(end.lag(checkpoint).lag, lag, "{begin_sequence} {last_sequence} {checkpoint:?}");
        }
    }

    #[test]
    fn a_partition_that_never_had_an_event_has_no_newest_one() {
        let end = |last_sequence| PartitionEnd {
            partition: "0".to_owned(),
            begin_sequence: last_sequence + 1,
            last_sequence,
            last_enqueued: Some(OffsetDateTime::UNIX_EPOCH),
        };
        let never = end(-1).lag(None);
        assert_eq!((never.lag, never.last_enqueued), (0, None));
        let expired = end(9).lag(None);
        assert_eq!(
            expired.last_stored(),
            Some(OffsetDateTime::UNIX_EPOCH),
            "its events have expired; when the last came is known"
        );
        let of_an_older_version = PartitionLag { last_enqueued: Some(OffsetDateTime::UNIX_EPOCH), ..never };
        assert_eq!(of_an_older_version.last_stored(), None);
    }

    #[test]
    fn a_feed_is_behind_by_sequence_numbers() {
        let lease = |range: &str, token: Option<&str>| Lease {
            range: Some(range.to_owned()),
            continuation: token.map(ToOwned::to_owned),
        };
        let ends: Vec<FeedEnd> = ["0:1#17#3=16", "1:-1#5", "2:8", "3:0#4"]
            .iter()
            .filter_map(|token| FeedEnd::from_session_token(token))
            .collect();
        let lag = FeedLag::new(
            "catalog/products",
            ends,
            &[lease("0", Some("\"12\"")), lease("1", Some("5")), lease("2", None)],
        );
        assert_eq!(lag.ranges.iter().map(|range| range.lag).collect::<Vec<_>>(), [Some(5), Some(0), Some(8), None]);
        assert_eq!(lag.lag, Some(13));
    }
}
