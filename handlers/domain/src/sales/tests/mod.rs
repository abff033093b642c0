//! Sales files as they come, and what is to become of them.

mod real_files;
mod totals;

use std::io::{Read, Write};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::{
    reader::{BadLine, FileReader, Line, Notes, Step},
    rejection::ReadError,
    row::Row,
};

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// What was read of a file.
#[derive(Debug, Default, PartialEq)]
struct Taken {
    rows: Vec<Row>,
    bad: Vec<BadLine>,
    notes: Notes,
}

impl Taken {
    fn bad_lines(&self) -> Vec<u64> {
        self.bad.iter().map(|bad| bad.line).collect()
    }

    /// Invoice, quantity and amount of each row.
    fn short(&self) -> Vec<(&str, i64, i64)> {
        self.rows.iter().map(|row| (row.invoice.as_str(), row.quantity, row.amount)).collect()
    }
}

fn read(file: impl AsRef<[u8]>) -> Taken {
    try_read(file.as_ref()).expect("not rejected")
}

fn try_read(file: &[u8]) -> Result<Taken, ReadError> {
    let mut reader = FileReader::open(Trickle(file), "GBP")?;
    let mut taken = Taken::default();
    while let Some(line) = reader.next_line()? {
        match line {
            Line::Good(row) => taken.rows.push(row),
            Line::Bad(bad) => taken.bad.push(bad),
        }
    }
    taken.notes = reader.notes().clone();
    Ok(taken)
}

fn rejected(file: impl AsRef<[u8]>) -> String {
    try_read(file.as_ref()).expect_err("rejected").to_string()
}

/// Bytes that come in small parts of uneven length.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = (self.0.len() % 13 + 1).min(self.0.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_ref()).expect("packed");
    packed.finish().expect("packed")
}

/// A good line of an invoice.
fn line(invoice: u32) -> String {
    format!("{invoice},71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom\n")
}

fn lines(invoices: std::ops::Range<u32>) -> String {
    invoices.map(line).collect()
}

#[test]
fn a_line_says_what_it_says() {
    let taken = read(format!("{HEADER}{}", line(536_365)));
    let expected = Row {
        line: 2,
        invoice: "536365".to_owned(),
        stock_code: "71053".to_owned(),
        description: "WHITE METAL LANTERN".to_owned(),
        quantity: 6,
        at: "2010-12-01T08:26:00".to_owned(),
        unit_price: "3.39".to_owned(),
        amount: 2034,
        customer: Some("17850".to_owned()),
        country: "United Kingdom".to_owned(),
    };
    assert_eq!((taken.rows, taken.bad), (vec![expected], vec![]));
}

#[test]
fn a_byte_order_mark_changes_nothing_also_before_a_quoted_header() {
    let plain = read(format!("{HEADER}{}", lines(1..4)));
    let quoted = "\u{feff}\"InvoiceNo\",\"StockCode\",\"Description\",\"Quantity\",\"InvoiceDate\",\"UnitPrice\",\"CustomerID\",\"Country\"\n";
    for header in [format!("\u{feff}{HEADER}"), quoted.to_owned(), quoted.replace('\u{feff}', "")] {
        assert_eq!(read(format!("{header}{}", lines(1..4))), plain, "{header}");
    }
}

