//! `blobTrigger`: one call per version of a blob.
//!
//! Whoever hears of a new blob, the scan or Event Grid, notes it in the host's own queue; from there it is worked off with
//! the retries of a queue, so what was noted survives a restart.
//!
//! Source: the WebJobs SDK's blob listener, blob trigger queue writer and blob queue trigger executor.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use super::{
    blob_properties::BlobProperties,
    message_pump::{Handled, Pump},
};
use crate::{
    blobs::{Blob, Blobs},
    functions_host::{
        app::{BlobOptions, Function, Trigger},
        invocation::{Invoker, Metadata, Outcome, Payload, Value},
    },
    queues::{self, Message, Queues},
};

/// The host's own queue of new blobs.
#[derive(Clone)]
pub(crate) struct NewBlobs {
    queues: Queues,
    queue: String,
}

/// A line of that queue.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewBlob {
    r#type: String,
    function_id: String,
    blob_type: String,
    container_name: String,
    blob_name: String,
    #[serde(rename = "ETag")]
    etag: String,
}

/// The id of a function in the host's own blobs and queues.
pub(super) fn function_id(function: &str) -> String {
    format!("Host.Functions.{function}")
}

impl NewBlobs {
    /// Where blobs go whose function keeps failing.
    pub(crate) const POISON: &str = "webjobs-blobtrigger-poison";

    /// The queue's name.
    pub(crate) fn queue(&self) -> &str {
        &self.queue
    }

    /// # Errors
    /// When the queue cannot be made.
    pub(crate) fn open(queues: &Queues, host_id: &str) -> Result<Self, queues::Error> {
        let queue = format!("azure-webjobs-blobtrigger-{host_id}");
        queues.create(&queue)?;
        Ok(Self { queues: queues.clone(), queue })
    }

    /// Notes a version of a blob for a function.
    ///
    /// # Errors
    /// When the queue fails; repeating is safe.
    pub(crate) fn note(&self, function: &str, container: &str, blob: &str, etag: &str) -> Result<(), queues::Error> {
        let line = NewBlob {
            r#type: "BlobTrigger".to_owned(),
            function_id: function_id(function),
            blob_type: "BlockBlob".to_owned(),
            container_name: container.to_owned(),
            blob_name: blob.to_owned(),
            etag: etag.to_owned(),
        };
        // A struct of strings always serialises.
        let text = BASE64_STANDARD.encode(serde_json::to_vec(&line).unwrap_or_default());
        self.queues.put_forever(&self.queue, text).map(drop)
    }

    /// Works the queue off until the host stops.
    pub(crate) async fn work_off(
        self,
        functions: BTreeMap<String, Arc<Function>>,
        blobs: Blobs,
        options: BlobOptions,
        invoker: Invoker,
    ) {
        let pump = Pump {
            queues: self.queues,
            queue: self.queue,
            poison: Some(Self::POISON.to_owned()),
            options: options.as_queue(),
            clock: invoker.clock.clone(),
            stopping: invoker.stopping.clone(),
        };
        pump.run(|message| {
            let line = read(&message);
            let function = line.as_ref().and_then(|line| functions.get(&line.function_id)).map(Arc::clone);
            let (blobs, invoker) = (blobs.clone(), invoker.clone());
            async move {
                match (line, function) {
                    (None, _) => Handled::Unreadable,
                    (Some(line), None) => {
                        warn!(
                            "{} is noted for {}, which is no blob function of this app",
                            line.blob_name, line.function_id
                        );
                        Handled::Done
                    }
                    (Some(line), Some(function)) => call(&function, &line, &blobs, &invoker).await,
                }
            }
        })
        .await;
    }
}

fn read(message: &Message) -> Option<NewBlob> {
    contoso_json::from_slice(&BASE64_STANDARD.decode(&message.text).ok()?).ok()
}

async fn call(function: &Arc<Function>, line: &NewBlob, blobs: &Blobs, invoker: &Invoker) -> Handled {
    let Trigger::Blob(trigger) = &function.trigger else { return Handled::Done };
    let (container, name) = (line.container_name.as_str(), line.blob_name.as_str());
    let blob = match blobs.get(container, name) {
        Ok(blob) => blob,
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "blob {container}/{name} cannot be read");
            return Handled::Failed;
        }
    };
    // A version that is gone, or was replaced since, is not this line's any more: a newer one has its own.
    let Some(blob) = blob.filter(|blob| blob.properties.etag == line.etag) else { return Handled::Done };
    let Some(parameters) = trigger.pattern.matches(name) else { return Handled::Done };
    let uri = blobs.url(container, name).unwrap_or_default();
    let payload = payload(&function.binding, &uri, &blob, &parameters);
    match invoker.run(function, &format!("New blob detected: {container}/{name}"), Ok(payload)).await {
        Outcome::Succeeded(_) => Handled::Done,
        Outcome::Failed(_) => Handled::Failed,
        Outcome::Cancelled => Handled::Cancelled,
    }
}

/// Builds the call for a blob at `uri` with the values of the path's parameters.
pub(crate) fn payload<'a>(
    binding: &'a str,
    uri: &'a str,
    blob: &'a Blob,
    parameters: &[(&'a str, &'a str)],
) -> Payload<'a> {
    let known = &blob.properties;
    let mut metadata = Metadata::default();
    metadata.add("Uri", Value::json(uri));
    metadata.add("Properties", Value::json(BlobProperties(known)));
    metadata.add("Metadata", Value::json(&known.metadata));
    for (name, value) in parameters {
        metadata.add(*name, Value::json(*value));
    }
    metadata.add_sys();
    Payload { data: (binding, Value::Bytes(&blob.body)), metadata, size_hint: blob.body.len() * 4 / 3 + 800 }
}
