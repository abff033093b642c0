//! When a timer fires: NCRONTAB expressions of six or five fields, or a constant interval.

use std::cmp::Ordering;
use std::time::Duration;

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::{CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday};
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

use crate::functions_host::app::time_span;

/// Monitored schedules do not fire more often.
const MONITORED_PERIOD: time::Duration = time::Duration::minutes(1);
/// Occurrences that are looked at to find out.
const SAMPLE: usize = 5;

/// Names of months and days.
const NAMES: [&str; 19] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "SUN", "MON", "TUE", "WED",
    "THU", "FRI", "SAT",
];

/// A checked schedule. Its zone is UTC, as in Azure.
#[derive(Clone, Debug)]
pub(crate) enum Schedule {
    Cron(Box<Cron>),
    Every(Duration),
}

impl Schedule {
    /// Parses an NCRONTAB expression or a time span.
    ///
    /// # Errors
    /// One sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fault = || format!("'{text}' is neither an NCRONTAB expression of five or six fields nor a time span");
        if text.contains(':') {
            return time_span::parse(text).filter(|span| !span.is_zero()).map(Self::Every).ok_or_else(fault);
        }
        // The cron library knows more than NCRONTAB: L, W, #, nicknames and a year are refused here as in Azure.
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'\t' | b'*' | b'/' | b',' | b'-');
        let fields: Vec<&str> = text.split_whitespace().collect();
        if !matches!(fields.len(), 5 | 6)
            || !text.bytes().all(known)
            || !fields.iter().all(|field| names_are_known(field))
        {
            return Err(fault());
        }
        CronParser::builder()
            .seconds(if fields.len() == 6 { Seconds::Required } else { Seconds::Disallowed })
            .year(Year::Disallowed)
            // Day of month and day of week must both match, unlike in classic cron.
            .dom_and_dow(true)
            .sloppy_ranges(true)
            .build()
            .parse(text)
            .map(|cron| Self::Cron(Box::new(cron)))
            .map_err(|error| format!("{}: {error}", fault()))
    }

    /// The first occurrence after `after`; `None` where there is none, as on 30 February.
    pub(crate) fn next(&self, after: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::Every(period) => Some(after + *period),
            Self::Cron(cron) => {
                let after = Utc(after.to_offset(UtcOffset::UTC));
                cron.find_next_occurrence(&after, false).ok().map(|Utc(next)| next)
            }
        }
    }

    /// Whether two occurrences follow within a minute: such a schedule is never monitored.
    pub(crate) fn is_frequent(&self, now: OffsetDateTime) -> bool {
        let occurrences: Vec<_> = std::iter::successors(self.next(now), |last| self.next(*last)).take(SAMPLE).collect();
        occurrences.windows(2).any(|pair| pair[1] - pair[0] < MONITORED_PERIOD)
    }
}

/// Letters are allowed as names of months and days only.
fn names_are_known(field: &str) -> bool {
    field.split([',', '-', '/', '*']).all(|part| {
        part.bytes().all(|byte| byte.is_ascii_digit()) || NAMES.iter().any(|name| name.eq_ignore_ascii_case(part))
    })
}

/// A time in UTC, as the cron library wants it.
#[derive(Clone, Copy)]
struct Utc(OffsetDateTime);

impl CronDateTime for Utc {
    fn to_civil(&self) -> CivilDateTime {
        let time = self.0;
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(time.year(), u32::from(u8::from(time.month())), u32::from(time.day())),
            CivilTime::from_parts_unchecked(u32::from(time.hour()), u32::from(time.minute()), u32::from(time.second())),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::from(self.0.weekday().number_days_from_sunday()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |value: u32| u8::try_from(value).map_err(|_| CronError::InvalidDate);
        let month = Month::try_from(part(civil.month())?).map_err(|_| CronError::InvalidDate)?;
        let date =
            Date::from_calendar_date(civil.year(), month, part(civil.day())?).map_err(|_| CronError::InvalidDate)?;
        let time = Time::from_hms(part(civil.hour())?, part(civil.minute())?, part(civil.second())?)
            .map_err(|_| CronError::InvalidTime)?;
        Ok(Resolution::Single(Self(date.with_time(time).assume_utc())))
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(time::Duration::seconds(seconds)).map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn next(text: &str, after: OffsetDateTime) -> OffsetDateTime {
        Schedule::parse(text).expect("valid").next(after).expect("an occurrence")
    }

    #[test]
    fn expressions_are_read_as_ncrontab_reads_them() {
        // A Monday.
        let now = datetime!(2026-01-05 10:02:03.5 UTC);
        let cases = [
            ("0 */5 * * * *", datetime!(2026-01-05 10:05 UTC)),
            ("*/5 * * * *", datetime!(2026-01-05 10:05 UTC)),
            ("0 0/5 * * * *", datetime!(2026-01-05 10:05 UTC)),
            ("*/10 * * * * *", datetime!(2026-01-05 10:02:10 UTC)),
            ("0 30 9 * * 1-5", datetime!(2026-01-06 09:30 UTC)),
            ("0 30 9 * Jan Mon", datetime!(2026-01-12 09:30 UTC)),
            // Both days must match: the first Monday that is a 13th.
            ("0 0 0 13 * Mon", datetime!(2026-04-13 00:00 UTC)),
            ("00:00:30", datetime!(2026-01-05 10:02:33.5 UTC)),
        ];
        for (text, expected) in cases {
            assert_eq!(next(text, now), expected, "{text}");
        }
    }

    #[test]
    fn what_ncrontab_does_not_know_is_refused() {
        for text in [
            "",
            "@daily",
            "* * * *",
            "0 0 0 L * *",
            "0 0 0 1W * *",
            "0 0 0 * * 1#2",
            "0 0 0 * * * 2027",
            "0 61 * * * *",
            "00:00:00",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn more_than_once_a_minute_is_frequent() {
        let now = datetime!(2026-01-05 10:02 UTC);
        let frequent = |text| Schedule::parse(text).expect("valid").is_frequent(now);
        assert!(frequent("*/30 * * * * *"));
        assert!(frequent("00:00:59"));
        assert!(!frequent("0 * * * * *"));
    }
}
