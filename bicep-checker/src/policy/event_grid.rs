//! Event Grid: topics, and subscriptions, which come after the code.

use std::collections::BTreeSet;

use super::{
    Deployment, Findings,
    query::{SUBSCRIPTION, SYSTEM_TOPIC, TOPIC, at, text},
};

/// Azure's limits: topics in a region, and subscriptions of a topic.
const MOST_TOPICS: usize = 100;
const MOST_SUBSCRIPTIONS: usize = 500;

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let main = deployment.main;
    for topic in main.of(TOPIC).chain(main.of(SYSTEM_TOPIC)) {
        // A topic has either kind, and firewalled storage takes dead letters only from this one.
        findings.expect("topic-identity", topic, "/identity/type", "SystemAssigned");
    }
    let mut sources = BTreeSet::new();
    for topic in main.of(SYSTEM_TOPIC) {
        if !sources.insert(text(topic, "/properties/source")) {
            findings.of("system-topic", topic, "Azure makes one system topic of a source");
        }
    }
    if main.of(TOPIC).count() > MOST_TOPICS {
        findings.add("event-grid-limits", format!("more than {MOST_TOPICS} topics in a region"));
    }
    for it in main.deployed().filter(|it| it.kind.to_lowercase().ends_with("/eventsubscriptions")) {
        findings.of("subscriptions-after-code", it, "Azure asks the function, which is not there before the code");
    }
    if deployment.subscriptions.of(SUBSCRIPTION).count() > MOST_SUBSCRIPTIONS {
        findings.add("event-grid-limits", format!("more than {MOST_SUBSCRIPTIONS} subscriptions of a topic"));
    }
    for it in deployment.subscriptions.deployed() {
        if it.kind != SUBSCRIPTION {
            findings.of("subscriptions-after-code", it, "is no event subscription, so it belongs in main.bicep");
            continue;
        }
        let attempts = at(it, "/properties/retryPolicy/maxDeliveryAttempts").as_i64().unwrap_or(0);
        let minutes = at(it, "/properties/retryPolicy/eventTimeToLiveInMinutes").as_i64().unwrap_or(0);
        if !(1..=30).contains(&attempts) || !(1..=1440).contains(&minutes) {
            findings.of("retry", it, format!("{attempts} attempts in {minutes} minutes are beyond Azure's limits"));
        }
        findings.expect("delivery-schema", it, "/properties/eventDeliverySchema", "CloudEventSchemaV1_0");
        dead_letter(deployment, it, findings);
    }
}

fn dead_letter(deployment: &Deployment<'_>, it: &crate::evaluate::Resource, findings: &mut Findings) {
    let place = "/properties/deadLetterWithResourceIdentity";
    if !at(it, "/properties/deadLetterDestination").is_null() {
        findings.of("dead-letter", it, "dead letters are written with the key of the account, which is off");
    }
    findings.expect("dead-letter", it, &format!("{place}/identity/type"), "SystemAssigned");
    findings.expect("dead-letter", it, &format!("{place}/deadLetterDestination/endpointType"), "StorageBlob");
    let properties = format!("{place}/deadLetterDestination/properties");
    let account = text(it, &format!("{properties}/resourceId"));
    let container = text(it, &format!("{properties}/blobContainerName"));
    if !deployment.main.has(&format!("{account}/blobServices/default/containers/{container}")) {
        findings.of("dead-letter", it, format!("the container {container} is not deployed"));
    }
    if let Some(account) = deployment.main.deployed().find(|it| it.id == account) {
        findings.expect("trusted-services", account, "/properties/networkAcls/bypass", "AzureServices");
    }
}
