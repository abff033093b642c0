//! Schedule of a timer: NCRONTAB expressions of six or five fields, or a constant interval.
//!
//! The expressions are those of the NCrontab library, which the host uses and which differs from other crons in small
//! things: day of month **and** day of week must match, a range may be written backwards, `5/10` means from 5 on, a name
//! may be shortened as far as one likes, and Sunday is 0 and never 7. General cron libraries agree with none of these, so
//! the few lines are here.

use std::time::Duration;

use time::{OffsetDateTime, PrimitiveDateTime, Time};

use super::zone::Zone;
use crate::functions_host::app::time_span;

/// Monitored schedules do not fire more often.
const MONITORED_PERIOD: time::Duration = time::Duration::minutes(1);
/// Occurrences that are looked at to find out.
const SAMPLE: usize = 5;
/// Days that are searched for an occurrence: 29 February on a given day of the week comes within 40 years.
const HORIZON_DAYS: usize = 41 * 366;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A checked schedule, in the zone of its app.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    occurrences: Occurrences,
    zone: Zone,
}

#[derive(Clone, Debug)]
enum Occurrences {
    Cron(Box<Cron>),
    Every(Duration),
}

impl Schedule {
    /// Parses an NCRONTAB expression or a time span.
    ///
    /// # Errors
    /// One sentence.
    pub(crate) fn parse(text: &str, zone: &Zone) -> Result<Self, String> {
        let fault = || format!("'{text}' is neither an NCRONTAB expression of five or six fields nor a time span");
        let occurrences = match text.split_whitespace().count() {
            5 | 6 => Cron::parse(text)
                .map(|cron| Occurrences::Cron(Box::new(cron)))
                .map_err(|problem| format!("{}: {problem}", fault()))?,
            _ => {
                let span = time_span::parse(text).filter(|span| !span.is_zero());
                span.map(Occurrences::Every).ok_or_else(fault)?
            }
        };
        Ok(Self { occurrences, zone: zone.clone() })
    }

    /// The first occurrence after `after`, with the offset of its zone; `None` where there is none, as on 30 February.
    pub(crate) fn next(&self, after: OffsetDateTime) -> Option<OffsetDateTime> {
        let after = self.zone.local(after);
        match &self.occurrences {
            Occurrences::Every(period) => Some(self.zone.local(after + *period)),
            Occurrences::Cron(cron) => {
                cron.next(PrimitiveDateTime::new(after.date(), after.time())).map(|wall| self.zone.instant(wall))
            }
        }
    }

    /// An instant with the offset of the zone.
    pub(crate) fn local(&self, instant: OffsetDateTime) -> OffsetDateTime {
        self.zone.local(instant)
    }

    /// Whether it follows the wall clock: what the host says of every expression, and of no interval.
    pub(crate) fn adjusts_for_dst(&self) -> bool {
        matches!(self.occurrences, Occurrences::Cron(_))
    }

    /// Whether two occurrences follow within a minute: such a schedule is never monitored.
    pub(crate) fn is_frequent(&self, now: OffsetDateTime) -> bool {
        let occurrences: Vec<_> = std::iter::successors(self.next(now), |last| self.next(*last)).take(SAMPLE).collect();
        occurrences.windows(2).any(|pair| pair[1] - pair[0] < MONITORED_PERIOD)
    }
}

/// The values of each field at which it fires, one bit each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    seconds: Values,
    minutes: Values,
    hours: Values,
    days: Values,
    months: Values,
    weekdays: Values,
}

impl Cron {
    fn parse(text: &str) -> Result<Self, String> {
        let mut fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let [seconds, minutes, hours, days, months, weekdays] = fields[..] else {
            return Err("it has neither five nor six fields".to_owned());
        };
        Ok(Self {
            seconds: Values::parse("second", seconds, 0, 59, &[])?,
            minutes: Values::parse("minute", minutes, 0, 59, &[])?,
            hours: Values::parse("hour", hours, 0, 23, &[])?,
            days: Values::parse("day", days, 1, 31, &[])?,
            months: Values::parse("month", months, 1, 12, &MONTHS)?,
            weekdays: Values::parse("day of week", weekdays, 0, 6, &DAYS)?,
        })
    }

    /// On the wall clock.
    fn next(&self, after: PrimitiveDateTime) -> Option<PrimitiveDateTime> {
        let earliest = after.replace_nanosecond(0).ok()?.checked_add(time::Duration::SECOND)?;
        let mut date = earliest.date();
        let mut from = earliest.time();
        for _ in 0..HORIZON_DAYS {
            let fires = self.months.has(u8::from(date.month()))
                && self.days.has(date.day())
                && self.weekdays.has(date.weekday().number_days_from_sunday());
            if fires && let Some(time) = self.time_from(from) {
                return Some(PrimitiveDateTime::new(date, time));
            }
            date = date.next_day()?;
            from = Time::MIDNIGHT;
        }
        None
    }

