//! The clicks of a real shop, 75 days of them, against counting the file directly.

use std::{collections::HashMap, fs::File, io::Read as _};

use contoso_partitioner::partition;
use flate2::read::GzDecoder;
use time::{Date, Month, macros::date};

use super::*;

/// A row: day, place in the session, session, category and product.
struct Row {
    day: Date,
    order: u32,
    session: String,
    category: String,
    product: String,
}

fn rows() -> Vec<Row> {
    const LOG: &str =
        concat!(env!("REAL_DATA"), "/eshop-clickstream-2008/e-shop-clothing-2008-04-01_2008-06-14.csv.gz");
    let file = File::open(LOG);
    let mut text = String::new();
    GzDecoder::new(file.expect("the real data set")).read_to_string(&mut text).unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(';').collect();
        let month = Month::try_from(fields[1].parse::<u8>().unwrap()).unwrap();
        Row {
            day: Date::from_calendar_date(fields[0].parse().unwrap(), month, fields[2].parse().unwrap()).unwrap(),
            order: fields[3].parse().unwrap(),
            session: format!("session-{:0>6}", fields[5]),
            category: ["trousers", "skirts", "blouses", "sale"][fields[6].parse::<usize>().unwrap() - 1].to_owned(),
            product: fields[7].to_owned(),
        }
    };
    text.lines().skip(1).map(row).collect()
}

/// A number that only depends on a text.
fn number(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

/// The logs of four partitions: each session starts at a time of its own in its day and clicks every 20 seconds. Events arrive up to an hour
/// late, so that they are out of order among sessions and within them.
fn logs(rows: &[Row]) -> Vec<Vec<SequencedClick>> {
    let mut lengths: HashMap<&str, u32> = HashMap::new();
    for row in rows {
        let length = lengths.entry(&row.session).or_default();
        *length = row.order.max(*length);
    }
    let mut arrivals: Vec<(OffsetDateTime, usize, SequencedClick)> = rows
        .iter()
        .map(|row| {
            let room = 86_400 - 20 * u64::from(lengths[row.session.as_str()]);
            let seconds = number(&row.session) % room + 20 * u64::from(row.order - 1);
            let at = row.day.midnight().assume_utc() + Duration::seconds(seconds.try_into().unwrap());
            let id = format!("{}-{}", row.session, row.order);
            let late = Duration::seconds((number(&id) % 3_600).try_into().unwrap());
            let click = SequencedClick {
                sequence: 0,
                event: EventHash::new("/shop", &id),
                at,
                click: click(&row.product, Some(&row.category), Some(&row.session)),
            };
            let partition = partition(&row.session, 4.try_into().unwrap());
            (at + late, partition.try_into().unwrap(), click)
        })
        .collect();
    arrivals.sort_by_key(|(arrived, ..)| *arrived);
    let mut logs = vec![Vec::new(); 4];
    for (_, partition, click) in arrivals {
        let log: &mut Vec<SequencedClick> = &mut logs[partition];
        let sequence = i64::try_from(log.len()).unwrap();
        log.push(SequencedClick { sequence, ..click });
    }
    logs
}

#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn a_real_shops_clicks_are_counted_as_the_file_has_them() {
    let rows = rows();
    assert_eq!(rows.len(), 99_180);
    let logs = logs(&rows);
    let mut store = Store::default();
    let mut hosts = [Counter::default(), Counter::default()];
    for (partition, log) in logs.iter().enumerate() {
        for (number, from) in (0..log.len()).step_by(500).enumerate() {
            let until = (from + 500).min(log.len());
            // Every third batch dies after some writes, every fourth is delivered with what was before it, to the other host.
            if number % 3 == 0 {
                hosts[0].handle(&mut store, partition, &log[from..until], number % 97);
            }
            let from = if number % 4 == 0 { from.saturating_sub(300) } else { from };
            assert!(hosts[number / 4 % 2].handle(&mut store, partition, &log[from..until], usize::MAX));
        }
    }
    let minutes = store.minutes();
    assert_eq!(exact(&minutes), exact(&counted(&logs)));

    let mut days: BTreeMap<(String, String), u64> = BTreeMap::new();
    for minute in minutes.values() {
        for (name, category) in &minute.categories {
            *days.entry((minute.day.clone(), name.to_string())).or_default() += category.views;
        }
        for (id, product) in &minute.products {
            *days.entry((minute.day.clone(), id.to_string())).or_default() += product.views;
        }
    }
    let mut expected: BTreeMap<(String, String), u64> = BTreeMap::new();
    for row in &rows {
        for name in [&row.category, &row.product] {
            *expected.entry((row.day.to_string(), name.clone())).or_default() += 1;
        }
    }
    assert_eq!(days, expected, "per day, category and product, as the file has it");
    assert_eq!(minutes.values().next().map(|minute| minute.day.clone()), Some(date!(2008 - 04 - 01).to_string()));

    // The visitors of a whole day, merged from thousands of sketches.
    let mut merged: BTreeMap<String, Tally> = BTreeMap::new();
    for (_, document) in store.documents.values() {
        let (id, page) = <(PageId, Page)>::try_from(document).unwrap();
        merged.entry(id.window.minute.day()).or_default().merge(page.tally());
    }
    for (day, tally) in merged {
        let sessions: HashSet<_> =
            rows.iter().filter(|row| row.day.to_string() == day).map(|row| &row.session).collect();
        let error = (tally.total.visitors.count() as f64 / sessions.len() as f64 - 1.0).abs();
        assert!(error < 3.0 * super::super::visitors::STANDARD_ERROR, "{day}: {error}");
    }
}
