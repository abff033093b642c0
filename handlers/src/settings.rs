//! Every environment variable this program reads.
//!
//! Service addresses follow the Functions convention for identity-based connections, `<connection>__<property>`, so that bindings
//! and code share one setting. There are no keys: the process has a managed identity, found through the variables that the platform
//! sets for it.

use std::{env, fmt, path::PathBuf, str::FromStr, time::Duration};

use axum::http::HeaderValue;
use url::Url;

/// What the process was told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen and what to serve.
    pub host: HostSettings,
    /// Cosmos DB.
    pub cosmos: CosmosSettings,
    /// Event Hubs.
    pub event_hubs: EventHubsSettings,
    /// Blob storage.
    pub storage: StorageSettings,
    /// The partners' Event Grid topic.
    pub event_grid: EventGridSettings,
    /// The schema registry.
    pub schema_registry: SchemaRegistrySettings,
    /// The shop's site: who may call, and how much.
    pub site: SiteSettings,
    /// `AZURE_CLIENT_ID`: the user-assigned identity to use; without it, the app's own.
    pub client_id: Option<String>,
}

/// What the Functions host says to its handler.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// `FUNCTIONS_CUSTOMHANDLER_PORT`: the loopback port to listen on.
    pub port: u16,
    /// `FUNCTIONS_APP_ROOT_PATH`: the folder whose subfolders with a `function.json` are the functions to serve; without it, all.
    pub app_root: Option<PathBuf>,
}

/// The Cosmos DB account.
#[derive(Debug, Clone)]
pub struct CosmosSettings {
    /// `Cosmos__accountEndpoint`.
    pub endpoint: Url,
    /// `REGION_NAME`, which Azure sets: regions nearest to it are read first.
    pub region: Option<String>,
}

/// The Event Hubs namespace.
#[derive(Debug, Clone)]
pub struct EventHubsSettings {
    /// `EventHubs__fullyQualifiedNamespace`, for example `contoso.servicebus.windows.net`.
    pub namespace: String,
    /// `EventHubs__customEndpoint`: an address to connect to instead of the namespace's, such as `amqps://localhost:5672`.
    pub custom_endpoint: Option<Url>,
}

/// The storage account of files.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// `Storage__blobServiceUri`.
    pub endpoint: Url,
}

/// The Event Grid topic.
#[derive(Debug, Clone)]
pub struct EventGridSettings {
    /// `EventGrid__topicEndpointUri`: the whole address events are posted to.
    pub endpoint: Url,
}

/// The schema registry.
#[derive(Debug, Clone)]
pub struct SchemaRegistrySettings {
    /// `SchemaRegistry__endpoint`; by default that of the Event Hubs namespace.
    pub endpoint: Url,
    /// `SchemaRegistry__group`: the schema group our contracts are registered in.
    pub group: String,
}

/// What the site's functions allow.
#[derive(Debug, Clone)]
pub struct SiteSettings {
    /// `Site__origins`: origins whose pages may call, such as `https://shop.contoso.com`, separated by commas; `*` for any. By default
    /// none: pages of the functions' own origin need no permission.
    pub origins: Origins,
    /// `Site__clicksPerSecondPerVisitor`: how many clicks of one visitor are taken in the long run; 0 for any number, 10 by default.
    pub clicks_per_visitor: u32,
    /// `Site__clicksPerSecondPerAddress`: the same for one client address, behind which a whole office may sit; 500 by default.
    pub clicks_per_address: u32,
}

/// Origins (RFC 6454) that browsers are told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Any origin.
    Any,
    /// These.
    Some(Vec<HeaderValue>),
}

/// A text that is no origin.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no origin; one is https://shop.contoso.com, without a path")]
pub struct OriginError(String);

impl FromStr for Origins {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let origin = |text: &str| {
            // Browsers send an origin in the URL standard's own spelling; any other would never match.
            let origin = Url::parse(text).ok()?.origin();
            let is_origin = origin.is_tuple() && origin.ascii_serialization() == text;
            if is_origin { HeaderValue::from_str(text).ok() } else { None }
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| origin(part).ok_or_else(|| OriginError(part.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self::Some)
    }
}

/// Everything that is wrong with the environment, at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", problems.join("; "))]
pub struct SettingsError {
    problems: Vec<String>,
}

impl Settings {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// Names every setting that is missing or malformed.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(variable)
    }

