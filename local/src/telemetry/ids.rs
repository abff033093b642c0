//! Ids of traces and spans: random bytes, written in hexadecimal ("W3C Trace Context" §3.2.2).

use std::{fmt, str::FromStr};

/// Id of a trace, 16 bytes, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// Id of a span within its trace, 8 bytes, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

/// The text is no id of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of a trace is 32 hexadecimal digits, not all of them zero")]
pub struct InvalidId;

impl TraceId {
    /// `None` where it is not 16 bytes, or all of them are zero.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().filter(|id| *id != [0; 16]).map(Self)
    }
}

impl SpanId {
    /// `None` where it is not 8 bytes, or all of them are zero.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().filter(|id| *id != [0; 8]).map(Self)
    }
}

impl FromStr for TraceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let id = u128::from_str_radix(text, 16).ok().filter(|_| digits).ok_or(InvalidId)?;
        Self::read(&id.to_be_bytes()).ok_or(InvalidId)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
