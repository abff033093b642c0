//! Slice of the topology that Bicep reads (`loadJsonContent`): every list flat and every value there, so that templates loop over it
//! without a case for what is absent.

use contoso_handlers::{function::Trigger, registry};
use contoso_local::topology::{self, Compatibility, Source, Topology};
use serde::{Deserialize, Serialize};

use super::grants::{Grant, GrantError, OF_HOST, grants};

/// `bicep/topology.json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Slice {
    cosmos: Cosmos,
    event_hubs: EventHubs,
    storage: Storage,
    event_grid: EventGrid,
    functions: Vec<Granted>,
    every_app: Vec<Grant>,
    identities: Vec<Granted>,
}

#[derive(Debug, Serialize)]
struct Cosmos {
    databases: Vec<String>,
    containers: Vec<Container>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    database: String,
    name: String,
    partition_key: String,
    /// 0: no `defaultTtl`, so that nothing ever expires.
    ttl_seconds: i64,
    indexed_paths: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EventHubs {
    hubs: Vec<Hub>,
    consumer_groups: Vec<ConsumerGroup>,
    schema_groups: Vec<SchemaGroup>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Hub {
    name: String,
    partitions: u32,
    retention_hours: u32,
    /// Empty: not captured.
    capture_container: String,
    capture_seconds: u32,
    capture_bytes: u64,
}

#[derive(Debug, Serialize)]
struct ConsumerGroup {
    hub: String,
    name: String,
    /// The function that reads with it, whose app brings the group.
    function: &'static str,
}

#[derive(Debug, Serialize)]
struct SchemaGroup {
    name: String,
    compatibility: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Storage {
    data_containers: Vec<String>,
    host_containers: Vec<String>,
    retention: Vec<Retention>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Retention {
    container: String,
    /// What names of files begin with: empty for all of the container.
    prefix: String,
    personal: bool,
    /// 0: never.
    cool_after_days: u32,
    delete_after_days: u32,
}

#[derive(Debug, Serialize)]
struct EventGrid {
    topics: Vec<Topic>,
    subscriptions: Vec<Subscription>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Topic {
    name: String,
    input_schema: String,
}

/// A subscription of the storage account's system topic to a function.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    name: String,
    function: String,
    event_types: Vec<String>,
    subject_begins_with: String,
    subject_ends_with: String,
    max_delivery_attempts: u32,
    time_to_live_minutes: u32,
    dead_letter_container: String,
}

/// A function, or an identity that no app has, and what it may do.
#[derive(Debug, Serialize)]
struct Granted {
    name: String,
    grants: Vec<Grant>,
}

/// A part of the topology that templates have no place for.
#[derive(Debug, thiserror::Error)]
pub enum SliceError {
    /// A role assignment.
    #[error("{0}: {1}")]
    Grant(String, GrantError),
    /// A subscription without a member that templates set, or with another source or destination than they know.
    #[error("subscription {name}: {reason}")]
    Subscription {
        /// Its name.
        name: String,
        /// What is missing or not known.
        reason: String,
    },
    /// A consumer group that no app would bring.
    #[error("no function reads hub {hub} with the consumer group {group}")]
    ConsumerGroup {
        /// The hub.
        hub: String,
        /// Its group.
        group: String,
    },
}

/// What Bicep is given of `topology`.
///
/// # Errors
/// When templates have no place for a part of it.
pub fn slice(topology: &Topology) -> Result<Slice, SliceError> {
    let granted = |name: &str, roles: &[topology::RoleAssignment]| {
        let grants = grants(roles).map_err(|error| SliceError::Grant(name.to_owned(), error))?;
        Ok(Granted { name: name.to_owned(), grants })
    };
    let functions = topology.apps.iter().flat_map(|app| &app.functions);
    let mut every_app: Vec<Grant> = Vec::new();
    for app in &topology.apps {
        for grant in granted(&app.name, &app.roles)?.grants {
            if !every_app.contains(&grant) {
                every_app.push(grant);
            }
        }
    }
    Ok(Slice {
        cosmos: cosmos(&topology.cosmos),
        event_hubs: event_hubs(&topology.event_hubs)?,
        storage: storage(&topology.storage),
        event_grid: EventGrid {
            topics: topology
                .event_grid
                .topics
                .iter()
                .map(|topic| Topic { name: topic.name.clone(), input_schema: topic.input_schema.clone() })
                .collect(),
            subscriptions: topology.event_grid.subscriptions.iter().map(subscription).collect::<Result<_, _>>()?,
        },
        functions: functions.map(|function| granted(&function.name, &function.roles)).collect::<Result<_, _>>()?,
        every_app,
        identities: topology
            .identities
            .iter()
            .map(|identity| granted(&identity.name, &identity.roles))
            .collect::<Result<_, _>>()?,
    })
}

impl Slice {
    /// The text of the file.
    ///
    /// # Errors
    /// None that happens: every key is text.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

fn cosmos(account: &topology::Cosmos) -> Cosmos {
    let containers = account.databases.iter().flat_map(|database| {
        database.containers.iter().map(|container| Container {
            database: database.name.clone(),
            name: container.name.clone(),
            partition_key: container.partition_key.clone(),
            ttl_seconds: container.ttl_seconds.unwrap_or_default(),
            indexed_paths: container.indexed_paths.clone(),
        })
    });
    Cosmos {
        databases: account.databases.iter().map(|database| database.name.clone()).collect(),
        containers: containers.collect(),
    }
}

fn event_hubs(namespace: &topology::EventHubs) -> Result<EventHubs, SliceError> {
    let hub = |hub: &topology::Hub| {
        let capture = hub.capture.as_ref();
        Hub {
            name: hub.name.clone(),
            partitions: hub.partitions,
            retention_hours: hub.retention_hours,
            capture_container: capture.map(|capture| capture.container.clone()).unwrap_or_default(),
            capture_seconds: capture.map(|capture| capture.interval_seconds).unwrap_or_default(),
            capture_bytes: capture.map(|capture| capture.size_limit_bytes).unwrap_or_default(),
        }
    };
    let groups = namespace.hubs.iter().flat_map(|hub| {
        hub.consumer_groups.iter().map(|group| {
            let (hub, name) = (hub.name.clone(), group.clone());
            match reader(&hub, &name) {
                Some(function) => Ok(ConsumerGroup { hub, name, function }),
                None => Err(SliceError::ConsumerGroup { hub, group: name }),
            }
        })
    });
    let schema_group = |group: &topology::SchemaGroup| SchemaGroup {
        name: group.name.clone(),
        compatibility: match group.compatibility {
            Compatibility::None => "None",
            Compatibility::Backward => "Backward",
            Compatibility::Forward => "Forward",
        },
    };
    Ok(EventHubs {
        hubs: namespace.hubs.iter().map(hub).collect(),
        consumer_groups: groups.collect::<Result<_, _>>()?,
        schema_groups: namespace.schema_groups.iter().map(schema_group).collect(),
    })
}

/// The function that reads `hub` with the consumer group `group`.
fn reader(hub: &str, group: &str) -> Option<&'static str> {
    registry::functions().into_iter().find_map(|function| match function.trigger {
        Trigger::EventHub { hub: read, consumer_group, .. } if (read, consumer_group) == (hub, group) => {
            Some(function.name)
        }
        _ => None,
    })
}

fn storage(account: &topology::StorageAccount) -> Storage {
    let (host_containers, data_containers) =
        account.containers.iter().cloned().partition(|container| container.starts_with(OF_HOST));
    let retention = |rule: &topology::Retention| Retention {
        container: rule.container.clone(),
        prefix: rule.prefix.clone(),
        personal: rule.personal,
        cool_after_days: rule.cool_after_days.unwrap_or_default(),
        delete_after_days: rule.delete_after_days,
    };
    Storage { data_containers, host_containers, retention: account.retention.iter().map(retention).collect() }
}

/// The part of a subscription's `properties` (Resource Manager) that templates set.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    destination: Typed<Destination>,
    filter: Filter,
    retry_policy: RetryPolicy,
    dead_letter_destination: Typed<BlobDestination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed<T> {
    endpoint_type: String,
    properties: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Destination {
    resource_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlobDestination {
    blob_container_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Filter {
    included_event_types: Vec<String>,
    #[serde(default)]
    subject_begins_with: String,
    #[serde(default)]
    subject_ends_with: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetryPolicy {
    max_delivery_attempts: u32,
    event_time_to_live_in_minutes: u32,
}

fn subscription(subscription: &topology::Subscription) -> Result<Subscription, SliceError> {
    let refused = |reason: String| SliceError::Subscription { name: subscription.name.clone(), reason };
    if !matches!(subscription.source, Source::Storage) {
        return Err(refused("its source is not the storage account".to_owned()));
    }
    let properties: Properties =
        serde_json::from_value(subscription.properties.clone()).map_err(|error| refused(error.to_string()))?;
    let function = properties.destination.properties.resource_id;
    let function = function.strip_prefix("{functionApp}/functions/").map(str::to_owned);
    let Some(function) = function.filter(|_| properties.destination.endpoint_type == "AzureFunction") else {
        return Err(refused("its destination is no function of the app".to_owned()));
    };
    Ok(Subscription {
        name: subscription.name.clone(),
        function,
        event_types: properties.filter.included_event_types,
        subject_begins_with: properties.filter.subject_begins_with,
        subject_ends_with: properties.filter.subject_ends_with,
        max_delivery_attempts: properties.retry_policy.max_delivery_attempts,
        time_to_live_minutes: properties.retry_policy.event_time_to_live_in_minutes,
        dead_letter_container: properties.dead_letter_destination.properties.blob_container_name,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn checkout(path: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
    }

    #[test]
    fn the_slice_in_the_checkout_is_that_of_the_topology() {
        let made = slice(&Topology::read(&checkout("topology.json")).unwrap()).unwrap().to_json().unwrap();
        let kept = std::fs::read_to_string(checkout("bicep/topology.json")).unwrap_or_default();
        assert!(made == kept, "run `./contoso bicep topology`");
    }

    #[test]
    fn what_templates_have_no_place_for_is_refused_by_name() {
        let mut topology = Topology::read(&checkout("topology.json")).unwrap();
        topology.event_grid.subscriptions[0].properties["filter"]["advancedFilters"] = serde_json::json!([]);
        let error = slice(&topology).unwrap_err().to_string();
        assert!(error.contains("capture-batch") && error.contains("advancedFilters"), "{error}");
    }
}