    /// Reads settings by name; an empty value counts as absent, as app settings are often cleared rather than removed.
    ///
    /// # Errors
    /// Names every setting that is missing or malformed.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let namespace = reader.text("EventHubs__fullyQualifiedNamespace");
        let port = reader.required::<u16>("FUNCTIONS_CUSTOMHANDLER_PORT");
        let cosmos = reader.required::<Url>("Cosmos__accountEndpoint");
        let storage = reader.required::<Url>("Storage__blobServiceUri");
        let event_grid = reader.required::<Url>("EventGrid__topicEndpointUri");
        let group = reader.text("SchemaRegistry__group");
        let custom_endpoint = reader.optional::<Url>("EventHubs__customEndpoint");
        let registry = match reader.optional::<Url>("SchemaRegistry__endpoint") {
            Some(endpoint) => Some(endpoint),
            None => namespace
                .as_ref()
                .and_then(|namespace| reader.parsed("SchemaRegistry__endpoint", &format!("https://{namespace}"))),
        };
        let site = SiteSettings {
            origins: reader.optional("Site__origins").unwrap_or(Origins::Some(Vec::new())),
            clicks_per_visitor: reader.optional("Site__clicksPerSecondPerVisitor").unwrap_or(10),
            clicks_per_address: reader.optional("Site__clicksPerSecondPerAddress").unwrap_or(500),
        };
        match (port, namespace, cosmos, storage, event_grid, registry, group) {
            (
                Some(port),
                Some(namespace),
                Some(cosmos),
                Some(storage),
                Some(event_grid),
                Some(registry),
                Some(group),
            ) if reader.problems.is_empty() => Ok(Self {
                host: HostSettings { port, app_root: reader.value("FUNCTIONS_APP_ROOT_PATH").map(PathBuf::from) },
                cosmos: CosmosSettings { endpoint: cosmos, region: reader.value("REGION_NAME") },
                event_hubs: EventHubsSettings { namespace, custom_endpoint },
                storage: StorageSettings { endpoint: storage },
                event_grid: EventGridSettings { endpoint: event_grid },
                schema_registry: SchemaRegistrySettings { endpoint: registry, group },
                site,
                client_id: reader.value("AZURE_CLIENT_ID"),
            }),
            _ => Err(SettingsError { problems: reader.problems }),
        }
    }
}

/// `CONTOSO_LOG`: what to log, as `level` or `target=level,…`. Read apart from the rest, since logging starts before all else.
pub fn log_filter() -> Option<String> {
    variable("CONTOSO_LOG").filter(|value| !value.is_empty())
}

/// What OpenTelemetry's own variables say, as far as it is not the SDK that reads them. Read apart from the rest, like the filter.
#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces, metrics and logs go by OTLP, for example `http://127.0.0.1:4318`; nowhere without it,
    /// or if `OTEL_SDK_DISABLED` is `true`.
    pub endpoint: Option<String>,
    /// `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`: which traces that begin here are recorded; all by default.
    pub sampler: Option<(String, Option<String>)>,
    /// `OTEL_EXPORTER_OTLP_TIMEOUT` (milliseconds): how long a receiver may take to answer; 10 seconds by default.
    pub timeout: Duration,
}

impl TelemetrySettings {
    /// Reads the environment of this process.
    pub fn from_env() -> Self {
        let value = |name| variable(name).filter(|value| !value.is_empty());
        let is_off = value("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Self {
            endpoint: value("OTEL_EXPORTER_OTLP_ENDPOINT").filter(|_| !is_off),
            sampler: value("OTEL_TRACES_SAMPLER").map(|name| (name, value("OTEL_TRACES_SAMPLER_ARG"))),
            timeout: value("OTEL_EXPORTER_OTLP_TIMEOUT")
                .and_then(|text| text.parse().ok())
                .map_or(Duration::from_secs(10), Duration::from_millis),
        }
    }
}

/// An environment variable, if it is set to some text.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

struct Reader<F> {
    lookup: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn value(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        self.required(name)
    }

    fn required<T: FromStr<Err: fmt::Display>>(&mut self, name: &'static str) -> Option<T> {
        match self.value(name) {
            Some(value) => self.parsed(name, &value),
            None => {
                self.problems.push(format!("{name} is not set"));
                None
            }
        }
    }

    fn optional<T: FromStr<Err: fmt::Display>>(&mut self, name: &'static str) -> Option<T> {
        let value = self.value(name)?;
        self.parsed(name, &value)
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, name: &'static str, value: &str) -> Option<T> {
        value.parse().map_err(|error| self.problems.push(format!("{name} is malformed: {error}"))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        let value = match name {
            "FUNCTIONS_CUSTOMHANDLER_PORT" => "4000",
            "EventHubs__fullyQualifiedNamespace" => "contoso.servicebus.windows.net",
            "Cosmos__accountEndpoint" => "https://contoso.documents.azure.com",
            "Storage__blobServiceUri" => "https://contoso.blob.core.windows.net",
            "EventGrid__topicEndpointUri" => "https://partners.westeurope-1.eventgrid.azure.net/api/events",
            "SchemaRegistry__group" => "contoso",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn the_registry_is_the_namespaces_own_by_default() {
        let settings = Settings::read(lookup).unwrap();
        assert_eq!(settings.schema_registry.endpoint.as_str(), "https://contoso.servicebus.windows.net/");
    }

    #[test]
    fn origins_are_spelled_as_browsers_spell_them() {
        let parse = |text: &str| text.parse::<Origins>();
        let some =
            |origins: &[&'static str]| Origins::Some(origins.iter().copied().map(HeaderValue::from_static).collect());
        assert_eq!(parse("*").unwrap(), Origins::Any);
        assert_eq!(parse("").unwrap(), some(&[]));
        let two = "https://shop.contoso.com, http://localhost:7070";
        assert_eq!(parse(two).unwrap(), some(&["https://shop.contoso.com", "http://localhost:7070"]));
        for bad in [
            "shop.contoso.com",
            "https://shop.contoso.com/",
            "https://Shop.contoso.com",
            "https://a:443",
            "*,https://a",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn all_problems_are_listed_at_once() {
        let problems = Settings::read(|name| (name == "Cosmos__accountEndpoint").then(|| "nowhere".to_owned()))
            .unwrap_err()
            .to_string();
        for name in [
            "FUNCTIONS_CUSTOMHANDLER_PORT",
            "EventHubs__fullyQualifiedNamespace",
            "Cosmos__accountEndpoint",
            "SchemaRegistry__group",
        ] {
            assert!(problems.contains(name), "{problems}");
        }
    }
}
