//! Logs, alerts and the workbook.

use std::collections::BTreeMap;

use super::{
    Deployment, Findings,
    query::{BLOBS, COMPONENT, COSMOS, NAMESPACE, SYSTEM_TOPIC, TOPIC, at, items, member, text},
};

const DIAGNOSTICS: &str = "Microsoft.Insights/diagnosticSettings";
const METRIC_ALERT: &str = "Microsoft.Insights/metricAlerts";
const QUERY_ALERT: &str = "Microsoft.Insights/scheduledQueryRules";

/// What must be noticed: a metric or a part of a query, and where it is looked for.
const NOTICED: [(&str, &str); 9] = [
    (NAMESPACE, "ThrottledRequests"),
    (NAMESPACE, "CaptureBacklog"),
    (COSMOS, "TotalRequests"),
    (TOPIC, "DeliveryAttemptFailCount"),
    (TOPIC, "DeadLetteredCount"),
    (SYSTEM_TOPIC, "DeadLetteredCount"),
    ("lag", "lag_ms"),
    ("heartbeat", "'Heartbeat'"),
    ("failures", "Success == false"),
];

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let main = deployment.main;
    let mut settings: BTreeMap<&str, usize> = BTreeMap::new();
    for it in main.of(DIAGNOSTICS) {
        *settings.entry(&it.scope).or_default() += 1;
        if !main.has(text(it, "/properties/workspaceId")) {
            findings.of("diagnostics", it, "goes to no workspace that is deployed");
        }
        let enabled = ["/properties/logs", "/properties/metrics"].iter().all(|list| {
            let list = items(at(it, list)).collect::<Vec<_>>();
            !list.is_empty() && list.iter().all(|it| it["enabled"] == true)
        });
        if !enabled {
            findings.of("diagnostics", it, "has no logs or no metrics");
        }
    }
    for kind in [NAMESPACE, COSMOS, TOPIC, SYSTEM_TOPIC, BLOBS, "Microsoft.KeyVault/vaults"] {
        for it in main.of(kind) {
            match settings.get(it.id.as_str()).copied().unwrap_or(0) {
                1 => {}
                0 => findings.of("diagnostics", it, "has no diagnostic setting"),
                // Azure refuses a second one for the same logs and workspace.
                _ => findings.of("diagnostics", it, "has several diagnostic settings"),
            }
        }
    }
    for component in main.of(COMPONENT) {
        if !main.has(text(component, "/properties/WorkspaceResourceId")) {
            findings.of("diagnostics", component, "is bound to no workspace");
        }
    }
    for group in main.of("Microsoft.Insights/actionGroups") {
        let short = text(group, "/properties/groupShortName");
        if short.is_empty() || short.chars().count() > 12 || items(at(group, "/properties/emailReceivers")).count() == 0
        {
            findings.of("alerts", group, "tells nobody, or has no short name of up to 12 characters");
        }
    }
    alerts(deployment, findings);
}

fn alerts(deployment: &Deployment<'_>, findings: &mut Findings) {
    let main = deployment.main;
    let mut noticed: Vec<(String, String)> = Vec::new();
    for alert in main.of(METRIC_ALERT) {
        for criterion in items(at(alert, "/properties/criteria/allOf")) {
            noticed.push((member(criterion, "metricNamespace").to_owned(), member(criterion, "metricName").to_owned()));
            if criterion["skipMetricValidation"] != true {
                findings.of("alert-validation", alert, "Azure knows the metric only once it was sent");
            }
        }
        let told = items(at(alert, "/properties/actions")).any(|it| main.has(member(it, "actionGroupId")));
        if !told || at(alert, "/properties/enabled") != true {
            findings.of("alerts", alert, "tells nobody");
        }
        if !items(at(alert, "/properties/scopes")).all(|it| main.has(it.as_str().unwrap_or_default())) {
            findings.of("alerts", alert, "watches what is not deployed");
        }
        findings.expect("alerts", alert, "/location", "global");
    }
    for alert in main.of(QUERY_ALERT) {
        for criterion in items(at(alert, "/properties/criteria/allOf")) {
            let query = member(criterion, "query");
            noticed.extend(["lag", "heartbeat", "failures"].map(|kind| (kind.to_owned(), query.to_owned())));
            if !query.contains("isfuzzy=true (datatable(") {
                findings.of("alert-validation", alert, "a query of a table that has no rows yet fails");
            }
        }
        findings.expect("alert-validation", alert, "/properties/skipQueryValidation", true);
        let groups = items(at(alert, "/properties/actions/actionGroups"));
        if !groups.into_iter().any(|it| main.has(it.as_str().unwrap_or_default())) {
            findings.of("alerts", alert, "tells nobody");
        }
    }
    for (kind, what) in NOTICED {
        if !noticed.iter().any(|(of, text)| of == kind && text.contains(what)) {
            findings.add("alerts", format!("nobody is told of {what} of {kind}"));
        }
    }
    for topic in main.of(TOPIC) {
        let watched =
            |it: &crate::evaluate::Resource| items(at(it, "/properties/scopes")).any(|it| *it == topic.id.as_str());
        if main.of(METRIC_ALERT).filter(|it| watched(it)).count() < 2 {
            findings.of("alerts", topic, "nobody is told if partners fail or get dead letters");
        }
    }
    if main.of("Microsoft.Insights/workbooks").count() != 1 {
        findings.add("workbook", "there is not one workbook");
    }
    for workbook in main.of("Microsoft.Insights/workbooks") {
        if contoso_json::from_str::<serde_json::Value>(text(workbook, "/properties/serializedData")).is_err() {
            findings.of("workbook", workbook, "its content is no JSON");
        }
    }
}
