//! Event Hubs Capture: Avro files of what a hub received, one per partition and window.
//!
//! A window ends with its time or its size, whichever comes first. Before its file is written, the window's end is
//! stored, and the file holds nothing that depends on when it is written; so after a crash the same file is written
//! again, or found to be there, and no event is left out or captured twice. A file is streamed into blob storage as it is
//! made: what it takes of memory does not depend on its size, and nothing of it is visible before all of it is there.

mod avro;
mod file;
mod name;
mod news;
mod progress;
mod record;
mod window;

use crate::blobs::{self, Blobs};
use crate::clock::Clock;
use crate::storage::{Storage, StorageError};

use super::EventHubs;
use name::NameFormat;
pub use news::{CapturedFile, Edge, Observer};
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
    /// A file could not be stored.
    #[error("capture cannot write to blob storage")]
    Write(#[from] blobs::Error),
    /// A file is there, but one who must hear of it could not take the news.
    #[error("the CaptureFileCreated event of {url} could not be handed on")]
    Observer {
        /// Address of the file.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
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
