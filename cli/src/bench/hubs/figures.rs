//! The figures, for people and for scripts.

use std::fmt;

use contoso_local::storage::Sync as SyncMode;
use serde::Serialize;

use super::Plan;

/// Everything that was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    sync: &'static str,
    cores: usize,
    /// Events in and out at once.
    pub(super) streams: Vec<Stream>,
    pub(super) capture: Option<Capture>,
    pub(super) blobs: Option<Blobs>,
    pub(super) memory: Option<Retained>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stream {
    pub(super) event_bytes: usize,
    pub(super) batch: u32,
    pub(super) partitions: u32,
    pub(super) events_in_per_second: f64,
    pub(super) events_out_per_second: f64,
    /// Processor time of the stack over that time: 1 is a whole core.
    pub(super) hubs_cores: f64,
    /// The same of the clients.
    pub(super) clients_cores: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Capture {
    pub(super) file_bytes: u64,
    pub(super) bytes_per_second: f64,
    pub(super) hubs_cores: f64,
    pub(super) peak_memory_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blobs {
    pub(super) blob_bytes: u64,
    pub(super) up_bytes_per_second: f64,
    pub(super) down_bytes_per_second: f64,
    pub(super) peak_memory_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Retained {
    pub(super) event_bytes: usize,
    pub(super) memory: Vec<MemoryAt>,
    pub(super) peak_bytes: u64,
    pub(super) after_restart_bytes: u64,
    pub(super) after_reading_all_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemoryAt {
    pub(super) events: u64,
    pub(super) bytes: u64,
}

impl Figures {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            sync: match plan.sync {
                SyncMode::Process => "process",
                SyncMode::Always => "always",
            },
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            streams: Vec::new(),
            capture: None,
            blobs: None,
            memory: None,
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} cores shared by stack and clients, --sync {}\n", self.cores, self.sync)?;
        if !self.streams.is_empty() {
            writeln!(out, "event  batch  partitions    in/s     out/s  hubs cores  client cores  hubs µs/event")?;
        }
        for row in &self.streams {
            writeln!(
                out,
                "{:>5}  {:>5}  {:>10}  {:>6.0}  {:>8.0}  {:>10.2}  {:>12.2}  {:>13.1}",
                row.event_bytes,
                row.batch,
                row.partitions,
                row.events_in_per_second,
                row.events_out_per_second,
                row.hubs_cores,
                row.clients_cores,
                row.hubs_cores * 1e6 / row.events_out_per_second.max(1.0),
            )?;
        }
        if let Some(row) = &self.capture {
            writeln!(
                out,
                "\ncapture   {:.0} MB/s of a file of {:.0} MB, {:.2} cores, memory at most {:.0} MiB",
                megabytes(row.bytes_per_second),
                megabytes(bytes(row.file_bytes)),
                row.hubs_cores,
                mebibytes(row.peak_memory_bytes)
            )?;
        }
        if let Some(row) = &self.blobs {
            writeln!(
                out,
                "blobs     {:.0} MB/s up, {:.0} MB/s down, {:.0} MB, memory at most {:.0} MiB",
                megabytes(row.up_bytes_per_second),
                megabytes(row.down_bytes_per_second),
                megabytes(bytes(row.blob_bytes)),
                mebibytes(row.peak_memory_bytes)
            )?;
        }
        if let Some(row) = &self.memory {
            writeln!(out, "\nmemory with events of {} bytes retained", row.event_bytes)?;
            for at in &row.memory {
                writeln!(out, "{:>10} events  {:>5.0} MiB", at.events, mebibytes(at.bytes))?;
            }
            writeln!(
                out,
                "at most {:.0} MiB; after a restart {:.0} MiB, and once all was read {:.0} MiB",
                mebibytes(row.peak_bytes),
                mebibytes(row.after_restart_bytes),
                mebibytes(row.after_reading_all_bytes)
            )?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52 bytes")]
fn bytes(count: u64) -> f64 {
    count as f64
}

fn megabytes(bytes: f64) -> f64 {
    bytes / 1e6
}

fn mebibytes(count: u64) -> f64 {
    bytes(count) / 1_048_576.0
}
