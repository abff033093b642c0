//! Every environment variable this program reads.
//!
//! Service addresses follow the Functions convention for identity-based connections, `<connection>__<property>`, so that bindings
//! and code share one setting. There are no keys: the process has a managed identity, found through the variables that the platform
//! sets for it.

mod environment;
mod origins;
mod partners;
mod process;
mod reader;
mod sales;

use std::path::PathBuf;

use url::Url;

use self::{environment::variable, reader::Reader, sales::Currency};
pub use self::{
    origins::{OriginError, Origins},
    partners::{Hidden, PartnerSettings},
    process::{TelemetrySettings, is_disabled, log_filter},
    sales::SalesSettings,
};

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
    /// Blob storage of the Functions host, where its triggers keep their checkpoints.
    pub host_storage: StorageSettings,
    /// The partners' Event Grid topic.
    pub event_grid: EventGridSettings,
    /// The schema registry.
    pub schema_registry: SchemaRegistrySettings,
    /// The shop's site: who may call, and how much.
    pub site: SiteSettings,
    /// What partners' subscriptions need. Apps that serve none do without.
    pub partners: PartnerSettings,
    /// Sales files.
    pub sales: SalesSettings,
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
    /// `WEBSITE_SITE_NAME`, which Azure sets: the name of the function app. Apps that share the functions are told apart by it.
    pub app: Option<String>,
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

/// A storage account.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// Address of its blobs. That of files is `Storage__blobServiceUri`; that of the Functions host is made of
    /// `AzureWebJobsStorage__accountName`, and without it, as on a laptop, the same.
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
        let mut reader = Reader::new(lookup);
        let namespace = reader.text("EventHubs__fullyQualifiedNamespace");
        let port = reader.required::<u16>("FUNCTIONS_CUSTOMHANDLER_PORT");
        let cosmos = reader.required::<Url>("Cosmos__accountEndpoint");
        let storage = reader.required::<Url>("Storage__blobServiceUri");
        let host_account = reader.value("AzureWebJobsStorage__accountName");
        let host_storage = storage.as_ref().and_then(|files| match &host_account {
            Some(account) => reader.parsed("AzureWebJobsStorage__accountName", &beside(files, account)),
            None => Some(files.clone()),
        });
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
        let sales =
            SalesSettings { currency: reader.optional::<Currency>("Sales__currency").map(|Currency(code)| code) };
        let partners = PartnerSettings::read(&mut reader);
        match (port, namespace, cosmos, storage, host_storage, event_grid, registry, group, partners) {
            (
                Some(port),
                Some(namespace),
                Some(cosmos),
                Some(storage),
                Some(host_storage),
                Some(event_grid),
                Some(registry),
                Some(group),
                Some(partners),
            ) if reader.problems.is_empty() => Ok(Self {
                host: HostSettings {
                    port,
                    app_root: reader.value("FUNCTIONS_APP_ROOT_PATH").map(PathBuf::from),
                    app: reader.value("WEBSITE_SITE_NAME"),
                },
                cosmos: CosmosSettings { endpoint: cosmos, region: reader.value("REGION_NAME") },
                event_hubs: EventHubsSettings { namespace, custom_endpoint },
                storage: StorageSettings { endpoint: storage },
                host_storage: StorageSettings { endpoint: host_storage },
                event_grid: EventGridSettings { endpoint: event_grid },
                schema_registry: SchemaRegistrySettings { endpoint: registry, group },
                site,
                partners,
                sales,
                client_id: reader.value("AZURE_CLIENT_ID"),
            }),
            _ => Err(SettingsError { problems: reader.problems }),
        }
    }
}

/// The address of another account's blobs in the same cloud: account names are the first part of a host name.
fn beside(files: &Url, account: &str) -> String {
    let suffix =
        files.host_str().and_then(|host| host.split_once('.')).map_or("blob.core.windows.net", |(_, rest)| rest);
    format!("https://{account}.{suffix}")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{cell::RefCell, collections::BTreeSet};

    use super::*;

    /// What is required, and nothing else.
    pub(crate) fn lookup(name: &str) -> Option<String> {
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
    fn checkpoints_lie_in_the_hosts_account() {
        let host = |account: Option<&str>| {
            let settings = Settings::read(|name| match name {
                "AzureWebJobsStorage__accountName" => account.map(str::to_owned),
                name => lookup(name),
            });
            settings.unwrap().host_storage.endpoint.to_string()
        };
        assert_eq!(host(Some("contosohost")), "https://contosohost.blob.core.windows.net/");
        assert_eq!(host(None), "https://contoso.blob.core.windows.net/");
    }

    /// Setting names, as `settings.json` lists them: what is read is listed, and what is listed as read by the handler is read.
    #[test]
    fn the_list_of_settings_names_all_that_is_read() {
        /// Read by libraries: the client of identities, and OpenSSL.
        const OF_LIBRARIES: [&str; 3] = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "SSL_CERT_FILE"];
        let read = RefCell::new(BTreeSet::from(OF_LIBRARIES.map(str::to_owned)));
        let note = |name: &str| {
            read.borrow_mut().insert(name.to_owned());
        };
        Settings::read(|name| {
            note(name);
            lookup(name)
        })
        .unwrap();
        // With a value each, since one may be asked for only if another is there.
        TelemetrySettings::read(|name| {
            note(name);
            Some("1".to_owned())
        });
        note(process::LOG);
        note(&process::disabled("{function}"));
        let list: serde_json::Value = serde_json::from_str(include_str!("../../../settings.json")).unwrap();
        let listed: BTreeSet<String> = list["settings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|setting| setting["readBy"] != "host")
            .map(|setting| setting["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(read.into_inner(), listed);
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
