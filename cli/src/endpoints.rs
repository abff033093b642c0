//! The addresses of a running stack: what `contoso up` tells the world, and how the other commands find it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use contoso_handlers::settings::{Settings, SettingsError};
use contoso_local::stack::Endpoints;
use reqwest::Url;
use serde::Serialize;

pub use crate::data_dir::DEFAULT as DATA_DIR;
use crate::private;

/// Name of the file in the data directory.
pub const FILE: &str = "endpoints.json";

/// The endpoints cannot be had; the message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EndpointsError {
    /// No stack runs here.
    #[error("no {FILE} in {DATA_DIR}/ here or above; start `contoso up` first, or say --endpoints FILE")]
    NotFound,
    /// The stack has ended, or was never started.
    #[error("the stack is not running: there is no {file}; `contoso up` starts one")]
    Gone {
        /// The file.
        file: String,
    },
    /// The file cannot be read.
    #[error("cannot read {file}; does `contoso up` run?")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what `contoso up` writes.
    #[error("{file} is not a list of endpoints")]
    Json {
        /// The file.
        file: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {file}")]
    Write {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A connection string without an address.
    #[error("the Event Hubs connection string names no Endpoint=sb://…")]
    ConnectionString,
}

/// The one line that says that the stack is ready.
#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    #[serde(flatten)]
    endpoints: &'a Endpoints,
}

/// The ready line: one JSON object, without the line's end.
///
/// # Errors
/// Never for endpoints that a stack gave; serialization says so itself.
pub fn ready_line(endpoints: &Endpoints) -> serde_json::Result<String> {
    serde_json::to_string(&Ready { event: "ready", endpoints })
}

/// The file with the ready line, there as long as the stack is: dropping it removes the file.
#[derive(Debug)]
pub struct Published {
    file: PathBuf,
}

impl Published {
    /// Writes `line` to the data directory: whole, or not at all, since others wait for the file to appear.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(data_dir: &Path, line: &str) -> Result<Self, EndpointsError> {
        let file = data_dir.join(FILE);
        let unfinished = file.with_extension("part");
        private::write(&unfinished, format!("{line}\n").as_bytes())
            .and_then(|()| std::fs::rename(&unfinished, &file))
            .map_err(|source| EndpointsError::Write { file: file.display().to_string(), source })?;
        Ok(Self { file })
    }
}

/// Removes the file that a stack left behind which was killed: its addresses lead nowhere, or to somebody else.
///
/// # Errors
/// When the file system refuses.
pub fn forget(data_dir: &Path) -> Result<(), EndpointsError> {
    let file = data_dir.join(FILE);
    match std::fs::remove_file(&file) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(EndpointsError::Write { file: file.display().to_string(), source })
        }
        _ => Ok(()),
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.file) {
            tracing::warn!("cannot remove {}: {error}", self.file.display());
        }
    }
}

/// The file to read: `file`, or that of the nearest data directory at or above the current one.
///
/// # Errors
/// When there is none.
pub fn locate(file: Option<&Path>) -> Result<PathBuf, EndpointsError> {
    file.map(Path::to_owned).or_else(nearest).ok_or(EndpointsError::NotFound)
}

/// Reads the endpoints of a running stack.
///
/// # Errors
/// When the file cannot be read, or holds something else.
pub fn read(file: &Path) -> Result<Endpoints, EndpointsError> {
    let name = || file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => EndpointsError::Gone { file: name() },
        _ => EndpointsError::Read { file: name(), source },
    })?;
    contoso_json::from_str(&text).map_err(|source| EndpointsError::Json { file: name(), source })
}

fn nearest() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|directory| directory.join(DATA_DIR).join(FILE)).find(|file| file.is_file())
}

/// The addresses that people want first, with their names.
#[must_use]
pub fn addresses(endpoints: &Endpoints) -> [(&'static str, &str); 5] {
    let functions = if endpoints.has_external_functions() { "Functions, beside" } else { "Functions" };
    [
        (functions, endpoints.functions.as_str()),
        ("Pages", endpoints.site.as_str()),
        ("Event Hubs", event_hubs_address(endpoints).unwrap_or("-")),
        ("Cosmos DB", endpoints.cosmos.endpoint.as_str()),
        ("Event Grid", endpoints.event_grid.resource_manager.as_str()),
    ]
}

/// Checks that somebody answers at the functions' address where their host is not the stack's own: it may not have been started.
///
/// # Errors
/// When nobody does; the message says what to start.
pub async fn check_functions(endpoints: &Endpoints) -> Result<(), NoFunctionsHost> {
    if !endpoints.has_external_functions() {
        return Ok(());
    }
    let url = Url::parse(&endpoints.functions).ok();
    let place =
        url.as_ref().and_then(|url| Some((url.host_str()?.trim_matches(['[', ']']), url.port_or_known_default()?)));
    let answers = match place {
        Some(place) => {
            let connecting = tokio::time::timeout(CONNECTING, tokio::net::TcpStream::connect(place));
            matches!(connecting.await, Ok(Ok(_)))
        }
        None => false,
    };
    if answers { Ok(()) } else { Err(NoFunctionsHost { address: endpoints.functions.clone() }) }
}

/// How long a functions host has for taking a connection.
const CONNECTING: Duration = Duration::from_secs(5);

/// Nobody runs the functions now.
#[derive(Debug, thiserror::Error)]
#[error(
    "no Functions host answers at {address}; this stack has none of its own (--services-only), so start one, such as \
     `func start --script-root target/app`"
)]
pub struct NoFunctionsHost {
    address: String,
}

