//! Container scan, the blob trigger's own way to hear of new blobs: it looks through the container, and receipts tell
//! which versions were noted already.
//!
//! Source: the WebJobs SDK's scanning strategy and blob receipts.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use time::OffsetDateTime;
use tracing::{error, warn};

use super::blob::{NewBlobs, function_id};
use crate::{
    blobs::{self, Blobs, Code, Condition, Properties, PutOptions},
    functions_host::{
        app::{BlobTrigger, Function},
        invocation::Invoker,
    },
};

/// Where receipts are.
const CONTAINER: &str = "azure-webjobs-hosts";
/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(10);
/// Blobs that are looked at together.
const PAGE: usize = 1000;
/// `Last-Modified` has whole seconds, and a write may become visible a little late.
const MARGIN: Duration = Duration::from_secs(60);

/// The scan of one function.
pub(crate) struct Scan {
    pub(crate) function: Arc<Function>,
    pub(crate) trigger: BlobTrigger,
    pub(crate) blobs: Blobs,
    pub(crate) new_blobs: NewBlobs,
    pub(crate) host_id: String,
}

impl Scan {
    /// Runs until the host stops.
    pub(crate) async fn run(self, invoker: &Invoker) {
        // What is older than the newest that was seen has its receipt.
        let mut since = OffsetDateTime::UNIX_EPOCH;
        loop {
            match self.look(since) {
                Ok(newest) => since = newest.map_or(since, |newest| since.max(newest - MARGIN)),
                // A container that is not there has no blobs yet.
                Err(error) if error.is_missing_container() => {}
                Err(error) => {
                    error!(
                        error = &error as &dyn std::error::Error,
                        "the scan of {} is held up", self.trigger.container
                    );
                }
            }
            tokio::select! {
                () = invoker.stopping.cancelled() => return,
                () = invoker.clock.sleep(PAUSE) => {}
            }
        }
    }

    /// Notes every version that has no receipt; answers when the newest was written.
    fn look(&self, since: OffsetDateTime) -> Result<Option<OffsetDateTime>, ScanError> {
        self.blobs.create_container(CONTAINER)?;
        let (mut newest, mut from) = (None, String::new());
        loop {
            let page = self.blobs.page(&self.trigger.container, &from, PAGE)?;
            for (name, known) in page.blobs {
                newest = newest.max(Some(known.last_modified));
                if known.last_modified >= since && self.trigger.pattern.matches(&name).is_some() {
                    self.note(&name, &known)?;
                }
            }
            match page.next {
                Some(next) => from = next,
                None => return Ok(newest),
            }
        }
    }

    fn note(&self, name: &str, known: &Properties) -> Result<(), ScanError> {
        let receipt = self.receipt(name, &known.etag);
        match self.blobs.properties(CONTAINER, &receipt) {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(()),
            // The receipt's name holds the blob's and more, and has the same limit.
            Err(error) if error.code() == Code::InvalidResourceName => {
                warn!("{name} triggers nothing: its name is too long for a receipt");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        // The note first: without its receipt it is written again, never forgotten.
        self.new_blobs.note(&self.function.name, &self.trigger.container, name, &known.etag)?;
        let options = PutOptions {
            metadata: [("Completed".to_owned(), String::new())].into(),
            condition: Some(Condition::IfAbsent),
            ..PutOptions::default()
        };
        match self.blobs.put(CONTAINER, &receipt, Bytes::new(), options) {
            Err(error) if error.code() != Code::BlobAlreadyExists => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn receipt(&self, name: &str, etag: &str) -> String {
        let function = function_id(&self.function.name);
        format!("blobreceipts/{}/{function}/{etag}/{}/{name}", self.host_id, self.trigger.container)
    }
}

/// A look did not end; what was noted stays.
#[derive(Debug, thiserror::Error)]
enum ScanError {
    #[error(transparent)]
    Blobs(#[from] blobs::Error),
    #[error(transparent)]
    Queues(#[from] crate::queues::Error),
}

impl ScanError {
    fn is_missing_container(&self) -> bool {
        matches!(self, Self::Blobs(error) if error.code() == Code::ContainerNotFound)
    }
}
