//! Which letters are meant.

use serde::{Deserialize, Serialize};
use time::{
    Date, OffsetDateTime, UtcOffset,
    format_description::well_known::{Iso8601, Rfc3339},
};
use xxhash_rust::xxh3::xxh3_64;

use super::Letter;
use crate::product_body::FieldError;

/// Bytes of a member of a filter.
const LONGEST: usize = 200;

/// A filter as callers write it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The function that parked them, or the subscription that was given up.
    pub function: Option<String>,
    /// A part of their causes, of the first 240 bytes of each, in any case.
    pub cause: Option<String>,
    /// The hub or kind of feed of their records.
    pub origin: Option<String>,
    /// From when on they were written; with an offset or a `Z`, or a date, which begins at midnight UTC.
    pub from: Option<String>,
    /// Before when.
    pub to: Option<String>,
}

/// Letters of one kind: those for which all of it holds. The empty filter takes every letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The function or the subscription. Case does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// A part of the cause. Case does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The hub or kind of feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Not written before.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub from: Option<OffsetDateTime>,
    /// Written before.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub to: Option<OffsetDateTime>,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// With each member that is none.
    pub fn read(asked: &Asked) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut text = |name: &str, value: &Option<String>| {
            let value = value.as_deref().map(str::trim)?;
            if value.is_empty() || value.len() > LONGEST || value.chars().any(char::is_control) {
                errors.push(FieldError::new(name, format!("must be a text of 1 to {LONGEST} bytes")));
            }
            Some(value.to_owned())
        };
        let (function, cause) = (text("function", &asked.function), text("cause", &asked.cause));
        let origin = text("origin", &asked.origin);
        let mut time = |name: &str, value: &Option<String>| {
            let read = moment(value.as_deref()?.trim());
            if read.is_none() {
                errors.push(FieldError::new(name, "must be a time such as 2026-01-05T10:00:00Z, or a date"));
            }
            read
        };
        let (from, to) = (time("from", &asked.from), time("to", &asked.to));
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            errors.push(FieldError::new("to", "must be after from"));
        }
        if errors.is_empty() { Ok(Self { function, cause, origin, from, to }) } else { Err(errors) }
    }

    /// Whether a letter is meant. One whose cause is not known is not, where a cause is asked for.
    pub fn takes(&self, letter: &Letter) -> bool {
        self.may_take(letter)
            && self.cause.as_deref().is_none_or(|cause| {
                let cause = cause.to_lowercase();
                let said = letter.said.as_ref();
                said.is_some_and(|said| {
                    [&said.cause, &said.label].iter().any(|text| text.to_lowercase().contains(&cause))
                })
            })
    }

    /// The same without what its cause may say.
    pub fn may_take(&self, letter: &Letter) -> bool {
        let same =
            |asked: &Option<String>, it: &str| asked.as_deref().is_none_or(|asked| asked.eq_ignore_ascii_case(it));
        same(&self.function, letter.id.owner())
            && same(&self.origin, letter.id.origin())
            && self.from.is_none_or(|from| letter.parked_at >= from)
            && self.to.is_none_or(|to| letter.parked_at < to)
    }

    /// What a cursor is bound to.
    pub(super) fn digest(&self) -> u32 {
        // Texts, times and their absence always serialise. The lower half of the hash is enough to tell one list from another.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        u32::try_from(xxh3_64(&bytes) & u64::from(u32::MAX)).unwrap_or_default()
    }
}

fn moment(text: &str) -> Option<OffsetDateTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| {
        // Not by weeks, nor by days of the year.
        let is_calendar = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let date = is_calendar.then(|| Date::parse(text, &Iso8601::DATE).ok())??;
        Some(date.midnight().assume_utc())
    })?;
    // A year beyond those that are written is of no use, and has no text.
    time.checked_to_offset(UtcOffset::UTC).filter(|time| (0..=9999).contains(&time.year()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::dead_letter::Said;

    #[test]
    fn a_filter_takes_what_all_of_it_holds_for() {
        let said = Said {
            cause: "read the click: no productId".into(),
            label: "read the click".into(),
            event: None,
            record: None,
            records: 1,
        };
        let letter = Letter {
            id: "Trends/clicks/0/1-a.json".parse().unwrap(),
            etag: String::new(),
            parked_at: datetime!(2026-01-05 10:00 UTC),
            size: 1,
            said: Some(said),
        };
        let takes = |change: fn(&mut Asked)| {
            let mut asked = Asked::default();
            change(&mut asked);
            Filter::read(&asked).map(|filter| filter.takes(&letter))
        };
        assert_eq!(takes(|_| {}), Ok(true));
        assert_eq!(takes(|asked| asked.function = Some("trends".into())), Ok(true));
        assert_eq!(takes(|asked| asked.function = Some("Trend".into())), Ok(false));
        assert_eq!(takes(|asked| asked.cause = Some("NO PRODUCT".into())), Ok(true));
        assert_eq!(takes(|asked| asked.cause = Some("visitor".into())), Ok(false));
        assert_eq!(takes(|asked| asked.origin = Some("products".into())), Ok(false));
        // The same moment, however it is written; the end is not part of it.
        assert_eq!(takes(|asked| asked.from = Some("2026-01-05T11:00:00+01:00".into())), Ok(true));
        assert_eq!(takes(|asked| asked.to = Some("2026-01-05T10:00:00Z".into())), Ok(false));
        assert_eq!(takes(|asked| asked.from = Some("2026-01-05".into())), Ok(true));
        for wrong in ["", "yesterday", "2026-01-05T10:00:00", "9999-12-31T23:59:59-23:00", "2026-W01-1"] {
            assert!(Filter::read(&Asked { from: Some(wrong.into()), ..Asked::default() }).is_err(), "{wrong}");
        }
        assert!(takes(|asked| asked.cause = Some(String::new())).is_err());
        assert!(
            takes(|asked| {
                asked.from = Some("2026-01-05".into());
                asked.to = Some("2026-01-05".into());
            })
            .is_err()
        );
    }
}
