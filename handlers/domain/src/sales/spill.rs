//! Lines of a large file between reading and telling: written down slice by slice, in buckets by invoice, so that all lines of an invoice are
//! found together again without the whole file in memory.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::row::Row;

/// Buckets that invoices fall into.
pub const BUCKETS: usize = 256;

/// Bytes of lines that are taken into memory together.
const TOGETHER: u64 = 16 << 20;

/// The bucket of an invoice.
pub fn bucket(invoice: &str) -> usize {
    usize::try_from(xxh3_64(invoice.as_bytes()) % BUCKETS as u64).unwrap_or_default()
}

/// The lines of one slice as they are written down: bucket after bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What it is stored as.
    pub name: String,
    /// Where each bucket begins, and where the last one ends.
    pub starts: Vec<u64>,
}

impl Run {
    /// Writes lines down.
    pub fn write(name: String, rows: &[Row]) -> (Self, Vec<u8>) {
        let mut buckets: BTreeMap<usize, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            buckets.entry(bucket(&row.invoice)).or_default().push(row);
        }
        let (mut bytes, mut starts) = (Vec::new(), Vec::with_capacity(BUCKETS + 1));
        for bucket in 0..BUCKETS {
            starts.push(bytes.len() as u64);
            for row in buckets.get(&bucket).into_iter().flatten() {
                // Strings and numbers always serialise.
                if serde_json::to_writer(&mut bytes, row).is_ok() {
                    bytes.push(b'\n');
                }
            }
        }
        starts.push(bytes.len() as u64);
        (Self { name, starts }, bytes)
    }

    /// Where some buckets are in it.
    pub fn range(&self, buckets: &Range<usize>) -> Range<u64> {
        let place = |bucket: usize| self.starts.get(bucket.min(BUCKETS)).copied().unwrap_or_default();
        place(buckets.start)..place(buckets.end)
    }
}

/// Reads lines that [`Run::write`] wrote.
///
/// # Errors
/// If they are not what it wrote.
pub fn read(bytes: &[u8]) -> Result<Vec<Row>, serde_json::Error> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(contoso_json::from_slice).collect()
}

/// The next buckets that are taken into memory together.
pub fn next_buckets(runs: &[Run], from: usize) -> Range<usize> {
    let mut buckets = from..(from + 1).min(BUCKETS);
    let bytes = |buckets: &Range<usize>| -> u64 {
        runs.iter().map(|run| run.range(buckets)).map(|range| range.end - range.start).sum()
    };
    while buckets.end < BUCKETS && bytes(&(buckets.start..buckets.end + 1)) <= TOGETHER {
        buckets.end += 1;
    }
    buckets
}
