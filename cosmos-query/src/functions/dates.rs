//! Functions of dates and times, which are strings; ticks are of 100 nanoseconds and count, like milliseconds, from 1970.

use super::{
    Function,
    date_parts::{Part, SECOND, add_months, from_ticks, part, read, ticks, written},
    function, number_of, text_of,
};
use crate::value::{Item, finite, text};

pub(super) const FUNCTIONS: &[Function] = &[
    function("DateTimeAdd", 3, 3, |_, all| {
        let (part, count, at) = (part(text_of(all, 0)?)?, whole(all, 1)?, read(text_of(all, 2)?)?);
        let moved = match part {
            Part::Year => add_months(at, count.checked_mul(12)?)?,
            Part::Month => add_months(at, count)?,
            Part::Ticks(size) => from_ticks(ticks(at) + size * i128::from(count))?,
            Part::Nanosecond => from_ticks(ticks(at) + i128::from(count).div_euclid(100))?,
        };
        text(written(moved))
    }),
    function("DateTimeBin", 2, 4, |_, all| {
        let (at, part) = (read(text_of(all, 0)?)?, part(text_of(all, 1)?)?);
        let count = if all.len() > 2 { whole(all, 2)? } else { 1 };
        let origin = if all.len() > 3 { ticks(read(text_of(all, 3)?)?) } else { 0 };
        if count <= 0 {
            return None;
        }
        match part {
            Part::Ticks(size) => {
                let size = size * i128::from(count);
                text(written(from_ticks((ticks(at) - origin).div_euclid(size) * size + origin)?))
            }
            Part::Nanosecond => text(written(at)),
            Part::Year | Part::Month => {
                let start = from_ticks(origin)?;
                let size = if part == Part::Year { count.checked_mul(12)? } else { count };
                let mut bin = (months(at) - months(start)).div_euclid(size) * size;
                if add_months(start, bin)? > at {
                    bin -= size;
                }
                text(written(add_months(start, bin)?))
            }
        }
    }),
    function("DateTimeDiff", 3, 3, |_, all| {
        let (part, from, to) = (part(text_of(all, 0)?)?, read(text_of(all, 1)?)?, read(text_of(all, 2)?)?);
        // Boundaries between the two, not whole parts that have passed.
        finite(match part {
            Part::Year => f64::from(to.year() - from.year()),
            Part::Month => (months(to) - months(from)) as f64,
            Part::Ticks(size) => (ticks(to).div_euclid(size) - ticks(from).div_euclid(size)) as f64,
            Part::Nanosecond => ((ticks(to) - ticks(from)) * 100) as f64,
        })
    }),
    function("DateTimeFromParts", 3, 7, |_, all| {
        let numbers: Option<Vec<i64>> = (0..all.len()).map(|index| whole(all, index)).collect();
        let numbers = numbers?;
        let of = |index: usize| numbers.get(index).copied().unwrap_or(0);
        let (year, month, day, hour) = (of(0), of(1), of(2), of(3));
        let (minute, second, fraction) = (of(4), of(5), of(6));
        let wanted = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:07}Z");
        text(written(read(&wanted)?))
    }),
    function("DateTimePart", 2, 2, |_, all| {
        let (part, at) = (part(text_of(all, 0)?)?, read(text_of(all, 1)?)?);
        finite(match part {
            Part::Year => f64::from(at.year()),
            Part::Month => f64::from(u8::from(at.month())),
            Part::Nanosecond => f64::from(at.nanosecond()),
            Part::Ticks(10) => f64::from(at.microsecond()),
            Part::Ticks(size) if size == SECOND / 1000 => f64::from(at.millisecond()),
            Part::Ticks(SECOND) => f64::from(at.second()),
            Part::Ticks(size) if size == 60 * SECOND => f64::from(at.minute()),
            Part::Ticks(size) if size == 3600 * SECOND => f64::from(at.hour()),
            Part::Ticks(_) => f64::from(at.day()),
        })
    }),
    function("DateTimeToTicks", 1, 1, |_, all| finite(ticks(read(text_of(all, 0)?)?) as f64)),
    function("DateTimeToTimestamp", 1, 1, |_, all| finite(milliseconds(ticks(read(text_of(all, 0)?)?)))),
    function("GetCurrentDateTime", 0, 0, |evaluator, _| text(written(evaluator.now()))),
    function("GetCurrentDateTimeStatic", 0, 0, |evaluator, _| text(written(evaluator.now()))),
    function("GetCurrentTicks", 0, 0, |evaluator, _| finite(ticks(evaluator.now()) as f64)),
    function("GetCurrentTicksStatic", 0, 0, |evaluator, _| finite(ticks(evaluator.now()) as f64)),
    function("GetCurrentTimestamp", 0, 0, |evaluator, _| finite(milliseconds(ticks(evaluator.now())))),
    function("GetCurrentTimestampStatic", 0, 0, |evaluator, _| finite(milliseconds(ticks(evaluator.now())))),
    function("TicksToDateTime", 1, 1, |_, all| text(written(from_ticks(i128::from(whole(all, 0)?))?))),
    function("TimestampToDateTime", 1, 1, |_, all| {
        text(written(from_ticks(i128::from(whole(all, 0)?) * (SECOND / 1000))?))
    }),
];

fn milliseconds(ticks: i128) -> f64 {
    ticks.div_euclid(SECOND / 1000) as f64
}

fn months(at: time::OffsetDateTime) -> i64 {
    i64::from(at.year()) * 12 + i64::from(u8::from(at.month()))
}

fn whole(all: &[Item<'_>], index: usize) -> Option<i64> {
    let number = number_of(all, index)?;
    (number.fract() == 0.0 && number.abs() < 9e18).then_some(number as i64)
}
