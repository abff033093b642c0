//! A real shop's log of clicks: the data set "clickstream data for online shopping" of the UCI repository (number 553), as `csv` or
//! `csv.gz`, read row by row.
//!
//! `;`-separated, with the header [`HEADER`]. The log knows the day of a click, not its time; within a session `order` counts from 1.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use contoso_handlers::domain::product::{Category, ProductId};
use csv::{ErrorKind, ReaderBuilder, StringRecord, StringRecordsIntoIter};
use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;
use time::{Date, Month};

/// The columns, in this order.
pub const HEADER: [&str; 14] = [
    "year",
    "month",
    "day",
    "order",
    "country",
    "session ID",
    "page 1 (main category)",
    "page 2 (clothing model)",
    "colour",
    "location",
    "model photography",
    "price",
    "price 2",
    "page",
];

/// Names of the categories 1 to 4, in the words of the data set.
pub const CATEGORIES: [&str; 4] = ["trousers", "skirts", "blouses", "sale"];

/// The first two bytes of every gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// One click of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The day of the session.
    pub date: Date,
    /// Place of the click in its session, from 1.
    pub order: u32,
    /// The session.
    pub session: u32,
    /// Code of the visitor's country, as the data set numbers them.
    pub country: u16,
    /// Where the product was listed: one of [`CATEGORIES`].
    pub category: Category,
    /// What was looked at: column "page 2 (clothing model)".
    pub product: ProductId,
    /// What it cost, in US dollars.
    pub price: u32,
    /// The page of the shop's listing, from 1.
    pub page: u32,
}

