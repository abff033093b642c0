//! Capture and blobs.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use azure_core::http::RequestContent;
use futures::TryStreamExt;

use super::{
    Plan,
    child::{CAPTURED, CONTAINER, Child},
    client,
    figures::{Blobs, Capture},
};
use crate::clock;

/// Bytes of a captured event's body.
const EVENT: usize = 1024;
/// Events sent at once.
const BATCH: u32 = 1000;
/// Between two looks for the captured file: the error of the figure, with the tenth of a second between two looks that
/// capture itself takes at the hub.
const LOOK: Duration = Duration::from_millis(10);
/// How long the file may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Fills a window up to its size and waits for its file.
pub(super) async fn capture(stack: &Child, plan: &Plan) -> Result<Capture> {
    let producer = client::producer(&stack.endpoints, CAPTURED).await?;
    let body = vec![b'x'; EVENT];
    let mut bytes = 0;
    // Capture counts stored messages, which are somewhat larger than their bodies: it begins while the last batch is sent.
    let mut began = Instant::now();
    while bytes < plan.file_bytes {
        began = Instant::now();
        bytes += client::send(&producer, 0, &body, BATCH).await? * body.len() as u64;
    }
    let before = stack.cpu_time()?;
    let file = loop {
        if let Some(file) = captured(stack).await? {
            break file;
        }
        if began.elapsed() > PATIENCE {
            bail!("no captured file within {PATIENCE:?}");
        }
        clock::until_next_look(LOOK).await;
    };
    let seconds = began.elapsed().as_secs_f64();
    let cpu = (stack.cpu_time()? - before).as_secs_f64();
    producer.close().await?;
    Ok(Capture {
        file_bytes: file,
        bytes_per_second: rate(file, seconds),
        hubs_cores: cpu / seconds,
        peak_memory_bytes: stack.memory()?.peak,
    })
}

/// Length of the first captured file.
async fn captured(stack: &Child) -> Result<Option<u64>> {
    let container = client::container(&stack.endpoints, CONTAINER)?;
    let first = container.list_blobs(None)?.try_next().await?;
    Ok(first.and_then(|blob| blob.properties?.content_length))
}

/// Sends a blob up and down again.
pub(super) async fn blobs(stack: &Child, plan: &Plan) -> Result<Blobs> {
    let blob = client::blob(&stack.endpoints, CONTAINER, "blob")?;
    let length = usize::try_from(plan.file_bytes)?;
    // Not all the same byte, or compression would be measured instead.
    let body: Vec<u8> = (0..length).map(noise).collect();
    let began = Instant::now();
    blob.upload(RequestContent::from(body), None).await?;
    let up = began.elapsed().as_secs_f64();
    let mut received = vec![0; length];
    let began = Instant::now();
    blob.download_into(&mut received, None).await?;
    let down = began.elapsed().as_secs_f64();
    if received.iter().enumerate().any(|(index, byte)| *byte != noise(index)) {
        bail!("the blob came down other than it went up");
    }
    Ok(Blobs {
        blob_bytes: plan.file_bytes,
        up_bytes_per_second: rate(plan.file_bytes, up),
        down_bytes_per_second: rate(plan.file_bytes, down),
        peak_memory_bytes: stack.memory()?.peak,
    })
}

fn noise(index: usize) -> u8 {
    ((index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn rate(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 / seconds
}
