//! Time zone of an app's timers: `WEBSITE_TIME_ZONE`, a name of the tz database such as `Europe/Berlin`; UTC without it, as
//! in Azure.
//!
//! .NET looks for the next occurrence on the wall clock and then asks which instant that is. A time that the clocks skip
//! in spring, or show twice in autumn, it takes for standard time: the skipped 02:30 is an hour later, and of the two
//! 02:30 the second one counts, so that a timer that fires more often than once an hour rests for an hour in autumn.

use jiff::{
    Timestamp, civil,
    tz::{AmbiguousOffset, TimeZone},
};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// The zone of an app.
#[derive(Clone, Debug)]
pub(crate) struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Zone {
    /// # Errors
    /// A sentence, where there is no zone of this name. Windows has names of its own, which Azure takes on Windows alone.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        TimeZone::get(name).map(Self).map_err(|_| {
            format!(
                "'{name}' is no time zone of the tz database, such as Europe/Berlin; names of Windows are for Windows"
            )
        })
    }

    /// The same instant on the wall clock of this zone.
    pub(super) fn local(&self, instant: OffsetDateTime) -> OffsetDateTime {
        let nanoseconds = i32::try_from(instant.nanosecond()).unwrap_or_default();
        let offset = Timestamp::new(instant.unix_timestamp(), nanoseconds).ok().map(|at| self.0.to_offset(at));
        instant.checked_to_offset(utc_offset(offset.map_or(0, |offset| offset.seconds()))).unwrap_or(instant)
    }

    /// The instant at which the wall clock shows `wall`.
    pub(super) fn instant(&self, wall: PrimitiveDateTime) -> OffsetDateTime {
        let (year, month, day) = (wall.year(), u8::from(wall.month()), wall.day());
        let (hour, minute, second) = wall.as_hms();
        let signed = |part: u8| i8::try_from(part).unwrap_or_default();
        let shown = i16::try_from(year).ok().and_then(|year| {
            civil::DateTime::new(year, signed(month), signed(day), signed(hour), signed(minute), signed(second), 0).ok()
        });
        let offset = shown.map_or(0, |shown| {
            let offset = match self.0.to_ambiguous_timestamp(shown).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset,
                AmbiguousOffset::Gap { before, .. } => before,
                AmbiguousOffset::Fold { after, .. } => after,
            };
            offset.seconds()
        });
        // Shown as the clock shows it then, which after a gap is another offset.
        self.local(wall.assume_offset(utc_offset(offset)))
    }
}

fn utc_offset(seconds: i32) -> UtcOffset {
    UtcOffset::from_whole_seconds(seconds).unwrap_or(UtcOffset::UTC)
}
