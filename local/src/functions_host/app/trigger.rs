//! The typed triggers, made of a binding.

use std::time::Duration;

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    binding::{Binding, Cardinality, DataType},
    error::AppError,
    route::RouteTemplate,
    settings::Settings,
    storage_triggers::{BlobTrigger, QueueTrigger},
};
use crate::functions_host::triggers::{Schedule, Zone};

/// The setting with the zone of all timers.
const TIME_ZONE: &str = "WEBSITE_TIME_ZONE";

/// What starts a function.
#[derive(Debug)]
pub(crate) enum Trigger {
    Http(HttpTrigger),
    EventHub(EventHubTrigger),
    CosmosDb(CosmosDbTrigger),
    EventGrid(EventGridTrigger),
    Timer(TimerTrigger),
    Queue(QueueTrigger),
    Blob(BlobTrigger),
}

/// `httpTrigger`.
#[derive(Debug)]
pub(crate) struct HttpTrigger {
    pub(crate) route: RouteTemplate,
    /// Upper case; `None` for every method there is.
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) level: Level,
}

/// Which key an HTTP function asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Anonymous,
    Function,
    Admin,
}

/// `eventHubTrigger`.
#[derive(Clone, Debug)]
pub(crate) struct EventHubTrigger {
    pub(crate) hub: String,
    pub(crate) consumer_group: String,
    /// Fully qualified, as the connection spells it.
    pub(crate) namespace: String,
    pub(crate) cardinality: Cardinality,
    pub(crate) data_type: DataType,
}

/// `cosmosDBTrigger`.
#[derive(Clone, Debug)]
pub(crate) struct CosmosDbTrigger {
    pub(crate) endpoint: String,
    pub(crate) database: String,
    pub(crate) container: String,
    pub(crate) lease_database: String,
    pub(crate) lease_container: String,
    pub(crate) lease_prefix: String,
    pub(crate) create_lease_container: bool,
    pub(crate) poll_delay: Duration,
    /// `None` lets the service decide.
    pub(crate) max_items: Option<usize>,
    pub(crate) start: FeedStart,
    /// `leaseAcquireInterval`: how often a host looks for leases to take.
    pub(crate) acquire_interval: Duration,
    /// `leaseRenewInterval`: how often an owner says that it lives.
    pub(crate) renew_interval: Duration,
    /// `leaseExpirationInterval`: how long an owner may be silent.
    pub(crate) expiration_interval: Duration,
}

/// Where a range without a lease starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeedStart {
    Now,
    Beginning,
    Time(OffsetDateTime),
}

/// `eventGridTrigger`.
#[derive(Debug)]
pub(crate) struct EventGridTrigger {
    pub(crate) cardinality: Cardinality,
}

/// `timerTrigger`.
#[derive(Debug)]
pub(crate) struct TimerTrigger {
    pub(crate) schedule: Schedule,
    pub(crate) use_monitor: bool,
    pub(crate) run_on_startup: bool,
}

impl Trigger {
    pub(crate) fn read(function: &str, binding: &Binding, settings: &Settings) -> Result<Self, AppError> {
        match binding.kind.to_lowercase().as_str() {
            "httptrigger" => HttpTrigger::read(function, binding).map(Self::Http),
            "eventhubtrigger" => EventHubTrigger::read(binding, settings).map(Self::EventHub),
            "cosmosdbtrigger" => CosmosDbTrigger::read(binding, settings).map(Self::CosmosDb),
            "eventgridtrigger" => Ok(Self::EventGrid(EventGridTrigger { cardinality: binding.cardinality()? })),
            "queuetrigger" => QueueTrigger::read(binding, settings).map(Self::Queue),
            "blobtrigger" => BlobTrigger::read(binding, settings).map(Self::Blob),
            "timertrigger" => TimerTrigger::read(binding, settings).map(Self::Timer),
            _ => Err(binding.error("type", format!("trigger '{}' is not supported by this host", binding.kind))),
        }
    }

