//! Sending to event hubs.
//!
//! Producers choose the partition from the key with the hash of the official buffered producers (`contoso-partitioner`), and send
//! one batch per partition, so that order per key is kept and a batch is stored whole or not at all.
//!
//! Two faults of the client (0.15) are met here. Its AMQP layer can miss an accept that arrives early and then wait for ever: so each
//! try has a deadline, after which the connection is dropped and the next try makes a new one. And it answers `Ok` when the service
//! *released* or *modified* a message, which means that it was not stored: a residual risk until 0.16 can be used, rare since Event
//! Hubs answers full or busy partitions with *rejected*.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use azure_core::credentials::TokenCredential;
use azure_messaging_eventhubs::{
    EventDataBatch, EventDataBatchOptions, EventHubsError, ProducerClient, RetryOptions, models::EventData,
};
use contoso_partitioner::partition;
use futures::future;
use time::OffsetDateTime;
use tokio::sync::{Mutex, OnceCell};

use super::{
    credentials::Credentials,
    hub_reader::{HubReader, PartitionInfo, ReadError},
};
use crate::{clock, events::HubMessage, settings::EventHubsSettings};

const DEADLINE: Duration = Duration::from_secs(10);
const TRIES: u32 = 3;

/// A namespace; cloning shares its connections.
#[derive(Clone)]
pub struct EventHubs(Arc<Namespace>);

struct Namespace {
    settings: EventHubsSettings,
    credential: Arc<dyn TokenCredential>,
    hubs: Mutex<HashMap<String, Arc<Hub>>>,
}

/// One hub: its partitions, which never change, and the producer that is in use.
struct Hub {
    name: String,
    partitions: OnceCell<Arc<Partitions>>,
    producer: Mutex<Option<Arc<ProducerClient>>>,
}

/// The ids of a hub's partitions, in order.
struct Partitions {
    ids: Vec<String>,
    count: NonZeroU32,
}

impl Partitions {
    /// The partition of a key.
    fn of(&self, key: &str) -> &str {
        usize::try_from(partition(key, self.count))
            .ok()
            .and_then(|index| self.ids.get(index))
            .map_or("0", String::as_str)
    }
}

/// A call to Event Hubs failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} hub {hub}: {kind}")]
pub struct SendError {
    operation: &'static str,
    hub: String,
    /// What the caller may do about it.
    pub kind: SendErrorKind,
    #[source]
    source: Option<Box<EventHubsError>>,
}

/// Why a call failed, as far as callers differ on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendErrorKind {
    /// The message at this index is larger than the hub takes. Nothing was sent; repeating is of no use.
    TooLarge {
        /// Place among the messages of the call.
        index: usize,
    },
    /// Out of reach, busy, out of time, or not allowed yet. Some messages may be stored; repeating is safe and may store them twice.
    Transient,
}

impl fmt::Display for SendErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { index } => {
                write!(f, "message {index} is too large; nothing was sent, repeating is of no use")
            }
            Self::Transient => f.write_str("the service did not take everything; repeating is safe"),
        }
    }
}

impl SendError {
    /// Whether repeating the call may help.
    pub fn is_transient(&self) -> bool {
        self.kind == SendErrorKind::Transient
    }
}

/// A failed try, before the hub's name and the operation are added.
enum Failure {
    TooLarge(usize),
    Client(Box<EventHubsError>),
    NoPartitions,
    Deadline,
}

impl From<EventHubsError> for Failure {
    fn from(error: EventHubsError) -> Self {
        Self::Client(Box::new(error))
    }
}

impl EventHubs {
    /// The namespace in `settings`; nothing is connected yet.
    pub fn new(settings: &EventHubsSettings, credentials: &Credentials) -> Self {
        Self(Arc::new(Namespace {
            settings: settings.clone(),
            credential: credentials.identity(),
            hubs: Mutex::default(),
        }))
    }

    /// Sends messages, each with its partition key, and returns when all are stored. Messages of one key keep their order.
    ///
    /// # Errors
    /// [`SendErrorKind::TooLarge`] before anything is sent, else [`SendErrorKind::Transient`].
    pub async fn send(&self, hub: &str, messages: Vec<(String, HubMessage)>) -> Result<(), SendError> {
        if messages.is_empty() {
            return Ok(());
        }
        let hub = &*self.hub(hub).await;
        let partitions = self.retried(hub, "read the partitions of", |producer| partitions(producer, hub)).await?;
        let mut pending = BTreeMap::<&str, Vec<(usize, EventData)>>::new();
        for (index, (key, message)) in messages.into_iter().enumerate() {
            pending.entry(partitions.of(&key)).or_default().push((index, event_data(message)));
        }
        let pending = pending.into_iter().map(|(partition, events)| (partition.to_owned(), events)).collect();
        // A partition that is stored leaves the list, so that a repeat sends only what is missing.
        let pending = Mutex::new(pending);
        self.retried(hub, "send to", |producer| send_all(producer, &pending)).await
    }

    /// What each partition of a hub holds.
    ///
    /// # Errors
    /// [`SendErrorKind::Transient`].
    pub async fn partitions(&self, hub: &str) -> Result<Vec<PartitionInfo>, SendError> {
        let hub = &*self.hub(hub).await;
        self.retried(hub, "read the partitions of", |producer| async move {
            let partitions = partitions(Arc::clone(&producer), hub).await?;
            let read = partitions.ids.iter().map(|id| {
                let producer = &producer;
                async move {
                    let properties = producer.get_partition_properties(id).await?;
                    Ok(PartitionInfo {
                        id: id.clone(),
                        begin_sequence: properties.beginning_sequence_number,
                        last_sequence: properties.last_enqueued_sequence_number,
                        last_enqueued: properties.last_enqueued_time_utc.map(OffsetDateTime::from),
                    })
                }
            });
            future::try_join_all(read).await
        })
        .await
    }

