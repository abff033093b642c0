//! Bad lines as a CSV file for who is to mend them, safe to open in a spreadsheet: no cell of it is run as a formula.

use super::reader::BadLine;

/// The first line.
pub const HEADER: &str = "line,reason,original\r\n";

/// A bad line as a line of that file.
pub fn csv_line(bad: &BadLine) -> String {
    format!("{},{},{}\r\n", bad.line, cell(&bad.reason), cell(&bad.original))
}

/// A cell. Spreadsheets run what begins with `= + - @`, a tab or a carriage return; an apostrophe before it makes them show it. A negative
/// number is only a number.
///
/// A spreadsheet may part the file otherwise than it is meant, by semicolons for example. So what stands behind a delimiter inside of the
/// cell is treated as if it began one.
pub fn cell(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 2);
    for part in text.split_inclusive([',', ';', '\t', '\r', '\n']) {
        let bare = part.trim_start_matches([' ', '"', '\'']);
        let value = bare.trim_end_matches([',', ';', '\t', '\r', '\n', ' ', '"']);
        if part.starts_with(['\t', '\r']) && shown.is_empty() || bare.starts_with(RUN) && !is_negative_number(value) {
            shown.push('\'');
        }
        shown.push_str(part);
    }
    if shown.contains(['"', ',', ';', '\r', '\n', '\t']) || shown.starts_with('\'') || shown != shown.trim() {
        format!("\"{}\"", shown.replace('"', "\"\""))
    } else {
        shown
    }
}

/// What a formula begins with, in both widths.
const RUN: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

fn is_negative_number(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('-') else { return false };
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_run_and_a_negative_number_stays_one() {
        for (text, expected) in [
            ("plain", "plain"),
            ("=1+1", "\"'=1+1\""),
            ("+44", "\"'+44\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("-2+3", "\"'-2+3\""),
            ("-cmd|' /C calc'!A0", "\"'-cmd|' /C calc'!A0\""),
            ("-12.50", "-12.50"),
            ("-6", "-6"),
            ("-6,5", "\"-6,5\""),
            ("--6", "\"'--6\""),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("536365;=1+1;-6;-6.5;x", "\"536365;'=1+1;-6;-6.5;x\""),
            ("536365,\"=1+1\",6", "\"536365,'\"\"=1+1\"\",6\""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}
