//! Range: the part of a blob that a request asks for.

use super::request::{Call, unusable};
use crate::blobs::error::Failure;

/// `bytes=first-last` or `bytes=first-`; bytes from 0, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteRange {
    first: u64,
    last: Option<u64>,
}

impl ByteRange {
    /// `x-ms-range` wins over `Range`. As HTTP has it, a `Range` that cannot be read is as good as none; the service's
    /// own header must be right.
    pub(super) fn of(call: &Call) -> Result<Option<Self>, Failure> {
        if let Some(text) = call.header("x-ms-range")? {
            return Self::parse(text).map(Some).ok_or_else(|| unusable("x-ms-range"));
        }
        Ok(call.header("range")?.and_then(Self::parse))
    }

    /// The part of the source of a copy.
    pub(super) fn of_source(call: &Call) -> Result<Option<Self>, Failure> {
        let Some(text) = call.header("x-ms-source-range")? else { return Ok(None) };
        Self::parse(text).map(Some).ok_or_else(|| unusable("x-ms-source-range"))
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
        let first = first.parse().ok()?;
        let last = match last {
            "" => None,
            last => Some(last.parse().ok().filter(|last| *last >= first)?),
        };
        Some(Self { first, last })
    }

    /// Start and end (excluded) within a blob of `length` bytes.
    ///
    /// # Errors
    /// [`Failure::Range`] where it starts behind the end, as every range of an empty blob does.
    pub(super) fn within(self, length: u64) -> Result<(u64, u64), Failure> {
        if self.first >= length {
            return Err(Failure::Range { length });
        }
        let end = self.last.map_or(length, |last| last.saturating_add(1).min(length));
        Ok((self.first, end))
    }
}
