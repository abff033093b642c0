//! With private networking, data services have private addresses only, and the apps' public one is for Event Grid.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{
    Deployment, Findings,
    query::{COSMOS, ENDPOINT, NAMESPACE, NETWORK, SITE, STORAGE, TOPIC, at, items, last, member, text},
};
use crate::evaluate::Resource;

const RULE_SET: &str = "Microsoft.EventHub/namespaces/networkRuleSets";

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let main = deployment.main;
    let (access, default) = if deployment.is_private() { ("Disabled", "Deny") } else { ("Enabled", "Allow") };
    for it in main.of(NAMESPACE).chain(main.of(RULE_SET)).chain(main.of(COSMOS)).chain(main.of(TOPIC)) {
        findings.expect("public-access", it, "/properties/publicNetworkAccess", access);
    }
    for rules in main.of(RULE_SET) {
        findings.expect("trusted-services", rules, "/properties/trustedServiceAccessEnabled", true);
        findings.expect("public-access", rules, "/properties/defaultAction", default);
    }
    let (data, hosts) = (deployment.data_account(), deployment.host_accounts());
    for it in main.of(STORAGE).filter(|it| it.id == data || hosts.contains(&it.name.as_str())) {
        findings.expect("public-access", it, "/properties/networkAcls/defaultAction", default);
        if it.id != data {
            findings.expect("public-access", it, "/properties/publicNetworkAccess", access);
        }
    }
    for site in main.of(SITE) {
        findings.expect("app-inbound", site, "/properties/publicNetworkAccess", "Enabled");
        findings.expect("app-inbound", site, "/properties/siteConfig/ipSecurityRestrictionsDefaultAction", default);
        if deployment.is_private() {
            inbound(site, findings);
        }
        let subnet = text(site, "/properties/virtualNetworkSubnetId");
        let subnets = main.of(NETWORK).map(|it| format!("{}/subnets/apps", it.id)).collect::<Vec<_>>();
        if subnets != [subnet] && !(subnets.is_empty() && subnet.is_empty()) {
            findings.of("app-outbound", site, format!("goes out through {subnet:?}, not {subnets:?}"));
        }
    }
    if deployment.is_production() && !deployment.is_private() {
        findings.add("production", "data services have public addresses");
    }
    endpoints(deployment, findings);
    for network in main.of(NETWORK) {
        subnets(deployment, network, findings);
        security_groups(deployment, network, findings);
    }
}

/// Event Grid cannot deliver into a private endpoint, so the app keeps its public address, for it alone.
fn inbound(site: &Resource, findings: &mut Findings) {
    let rules: Vec<&Json> = items(at(site, "/properties/siteConfig/ipSecurityRestrictions")).collect();
    let of_event_grid = |it: &&&Json| it["tag"] == "ServiceTag" && it["ipAddress"] == "AzureEventGrid";
    if !rules.iter().any(|it| of_event_grid(&it)) {
        findings.of("app-inbound", site, "does not let Event Grid in");
    }
    for rule in &rules {
        let address = member(rule, "ipAddress");
        let open = ["", "Any", "*", "0.0.0.0/0", "::/0", "Internet"].contains(&address);
        if rule["action"] == "Allow" && open {
            findings.of("app-inbound", site, format!("lets everybody in by {}", member(rule, "name")));
        }
    }
    let mut priorities: Vec<i64> = rules.iter().filter_map(|it| it["priority"].as_i64()).collect();
    priorities.sort_unstable();
    if priorities.windows(2).any(|pair| pair[0] == pair[1]) {
        findings.of("app-inbound", site, "two rules have one priority");
    }
}

