//! `local.settings.json`: the settings with which a Functions host that is not the stack's own, such as that of Core Tools, runs
//! the app beside a stack.
//!
//! The example of the checkout has them for the default ports. Host and extensions read them as
//! [local-stack.md](../../docs/local-stack.md) has it in a table: a plain connection (`Cosmos`) is a connection string and wins
//! over the section of the same name (`Cosmos__accountEndpoint`), which the handler reads, and the host where there is no
//! plain one.

use std::path::{Path, PathBuf};

use contoso_local::stack::{Endpoints, Ports};
use reqwest::Url;
use serde_json::{Map, Value};

use crate::{
    app_settings::{self, AppSettingsError},
    data_dir::DEFAULT,
    endpoints::{self, value},
    identity, private,
};

/// Name of the file, where Core Tools look for it.
pub const FILE: &str = "local.settings.json";
/// Name of the same without keys.
pub const BY_IDENTITY: &str = "local.settings.identity.json";

/// What stands for the checkout in the example.
const CHECKOUT: &str = "/absolute/path/of";
/// Storage on the default ports, as every tool knows it.
const DEVELOPMENT_STORAGE: &str = "UseDevelopmentStorage=true";

/// How the host signs in to what its triggers read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// By the keys of connection strings, in plain text.
    Key,
    /// By the app's identity, over TLS; Event Hubs by a key here too, since nobody has tried its extension otherwise.
    Identity,
}

/// The stack that the settings lead to.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its data directory, where its authority lies.
    pub data_dir: &'a Path,
    /// Its addresses, where it runs already; else those of the default ports.
    pub endpoints: Option<&'a Endpoints>,
}

/// The settings cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LocalSettingsError {
    /// A file cannot be read or written.
    #[error("cannot {operation} {file}")]
    Io {
        /// "read" or "write".
        operation: &'static str,
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The master keys of the data directory.
    #[error(transparent)]
    MasterKeys(#[from] AppSettingsError),
    /// The example is no file of local settings.
    #[error("{file} has no object Values of texts")]
    Example {
        /// The file.
        file: String,
    },
}

/// Writes the settings for `target` to `to`, made of the example in the file `example`. They hold keys of the local stack, so the
/// file is for its user alone. Secrets of webhooks are derived of the data directory's own master keys, which are drawn for a stack that
/// runs; for one that never ran there are none, and `Partners` says so.
///
/// # Errors
/// When a file cannot be read or written, or the example is none.
pub fn write(example: &Path, target: Target<'_>, access: Access, to: &Path) -> Result<(), LocalSettingsError> {
    let failed = |operation, file: &Path| {
        let file = file.display().to_string();
        move |source| LocalSettingsError::Io { operation, file, source }
    };
    let text = std::fs::read_to_string(example).map_err(failed("read", example))?;
    let data_dir = std::path::absolute(target.data_dir).map_err(failed("find", target.data_dir))?;
    let target = Target { data_dir: &data_dir, ..target };
    let unusable = || LocalSettingsError::Example { file: example.display().to_string() };
    let keys = match target.endpoints {
        Some(_) => app_settings::master_keys(&data_dir)?,
        None => app_settings::drawn_master_keys(&data_dir)?.unwrap_or_default(),
    };
    let settings = of(&text, target, access, &keys).ok_or_else(unusable)?;
    private::write(to, format!("{settings:#}\n").as_bytes()).map_err(failed("write", to))
}

/// The settings for `target`, made of the text of the example; `None` where that is none.
fn of(example: &str, target: Target<'_>, access: Access, master_keys: &str) -> Option<Value> {
    let mut settings: Value = contoso_json::from_str(example).ok()?;
    let values = settings.get_mut("Values")?.as_object_mut()?;
    let places = target.endpoints.map(moved).unwrap_or_default();
    let authority = format!("{CHECKOUT}/{DEFAULT}");
    for value in values.values_mut() {
        let text = with_ports(value.as_str()?, &places);
        *value = text.replace(&authority, &target.data_dir.display().to_string()).into();
    }
    if let Some(endpoints) = target.endpoints {
        if places.iter().any(|(default, port)| STORAGE.contains(default) && default != port) {
            replace(values, "AzureWebJobsStorage", DEVELOPMENT_STORAGE, &endpoints.queue.connection_string);
        }
        if let Some(app) = endpoints.identities.get(identity::APP) {
            values.insert("IDENTITY_HEADER".to_owned(), app.header.clone().into());
        }
    }
    replace(values, "Partners__masterKeys", "", master_keys);
    if access == Access::Identity {
        by_identity(values);
    }
    Some(settings)
}

/// Takes the connection strings away that would win over the identity, and adds what the host then reads.
fn by_identity(values: &mut Map<String, Value>) {
    for plain in ["AzureWebJobsStorage", "Cosmos"] {
        values.remove(plain);
        values.insert(format!("{plain}__credential"), "managedidentity".into());
    }
    for service in ["blobServiceUri", "queueServiceUri"] {
        if let Some(address) = values.get(&format!("Storage__{service}")).cloned() {
            values.insert(format!("AzureWebJobsStorage__{service}"), address);
        }
    }
}

fn replace(values: &mut Map<String, Value>, name: &str, from: &str, to: &str) {
    if let Some(value) = values.get_mut(name).filter(|value| **value == from) {
        *value = to.into();
    }
}

/// The default ports of Blob and Queue Storage.
const STORAGE: [u16; 2] = [10000, 10001];

/// Each default port with the one that a running stack has in its place.
fn moved(endpoints: &Endpoints) -> Vec<(u16, u16)> {
    let defaults = Ports::defaults();
    let port = |url: &str| Url::parse(url).ok().and_then(|url| url.port_or_known_default());
    let hubs = endpoints::event_hubs_address(endpoints).ok().map(|address| format!("amqp://{address}"));
    let identity = endpoints.identities.values().next().map(|identity| identity.endpoint.as_str());
    let storage = |name| value(&endpoints.queue.connection_string, name);
    let pairs = [
        (defaults.cosmos, port(&endpoints.cosmos.endpoint)),
        (defaults.event_hubs, hubs.as_deref().and_then(port)),
        (defaults.blob, storage("BlobEndpoint").and_then(port)),
        (defaults.queue, storage("QueueEndpoint").and_then(port)),
        (defaults.event_grid, port(&endpoints.event_grid.topic_endpoint)),
        (defaults.schema_registry, port(&endpoints.event_hubs.schema_registry)),
        (defaults.site, port(&endpoints.site)),
        (defaults.identity, identity.and_then(port)),
    ];
    pairs.into_iter().filter_map(|(default, port)| Some((default, port?))).collect()
}

/// The text with the ports of this machine's addresses replaced, each once.
fn with_ports(text: &str, places: &[(u16, u16)]) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(at) = ["127.0.0.1:", "localhost:"].iter().filter_map(|host| rest.find(host)).min() {
        let (before, host) = rest.split_at(at + "127.0.0.1:".len());
        let digits = host.len() - host.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (port, after) = host.split_at(digits);
        let moved = places.iter().find(|(default, _)| port.parse() == Ok(*default));
        replaced += before;
        replaced += &moved.map_or_else(|| port.to_owned(), |(_, port)| port.to_string());
        rest = after;
    }
    replaced + rest
}