#[test]
fn an_unclosed_quote_costs_its_line_and_no_other() {
    let open = "536365,71053,\"WHITE LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom\n";
    let taken = read(format!("{HEADER}{open}{}", lines(1..4)));
    assert_eq!((taken.bad_lines(), taken.rows.len()), (vec![2], 3));
    assert_eq!(taken.bad[0].original, open.trim_end());
    assert!(taken.bad[0].reason.contains("quote"), "{}", taken.bad[0].reason);
    assert_eq!(taken.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 4, 5]);
    // The quote that ends it is another field's: with as many fields as a line has, with fewer, with an empty one, in the last field.
    for later in [
        "2,84406B,\"CREAM, RED\",8,2010-12-01 08:26:00,2.75,17850.0,United Kingdom\n",
        "2,84406B,\"CREAM\",8,2010-12-01 08:26:00,2.75,17850.0,United Kingdom\n",
        "2,84406B,\"\",8,2010-12-01 08:26:00,2.75,17850.0,United Kingdom\n",
        "2,84406B,CREAM,8,2010-12-01 08:26:00,2.75,17850.0,\"United Kingdom\"\n",
        "\"2\",84406B,CREAM,8,2010-12-01 08:26:00,2.75,17850.0,\"United Kingdom\"\n",
    ] {
        for between in ["", "\n", &line(1), &lines(1..150)] {
            let taken = read(format!("{HEADER}{open}{between}{later}{}", lines(3..5)));
            let good = between.lines().filter(|line| !line.is_empty()).count() + 3;
            assert_eq!((taken.bad_lines(), taken.rows.len()), (vec![2], good), "{later} after {} lines", between.len());
        }
    }
    // The quote that ends it is an inch mark, before a delimiter: what it swallows would be one tidy record.
    let inches = "2,22,SET 7\",1000,2010-12-01 08:26:00,2.75,17850.0,United Kingdom\n";
    for between in ["", "\n", &line(1), &lines(1..4)] {
        let good = between.lines().filter(|line| !line.is_empty()).count() + 2;
        for newline in ["\n", "\r\n", "\r"] {
            let file = format!("{HEADER}{open}{between}{inches}{}", line(5)).replace('\n', newline);
            let taken = read(file);
            assert_eq!((taken.bad_lines(), taken.rows.len()), (vec![2], good), "after {} bytes", between.len());
            assert!(taken.bad[0].reason.contains("a record by itself"), "{}", taken.bad[0].reason);
        }
    }
    // A list of as many words, within a description, is no record.
    let words = "2,22,\"SET:\nplate, cup, bowl, knife, fork, spoon, jug, tray\nwhite\",6,2010-12-01,2.55,,UK\n";
    let taken = read(format!("{HEADER}{words}{}", line(5)));
    assert_eq!((taken.bad_lines(), taken.rows.len()), (vec![], 2));
    let own = HEADER
        .replace("InvoiceNo,", "")
        .replace("Description,", "")
        .replace("StockCode", "Description,InvoiceNo,StockCode");
    let row = "SET 7,1,22,6,2010-12-01,2.55,,UK\n";
    let taken = read(format!("{own}{}{}{row}", row.replace("SET", "\"SET"), row.replace('7', "7\"")));
    assert_eq!((taken.bad_lines(), taken.rows.len()), (vec![2], 2), "in the first field");
    // Longer than a record may be, and with the file's last line.
    let long = format!("1,2,\"{}", "x".repeat(70_000));
    let taken = read(format!("{HEADER}{long}\n{}{long}", lines(1..3)));
    assert_eq!((taken.bad_lines(), taken.rows.len()), (vec![2, 5], 2));
    assert!(taken.bad[0].original.chars().count() < 5_000);
    // Many of them.
    let taken = read(format!("{HEADER}{}", format!("{open}{}", line(7)).repeat(300)));
    assert_eq!((taken.bad.len(), taken.rows.len()), (300, 300));
}

#[test]
fn a_step_ends_soon_however_the_file_is_made_and_reading_goes_on_behind_it() {
    let open = "1,2,\"open\n".repeat(2_500);
    let file = format!("{HEADER}{open}{}{}{}{}", line(7), "\n".repeat(2_500), HEADER.repeat(3), line(8));
    let all = read(&file);
    assert_eq!(all.bad_lines(), [2, 1_002, 2_002]);
    assert_eq!(all.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2_502, 5_006]);
    let mut reader = FileReader::open(file.as_bytes(), "GBP").expect("a header");
    let mut found = 0;
    loop {
        let cursor = reader.cursor();
        let mut rest = FileReader::resume(file.as_bytes(), "GBP", cursor.clone()).expect("resumed");
        let left = std::iter::from_fn(|| rest.next_line().expect("read")).count();
        assert_eq!(found + left, 5, "from line {} on", cursor.line);
        match reader.step().expect("read") {
            Step::Line(_) => found += 1,
            Step::Passed => {}
            Step::End => break,
        }
        assert!(reader.cursor().line - cursor.line <= 2_000, "from line {} on", cursor.line);
    }
    // Before the header, too.
    assert_eq!(read("\n".repeat(1_000) + &file).rows.len(), 2);
    assert!(rejected("\n".repeat(1_001) + &file).contains("no header"));
}

