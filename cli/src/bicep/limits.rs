//! Limits of Azure's services, counted over the topology before a deployment meets them.
//!
//! Source: "Azure Event Hubs quotas and limits" (Standard tier), "Naming rules and restrictions for Azure resources", "Azure RBAC limits",
//! "Azure Cosmos DB service quotas", and "Optimize costs by automatically managing the data lifecycle" of Blob Storage.

use std::path::Path;

use contoso_handlers::events::contracts;
use contoso_local::topology::{RoleAssignment, Topology};

/// Soft delete keeps a deleted file so long, in days.
const SOFT_DELETE: u32 = 7;
/// Days after which nothing that names a visitor is left in files: what docs/collect-clicks.md promises.
const PERSONAL_LASTS: u32 = 30;

const MIB: u64 = 1 << 20;

fn topology() -> Topology {
    Topology::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../topology.json")).unwrap()
}

/// Whether a name has a length in this range and is made of letters, digits and these characters, with a letter or digit at both ends.
fn fits(name: &str, lengths: std::ops::RangeInclusive<usize>, others: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric();
    lengths.contains(&name.len())
        && name.chars().all(|letter| is_plain(letter) || others.contains(letter))
        && name.starts_with(is_plain)
        && name.ends_with(is_plain)
}

#[test]
fn a_namespace_of_the_standard_tier_has_room_for_the_hubs_and_groups() {
    let namespace = topology().event_hubs;
    assert!(namespace.hubs.len() <= 10, "{} hubs", namespace.hubs.len());
    for hub in namespace.hubs {
        let name = &hub.name;
        assert!(fits(name, 1..=256, ".-_"), "{name}");
        assert!((1..=32).contains(&hub.partitions), "{name}: {} partitions", hub.partitions);
        assert!((1..=168).contains(&hub.retention_hours), "{name}: {} hours", hub.retention_hours);
        assert!(hub.consumer_groups.len() <= 20, "{name}: {} groups", hub.consumer_groups.len());
        for group in &hub.consumer_groups {
            assert!(fits(group, 1..=50, ".-_"), "{name}: {group}");
        }
        let capture = hub.capture.as_ref().unwrap_or_else(|| panic!("{name} is not captured"));
        assert!((60..=900).contains(&capture.interval_seconds), "{name}: {} s", capture.interval_seconds);
        assert!(
            (10 * MIB..=500 * MIB).contains(&capture.size_limit_bytes),
            "{name}: {} bytes",
            capture.size_limit_bytes
        );
        // Capture writes again what it missed while storage was away, as long as the hub has it: for a long weekend.
        assert!(hub.retention_hours >= 72, "{name}");
        // Templates set both for every hub.
        assert!(capture.skip_empty, "{name}");
        assert_eq!(
            capture.name_format,
            "{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}"
        );
    }
}

/// 25 versions of schemas are all that a namespace of the Standard tier has, in one group beside the default one.
#[test]
fn the_registry_has_room_for_one_more_version_of_each_schema() {
    let groups = topology().event_hubs.schema_groups;
    assert_eq!(groups.len(), 1);
    assert!(fits(&groups[0].name, 1..=50, ".-_"));
    assert!(2 * contracts::ALL.len() <= 25, "{} schemas", contracts::ALL.len());
    for contract in contracts::ALL {
        assert!(contract.name.len() <= 100, "{}", contract.name);
        assert!(contract.schema.len() as u64 <= MIB, "{}", contract.name);
    }
}

#[test]
fn names_are_such_as_azure_takes() {
    let topology = topology();
    for container in &topology.storage.containers {
        let is_small = container.chars().all(|letter| !letter.is_ascii_uppercase());
        assert!(fits(container, 3..=63, "-") && is_small && !container.contains("--"), "{container}");
    }
    for database in &topology.cosmos.databases {
        assert!(fits(&database.name, 1..=255, "-_"), "{}", database.name);
        for container in &database.containers {
            assert!(fits(&container.name, 1..=255, "-_"), "{}", container.name);
            let ttl = container.ttl_seconds.unwrap_or(-1);
            assert!(ttl == -1 || (1..=i64::from(i32::MAX)).contains(&ttl), "{}: {ttl}", container.name);
            for path in &container.indexed_paths {
                assert!(path.starts_with('/') && (path.ends_with("/?") || path.ends_with("/*")), "{path}");
            }
        }
    }
    for topic in &topology.event_grid.topics {
        assert!(fits(&topic.name, 3..=50, "-"), "{}", topic.name);
    }
    for subscription in &topology.event_grid.subscriptions {
        assert!(fits(&subscription.name, 3..=64, "-"), "{}", subscription.name);
        let retry = &subscription.properties["retryPolicy"];
        let within = |member: &str, most: u64| retry[member].as_u64().is_some_and(|value| (1..=most).contains(&value));
        assert!(within("maxDeliveryAttempts", 30) && within("eventTimeToLiveInMinutes", 1440), "{retry}");
    }
}

/// 4,000 role assignments are all that a subscription has, 2,000 of data roles an account of Cosmos DB. Counted with an app of its own
/// for each function, which is the most there can be.
#[test]
fn role_assignments_fit_a_subscription_with_three_environments() {
    let topology = topology();
    let mut roles: Vec<&RoleAssignment> = topology.identities.iter().flat_map(|identity| &identity.roles).collect();
    for app in &topology.apps {
        for function in &app.functions {
            roles.extend(app.roles.iter().chain(&function.roles));
        }
    }
    let of_cosmos = roles.iter().filter(|role| role.scope.starts_with("cosmos")).count();
    assert!(of_cosmos <= 2000, "{of_cosmos}");
    assert!(3 * (roles.len() - of_cosmos) <= 4000, "{}", roles.len());
}

#[test]
fn files_that_name_visitors_are_gone_in_time_and_the_others_are_kept_apart_from_them() {
    let topology = topology();
    let rules = &topology.storage.retention;
    assert!(rules.len() <= 100, "{} rules", rules.len());
    for rule in rules {
        assert!(rule.delete_after_days > rule.cool_after_days.unwrap_or_default(), "{rule:?}");
        assert!(!rule.personal || rule.delete_after_days + SOFT_DELETE <= PERSONAL_LASTS, "{rule:?}");
    }
    let is_personal = |container: &str, file: &str| {
        let rule = rules.iter().find(|rule| rule.container == container && file.starts_with(&rule.prefix));
        rule.unwrap_or_else(|| panic!("{container}/{file} is kept for ever")).personal
    };
    for hub in &topology.event_hubs.hubs {
        let container = &hub.capture.as_ref().unwrap().container;
        let names_people = ["clicks", "feedback"].contains(&hub.name.as_str());
        assert_eq!(is_personal(container, ""), names_people, "{}", hub.name);
    }
    // Bad records hold what they were, and sessions of clicks are made of them.
    assert!(is_personal("dead-letters", "Trends/") && is_personal("co-views", "clicks/0/"));
}
