//! Dates as HTTP headers have them: `Fri, 21 Nov 2025 05:33:00 GMT`.

use time::{
    OffsetDateTime, PrimitiveDateTime, UtcOffset, format_description::BorrowedFormatItem, macros::format_description,
};

const IMF_FIXDATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

pub(crate) fn format(time: OffsetDateTime) -> String {
    // Formatting into a string fails only for components the type does not have.
    time.to_offset(UtcOffset::UTC).format(IMF_FIXDATE).unwrap_or_default()
}

pub(crate) fn parse(text: &str) -> Option<OffsetDateTime> {
    let time = PrimitiveDateTime::parse(text.trim(), IMF_FIXDATE).ok()?;
    Some(time.assume_utc())
}