#[test]
fn a_quoted_line_break_is_part_of_its_field_and_lines_are_counted_as_they_lie() {
    let broken = "536365,85123A,\"WHITE\nHEART\",6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n";
    for newline in ["\n", "\r\n", "\r"] {
        let file =
            format!("{HEADER}{broken}1,2,bad,x,2010-12-01 08:26:00,2.55,,UK\n{}", line(7)).replace('\n', newline);
        let taken = read(file);
        assert_eq!(taken.rows[0].description, format!("WHITE{newline}HEART"));
        assert_eq!(
            (taken.rows.iter().map(|row| row.line).collect::<Vec<_>>(), taken.bad_lines()),
            (vec![2, 5], vec![4])
        );
        assert!(taken.bad[0].reason.starts_with("Quantity"), "{}", taken.bad[0].reason);
    }
    // The last line of a first field has as many fields as a record, and of no other field.
    let (note, country) = ("Note,".to_owned() + HEADER, line(7).replace("United Kingdom\n", "\"United\nKingdom\"\n"));
    let taken = read(format!("{note}\"a\nb\",{}c,{}", line(6), line(7)));
    assert_eq!((taken.rows.iter().map(|row| row.line).collect::<Vec<_>>(), taken.bad), (vec![2, 4], vec![]));
    assert!(read(format!("{HEADER}{country}")).bad[0].reason.starts_with("Country has a control"));
    let hundred = broken.replace('\n', &"\n".repeat(100));
    let taken = read(format!("{HEADER}{}{}", hundred.trim_end(), "\n".to_owned() + &line(7)));
    assert_eq!((taken.rows.len(), taken.bad.len()), (2, 0));
    assert_eq!(taken.rows[1].line, 103);
}

#[test]
fn semicolons_bring_decimal_commas_and_commas_bring_points() {
    let header = HEADER.replace(',', ";");
    let taken = read(format!(
        "{header}1;85123A;\"a;b\";6;2010-12-01 08:26:00;2,55;17850,0;UK\n2;x;a,b;-1000;2010-12-01 08:26;1.234,5;;UK\n"
    ));
    assert_eq!(taken.short(), [("1", 6, 1530), ("2", -1000, -123_450_000)]);
    assert_eq!(taken.rows[0].customer.as_deref(), Some("17850"));
    let taken = read(format!("{HEADER}1,x,y,6,2010-12-01 08:26:00,\"2,55\",17850.0,UK\n{}", line(7)));
    assert_eq!((taken.bad_lines(), taken.rows.len()), (vec![2], 1));
    assert!(taken.bad[0].reason.contains("decimal comma"), "{}", taken.bad[0].reason);
    // Delimiters inside of quotes are no delimiters.
    let header = HEADER.replace("Country", "\"Country;;;;;;;;\"").replace('\n', ",Country\n");
    assert_eq!(read(format!("{header}1,x,y,6,2010-12-01,2.55,,\"a;b\",UK\n")).rows.len(), 1);
    // A spreadsheet's own hint.
    let taken = read(format!("sep=;\r\n{}1;x;y;6;2010-12-01;2,55;;UK\r\n", HEADER.replace(',', ";")));
    assert_eq!((taken.rows[0].amount, taken.rows[0].line), (1530, 3));
}