    /// The type as `function.json` spells it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "httpTrigger",
            Self::EventHub(_) => "eventHubTrigger",
            Self::CosmosDb(_) => "cosmosDBTrigger",
            Self::EventGrid(_) => "eventGridTrigger",
            Self::Timer(_) => "timerTrigger",
            Self::Queue(_) => "queueTrigger",
            Self::Blob(_) => "blobTrigger",
        }
    }
}

impl HttpTrigger {
    fn read(function: &str, binding: &Binding) -> Result<Self, AppError> {
        let route = binding.optional_text("route")?.filter(|route| !route.trim().is_empty());
        let route = route.unwrap_or_else(|| function.to_owned());
        let reserved = route.trim_matches('/').to_lowercase();
        if let Some(start) = ["admin", "runtime"].into_iter().find(|start| reserved.starts_with(start)) {
            return Err(binding.error("route", format!("'{route}' begins with '{start}', which is the host's own")));
        }
        let methods = match binding.properties.get("methods") {
            None | Some(Value::Null) => None,
            Some(Value::Array(methods)) => Some(
                methods
                    .iter()
                    .map(|method| method.as_str().map(str::to_uppercase))
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| binding.error("methods", "must be strings"))?,
            ),
            Some(_) => return Err(binding.error("methods", "must be an array of strings")),
        };
        let level = match binding.optional_text("authLevel")?.as_deref().map(str::to_lowercase).as_deref() {
            None | Some("function") => Level::Function,
            Some("anonymous") => Level::Anonymous,
            Some("admin") => Level::Admin,
            Some(other) => return Err(binding.error("authLevel", format!("'{other}' is not known"))),
        };
        Ok(Self {
            route: RouteTemplate::parse(&route).map_err(|problem| binding.error("route", problem))?,
            methods,
            level,
        })
    }

    /// Whether requests with this method are taken, without regard to case.
    pub(crate) fn takes(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|known| known.eq_ignore_ascii_case(method)))
    }

    /// Whether both take a request with some method.
    pub(crate) fn shares_methods_with(&self, other: &Self) -> bool {
        match (self.methods.as_deref(), other.methods.as_deref()) {
            (None | Some([]), _) | (_, None | Some([])) => true,
            (Some(these), Some(those)) => these.iter().any(|method| those.contains(method)),
        }
    }

    /// Whether the real host refuses the second of the two.
    pub(super) fn conflicts_with(&self, other: &Self) -> bool {
        self.route.text().eq_ignore_ascii_case(other.route.text()) && self.shares_methods_with(other)
    }
}

impl EventHubTrigger {
    fn read(binding: &Binding, settings: &Settings) -> Result<Self, AppError> {
        let connection = binding.text("connection")?;
        let namespace =
            settings.connection_value(&connection, "Endpoint", "fullyQualifiedNamespace").ok_or_else(|| {
                binding.error(
                    "connection",
                    format!("no app setting {connection} or {connection}__fullyQualifiedNamespace"),
                )
            })?;
        // An EntityPath in the connection string beats the binding.
        let entity = settings.connection_value(&connection, "EntityPath", "entityPath").map(str::to_owned);
        Ok(Self {
            hub: match entity {
                Some(hub) => hub,
                None => binding.text("eventHubName")?,
            },
            consumer_group: binding.optional_text("consumerGroup")?.unwrap_or_else(|| "$Default".to_owned()),
            namespace: host_of(namespace).to_owned(),
            cardinality: binding.cardinality()?,
            data_type: DataType::read(binding)?,
        })
    }
}

