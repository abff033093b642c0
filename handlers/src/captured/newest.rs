//! The newest captured events of a hub: its files backwards, until older ones cannot hold any that count.

use std::{collections::BTreeMap, time::Duration};

use time::OffsetDateTime;
use tokio::time::Instant;

use super::{
    reader::{Captured, decode, folder, list},
    records::{FileError, Records},
};
use crate::{
    app::App,
    azure::blobs::BlobErrorKind,
    domain::capture::{CaptureFile, Cursor},
    outcome::Cause,
};

/// Days that are looked at, backwards.
const DAYS: usize = 31;

/// The newest captured events.
#[derive(Debug)]
pub struct Newest {
    /// The oldest first.
    pub events: Vec<Captured>,
    /// Whether there may be more of them: the time was over first.
    pub is_cut_off: bool,
}

/// Where an event was found, in the order of time.
type Found = (Option<OffsetDateTime>, String, i64);

/// The last `count` events that were captured of a hub within a month, as far as they are found in `within`.
///
/// # Errors
/// If hub, storage or schema registry cannot be reached; repeating is safe.
pub async fn newest(app: &App, hub: &str, count: usize, within: Duration) -> Result<Newest, Cause> {
    let ends = Instant::now() + within;
    let partitions = app.hubs().partitions(hub).await;
    let partitions = partitions.map_err(|error| Cause::from_error("read the ends of the hub's partitions", error))?;
    let mut found = BTreeMap::<Found, Captured>::new();
    let Some(folder) = folder(app, hub).await? else { return Ok(Newest { events: Vec::new(), is_cut_off: false }) };
    let mut day = app.now().date().next_day();
    let mut is_cut_off = false;
    'days: for _ in 0..DAYS {
        let Some(date) = day else { break };
        day = date.previous_day();
        let span = format!("{:04}/{:02}/{:02}/", date.year(), u8::from(date.month()), date.day());
        let prefixes = partitions.iter().map(|partition| format!("{folder}{}/{span}", partition.id)).collect();
        let mut files: Vec<CaptureFile> = list(app, prefixes).await?.into_iter().map(|(file, _)| file).collect();
        files.sort_by(|one, other| other.window().cmp(one.window()));
        for file in files {
            let oldest = found.first_key_value().and_then(|((enqueued, ..), _)| *enqueued);
            if found.len() >= count && Cursor::latest_in(&file) < oldest {
                break 'days;
            }
            if Instant::now() >= ends {
                is_cut_off = true;
                break 'days;
            }
            add(app, &file, count, &mut found).await?;
        }
    }
    Ok(Newest { events: found.into_values().collect(), is_cut_off })
}

/// Adds the events of a file, and lets go of the oldest beyond `count`.
async fn add(app: &App, file: &CaptureFile, count: usize, found: &mut BTreeMap<Found, Captured>) -> Result<(), Cause> {
    let failed = |error| Cause::from_error("read a captured file", error);
    let mut records = match Records::open(app.blobs(), &file.container, &file.path).await {
        // Its time was over.
        Err(error) if error.kind == BlobErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(failed)?,
    };
    while let Some(record) = records.next().await {
        let key = (record.enqueued, file.partition.clone(), record.sequence);
        if found.len() >= count && found.first_key_value().is_some_and(|(oldest, _)| key < *oldest) {
            continue;
        }
        if let Some(captured) = decode(app, record).await? {
            found.insert(key, captured);
        }
        while found.len() > count {
            found.pop_first();
        }
    }
    match records.end().await {
        Err(FileError::Storage(error)) => Err(failed(error)),
        // Of a damaged file, what can be read counts.
        _ => Ok(()),
    }
}
