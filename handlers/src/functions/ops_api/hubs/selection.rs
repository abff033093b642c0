//! Which events of a hub are asked for.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use crate::{domain::browsing::Cursor, functions::partners::query::limit, http::Problem};

const USUAL: u32 = 50;
const LARGEST: u32 = 200;
/// Bytes of the longest key, as Event Hubs bounds them.
const LONGEST_KEY: usize = 128;

/// As it is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    partition: Option<String>,
    key: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// As it is read.
pub(super) struct Selection {
    /// Of this partition alone.
    pub(super) partition: Option<String>,
    /// With this key alone, which is in one partition.
    pub(super) key: Option<String>,
    /// Stored then or later.
    pub(super) from: Option<OffsetDateTime>,
    /// Stored before then.
    pub(super) to: Option<OffsetDateTime>,
    pub(super) limit: usize,
    pub(super) cursor: Option<Cursor>,
    /// Stands for everything that a cursor must be of.
    pub(super) digest: u32,
}

impl Selection {
    pub(super) fn read(hub: &str, asked: Asked) -> Result<Self, Problem> {
        let Asked { partition, key, from, to, limit: number, cursor } = asked;
        // A form sends what is left empty too.
        let stated = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (partition, key) = (stated(partition), stated(key));
        if key.as_ref().is_some_and(|key| key.len() > LONGEST_KEY) {
            return Err(Problem::field("key", format!("must have at most {LONGEST_KEY} bytes")));
        }
        let (from, to) = (time("from", stated(from))?, time("to", stated(to))?);
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(Problem::field("to", "must be later than from"));
        }
        let limit = usize::try_from(limit(number.as_deref(), USUAL, LARGEST)?.get()).unwrap_or(1);
        let digest = digest(&(hub, &partition, &key, from, to));
        let cursor = stated(cursor).map(|text| Cursor::read(&text, digest)).transpose();
        let cursor = cursor.map_err(|error| Problem::field("cursor", error))?;
        Ok(Self { partition, key, from, to, limit, cursor, digest })
    }
}

fn time(name: &str, text: Option<String>) -> Result<Option<OffsetDateTime>, Problem> {
    let read = |text: String| OffsetDateTime::parse(&text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC);
    let wrong = || Problem::field(name, "must be a time as in RFC 3339, such as 2026-01-05T10:00:00Z");
    text.map(|text| read(text).ok_or_else(wrong)).transpose()
}

/// The same in each instance of one build; a cursor of another build is refused at worst.
fn digest(of: &impl Hash) -> u32 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    // Its lower half.
    hasher.finish() as u32
}
