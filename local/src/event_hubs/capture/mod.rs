//! Event Hubs Capture: Avro files of what a hub received, one per partition and window.
//!
//! A window ends with its time or its size, whichever comes first. Before its file is written, the window's end is
//! stored, and the file holds nothing that depends on when it is written; so after a crash the same file is written
//! again, or found to be there, and no event is left out or captured twice. A file is streamed into blob storage as it is
//! made: what it takes of memory does not depend on its size, and nothing of it is visible before all of it is there.

mod avro;
mod error;
mod file;
mod name;
mod news;
mod progress;
mod record;
mod window;

use self::{name::NameFormat, progress::ProgressStore, window::Capturer};
use super::EventHubs;
use crate::{blobs::Blobs, clock::Clock, storage::Storage};
pub use error::CaptureError;
pub use news::{CapturedFile, Edge, Observer};

/// Captures every hub whose topology says so, until the hubs stop. A container that is missing is created. `observer`
/// hears of every file.
///
/// # Errors
/// When a name format lacks a token, or a store fails.
pub fn start(
    hubs: &EventHubs,
    blobs: &Blobs,
    storage: &Storage,
    clock: &Clock,
    observer: Observer,
) -> Result<(), CaptureError> {
    for hub in hubs.hubs() {
        let Some(capture) = hub.capture() else { continue };
        blobs.create_container(&capture.container)?;
        for partition in hub.partitions() {
            let name = NameFormat::new(&capture.name_format, hubs.namespace(), hub.name(), partition.id())
                .map_err(|token| CaptureError::NameFormat { hub: hub.name().to_owned(), token })?;
            let capturer = Capturer {
                progress: ProgressStore::open(storage, hub.name(), partition.id())?,
                hub: hub.name().to_owned(),
                partition: partition.clone(),
                settings: capture.clone(),
                name,
                blobs: blobs.clone(),
                clock: clock.clone(),
                observer: observer.clone(),
            };
            hubs.spawn(capturer.run());
        }
    }
    Ok(())
}
