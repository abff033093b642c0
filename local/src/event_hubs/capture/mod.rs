//! Event Hubs Capture: Avro files of what a hub received, one per partition and window.
//!
//! A window ends with its time or its size, whichever comes first. Before its file is written, the window's end is
//! stored, and the file holds nothing that depends on when it is written; so after a crash the same file is written
//! again, or found to be there, and no event is left out or captured twice.

mod file;
mod name;
mod progress;
mod window;

use crate::blobs::{self, Blobs};
use crate::clock::Clock;
use crate::storage::{Storage, StorageError};

use super::EventHubs;
use name::NameFormat;
use progress::ProgressStore;
use window::Capturer;

/// Capture failed. Nothing is lost: the window is captured later, under the same name.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The name format of the topology lacks a token.
    #[error("capture of event hub {hub}: the name format lacks {token}, and files would overwrite each other")]
    NameFormat {
        /// Name of the hub.
        hub: String,
        /// The token, with braces.
        token: &'static str,
    },
    /// Reading the hub failed.
    #[error("capture of {partition} cannot read the hub")]
    Read {
        /// Hub and partition.
        partition: String,
        /// Why.
        source: Box<super::Error>,
    },
    /// A file could not be encoded.
    #[error("capture of {partition} cannot encode a file")]
    Encode {
        /// Hub and partition.
        partition: String,
        /// Why.
        source: Box<apache_avro::Error>,
    },
    /// A file could not be stored.
    #[error("capture cannot write to blob storage")]
    Write(#[from] blobs::Error),
    /// Progress could not be stored.
    #[error("capture of {partition} cannot store how far it is")]
    Progress {
        /// Hub and partition.
        partition: String,
        /// Why.
        source: StorageError,
    },
    /// The process is ending.
    #[error("capture was interrupted")]
    Interrupted,
}

/// Captures every hub whose topology says so, until the hubs stop. A container that is missing is created.
///
/// # Errors
/// When a name format lacks a token, or a store fails.
pub fn start(hubs: &EventHubs, blobs: &Blobs, storage: &Storage, clock: &Clock) -> Result<(), CaptureError> {
    for hub in hubs.hubs() {
        let Some(capture) = hub.capture() else { continue };
        blobs.create_container(&capture.container)?;
        for partition in hub.partitions() {
            let name = NameFormat::new(&capture.name_format, hubs.namespace(), hub.name(), partition.id())
                .map_err(|token| CaptureError::NameFormat { hub: hub.name().to_owned(), token })?;
            let capturer = Capturer {
                progress: ProgressStore::open(storage, hub.name(), partition.id())?,
                partition: partition.clone(),
                settings: capture.clone(),
                name,
                blobs: blobs.clone(),
                clock: clock.clone(),
            };
            hubs.spawn(capturer.run());
        }
    }
    Ok(())
}