    /// The first time of a day that is not before `from`.
    fn time_from(&self, from: Time) -> Option<Time> {
        let (hour, minute, second) = from.as_hms();
        let of = |hour, minute, second| Time::from_hms(hour, minute, second).ok();
        if self.hours.has(hour) {
            if self.minutes.has(minute)
                && let Some(second) = self.seconds.first_from(second)
            {
                return of(hour, minute, second);
            }
            if let Some(minute) = self.minutes.first_from(minute + 1) {
                return of(hour, minute, self.seconds.first_from(0)?);
            }
        }
        of(self.hours.first_from(hour + 1)?, self.minutes.first_from(0)?, self.seconds.first_from(0)?)
    }
}

/// A set of values below 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Values(u64);

impl Values {
    /// Parses a field: a list of `*`, a value or a range, each with an optional `/step`.
    fn parse(kind: &str, text: &str, least: u8, most: u8, names: &[&str]) -> Result<Self, String> {
        let value = |text: &str| -> Result<u8, String> {
            let named = || {
                let is_start =
                    |name: &&str| name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
                names.iter().position(is_start).and_then(|index| u8::try_from(index).ok()).map(|index| index + least)
            };
            let found =
                if text.starts_with(|first: char| first.is_ascii_digit()) { text.parse().ok() } else { named() };
            found
                .filter(|value| !text.is_empty() && (least..=most).contains(value))
                .ok_or_else(|| format!("'{text}' is not a {kind}, which goes from {least} to {most}"))
        };
        let mut values = Self::default();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => {
                    let step: u32 = step.parse().map_err(|_| format!("'{step}' is not a step of a {kind}"))?;
                    // The library takes a step of 0 for 1.
                    (range, Some(usize::try_from(step.max(1)).unwrap_or(usize::MAX)))
                }
                None => (part, None),
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (least, most),
                Some((first, last)) => {
                    let (first, last) = (value(first)?, value(last)?);
                    (first.min(last), first.max(last))
                }
                None if step.is_some() => (value(range)?, most),
                None => (value(range)?, value(range)?),
            };
            for value in (first..=last).step_by(step.unwrap_or(1)) {
                values.0 |= 1 << value;
            }
        }
        Ok(values)
    }

    fn has(self, value: u8) -> bool {
        self.0 >> value & 1 == 1
    }

    /// The least value that is not below `from`.
    fn first_from(self, from: u8) -> Option<u8> {
        let rest = self.0.checked_shr(u32::from(from)).unwrap_or(0);
        (rest != 0).then(|| from + u8::try_from(rest.trailing_zeros()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn next(text: &str, after: OffsetDateTime) -> OffsetDateTime {
        parse(text).next(after).expect("an occurrence")
    }

    fn parse(text: &str) -> Schedule {
        Schedule::parse(text, &Zone::default()).expect("valid")
    }

    /// Each occurrence of a schedule in Berlin, whose clocks go from 02:00 to 03:00 on 29 March 2026 and from 03:00 to 02:00
    /// on 25 October.
    #[test]
    fn clocks_that_change_are_followed_as_dot_net_follows_them() {
        let berlin = Zone::named("Europe/Berlin").expect("a zone");
        let next =
            |text: &str, after| Schedule::parse(text, &berlin).expect("valid").next(after).expect("an occurrence");
        let cases = [
            ("0 30 9 * * *", datetime!(2026-01-05 08:30 UTC), datetime!(2026-01-06 09:30 +1)),
            ("0 30 9 * * *", datetime!(2026-03-28 08:30 UTC), datetime!(2026-03-29 09:30 +2)),
            // 02:30 is skipped: it comes at what would have been 02:30.
            ("0 30 2 * * *", datetime!(2026-03-29 00:59 UTC), datetime!(2026-03-29 03:30 +2)),
            ("0 30 2 * * *", datetime!(2026-03-29 01:30 UTC), datetime!(2026-03-30 02:30 +2)),
            ("0 */10 * * * *", datetime!(2026-03-29 00:50 UTC), datetime!(2026-03-29 03:00 +2)),
            // 02:30 comes twice, and counts the second time.
            ("0 30 2 * * *", datetime!(2026-10-24 22:00 UTC), datetime!(2026-10-25 02:30 +1)),
            ("0 30 2 * * *", datetime!(2026-10-25 01:30 UTC), datetime!(2026-10-26 02:30 +1)),
            ("0 */10 * * * *", datetime!(2026-10-24 23:50 UTC), datetime!(2026-10-25 02:00 +1)),
            ("01:00:00", datetime!(2026-10-25 00:30 UTC), datetime!(2026-10-25 02:30 +1)),
        ];
        for (text, after, expected) in cases {
            let found = next(text, after);
            assert_eq!((found, found.offset()), (expected, expected.offset()), "{text} after {after}");
        }
        assert!(Zone::named("W. Europe Standard Time").is_err());
    }

    #[test]
    fn expressions_are_read_as_ncrontab_reads_them() {
        // A Monday.
        let now = datetime!(2026-01-05 10:02:03.5 UTC);
        let cases = [
            ("0 */5 * * * *", datetime!(2026-01-05 10:05 UTC)),
            ("*/5 * * * *", datetime!(2026-01-05 10:05 UTC)),
            ("0 0/5 * * * *", datetime!(2026-01-05 10:05 UTC)),
            ("0 7/20 * * * *", datetime!(2026-01-05 10:07 UTC)),
            ("*/10 * * * * *", datetime!(2026-01-05 10:02:10 UTC)),
            ("0 30 9 * * 1-5", datetime!(2026-01-06 09:30 UTC)),
            ("0 30 9 * Jan Mon", datetime!(2026-01-12 09:30 UTC)),
            ("0 30 9 * * mon,We", datetime!(2026-01-07 09:30 UTC)),
            ("0 0 0 1 f *", datetime!(2026-02-01 00:00 UTC)),
            // A range that is written backwards is turned round, so this is 2 to 22 and not the night.
            ("0 0 22-2 * * *", datetime!(2026-01-05 11:00 UTC)),
            ("0 0-30/15,45 * * * *", datetime!(2026-01-05 10:15 UTC)),
            ("0 */0 * * * *", datetime!(2026-01-05 10:03 UTC)),
            // Both days must match: the first Monday that is a 13th.
            ("0 0 0 13 * Mon", datetime!(2026-04-13 00:00 UTC)),
            ("0 0 0 29 2 *", datetime!(2028-02-29 00:00 UTC)),
            ("0 0 0 29 2 Sun", datetime!(2032-02-29 00:00 UTC)),
            ("00:00:30", datetime!(2026-01-05 10:02:33.5 UTC)),
            ("2", datetime!(2026-01-07 10:02:03.5 UTC)),
        ];
        for (text, expected) in cases {
            assert_eq!(next(text, now), expected, "{text}");
        }
        assert_eq!(parse("0 0 0 30 2 *").next(now), None);
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
            "0 0 0 * * 7",
            "0 0 0 ? * *",
            "0 0 0 0 * *",
            "0 0 0 * * * 2027",
            "0 61 * * * *",
            "0 1,,2 * * * *",
            "0 1- * * * *",
            "0 */x * * * *",
            "Jan * * * * *",
            "0 0 0 * Mon *",
            "00:00:00",
        ] {
            assert!(Schedule::parse(text, &Zone::default()).is_err(), "{text}");
        }
    }

    #[test]
    fn more_than_once_a_minute_is_frequent() {
        let now = datetime!(2026-01-05 10:02 UTC);
        let frequent = |text| parse(text).is_frequent(now);
        assert!(frequent("*/30 * * * * *"));
        assert!(frequent("00:00:59"));
        assert!(!frequent("0 * * * * *"));
    }

    /// One part of a field, and the values it stands for, counted out one by one.
    fn part(least: u8, most: u8) -> impl Strategy<Value = (String, Vec<u8>)> {
        let step = prop::option::of(1_u8..20);
        (0_u8..3, least..=most, least..=most, step).prop_map(move |(form, a, b, step)| {
            let (text, first, last) = match form {
                0 => ("*".to_owned(), least, most),
                1 => (a.to_string(), a, if step.is_some() { most } else { a }),
                _ => (format!("{a}-{b}"), a.min(b), a.max(b)),
            };
            let values = (first..=last).filter(|value| (value - first) % step.unwrap_or(1) == 0).collect();
            (step.map_or(text.clone(), |step| format!("{text}/{step}")), values)
        })
    }

    fn field(least: u8, most: u8) -> impl Strategy<Value = (String, Vec<u8>)> {
        prop::collection::vec(part(least, most), 1..3).prop_map(|parts| {
            let text = parts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(",");
            (text, parts.into_iter().flat_map(|(_, values)| values).collect())
        })
    }

    proptest! {
        /// Against a model that walks second by second within a day, and day by day beyond.
        #[test]
        fn the_next_occurrence_is_the_first_second_that_matches(
            fields in (field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)),
            start in 1_700_000_000_i64..1_900_000_000,
        ) {
            let ((s, seconds), (m, minutes), (h, hours), (d, days), (mo, months), (w, weekdays)) = fields;
            let schedule = parse(&format!("{s} {m} {h} {d} {mo} {w}"));
            let after = OffsetDateTime::from_unix_timestamp(start).expect("a time");
            let is_day = |time: OffsetDateTime| {
                days.contains(&time.day())
                    && months.contains(&u8::from(time.month()))
                    && weekdays.contains(&time.weekday().number_days_from_sunday())
            };
            let is_time = |time: OffsetDateTime| {
                seconds.contains(&time.second()) && minutes.contains(&time.minute()) && hours.contains(&time.hour())
            };
            let mut expected = None;
            let mut time = after + time::Duration::SECOND;
            while expected.is_none() && time.year() < 2066 {
                if !is_day(time) {
                    time = (time.date() + time::Duration::DAY).midnight().assume_utc();
                } else if is_time(time) {
                    expected = Some(time);
                } else {
                    time += time::Duration::SECOND;
                }
            }
            let found = schedule.next(after);
            prop_assert!(found == expected || expected.is_none(), "{:?} is not {:?}", found, expected);
        }
    }
}