/// Private endpoints: one for each part of each service without public access; none for an app, since a deployment from outside of the
/// network would not reach it.
fn endpoints(deployment: &Deployment<'_>, findings: &mut Findings) {
    let main = deployment.main;
    let mut expected: BTreeSet<(String, &str)> = BTreeSet::new();
    if deployment.is_private() {
        let of = |kind, group| main.of(kind).map(move |it| (it.id.clone(), group)).collect::<Vec<_>>();
        expected.extend(of(NAMESPACE, "namespace"));
        expected.extend(of(COSMOS, "Sql"));
        expected.extend(of(TOPIC, "topic"));
        expected.extend(["blob", "queue"].map(|group| (deployment.data_account().to_owned(), group)));
        let hosts = deployment.host_accounts();
        for it in main.of(STORAGE).filter(|it| hosts.contains(&it.name.as_str())) {
            expected.extend([(it.id.clone(), "blob"), (it.id.clone(), "table")]);
        }
    }
    for endpoint in main.of(ENDPOINT) {
        let connections: Vec<&Json> = items(at(endpoint, "/properties/privateLinkServiceConnections")).collect();
        let [connection] = connections.as_slice() else {
            findings.of("private-endpoints", endpoint, "has not one connection");
            continue;
        };
        let service = member(&connection["properties"], "privateLinkServiceId");
        let groups: Vec<&str> = items(&connection["properties"]["groupIds"]).filter_map(Json::as_str).collect();
        if groups.contains(&"sites") {
            findings.of("private-endpoints", endpoint, "an app with a private endpoint cannot be deployed to");
        }
        let found = expected.iter().find(|(id, group)| id == service && groups == [*group]).cloned();
        match found {
            Some(found) => {
                expected.remove(&found);
            }
            None => findings.of("private-endpoints", endpoint, format!("{groups:?} of {service} wants none")),
        }
        let zoned = main.deployed().any(|it| it.scope == endpoint.id && it.kind.ends_with("/privateDnsZoneGroups"));
        if !zoned {
            findings.of("private-endpoints", endpoint, "no zone resolves it");
        }
    }
    for (id, group) in expected {
        findings.add("private-endpoints", format!("{} has no private endpoint {group}", last(&id)));
    }
    for group in main.deployed().filter(|it| it.kind.ends_with("/privateDnsZoneGroups")) {
        for config in items(at(group, "/properties/privateDnsZoneConfigs")) {
            let zone = member(&config["properties"], "privateDnsZoneId");
            if !main.has(zone) {
                findings.of("private-endpoints", group, format!("the zone {} is not deployed", last(zone)));
            }
        }
    }
    // A zone that no network is linked to resolves nothing.
    for zone in main.of("Microsoft.Network/privateDnsZones") {
        if !main.deployed().any(|it| it.scope == zone.id && it.kind.ends_with("/virtualNetworkLinks")) {
            findings.of("private-endpoints", zone, "no network is linked to it");
        }
    }
}

/// What the apps may send, the endpoints must take: where only one side says so, the host does not reach its storage.
fn security_groups(deployment: &Deployment<'_>, network: &Resource, findings: &mut Findings) {
    let allowed = |direction: &str| {
        let groups = deployment.main.of("Microsoft.Network/networkSecurityGroups");
        let rules = groups.flat_map(|it| items(at(it, "/properties/securityRules"))).map(|it| &it["properties"]);
        rules.filter(|it| it["access"] == "Allow" && it["direction"] == direction).cloned().collect::<Vec<Json>>()
    };
    let route = |it: &Json| {
        (it["sourceAddressPrefix"].clone(), it["destinationAddressPrefix"].clone(), it["destinationPortRanges"].clone())
    };
    let (out, into) = (allowed("Outbound"), allowed("Inbound"));
    if out.is_empty() || !out.iter().all(|it| into.iter().any(|other| route(other) == route(it))) {
        findings.of(
            "security-groups",
            network,
            "what leaves the apps' subnet is not what the endpoints' subnet lets in",
        );
    }
    let needed = ["443", "5671"];
    for port in needed {
        let has = |it: &&Json| items(&it["destinationPortRanges"]).any(|range| range == port);
        if !out.iter().any(|it| has(&it)) {
            findings.of("security-groups", network, format!("apps do not reach port {port} of the endpoints"));
        }
    }
}

fn subnets(deployment: &Deployment<'_>, network: &Resource, findings: &mut Findings) {
    let apps = deployment.main.of(SITE).count();
    let list: Vec<&Json> = items(at(network, "/properties/subnets")).collect();
    for subnet in &list {
        let name = member(subnet, "name");
        let properties = &subnet["properties"];
        if properties["networkSecurityGroup"].is_null() {
            findings.of("subnets", network, format!("{name} has no security group"));
        }
        let delegations: Vec<&str> =
            items(&properties["delegations"]).map(|it| member(&it["properties"], "serviceName")).collect();
        if !delegations.contains(&"Microsoft.App/environments") {
            continue;
        }
        if name.contains('_') || !properties["serviceEndpoints"].is_null() || delegations.len() != 1 {
            findings.of("subnets", network, format!("{name} has an underscore, or something beside the apps"));
        }
        // Several apps in one subnet want 64 addresses, one 32.
        let bits = member(properties, "addressPrefix").rsplit('/').next().and_then(|bits| bits.parse::<u32>().ok());
        if bits.is_none_or(|bits| bits > if apps > 1 { 26 } else { 27 }) {
            findings.of("subnets", network, format!("{name} is too small for {apps} apps"));
        }
        let used =
            deployment.main.of(ENDPOINT).any(|it| text(it, "/properties/subnet/id").ends_with(&format!("/{name}")));
        if used {
            findings.of("subnets", network, format!("{name} has private endpoints in it"));
        }
    }
    let delegated = list.iter().filter(|it| {
        items(&it["properties"]["delegations"])
            .any(|it| it["properties"]["serviceName"] == "Microsoft.App/environments")
    });
    if delegated.count() != 1 {
        findings.of("subnets", network, "has not one subnet that is delegated to the apps");
    }
    let locations: BTreeSet<&str> = deployment.main.of(SITE).map(|it| text(it, "/location")).collect();
    if !locations.is_empty() && !locations.contains(text(network, "/location")) {
        findings.of("subnets", network, "is in another region than the apps");
    }
}
