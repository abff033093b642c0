//! Errors of capture.

use crate::{blobs, event_hubs::Error, storage::StorageError};

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
        source: Box<Error>,
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