/// Checks that the stack has a hub of that name, before anything waits for its events.
///
/// # Errors
/// When it has none; the message lists those it has.
pub fn check_hub(endpoints: &Endpoints, name: &str) -> Result<(), NoHub> {
    let hubs = &endpoints.event_hubs.hubs;
    // A stack of an earlier version does not tell.
    if hubs.is_empty() || hubs.iter().any(|hub| hub == name) {
        return Ok(());
    }
    Err(NoHub { name: name.to_owned(), hubs: hubs.join(", ") })
}

/// The stack has no such hub.
#[derive(Debug, thiserror::Error)]
#[error("there is no hub {name:?}; there are {hubs}")]
pub struct NoHub {
    name: String,
    hubs: String,
}

/// Host and port of the stack's Event Hubs, from the connection string that every official client understands.
///
/// # Errors
/// When the string has no endpoint.
pub fn event_hubs_address(endpoints: &Endpoints) -> Result<&str, EndpointsError> {
    value(&endpoints.event_hubs.connection_string, "Endpoint")
        .and_then(|endpoint| endpoint.strip_prefix("sb://"))
        .map(|address| address.trim_end_matches('/'))
        .ok_or(EndpointsError::ConnectionString)
}

/// The value of `name` in a connection string (`Name=Value;…`; a value may hold `=`).
pub(crate) fn value<'a>(connection_string: &'a str, name: &str) -> Option<&'a str> {
    connection_string
        .split(';')
        .filter_map(|part| part.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The settings with which the handler's own clients work against the stack, in a process that has an identity.
///
/// # Errors
/// When an endpoint is missing or is no address.
pub fn handler_settings(endpoints: &Endpoints) -> Result<Settings, SettingsError> {
    let secure = |url: &str| url.replacen("http:", "https:", 1);
    let address = event_hubs_address(endpoints).ok();
    let port = address.and_then(|address| address.rsplit_once(':')).map(|(_, port)| port);
    Settings::read(|name| match name {
        // Nobody listens on behalf of a command.
        "FUNCTIONS_CUSTOMHANDLER_PORT" => Some("0".to_owned()),
        "EventHubs__fullyQualifiedNamespace" => address.map(str::to_owned),
        "EventHubs__customEndpoint" => port.map(|port| format!("amqps://localhost:{port}")),
        "Cosmos__accountEndpoint" => Some(secure(&endpoints.cosmos.endpoint)),
        "Storage__blobServiceUri" => value(&endpoints.blob.connection_string, "BlobEndpoint").map(secure),
        "EventGrid__topicEndpointUri" => Some(secure(&endpoints.event_grid.topic_endpoint)),
        "SchemaRegistry__endpoint" => Some(endpoints.event_hubs.schema_registry.clone()),
        "SchemaRegistry__group" => Some(crate::schemas::GROUP.to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use contoso_local::identity::Credentials;
    use contoso_local::stack::{
        BlobEndpoints, CosmosEndpoints, EventGridEndpoints, EventHubsEndpoints, MonitorEndpoints, QueueEndpoints,
    };
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn endpoints() -> Endpoints {
        Endpoints {
            functions: "http://127.0.0.1:7071".to_owned(),
            site: "http://127.0.0.1:7070".to_owned(),
            event_hubs: EventHubsEndpoints {
                connection_string: "Endpoint=sb://127.0.0.1:5672;SharedAccessKey=a==;UseDevelopmentEmulator=true;"
                    .to_owned(),
                web_sockets: "ws://127.0.0.1:5672/$servicebus/websocket".to_owned(),
                schema_registry: "https://127.0.0.1:5300".to_owned(),
                schema_registry_namespace: "localhost:5300".to_owned(),
                hubs: vec!["products".to_owned(), "clicks".to_owned()],
            },
            cosmos: CosmosEndpoints { endpoint: "http://127.0.0.1:8081".to_owned(), key: "a2V5".to_owned() },
            blob: BlobEndpoints {
                connection_string: "AccountName=a;AccountKey=b==;BlobEndpoint=http://127.0.0.1:10000/a;".to_owned(),
            },
            queue: QueueEndpoints {
                connection_string: "AccountName=a;AccountKey=b==;QueueEndpoint=http://127.0.0.1:10001/a;".to_owned(),
            },
            event_grid: EventGridEndpoints {
                topic_endpoint: "http://127.0.0.1:6501/topics/partners/api/events".to_owned(),
                topic_key: "key".to_owned(),
                resource_manager: "https://127.0.0.1:6501".to_owned(),
                topic_id: "/subscriptions/0".to_owned(),
            },
            monitor: MonitorEndpoints {
                log_analytics: "https://127.0.0.1:6501".to_owned(),
                workspace_id: Uuid::nil().to_string(),
            },
            control: "http://127.0.0.1:6510".to_owned(),
            otlp: "http://127.0.0.1:4318".to_owned(),
            identities: BTreeMap::from([(
                "operator".to_owned(),
                Credentials {
                    endpoint: "http://127.0.0.1:6502/msi/token".to_owned(),
                    header: "secret".to_owned(),
                    client_id: Uuid::nil(),
                },
            )]),
            ca_certificate: PathBuf::from("/data/identity/ca.pem"),
            external: Vec::new(),
        }
    }

    #[test]
    fn the_ready_line_has_the_documented_shape() {
        let line = ready_line(&endpoints()).expect("serializes");
        assert!(!line.contains('\n'));
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(
            ready,
            json!({
                "event": "ready",
                "functions": "http://127.0.0.1:7071",
                "site": "http://127.0.0.1:7070",
                "eventHubs": {
                    "connectionString": "Endpoint=sb://127.0.0.1:5672;SharedAccessKey=a==;UseDevelopmentEmulator=true;",
                    "webSockets": "ws://127.0.0.1:5672/$servicebus/websocket",
                    "schemaRegistry": "https://127.0.0.1:5300",
                    "schemaRegistryNamespace": "localhost:5300",
                    "hubs": ["products", "clicks"],
                },
                "cosmos": { "endpoint": "http://127.0.0.1:8081", "key": "a2V5" },
                "blob": { "connectionString": "AccountName=a;AccountKey=b==;BlobEndpoint=http://127.0.0.1:10000/a;" },
                "queue": { "connectionString": "AccountName=a;AccountKey=b==;QueueEndpoint=http://127.0.0.1:10001/a;" },
                "eventGrid": {
                    "topicEndpoint": "http://127.0.0.1:6501/topics/partners/api/events",
                    "topicKey": "key",
                    "resourceManager": "https://127.0.0.1:6501",
                    "topicId": "/subscriptions/0",
                },
                "monitor": {
                    "logAnalytics": "https://127.0.0.1:6501",
                    "workspaceId": "00000000-0000-0000-0000-000000000000",
                },
                "control": "http://127.0.0.1:6510",
                "otlp": "http://127.0.0.1:4318",
                "identities": { "operator": {
                    "endpoint": "http://127.0.0.1:6502/msi/token",
                    "header": "secret",
                    "clientId": "00000000-0000-0000-0000-000000000000",
                } },
                "caCertificate": "/data/identity/ca.pem",
            })
        );
    }

    #[tokio::test]
    async fn a_host_beside_the_stack_must_have_been_started() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let functions = format!("http://{address}");
        let mut external =
            Endpoints { functions: functions.clone(), external: vec!["functions".to_owned()], ..endpoints() };
        check_functions(&external).await.expect("it answers");
        let ready: Value = serde_json::from_str(&ready_line(&external).expect("serializes")).expect("JSON");
        assert_eq!((&ready["functions"], &ready["external"]), (&json!(functions), &json!(["functions"])));
        drop(listener);
        let missing = check_functions(&external).await.expect_err("gone").to_string();
        assert!(missing.starts_with(&format!("no Functions host answers at {functions}; ")), "{missing}");
        external.external.clear();
        check_functions(&external).await.expect("the stack's own is not asked");
    }

    #[test]
    fn the_file_is_what_other_commands_read_and_goes_with_the_stack() {
        let directory = tempfile::tempdir().expect("a directory");
        let line = ready_line(&endpoints()).expect("serializes");
        let published = Published::write(directory.path(), &line).expect("written");
        let file = directory.path().join(FILE);
        let read = read(&file).expect("readable");
        assert_eq!(ready_line(&read).expect("serializes"), line);
        drop(published);
        assert!(!file.exists());
        forget(directory.path()).expect("none is there");
        std::fs::write(&file, "left over").expect("written");
        forget(directory.path()).expect("removed");
        assert!(!file.exists());
    }

    #[test]
    fn a_hub_that_is_not_there_is_refused_with_those_that_are() {
        let mut endpoints = endpoints();
        check_hub(&endpoints, "clicks").expect("there");
        let error = check_hub(&endpoints, "nope").expect_err("not there").to_string();
        assert_eq!(error, "there is no hub \"nope\"; there are products, clicks");
        endpoints.event_hubs.hubs.clear();
        check_hub(&endpoints, "nope").expect("not known");
    }

    #[test]
    fn connection_strings_lead_to_every_service() {
        let endpoints = endpoints();
        assert_eq!(event_hubs_address(&endpoints).expect("an address"), "127.0.0.1:5672");
        let settings = handler_settings(&endpoints).expect("complete");
        assert_eq!(settings.storage.endpoint.as_str(), "https://127.0.0.1:10000/a");
        assert_eq!(settings.event_hubs.custom_endpoint.expect("an address").as_str(), "amqps://localhost:5672");
    }
}
