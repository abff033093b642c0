//! System topics: events that services of the stack report, that a blob was created, a file was captured.

use serde_json::json;
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::{
    error::Error,
    event::{Event, SystemEvent, timestamp},
    names::Source,
    service::Service,
};
use crate::{blobs::BlobCreated, event_hubs::CapturedFile};

/// What stands for the time of an event where there is none: the zero of the service's clock.
const NO_TIME: OffsetDateTime = datetime!(0001-01-01 00:00 UTC);

impl Service {
    /// Queues `Microsoft.Storage.BlobCreated`. Ids and sequencer follow from the blob's tag, so that the same news told
    /// twice is the same event twice.
    pub(crate) fn blob_created(&self, blob: &BlobCreated) -> Result<(), Error> {
        let topic = self.names.source(&Source::Storage);
        let tag = blob.etag.trim_matches('"');
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{} {tag}", blob.url).as_bytes());
        let event = SystemEvent {
            topic: &topic,
            subject: format!("/blobServices/default/containers/{}/blobs/{}", blob.container, blob.name),
            event_type: "Microsoft.Storage.BlobCreated",
            event_time: timestamp(self.clock.now()),
            id: id.to_string(),
            data: json!({
                "api": blob.api.as_str(),
                "clientRequestId": blob.client_request_id,
                "requestId": blob.request_id,
                "eTag": tag,
                "contentType": blob.content_type,
                "contentLength": blob.length,
                "blobType": "BlockBlob",
                "url": blob.url,
                // Tags of an account only grow, so padded ones order the events of a blob as strings.
                "sequencer": format!("{:0>48}", tag.trim_start_matches("0x")),
                "storageDiagnostics": { "batchId": Uuid::new_v5(&id, b"batch") },
            }),
            data_version: "",
            metadata_version: "1",
        };
        self.emit(&Source::Storage, &event)
    }

    /// Queues `Microsoft.EventHub.CaptureFileCreated`. The id follows from the file and its content, so that the same
    /// news told twice is the same event twice.
    pub(crate) fn capture_file_created(&self, file: &CapturedFile) -> Result<(), Error> {
        let topic = self.names.source(&Source::EventHubs);
        let edges = file.edges.map(|(first, last)| ((first.sequence, last.sequence), (first.time(), last.time())));
        // A file without events has numbers and times that no event has.
        let (sequences, times) = edges.unwrap_or(((-1, -1), (NO_TIME, NO_TIME)));
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{} {}", file.url, sequences.1).as_bytes());
        let event = SystemEvent {
            topic: &topic,
            subject: format!("eventhubs/{}", file.hub),
            event_type: "Microsoft.EventHub.CaptureFileCreated",
            event_time: timestamp(self.clock.now()),
            id: id.to_string(),
            data: json!({
                "fileUrl": file.url,
                "fileType": "AzureBlockBlob",
                "partitionId": file.partition,
                "sizeInBytes": file.length,
                "eventCount": file.events,
                "firstSequenceNumber": sequences.0,
                "lastSequenceNumber": sequences.1,
                "firstEnqueueTime": timestamp(times.0),
                "lastEnqueueTime": timestamp(times.1),
            }),
            data_version: "",
            metadata_version: "1",
        };
        self.emit(&Source::EventHubs, &event)
    }

    fn emit(&self, source: &Source, event: &SystemEvent<'_>) -> Result<(), Error> {
        let damaged = |source| Error::Damaged { what: "event", id: event.id.clone(), source };
        self.enqueue(source, &[Event::system(event).map_err(damaged)?])
    }
}
