//! `queueTrigger` and `blobTrigger`, made of a binding, and their sections of `host.json`.

use std::time::Duration;

use url::{Host, Url};

use super::{
    binding::{Binding, DataType},
    blob_path::BlobPattern,
    configuration::Configuration,
    connection::Connection,
    error::AppError,
    settings::Settings,
};

/// `queueTrigger`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueTrigger {
    pub(crate) queue: String,
    pub(crate) data_type: DataType,
}

/// `blobTrigger`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlobTrigger {
    pub(crate) container: String,
    pub(crate) pattern: BlobPattern,
    pub(crate) source: BlobSource,
}

/// How the host hears of new blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlobSource {
    /// An Event Grid subscription posts to the host.
    EventGrid,
    /// The host looks through the container.
    Scan,
}

/// `extensions.queues`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueOptions {
    /// Messages that are taken at once.
    pub(crate) batch_size: usize,
    /// More are taken once so few or fewer are in work.
    pub(crate) new_batch_threshold: usize,
    /// Tries before a message is poison.
    pub(crate) max_dequeue_count: u32,
    /// Pause before a failed message is tried again.
    pub(crate) visibility_timeout: Duration,
    /// `false` takes texts as they are.
    pub(crate) base64: bool,
}

/// `extensions.blobs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlobOptions {
    /// Blobs in work at once.
    pub(crate) max_degree_of_parallelism: usize,
    /// Tries before a blob is poison.
    pub(crate) poison_blob_threshold: u32,
}

/// Most messages of one call of the service.
const MAX_BATCH: usize = 32;

impl QueueTrigger {
    pub(super) fn read(binding: &Binding, settings: &Settings) -> Result<Self, AppError> {
        check_account(binding, settings, "QueueEndpoint", "queueServiceUri")?;
        // The host writes names of queues in lower case.
        Ok(Self { queue: binding.text("queueName")?.to_lowercase(), data_type: DataType::read(binding)? })
    }
}

impl BlobTrigger {
    pub(super) fn read(binding: &Binding, settings: &Settings) -> Result<Self, AppError> {
        check_account(binding, settings, "BlobEndpoint", "blobServiceUri")?;
        let path = binding.text("path")?;
        let (container, pattern) = path.split_once('/').unwrap_or((&path, ""));
        if container.is_empty() || container.contains(['{', '}']) {
            return Err(binding.error("path", "must start with the name of a container, without patterns"));
        }
        let pattern = BlobPattern::parse(pattern).map_err(|problem| binding.error("path", problem))?;
        let source = match binding.optional_text("source")?.as_deref().map(str::to_lowercase).as_deref() {
            None | Some("logsandcontainerscan") => BlobSource::Scan,
            Some("eventgrid") => BlobSource::EventGrid,
            Some(other) => return Err(binding.error("source", format!("'{other}' is not known"))),
        };
        Ok(Self { container: container.to_lowercase(), pattern, source })
    }
}

/// An account that is neither the local one nor on this machine is refused: it would silently be served from here.
fn check_account(binding: &Binding, settings: &Settings, in_text: &str, in_section: &str) -> Result<(), AppError> {
    let name = binding.optional_text("connection")?.unwrap_or_else(|| "Storage".to_owned());
    let fault = |problem: String| binding.error("connection", problem);
    let Some(connection) = settings.connection(&name) else {
        return Err(fault(format!("no app setting {name} or {name}__{in_section}")));
    };
    let Some(endpoint) = settings.connection_value(&name, in_text, in_section) else {
        return match connection {
            // A connection string may name the account alone.
            Connection::Text(_) => Ok(()),
            Connection::Section(..) => Err(fault(format!("{name}__{in_section} is missing"))),
        };
    };
    let here = Url::parse(endpoint).is_ok_and(|url| match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    });
    if here { Ok(()) } else { Err(fault(format!("names {endpoint}, which is not the local account"))) }
}

impl QueueOptions {
    pub(super) fn from_config(config: &Configuration) -> Result<Self, AppError> {
        let field = |name: &str| format!("extensions:queues:{name}");
        let batch_size = config.number(&field("batchSize"), 16)?;
        if !(1..=MAX_BATCH).contains(&batch_size) {
            return Err(config.error(&field("batchSize"), format!("must be 1 to {MAX_BATCH}")));
        }
        let max_dequeue_count = config.number(&field("maxDequeueCount"), 5)?;
        if max_dequeue_count == 0 {
            return Err(config.error(&field("maxDequeueCount"), "must be at least 1"));
        }
        let encoding = config.get(&field("messageEncoding")).unwrap_or("base64").to_lowercase();
        Ok(Self {
            batch_size,
            new_batch_threshold: config.number(&field("newBatchThreshold"), batch_size / 2)?,
            max_dequeue_count,
            visibility_timeout: config.duration(&field("visibilityTimeout"), Duration::ZERO)?,
            base64: match encoding.as_str() {
                "base64" => true,
                "none" => false,
                _ => return Err(config.error(&field("messageEncoding"), "must be base64 or none")),
            },
        })
    }
}

impl BlobOptions {
    pub(super) fn from_config(config: &Configuration) -> Result<Self, AppError> {
        let field = |name: &str| format!("extensions:blobs:{name}");
        let options = Self {
            max_degree_of_parallelism: config.number(&field("maxDegreeOfParallelism"), 8)?,
            poison_blob_threshold: config.number(&field("poisonBlobThreshold"), 5)?,
        };
        if options.max_degree_of_parallelism == 0 {
            return Err(config.error(&field("maxDegreeOfParallelism"), "must be at least 1"));
        }
        if options.poison_blob_threshold == 0 {
            return Err(config.error(&field("poisonBlobThreshold"), "must be at least 1"));
        }
        Ok(options)
    }

    /// How the host works off its own queue of new blobs.
    pub(crate) fn as_queue(&self) -> QueueOptions {
        let batch_size = self.max_degree_of_parallelism.min(MAX_BATCH);
        QueueOptions {
            batch_size,
            new_batch_threshold: batch_size / 2,
            max_dequeue_count: self.poison_blob_threshold,
            visibility_timeout: Duration::ZERO,
            base64: true,
        }
    }
}