#[test]
fn columns_are_found_by_name() {
    let taken = read(
        "Country, UnitPrice ,Shop,InvoiceNo,stockcode,Quantity,CustomerID,InvoiceDate,Description,\nUK,2.55,north,1,85123A,6,,2010-12-01 08:26:00,x,\n",
    );
    assert_eq!(taken.short(), [("1", 6, 1530)]);
    let reader = FileReader::open(
        &b"Country,UnitPrice,Shop,InvoiceNo,StockCode,Quantity,CustomerID,InvoiceDate,Description,\n"[..],
        "GBP",
    );
    assert_eq!(reader.expect("a header").layout().ignored, ["Shop", "(without a name)"]);
    // A name may have a line break where it is quoted, at the end too; what an open quote swallows is no name.
    for header in
        [HEADER.replace("Quantity", "\"Our\nmark\",Quantity"), HEADER.replace("Country", "Country,\"Our\r\nmark\"")]
    {
        let fields = header.matches(',').count() - 7;
        let row = if header.starts_with("InvoiceNo,StockCode,Description,\"") {
            "1,85123A,x,ours,6,2010-12-01 08:26:00,2.55,,UK\n"
        } else {
            "1,85123A,x,6,2010-12-01 08:26:00,2.55,,UK,ours\n"
        };
        let taken = read(format!("{header}{row}"));
        assert_eq!((fields, taken.short(), taken.bad_lines()), (1, vec![("1", 6, 1530)], vec![]), "{header}");
        assert_eq!(taken.rows[0].line, 3, "{header}");
    }
    // Behind a space, quotes open no field.
    let spaced = |line: &str| format!("\"{}\"\n", line.trim_end().replace(',', "\" , \""));
    let taken = read(format!("{}{}", spaced(HEADER), spaced("1,85123A,x,6,2010-12-01 08:26:00,2.55,,UK\n")));
    assert_eq!((taken.short(), taken.bad_lines()), (vec![("1", 6, 1530)], vec![]));
    assert_eq!((taken.rows[0].stock_code.as_str(), &taken.rows[0].customer), ("85123A", &None));
    let open = read(format!(
        "{}{}",
        HEADER.replace("Country", "Country,\"Our"),
        "1,85123A,x,6,2010-12-01 08:26:00,2.55,,UK,\"a\"\n"
    ));
    assert_eq!(open.short(), [("1", 6, 1530)]);
    assert!(rejected(HEADER.replace("StockCode", "InvoiceNo")).contains("duplicate column InvoiceNo"));
    assert!(rejected(HEADER.replace("Country", "Country, invoiceno ")).contains("duplicate column invoiceno"));
    assert!(rejected(HEADER.replace("UnitPrice,", "")).contains("missing column UnitPrice"));
    assert!(rejected(lines(1..3)).contains("missing column InvoiceNo, StockCode"));
    assert!(rejected("").contains("empty"));
    assert!(rejected("\n\n").contains("empty"));
    assert!(rejected("x".repeat(70_000)).contains("64 KiB"));
}

#[test]
fn files_of_other_encodings_are_read_or_rejected_by_name() {
    let mut file = HEADER.as_bytes().to_vec();
    file.extend_from_slice(b"1,x,CAF\xe9 \x80,6,2010-12-01,2.55,,UK\n");
    file.extend_from_slice("2,x,CAFÉ,6,2010-12-01,2.55,,UK\n".as_bytes());
    let taken = read(&file);
    assert_eq!((taken.rows[0].description.as_str(), taken.rows[1].description.as_str()), ("CAFé €", "CAFÉ"));
    assert_eq!(taken.notes.windows_1252_lines, 1);
    let text = format!("{HEADER}{}", lines(1..100));
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
    for file in [[&b"\xff\xfe"[..], &little].concat(), [&b"\xfe\xff"[..], &big].concat(), little, big] {
        assert!(rejected(&file).contains("UTF-16"));
        assert!(rejected(gzip(&file)).contains("UTF-16"));
    }
    let quad = |order: fn(u32) -> [u8; 4]| text.chars().flat_map(|letter| order(letter.into())).collect::<Vec<u8>>();
    let (little, big) = (quad(u32::to_le_bytes), quad(u32::to_be_bytes));
    for file in [[&b"\xff\xfe\0\0"[..], &little].concat(), [&b"\0\0\xfe\xff"[..], &big].concat(), little, big] {
        assert!(rejected(&file).contains("UTF-32"));
    }
    let workbook =
        [&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 16], b"\x3e\0\x03\0\xfe\xff\x09\0\x06", &[0; 11], b"\n"]
            .concat();
    for file in [&b"PK\x03\x04xxxx"[..], &[&b"PK\x05\x06"[..], &[0; 18]].concat(), &workbook] {
        assert!(rejected(file).contains("a zip archive or a workbook"));
        assert!(rejected(gzip(file)).contains("a zip archive or a workbook"));
    }
    for file in [&[0; 600][..], &[b'x', 0, 0, b'y', 0].repeat(40)] {
        assert!(rejected(file).contains("zero byte"));
    }
}

#[test]
fn line_ends_and_blank_lines_do_not_matter() {
    let plain = format!("{HEADER}{}", lines(1..6));
    let expected = read(&plain).short().iter().map(|(invoice, ..)| (*invoice).to_owned()).collect::<Vec<_>>();
    for file in [
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.trim_end().to_owned(),
        plain.replace('\n', "\r").trim_end().to_owned(),
        plain.replace('\n', "\n\n"),
        plain.replace('\n', "\n   \n,,,,,,,\n"),
        format!("\n\r\n{plain}\n\n"),
    ] {
        let taken = read(&file);
        assert_eq!(taken.rows.iter().map(|row| row.invoice.clone()).collect::<Vec<_>>(), expected, "{file:?}");
        assert!(taken.bad.is_empty(), "{:?}", taken.bad);
    }
    for header in [HEADER, HEADER.trim_end()] {
        assert_eq!(read(header), Taken::default(), "header only");
    }
}

