//! Start and scope of a change feed request: the forms that clients give it.

use azure_data_cosmos_driver::models::{
    EffectivePartitionKey, FeedRange as KeyRange, PartitionKey, PartitionKeyDefinition, PartitionKeyValue,
};
use http::header;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::cosmos::{
    emulator::item::{ItemKey, canonical_partition_key},
    feed::index::{ContainerFeed, RangeFeed},
    wire::request::{PARTITION_KEY, RANGE_ID, Request},
};

/// Where a read starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cosmos) enum Start {
    After(u64),
    Now,
    /// Milliseconds since the epoch.
    Since(i64),
}

/// What a request reads.
pub(in crate::cosmos) enum Scope<'a> {
    /// A range, or those of its items that the filter admits.
    Range(&'a RangeFeed, Filter<'a>),
    /// Several ranges.
    Everything,
    /// A range that does not exist.
    Unknown,
}

/// Items of a range.
pub(in crate::cosmos) enum Filter<'a> {
    All,
    /// Those of a partition key in canonical form, or of a prefix of one.
    Key(String),
    /// Those whose effective partition key is in an interval.
    Hashes {
        min: EffectivePartitionKey,
        max: EffectivePartitionKey,
        definition: &'a PartitionKeyDefinition,
    },
}

impl Filter<'_> {
    pub(in crate::cosmos) fn admits(&self, item: &ItemKey) -> bool {
        match self {
            Self::All => true,
            Self::Key(key) => {
                let prefix = key.strip_suffix(']').unwrap_or(key);
                item.partition_key == *key
                    || item.partition_key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(','))
            }
            Self::Hashes { min, max, definition } => hashes(&item.partition_key, definition)
                .is_none_or(|range| *min <= *range.min_inclusive() && *range.min_inclusive() < *max),
        }
    }
}

impl Start {
    /// Where `request` starts: at its continuation, at a date, or at the beginning.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub(in crate::cosmos) fn of(request: &Request) -> Result<Self, String> {
        let continuation = request.header(header::IF_NONE_MATCH).or_else(|| request.header("x-ms-continuation"));
        if let Some(continuation) = continuation {
            return Self::parse(continuation);
        }
        match request.header(header::IF_MODIFIED_SINCE) {
            None => Ok(Self::After(0)),
            Some(date) => OffsetDateTime::parse(date, &Rfc2822)
                .map(|at| Self::Since(at.unix_timestamp() * 1000))
                .map_err(|error| format!("The header If-Modified-Since is not a date: {error}.")),
        }
    }

    /// `"42"` or `*`.
    pub(in crate::cosmos) fn parse(continuation: &str) -> Result<Self, String> {
        if continuation == "*" {
            return Ok(Self::Now);
        }
        let number = continuation.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(continuation);
        number.parse().map(Self::After).map_err(|_| "Invalid change feed continuation.".to_owned())
    }

    /// The LSN after which to read.
    ///
    /// # Errors
    /// When the position does not exist yet.
    pub(in crate::cosmos) fn resolve(self, range: &RangeFeed) -> Result<u64, String> {
        match self {
            Self::Now => Ok(range.lsn()),
            Self::Since(millis) => Ok(range.lsn_before(millis)),
            Self::After(lsn) if lsn <= range.lsn() => Ok(lsn),
            // Of another life of the data: waiting for the LSN to come would hide every change until then.
            Self::After(lsn) => Err(format!(
                "The change feed continuation {lsn} is ahead of partition key range {}, which is at {}.",
                range.bounds().id,
                range.lsn()
            )),
        }
    }
}

impl<'a> Scope<'a> {
    /// What `request` reads of `feed`.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub(in crate::cosmos) fn of(request: &Request, feed: &'a ContainerFeed) -> Result<Self, String> {
        let named = match request.header(&RANGE_ID) {
            None => None,
            Some(id) => match feed.range(id) {
                Some(range) => Some(range),
                None => return Ok(Self::Unknown),
            },
        };
        let (min, max, filter) = if let Some(key) = request.header(&PARTITION_KEY).filter(|key| key.trim() != "[]") {
            let key = canonical_partition_key(key).ok_or("The partition key is not a JSON array.")?;
            let range = hashes(&key, feed.partition_key()).ok_or("The partition key is not one of this container.")?;
            (range.min_inclusive().clone(), range.max_exclusive().clone(), Some(Filter::Key(key)))
        } else if let Some((min, max)) = request.header("x-ms-start-epk").zip(request.header("x-ms-end-epk")) {
            (bound(min)?, bound(max)?, None)
        } else {
            return Ok(match (named, feed.ranges()) {
                (Some(range), _) => Self::Range(range, Filter::All),
                (None, [only]) => Self::Range(only, Filter::All),
                (None, _) => Self::Everything,
            });
        };
        let Some(range) = named.or_else(|| feed.ranges().iter().find(|range| holds(range, &min, &max))) else {
            return Ok(Self::Everything);
        };
        let filter = filter.unwrap_or_else(|| {
            let bounds = range.bounds();
            let whole = bound(&bounds.min).is_ok_and(|it| min <= it) && bound(&bounds.max).is_ok_and(|it| it <= max);
            if whole { Filter::All } else { Filter::Hashes { min, max, definition: feed.partition_key() } }
        });
        Ok(Self::Range(range, filter))
    }
}

/// Whether a range holds everything from `min` up to `max`; where they are the same, that one value.
fn holds(range: &RangeFeed, min: &EffectivePartitionKey, max: &EffectivePartitionKey) -> bool {
    let bounds = range.bounds();
    let (Ok(from), Ok(to)) = (bound(&bounds.min), bound(&bounds.max)) else { return false };
    from <= *min && if min == max { *max < to } else { *max <= to }
}

fn bound(text: &str) -> Result<EffectivePartitionKey, String> {
    EffectivePartitionKey::try_from(text).map_err(|error| format!("{text:?} is no effective partition key: {error}."))
}

/// What a partition key, or a prefix of one, is distributed by.
fn hashes(canonical: &str, definition: &PartitionKeyDefinition) -> Option<KeyRange> {
    let components: Vec<Value> = contoso_json::from_str(canonical).ok()?;
    let values = components.into_iter().map(|component| match component {
        Value::Null => Some(PartitionKeyValue::NULL),
        Value::Bool(value) => Some(value.into()),
        Value::String(value) => Some(value.into()),
        Value::Number(value) => PartitionKeyValue::try_from(value.as_f64()?).ok(),
        // `{}` is how clients write that a document has no such property.
        Value::Object(members) if members.is_empty() => Some(PartitionKeyValue::UNDEFINED),
        Value::Object(_) | Value::Array(_) => None,
    });
    let key = PartitionKey::try_from(values.collect::<Option<Vec<_>>>()?).ok()?;
    Some(KeyRange::for_partition(key, definition))
}
