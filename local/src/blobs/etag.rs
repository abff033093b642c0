//! Entity tags: one counter for the account, shaped like the service's.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Version of a blob or container: hundreds of nanoseconds since the year 1, moved on where two would be equal, so
/// that tags are unique and grow across restarts and look like the service's `0x8D…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Etag(u64);

/// The Unix epoch in hundreds of nanoseconds since the year 1.
const UNIX_EPOCH: i128 = 621_355_968_000_000_000;

impl Etag {
    /// The tag after `self`, at `now` where that is later.
    pub(super) fn next(self, now: OffsetDateTime) -> Self {
        let ticks = u64::try_from(now.unix_timestamp_nanos() / 100 + UNIX_EPOCH).unwrap_or(0);
        Self(ticks.max(self.0 + 1))
    }

    pub(super) fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }

    /// As the `ETag` header has it, with quotes.
    pub(super) fn quoted(self) -> String {
        format!("\"{self}\"")
    }

    /// Whether `text` of a condition, with or without quotes, names this tag.
    pub(super) fn is(self, text: &str) -> bool {
        text.trim_matches('"').eq_ignore_ascii_case(&self.to_string())
    }
}

/// As listings have it, without quotes.
impl std::fmt::Display for Etag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{:X}", self.0)
    }
}