#[test]
fn all_members_of_a_packed_file_are_read() {
    let first = gzip(format!("{HEADER}{}", lines(1..4)));
    let other = format!(
        "{}{}",
        "Country,CustomerID,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo\n",
        "UK,,2.55,2010-12-01,6,x,y,4\n"
    );
    for (second, repeated) in [
        (gzip(lines(4..5)), 0),
        (gzip(format!("{HEADER}{}", lines(4..5))), 1),
        (gzip(format!("\u{feff}{HEADER}{}", lines(4..5))), 1),
        (gzip(other), 1),
    ] {
        let taken = read([first.clone(), second.clone()].concat());
        assert_eq!(taken.rows.iter().map(|row| row.invoice.as_str()).collect::<Vec<_>>(), ["1", "2", "3", "4"]);
        assert_eq!((taken.notes.repeated_headers, taken.bad.len()), (repeated, 0));
        assert_eq!(read([first.clone(), second, vec![0; 512]].concat()).rows.len(), 4, "padded");
    }
    // With a header of more columns, or with semicolons, which counts from its line on; and a bad line before it, and one in its form.
    let wide = "Note,InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\nn,4,x,y,6,2010-12-01,2.55,,UK\n";
    let semicolons = format!("{}4;x;y;6;2010-12-01;2,55;;UK\n", HEADER.replace(',', ";"));
    let (whole, open) = (format!("{HEADER}{}", lines(1..4)), "9,x,\"open,6,2010-12-01,2.55,,UK\n");
    for second in [wide, &semicolons] {
        let other = second.lines().last().expect("a line").replace("2010-12-01", "never");
        for (between, line_breaks) in [("", 1), (open, 1), ("", 0)] {
            let first = format!("{whole}{between}");
            let first = if line_breaks == 0 { first.trim_end() } else { &first };
            let taken = read([gzip(first), gzip(format!("{second}{other}\n{HEADER}{}", line(5)))].concat());
            let rows = taken.short();
            assert_eq!((rows.len(), rows[3], rows[4].0), (5, ("4", 6, 1530), "5"), "{second}");
            assert_eq!((taken.notes.repeated_headers, taken.bad.len()), (2, 1 + between.lines().count()));
            assert!(taken.bad.last().is_some_and(|bad| bad.reason.starts_with("InvoiceDate")), "{:?}", taken.bad);
        }
    }
    let twice = read(format!("{whole}{},Shop,Shop\n{}", HEADER.trim_end(), line(4)));
    assert_eq!((twice.bad_lines(), twice.rows.len()), (vec![5], 4));
    assert!(twice.bad[0].reason.contains("duplicate column Shop"), "{}", twice.bad[0].reason);
    let glued = read(format!("{}{wide}", whole.trim_end()));
    assert_eq!((glued.bad_lines(), glued.rows.len()), (vec![4, 5], 2), "no row is taken for names");
    // Without a line break between them.
    let first = gzip(format!("{HEADER}{}", lines(1..4)).trim_end());
    let broken = line(4).replace("WHITE METAL LANTERN", "\"WHITE\nMETAL\"");
    let taken = read([first.clone(), gzip(format!("{broken}{}", line(5)))].concat());
    assert_eq!((taken.rows.iter().map(|row| row.line).collect::<Vec<_>>(), taken.bad), (vec![2, 3, 4, 4, 6], vec![]));
    for second in [lines(4..6), format!("{HEADER}{}", lines(4..6)), format!("\u{feff}{HEADER}{}", lines(4..6))] {
        let taken = read([first.clone(), gzip(&second)].concat());
        assert_eq!(
            taken.rows.iter().map(|row| row.invoice.as_str()).collect::<Vec<_>>(),
            ["1", "2", "3", "4", "5"],
            "{second}"
        );
        assert_eq!(taken.bad, []);
    }
    // Cut anywhere, as programs do which pack in blocks.
    let text = format!("{HEADER}{}", lines(1..40));
    let expected = read(&text);
    for size in [1, 7, 64, 90] {
        let packed: Vec<u8> = text.as_bytes().chunks(size).flat_map(gzip).collect();
        assert_eq!(read(packed), expected, "blocks of {size}");
    }
}