/// The log cannot be read, or a row of it is no click; the message names file and line. Reading it again gives the same.
#[derive(Debug, thiserror::Error)]
pub enum ClickstreamError {
    /// The file cannot be opened or read.
    #[error("cannot read the clicks in {file}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It has another header.
    #[error("{file}, line 1: not the header of such a log: column {column} must be {expected:?} and is {found:?}")]
    Header {
        /// The file.
        file: String,
        /// Counted from 1.
        column: usize,
        /// Its name in [`HEADER`].
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A row is no click.
    #[error("{file}, line {line}: {reason}")]
    Row {
        /// The file.
        file: String,
        /// Counted from 1, the header included.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// The rows of a log, in the order of the file; after an error nothing more comes.
pub struct Rows {
    file: String,
    header: StringRecord,
    records: Option<StringRecordsIntoIter<Box<dyn Read + Send>>>,
}

/// Opens the log at `path`; whether it is compressed its content tells.
///
/// # Errors
/// When it cannot be read, or has another header.
pub fn open(path: &Path) -> Result<Rows, ClickstreamError> {
    let file = path.display().to_string();
    let opened = File::open(path).map_err(|source| ClickstreamError::Read { file: file.clone(), source })?;
    read(&file, opened)
}

/// Reads a log from `content`; `file` is its name in messages.
///
/// # Errors
/// As [`open`].
pub fn read(file: &str, content: impl Read + Send + 'static) -> Result<Rows, ClickstreamError> {
    let file = file.to_owned();
    let mut content = BufReader::with_capacity(1 << 16, content);
    let start = content.fill_buf().map_err(|source| ClickstreamError::Read { file: file.clone(), source })?;
    let plain: Box<dyn Read + Send> =
        if start.starts_with(&GZIP) { Box::new(MultiGzDecoder::new(content)) } else { Box::new(content) };
    let mut reader = ReaderBuilder::new().delimiter(b';').quoting(false).from_reader(plain);
    let header = reader.headers().map_err(|error| refused(&file, error))?.clone();
    for (index, expected) in HEADER.into_iter().enumerate() {
        let found = header.get(index).unwrap_or_default();
        if found != expected {
            return Err(ClickstreamError::Header { file, column: index + 1, expected, found: found.to_owned() });
        }
    }
    Ok(Rows { file, header, records: Some(reader.into_records()) })
}

impl Iterator for Rows {
    type Item = Result<Row, ClickstreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.as_mut()?.next()?;
        let row = record.map_err(|error| refused(&self.file, error)).and_then(|record| {
            let line = record.position().map_or(0, csv::Position::line);
            let wrong = |reason| ClickstreamError::Row { file: self.file.clone(), line, reason };
            let columns: Columns = record.deserialize(Some(&self.header)).map_err(|error| wrong(reason(&error)))?;
            columns.row().map_err(wrong)
        });
        if row.is_err() {
            self.records = None;
        }
        Some(row)
    }
}

/// The columns of [`HEADER`] that are read.
#[derive(Deserialize)]
struct Columns {
    year: i32,
    month: u8,
    day: u8,
    order: u32,
    country: u16,
    #[serde(rename = "session ID")]
    session: u32,
    #[serde(rename = "page 1 (main category)")]
    category: usize,
    #[serde(rename = "page 2 (clothing model)")]
    product: String,
    price: u32,
    page: u32,
}

impl Columns {
    fn row(self) -> Result<Row, String> {
        let Self { year, month, day, order, country, session, category, product, price, page } = self;
        let date = Month::try_from(month).and_then(|month| Date::from_calendar_date(year, month, day));
        let name = category.checked_sub(1).and_then(|index| CATEGORIES.get(index));
        let name = name.ok_or_else(|| format!("there is no category {category}, only 1 to {}", CATEGORIES.len()))?;
        Ok(Row {
            date: date.map_err(|error| format!("there is no day {year}-{month:02}-{day:02}: {error}"))?,
            order,
            session,
            country,
            category: Category::try_from((*name).to_owned()).map_err(|error| error.to_string())?,
            product: ProductId::try_from(product).map_err(|error| format!("page 2 (clothing model) {error}"))?,
            price,
            page,
        })
    }
}

fn refused(file: &str, error: csv::Error) -> ClickstreamError {
    let file = file.to_owned();
    let line = error.position().map_or(1, csv::Position::line);
    let reason = reason(&error);
    match error.into_kind() {
        ErrorKind::Io(source) => ClickstreamError::Read { file, source },
        _ => ClickstreamError::Row { file, line, reason },
    }
}

/// What is wrong, with the column's name and without the position, which stands before it.
fn reason(error: &csv::Error) -> String {
    match error.kind() {
        ErrorKind::Deserialize { err, .. } => {
            let column = err.field().and_then(|index| HEADER.get(usize::try_from(index).ok()?));
            format!("{}: {}", column.copied().unwrap_or("row"), err.kind())
        }
        ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} columns instead of {expected_len}"),
        ErrorKind::Utf8 { err, .. } => format!("not UTF-8: {err}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use time::macros::date;

    use super::*;

    const ROW: &str = "2008;4;1;1;29;17;1;A13;1;5;1;28;2;1";

    fn text(rows: &[&str]) -> Vec<u8> {
        let mut lines = vec![HEADER.join(";")];
        lines.extend(rows.iter().map(|row| (*row).to_owned()));
        lines.join("\n").into_bytes()
    }

    fn rows(content: Vec<u8>) -> Result<Vec<Row>, String> {
        let all: Result<_, ClickstreamError> =
            read("log.csv", std::io::Cursor::new(content)).and_then(|rows| rows.collect());
        all.map_err(|error| crate::output::chain(&error))
    }

    #[test]
    fn a_log_reads_the_same_plain_and_compressed() {
        let plain = text(&[ROW, "2008;4;1;2;29;17;4;P9;1;5;1;33;2;3"]);
        let mut gzip = Vec::new();
        // In two members, as appending to a compressed log makes it.
        for half in [&plain[..100], &plain[100..]] {
            let mut encoder = GzEncoder::new(&mut gzip, Compression::default());
            encoder.write_all(half).expect("written");
            encoder.finish().expect("finished");
        }
        let read = rows(plain).expect("a log");
        assert_eq!(rows(gzip), Ok(read.clone()));
        assert_eq!(
            read[0],
            Row {
                date: date!(2008 - 04 - 01),
                order: 1,
                session: 17,
                country: 29,
                category: "trousers".to_owned().try_into().expect("valid"),
                product: "A13".to_owned().try_into().expect("valid"),
                price: 28,
                page: 1,
            }
        );
        assert_eq!((read[1].category.as_str(), read[1].page), ("sale", 3));
    }

    #[test]
    fn what_is_wrong_is_said_with_file_and_line() {
        for (bad, message) in [
            ("2008;4;31;1;29;1;1;A13;1;5;1;28;2;1", "there is no day 2008-04-31: "),
            ("2008;4;1;1;29;1;5;A13;1;5;1;28;2;1", "there is no category 5, only 1 to 4"),
            ("2008;4;1;one;29;1;1;A13;1;5;1;28;2;1", "order: "),
            ("2008;4;1;1;29;1;1;A/3;1;5;1;28;2;1", "page 2 (clothing model) must be "),
            ("2008;4;1;1;29;1;1;A13", "8 columns instead of 14"),
        ] {
            let error = rows(text(&[ROW, bad, ROW])).expect_err("refused");
            assert!(error.starts_with(&format!("log.csv, line 3: {message}")), "{error}");
        }
        let error = rows(b"year;month;hour\n".to_vec()).expect_err("refused");
        assert!(error.contains("line 1: not the header") && error.contains("column 3"), "{error}");
        assert!(rows(Vec::new()).is_err(), "nothing is no log");
    }

    #[test]
    #[cfg_attr(not(real_data), ignore = "the real data set is not here")]
    fn the_real_log_is_read_to_its_end() {
        let root = Path::new(env!("REAL_DATA"));
        let log = root.join("eshop-clickstream-2008/e-shop-clothing-2008-04-01_2008-06-14.csv.gz");
        let rows: Vec<Row> = open(&log).expect("a log").collect::<Result<_, _>>().expect("clicks");
        let distinct = |key: fn(&Row) -> String| rows.iter().map(key).collect::<HashSet<_>>().len();
        assert_eq!(rows.len(), 99_180);
        assert_eq!(distinct(|row| row.session.to_string()), 14_444);
        assert_eq!(distinct(|row| row.product.to_string()), 217);
        assert_eq!(distinct(|row| row.category.to_string()), CATEGORIES.len());
        assert_eq!(rows.iter().map(|row| row.date).min(), Some(date!(2008 - 04 - 01)));
        assert_eq!(rows.iter().map(|row| row.date).max(), Some(date!(2008 - 06 - 14)));
        // What replaying relies on: sessions stand together, in order and without gaps.
        let mut last = (0, 0);
        for row in &rows {
            let next = if row.session == last.0 { last.1 + 1 } else { 1 };
            assert_eq!(row.order, next, "{row:?}");
            last = (row.session, row.order);
        }
    }
}
