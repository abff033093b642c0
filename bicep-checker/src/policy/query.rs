//! Looking things up in a snapshot.

use serde_json::Value as Json;

use super::Deployment;
use crate::evaluate::{Resource, Snapshot};

pub(super) const NAMESPACE: &str = "Microsoft.EventHub/namespaces";
pub(super) const HUB: &str = "Microsoft.EventHub/namespaces/eventhubs";
pub(super) const CONSUMER_GROUP: &str = "Microsoft.EventHub/namespaces/eventhubs/consumergroups";
pub(super) const SCHEMA_GROUP: &str = "Microsoft.EventHub/namespaces/schemagroups";
pub(super) const COSMOS: &str = "Microsoft.DocumentDB/databaseAccounts";
pub(super) const DATABASE: &str = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases";
pub(super) const COSMOS_CONTAINER: &str = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers";
pub(super) const COSMOS_ROLE: &str = "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments";
pub(super) const TOPIC: &str = "Microsoft.EventGrid/topics";
pub(super) const SYSTEM_TOPIC: &str = "Microsoft.EventGrid/systemTopics";
pub(super) const SUBSCRIPTION: &str = "Microsoft.EventGrid/systemTopics/eventSubscriptions";
pub(super) const STORAGE: &str = "Microsoft.Storage/storageAccounts";
pub(super) const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices";
pub(super) const BLOB_CONTAINER: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";
pub(super) const SITE: &str = "Microsoft.Web/sites";
pub(super) const PLAN: &str = "Microsoft.Web/serverfarms";
pub(super) const SETTINGS: &str = "Microsoft.Web/sites/config";
pub(super) const IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";
pub(super) const ROLE: &str = "Microsoft.Authorization/roleAssignments";
pub(super) const COMPONENT: &str = "Microsoft.Insights/components";
pub(super) const WORKSPACE: &str = "Microsoft.OperationalInsights/workspaces";
pub(super) const NETWORK: &str = "Microsoft.Network/virtualNetworks";
pub(super) const ENDPOINT: &str = "Microsoft.Network/privateEndpoints";

/// A property of a resource by its JSON pointer, such as `/properties/sku`; null where there is none.
pub(super) fn at<'a>(resource: &'a Resource, pointer: &str) -> &'a Json {
    resource.body.pointer(pointer).unwrap_or(&Json::Null)
}

/// A property as text, by its JSON pointer; empty where it is none.
pub(super) fn text<'a>(resource: &'a Resource, pointer: &str) -> &'a str {
    at(resource, pointer).as_str().unwrap_or_default()
}

/// The items of an array; none where it is no array.
pub(super) fn items(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}

/// A member as text; empty where there is none.
pub(super) fn member<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// The last part of an id or path.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Every text in a value.
pub(super) fn texts<'a>(json: &'a Json, found: &mut Vec<&'a str>) {
    match json {
        Json::String(text) => found.push(text),
        Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Json::Object(members) => {
            for (name, value) in members {
                found.push(name);
                texts(value, found);
            }
        }
        _ => {}
    }
}

impl Snapshot {
    /// What is deployed, without what is only referred to.
    pub(super) fn deployed(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(|resource| !resource.existing)
    }

    /// What is deployed of a type.
    pub(super) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.deployed().filter(move |resource| resource.kind.eq_ignore_ascii_case(kind))
    }

    /// Whether something of this id is deployed.
    pub(super) fn has(&self, id: &str) -> bool {
        self.deployed().any(|resource| resource.id == id)
    }
}

impl<'a> Deployment<'a> {
    /// Id of the storage account of captured files, reports and dead letters: the one whose events the system topic tells.
    pub(super) fn data_account(&self) -> &'a str {
        self.main.of(SYSTEM_TOPIC).map(|topic| text(topic, "/properties/source")).next().unwrap_or_default()
    }

    /// Names of the host storage accounts, by their apps' settings.
    pub(super) fn host_accounts(&self) -> Vec<&'a str> {
        self.main.of(SETTINGS).map(|it| text(it, "/properties/AzureWebJobsStorage__accountName")).collect()
    }

    /// Id of the first resource of a type that is deployed once, such as the namespace; empty where there is none.
    pub(super) fn id_of(&self, kind: &'a str) -> &'a str {
        self.main.of(kind).map(|resource| resource.id.as_str()).next().unwrap_or_default()
    }

    /// The functions that an app runs, by its settings.
    pub(super) fn runs(&self, settings: &'a Resource) -> Vec<&'a str> {
        let members = at(settings, "/properties").as_object().into_iter().flatten();
        let functions = members
            .filter(|(_, value)| *value == "false")
            .filter_map(|(name, _)| name.strip_prefix("AzureWebJobs.").and_then(|name| name.strip_suffix(".Disabled")));
        functions.collect()
    }

    /// Id of the identity of an app, whose settings these are.
    pub(super) fn identity(&self, settings: &Resource) -> &'a str {
        let site = self.main.of(SITE).find(|site| site.id == settings.scope);
        let identities = site.and_then(|site| at(site, "/identity/userAssignedIdentities").as_object());
        identities.and_then(|identities| identities.keys().next()).map_or("", |id| id.as_str())
    }

    /// Whether data services are reached through the network only.
    pub(super) fn is_private(&self) -> bool {
        self.main.of(NETWORK).next().is_some()
    }

    /// Whether it is production, which has rules of its own: zones, a second region, locks, private networking.
    pub(super) fn is_production(&self) -> bool {
        self.environment == "prod"
    }
}