#[test]
fn a_packed_file_that_is_cut_or_damaged_is_rejected() {
    let whole = gzip(format!("{HEADER}{}", lines(1..500)));
    for cut in [11, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        assert!(rejected(&whole[..cut]).contains("truncated"), "{cut} of {}", whole.len());
    }
    let second = gzip(lines(1..9));
    assert!(rejected([&whole[..], &second[..second.len() - 3]].concat()).contains("truncated"));
    let mut flipped = whole.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    assert!(rejected(&flipped).contains("damaged"));
    assert!(rejected([&whole[..], b"rubbish behind it"].concat()).contains("behind the gzip file"));
    assert!(rejected([&whole[..], b"\0\0\n"].concat()).contains("behind the gzip file"));
}

#[test]
fn refunds_count_below_zero_and_ids_lose_their_fraction() {
    let taken = read(format!(
        "{HEADER}C1,D,Discount,-1,2010-12-01,27.5,14527.0,UK\nC2,x,,5,2010-12-01,2.00,,UK\nA3,B,Adjust bad debt,1,2010-12-01,-11062.06,,UK\n4.0,22139.0,,-10,2010-12-01,0.0,,UK\n5,PADS,,1,2010-12-01,0.001,,UK\n"
    ));
    assert_eq!(
        taken.short(),
        [("C1", -1, -2750), ("C2", -5, -1000), ("A3", 1, -1_106_206), ("4", -10, 0), ("5", 1, 0)]
    );
    assert_eq!(taken.rows[3].stock_code, "22139");
    assert_eq!(taken.rows[4].unit_price, "0.001");
    let expected = Notes { rounded_lines: 1, negative_prices: 1, zero_prices: 1, ..Notes::default() };
    assert_eq!(taken.notes, expected);
}

#[test]
fn a_bad_line_is_parked_alone_with_its_reason() {
    for (bad, reason) in [
        (",x,,1,2010-12-01,1.00,,UK", "InvoiceNo is empty"),
        ("1,,,1,2010-12-01,1.00,,UK", "StockCode is empty"),
        ("1,x,,,2010-12-01,1.00,,UK", "Quantity: is empty"),
        ("1,x,,1.5,2010-12-01,1.00,,UK", "Quantity: is not a whole number"),
        ("1,x,,1,12/1/2010 8:26,1.00,,UK", "InvoiceDate"),
        ("1,x,,1,,1.00,,UK", "InvoiceDate: nothing"),
        ("1,x,,1,2010-12-01,1.00.0,,UK", "UnitPrice: is not a number"),
        ("1,x,,1000000000,2010-12-01,1000000000,,UK", "too large"),
        ("1,x,,1,2010-12-01,1.00,,", "Country is empty"),
        ("1,x,,1,2010-12-01,1.00,UK", "7 fields instead of 8"),
        ("1,x,,1,2010-12-01,1.00,,UK,more", "9 fields instead of 8"),
        ("1,x,,1,2010-12-01,1,00,,UK", "9 fields instead of 8"),
    ] {
        let taken = read(format!("{HEADER}{}{bad}\n{}", line(1), line(2)));
        assert_eq!((taken.rows.len(), taken.bad_lines()), (2, vec![3]), "{bad}");
        assert!(taken.bad[0].reason.contains(reason), "{bad}: {}", taken.bad[0].reason);
        assert_eq!(taken.bad[0].original, bad);
    }
}