/// The files of the stack on a data directory: by key and by identity.
#[must_use]
pub fn files(data_dir: &Path) -> [(Access, PathBuf); 2] {
    [(Access::Key, data_dir.join(FILE)), (Access::Identity, data_dir.join(BY_IDENTITY))]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const EXAMPLE: &str = include_str!("../../local.settings.json.example");

    /// What hosts and extensions read, beside what the table of the page says: the lookup of connections (a plain value is a
    /// connection string, else the section), the properties of the sections, and the variables of App Service's identity.
    const HOST_READS: [&str; 13] = [
        "FUNCTIONS_WORKER_RUNTIME",
        "AzureWebJobsStorage",
        "AzureWebJobsStorage__blobServiceUri",
        "AzureWebJobsStorage__queueServiceUri",
        "AzureWebJobsStorage__credential",
        "Cosmos",
        "Cosmos__accountEndpoint",
        "Cosmos__credential",
        "EventHubs",
        "Storage__queueServiceUri",
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "SSL_CERT_FILE",
    ];

    fn values(access: Access) -> BTreeMap<String, String> {
        let target = Target { data_dir: Path::new("/shop/data"), endpoints: None };
        let settings = of(EXAMPLE, target, access, "local:of-this-data-directory").expect("settings");
        serde_json::from_value(settings["Values"].clone()).expect("texts")
    }

    /// The rows of the page's table: setting, form, who reads it by key, who by identity.
    fn table() -> Vec<[String; 4]> {
        let page = include_str!("../../docs/local-stack.md");
        let (_, table) = page.split_once("| setting | form | by key | by identity |\n").expect("the table");
        let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
        let cells = |row: &str| {
            let mut cells = row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
            std::array::from_fn(|_| cells.next().expect("four cells"))
        };
        rows.map(cells).collect()
    }

    fn has_form(value: &str, form: &str) -> bool {
        let url = || Url::parse(value).ok();
        let address = |scheme: &str| url().is_some_and(|url| url.scheme() == scheme && url.port().is_some());
        match form {
            "connection string" => {
                value == DEVELOPMENT_STORAGE || value.contains("=http://") || value.contains("=sb://")
            }
            "https address" => address("https"),
            "http address" => address("http"),
            "amqps address" => address("amqps"),
            "origins" => value.split(',').all(|origin| Url::parse(origin).is_ok()),
            "managedidentity" | "custom" | "true" => value == form,
            "resource id" => value.starts_with("/subscriptions/"),
            "GUID" => uuid::Uuid::try_parse(value).is_ok(),
            "host and port" => value.split_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()),
            "number" => value.parse::<u32>().is_ok(),
            "file" => value == "/shop/data/identity/ca.pem",
            "name" => value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'),
            "secret" => value.len() > 20,
            _ => panic!("no such form: {form}"),
        }
    }

    #[test]
    fn each_setting_is_what_its_reader_takes() {
        let listed: Value = serde_json::from_str(include_str!("../../settings.json")).expect("JSON");
        let read_by = |name: &str| {
            let settings = listed["settings"].as_array().expect("settings");
            let setting = settings.iter().find(|setting| setting["name"] == name);
            setting.map_or("host", |setting| setting["readBy"].as_str().expect("a reader")).to_owned()
        };
        for (access, column) in [(Access::Key, 2), (Access::Identity, 3)] {
            let mut values = values(access);
            for row in table() {
                let (name, form, reader) = (&row[0], &row[1], &row[column]);
                let Some(value) = values.remove(name) else {
                    assert_eq!(reader, "–", "{name} is not set, {access:?}");
                    continue;
                };
                assert!(matches!(reader.as_str(), "host" | "handler" | "both"), "{name}: {reader}, {access:?}");
                assert!(has_form(&value, form), "{name} is no {form}: {value}");
                if reader != "handler" {
                    assert!(HOST_READS.contains(&name.as_str()), "{name} is nothing that a host reads");
                    let (plain, section) = name.split_once("__").unwrap_or((name, ""));
                    let is_beaten = !section.is_empty() && self::values(access).contains_key(plain);
                    assert!(!is_beaten, "{name}: the host takes {plain} instead, {access:?}");
                }
                if reader != "host" {
                    assert_ne!(read_by(name), "host", "{name} is nothing that the handler reads");
                }
            }
            assert!(values.is_empty(), "not in the table: {values:?}");
        }
    }

    #[test]
    fn the_example_has_no_master_key_that_anybody_could_use() {
        let folder = tempfile::tempdir().expect("a folder");
        let (example, to) = (folder.path().join("example"), folder.path().join(FILE));
        std::fs::write(&example, EXAMPLE).expect("written");
        let keys = || {
            let target = Target { data_dir: folder.path(), endpoints: None };
            write(&example, target, Access::Key, &to).expect("written");
            let settings: Value = serde_json::from_slice(&std::fs::read(&to).expect("a file")).expect("JSON");
            settings["Values"]["Partners__masterKeys"].as_str().expect("a text").to_owned()
        };
        assert_eq!(keys(), "", "of a stack that never ran");
        std::fs::create_dir(folder.path().join("identity")).expect("a folder");
        let drawn = app_settings::master_keys(folder.path()).expect("drawn");
        assert_eq!(keys(), drawn);
    }

    #[test]
    fn ports_and_the_folder_of_another_stack_take_the_place_of_the_usual_ones() {
        let places = [(8081, 10001), (10001, 4444), (5672, 5555)];
        for (text, expected) in [
            (
                "AccountEndpoint=http://127.0.0.1:8081;AccountKey=8081==;",
                "AccountEndpoint=http://127.0.0.1:10001;AccountKey=8081==;",
            ),
            ("amqps://localhost:5672", "amqps://localhost:5555"),
            ("https://127.0.0.1:10001/devstoreaccount1", "https://127.0.0.1:4444/devstoreaccount1"),
            ("http://127.0.0.1:7070,http://localhost:5672", "http://127.0.0.1:7070,http://localhost:5555"),
            ("contoso.servicebus.windows.net", "contoso.servicebus.windows.net"),
        ] {
            assert_eq!(with_ports(text, &places), expected);
        }
        assert_eq!(values(Access::Key)["SSL_CERT_FILE"], "/shop/data/identity/ca.pem");
        assert!(of("{}", Target { data_dir: Path::new("/"), endpoints: None }, Access::Key, "").is_none());
    }
}