    /// Opens a hub for reading, on a connection of its own.
    ///
    /// # Errors
    /// If it does not answer, or does not let this identity read.
    pub async fn reader(&self, hub: &str) -> Result<HubReader, ReadError> {
        HubReader::open(&self.0.settings, Arc::clone(&self.0.credential), hub).await
    }

    /// Runs a call with a deadline per try, on a fresh connection after each failure.
    async fn retried<T, F, Fut>(&self, hub: &Hub, operation: &'static str, run: F) -> Result<T, SendError>
    where
        F: Fn(Arc<ProducerClient>) -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let one = Box::pin(async { run(self.producer(hub).await?).await });
            let failure = match tokio::time::timeout(DEADLINE, one).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::Deadline,
            };
            let failed = |kind, source| SendError { operation, hub: hub.name.clone(), kind, source };
            match failure {
                Failure::TooLarge(index) => return Err(failed(SendErrorKind::TooLarge { index }, None)),
                Failure::Client(source) if tries == TRIES => {
                    return Err(failed(SendErrorKind::Transient, Some(source)));
                }
                Failure::Deadline | Failure::NoPartitions if tries == TRIES => {
                    return Err(failed(SendErrorKind::Transient, None));
                }
                Failure::Client(_) | Failure::NoPartitions | Failure::Deadline => *hub.producer.lock().await = None,
            }
            let pause = Duration::from_millis(rand::random_range(100..300) * u64::from(tries));
            clock::pause(pause).await;
        }
    }

    async fn hub(&self, name: &str) -> Arc<Hub> {
        let mut hubs = self.0.hubs.lock().await;
        let hub = hubs.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Hub { name: name.to_owned(), partitions: OnceCell::new(), producer: Mutex::default() })
        });
        Arc::clone(hub)
    }

    async fn producer(&self, hub: &Hub) -> Result<Arc<ProducerClient>, EventHubsError> {
        let mut producer = hub.producer.lock().await;
        if let Some(producer) = &*producer {
            return Ok(Arc::clone(producer));
        }
        let settings = &self.0.settings;
        // Repeats are ours: the client's own would outlive the deadline.
        let mut builder = ProducerClient::builder()
            .with_application_id("contoso-handler".to_owned())
            .with_retry_options(RetryOptions { max_retries: 1, ..RetryOptions::default() });
        if let Some(endpoint) = &settings.custom_endpoint {
            builder = builder.with_custom_endpoint(endpoint.to_string());
        }
        let opened = builder.open(&settings.namespace, &hub.name, Arc::clone(&self.0.credential)).await?;
        Ok(Arc::clone(producer.insert(Arc::new(opened))))
    }
}

async fn partitions(producer: Arc<ProducerClient>, hub: &Hub) -> Result<Arc<Partitions>, Failure> {
    let read = || async {
        let ids = producer.get_eventhub_properties().await?.partition_ids;
        let count = u32::try_from(ids.len()).ok().and_then(NonZeroU32::new).ok_or(Failure::NoPartitions)?;
        Ok::<_, Failure>(Arc::new(Partitions { ids, count }))
    };
    hub.partitions.get_or_try_init(read).await.map(Arc::clone)
}

/// Events waiting for each partition, with their place in the call.
type Pending = Vec<(String, Vec<(usize, EventData)>)>;

async fn send_all(producer: Arc<ProducerClient>, pending: &Mutex<Pending>) -> Result<(), Failure> {
    let mut pending = pending.lock().await;
    // Everything is packed before anything is sent: a message that is too large then stops the call with nothing sent.
    let packed =
        future::try_join_all(pending.iter().map(|(partition, events)| pack(&producer, partition, events))).await?;
    let sent = packed.into_iter().map(|batches| async {
        for batch in batches {
            producer.send_batch(batch, None).await?;
        }
        Ok::<_, EventHubsError>(())
    });
    let mut outcomes = future::join_all(sent).await.into_iter();
    let mut failure = None;
    pending.retain(|_| match outcomes.next() {
        Some(Err(error)) => {
            failure = Some(error);
            true
        }
        _ => false,
    });
    failure.map_or(Ok(()), |error| Err(error.into()))
}

async fn pack<'p>(
    producer: &'p ProducerClient,
    partition: &str,
    events: &[(usize, EventData)],
) -> Result<Vec<EventDataBatch<'p>>, Failure> {
    let new_batch = || {
        producer.create_batch(Some(EventDataBatchOptions {
            partition_id: Some(partition.to_owned()),
            ..Default::default()
        }))
    };
    let mut batches = Vec::new();
    let mut batch = new_batch().await?;
    for (index, event) in events {
        if batch.try_add_event_data(event.clone(), None)? {
            continue;
        }
        if batch.is_empty() {
            return Err(Failure::TooLarge(*index));
        }
        batches.push(std::mem::replace(&mut batch, new_batch().await?));
        if !batch.try_add_event_data(event.clone(), None)? {
            return Err(Failure::TooLarge(*index));
        }
    }
    batches.push(batch);
    Ok(batches)
}

fn event_data(message: HubMessage) -> EventData {
    let mut builder = EventData::builder()
        .with_body(message.body)
        .with_content_type(message.content_type)
        .with_message_id(message.id);
    for (name, value) in message.properties {
        builder = builder.add_property(name, value);
    }
    builder.build()
}