#[test]
fn what_is_not_seen_in_a_file_changes_nothing() {
    let line = "1,x,y,6,2010-12-01,2.55,,UK\n";
    for name in ["\u{200b}StockCode", "StockCode\u{feff}", "\u{a0}StockCode\u{2060}", "\u{200e} StockCode "] {
        assert_eq!(read(format!("{}{line}", HEADER.replace("StockCode", name))).short(), [("1", 6, 1530)], "{name:?}");
    }
    for nothing in [",,,\n", "\"\",\"\"\n", ",,,,,,,,,,\n", "\u{1a}", "sep=,\n", "\"sep=,\"\r\n"] {
        let taken = read(format!("{HEADER}{line}{nothing}"));
        assert_eq!((taken.rows.len(), taken.bad_lines()), (1, vec![]), "{nothing:?}");
    }
    for something in [";;;\n", "\"\n", "sep=;\n", ",,x\n"] {
        assert_eq!(read(format!("{HEADER}{line}{something}")).bad_lines(), [3], "{something:?}");
    }
    let (tabs, of_tabs) = (HEADER.replace(',', "\t"), line.replace(',', "\t"));
    assert_eq!(read(format!("sep=\t\n{tabs}{of_tabs}")).short(), [("1", 6, 1530)]);
    let comma = read(format!("sep=\t\n{tabs}{}", of_tabs.replace("2.55", "2,55"))).bad;
    assert!(comma[0].reason.contains("fields are not parted by semicolons"), "{}", comma[0].reason);
    assert_eq!(read(format!("sep=\n{HEADER}{line}")).short(), [("1", 6, 1530)]);
    let told = rejected(format!("{tabs}{of_tabs}"));
    assert!(told.contains("parted by commas or semicolons") && !told.contains('\t'), "{told}");
    let told = rejected(HEADER.replace("Country", &format!("Land\u{1b}[2J{}", "x".repeat(9_000))));
    assert!(told.contains("call each column so") && !told.contains('\u{1b}') && told.len() < 600, "{told}");
    let told = rejected(HEADER.replace("\n", &format!(",{0},{0}\n", "x".repeat(9_000))));
    assert!(told.contains("duplicate column") && told.len() < 600, "{told}");
}

#[test]
fn ids_that_a_spreadsheet_shortened_are_parked() {
    for id in ["5.36365E+05", "1E+11", "1,2e-03"] {
        let taken =
            read(format!("{}1;x;y;6;2010-12-01;2,55;;UK\n{id};x;y;6;2010-12-01;2,55;;UK\n", HEADER.replace(',', ";")));
        assert_eq!((taken.rows.len(), taken.bad_lines()), (1, vec![3]), "{id}");
        assert!(taken.bad[0].reason.starts_with("InvoiceNo is a number as spreadsheets"), "{}", taken.bad[0].reason);
    }
    for id in ["85123E5", "1E5", "E+05", "DE+1", "5.36365E+", "C536E"] {
        assert_eq!(read(format!("{HEADER}1,{id},y,6,2010-12-01,2.55,,UK\n")).rows[0].stock_code, id);
    }
}

/// A piece of a file: whole lines, broken ones, and parts of lines that must not be taken for anything.
fn any_piece() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..50_u32).prop_map(line),
        1 => Just("1,x,\"a\nb\",1,2010-12-01,1.00,,UK\r\n".to_owned()),
        1 => Just("1,x,\"open,1,2010-12-01,1.00,,UK\n".to_owned()),
        1 => Just("\r".to_owned()),
        1 => Just(HEADER.to_owned()),
        1 => Just(format!("{}\n7;x;y;6;2010-12-01;2,55;;UK;z\n", HEADER.trim_end().replace(',', ";") + ";Note")),
        1 => "[a,\"\n\r;é ]{0,12}",
    ]
}

proptest! {
    #[test]
    fn reading_in_slices_takes_what_reading_at_once_takes(pieces in prop::collection::vec(any_piece(), 0..40), slice in 1..9_usize, packed: bool) {
        let text = format!("{HEADER}{}", pieces.concat());
        let file = if packed { pieces.chunks(3).fold(gzip(HEADER), |file, part| [file, gzip(part.concat())].concat()) } else { text.into_bytes() };
        let whole = read(&file);
        let mut taken = Taken::default();
        let mut reader = FileReader::open(Trickle(&file), "GBP").expect("a header");
        let mut count = 0;
        while let Some(line) = reader.next_line().expect("read") {
            match line {
                Line::Good(row) => taken.rows.push(row),
                Line::Bad(bad) => taken.bad.push(bad),
            }
            count += 1;
            if count % slice == 0 {
                let cursor = serde_json::to_value(reader.cursor()).expect("serializes");
                let cursor = serde_json::from_value(cursor).expect("its own form");
                reader = FileReader::resume(Trickle(&file), "GBP", cursor).expect("resumed");
            }
        }
        taken.notes = reader.notes().clone();
        prop_assert_eq!(taken, whole);
    }

    #[test]
    fn no_bytes_panic_and_every_line_is_somewhere(bytes in prop::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..400)) {
        let taken = read([HEADER.as_bytes(), &bytes].concat());
        for pair in taken.bad_lines().windows(2) {
            prop_assert!(pair[0] < pair[1]);
        }
        drop(try_read(&bytes));
    }
}
