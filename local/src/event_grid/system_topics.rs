//! Events that services of the stack report: a blob was created.

use serde_json::json;
use uuid::Uuid;

use super::{
    error::Error,
    event::{Event, SystemEvent, timestamp},
    names::Source,
    service::Service,
};
use crate::blobs::BlobCreated;

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
        let event =
            Event::system(&event).map_err(|source| Error::Damaged { what: "event", id: id.to_string(), source })?;
        self.enqueue(&Source::Storage, &[event])
    }
}