impl CosmosDbTrigger {
    fn read(binding: &Binding, settings: &Settings) -> Result<Self, AppError> {
        for (old, new) in [
            ("connectionStringSetting", "connection"),
            ("collectionName", "containerName"),
            ("leaseCollectionName", "leaseContainerName"),
            ("createLeaseCollectionIfNotExists", "createLeaseContainerIfNotExists"),
        ] {
            if binding.has(old) {
                return Err(binding.error(old, format!("is a name of extension 3; extension 4 says {new}")));
            }
        }
        if binding.optional_text("cardinality")?.is_some_and(|wanted| wanted.eq_ignore_ascii_case("many")) {
            let problem =
                "Azure's host starts such a function and never calls it; here it is called. Take the member out";
            tracing::warn!("{}", binding.error("cardinality", problem));
        }
        let connection = binding.optional_text("connection")?.unwrap_or_else(|| "CosmosDB".to_owned());
        let endpoint =
            settings.connection_value(&connection, "AccountEndpoint", "accountEndpoint").ok_or_else(|| {
                binding.error("connection", format!("no app setting {connection} or {connection}__accountEndpoint"))
            })?;
        let database = binding.text("databaseName")?;
        let max_items: i64 = binding.scalar("maxItemsPerInvocation", 0)?;
        let trigger = Self {
            endpoint: endpoint.to_owned(),
            container: binding.text("containerName")?,
            lease_database: binding.optional_text("leaseDatabaseName")?.unwrap_or_else(|| database.clone()),
            lease_container: binding.optional_text("leaseContainerName")?.unwrap_or_else(|| "leases".to_owned()),
            lease_prefix: binding.optional_text("leaseContainerPrefix")?.unwrap_or_default(),
            create_lease_container: binding.scalar("createLeaseContainerIfNotExists", false)?,
            poll_delay: Duration::from_millis(binding.scalar("feedPollDelay", 5_000)?),
            max_items: usize::try_from(max_items).ok().filter(|count| *count > 0),
            start: Self::start(binding)?,
            acquire_interval: Duration::from_millis(binding.scalar("leaseAcquireInterval", 13_000)?),
            renew_interval: Duration::from_millis(binding.scalar("leaseRenewInterval", 17_000)?),
            expiration_interval: Duration::from_millis(binding.scalar("leaseExpirationInterval", 60_000)?),
            database,
        };
        for (field, interval) in
            [("leaseAcquireInterval", trigger.acquire_interval), ("leaseRenewInterval", trigger.renew_interval)]
        {
            if interval.is_zero() || interval >= trigger.expiration_interval {
                return Err(binding.error(field, "must be shorter than leaseExpirationInterval, and not zero"));
            }
        }
        if trigger.lease_database == trigger.database && trigger.lease_container == trigger.container {
            return Err(binding.error("leaseContainerName", "must not be the monitored container"));
        }
        Ok(trigger)
    }

    fn start(binding: &Binding) -> Result<FeedStart, AppError> {
        let from_beginning = binding.scalar("startFromBeginning", false)?;
        match binding.optional_text("startFromTime")? {
            None if from_beginning => Ok(FeedStart::Beginning),
            None => Ok(FeedStart::Now),
            Some(_) if from_beginning => {
                Err(binding.error("startFromTime", "cannot be used together with startFromBeginning"))
            }
            Some(text) => OffsetDateTime::parse(&text, &Rfc3339).map(FeedStart::Time).map_err(|_| {
                binding.error("startFromTime", format!("'{text}' is not a time such as 2026-01-05T10:00:00Z"))
            }),
        }
    }

    pub(crate) fn shares_leases_with(&self, other: &Self) -> bool {
        let key = |feed: &Self| {
            [&feed.database, &feed.container, &feed.lease_database, &feed.lease_container, &feed.lease_prefix]
                .map(Clone::clone)
        };
        key(self) == key(other)
    }
}

impl TimerTrigger {
    fn read(binding: &Binding, settings: &Settings) -> Result<Self, AppError> {
        let zone = match settings.get(TIME_ZONE).filter(|name| !name.is_empty()) {
            None => Zone::default(),
            Some(name) => Zone::named(name)
                .map_err(|problem| AppError::new("local.settings.json", format!("Values.{TIME_ZONE}"), problem))?,
        };
        Ok(Self {
            schedule: Schedule::parse(&binding.text("schedule")?, &zone)
                .map_err(|problem| binding.error("schedule", problem))?,
            use_monitor: binding.scalar("useMonitor", true)?,
            run_on_startup: binding.scalar("runOnStartup", false)?,
        })
    }
}

/// The host of a namespace that is written as a name or as `sb://host/`.
fn host_of(namespace: &str) -> &str {
    let rest = namespace.split_once("://").map_or(namespace, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}
