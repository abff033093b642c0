//! Tags and the policy on them, budget and locks.

use serde_json::Value as Json;

use super::{
    Deployment, Findings,
    query::{COSMOS, NAMESPACE, at, items, text},
};

/// Top-level types that have no tags.
const UNTAGGED: [&str; 7] = [
    "Microsoft.Authorization/locks",
    "Microsoft.Authorization/policyAssignments",
    "Microsoft.Authorization/policyDefinitions",
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Consumption/budgets",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Resources/deployments",
];

/// Types that Azure makes by itself, without tags: the policy must let them pass.
const MADE_BY_AZURE: [&str; 2] =
    ["microsoft.alertsmanagement/smartdetectoralertrules", "microsoft.insights/actiongroups"];

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let teams = policy(deployment, findings);
    for it in deployment.main.deployed() {
        let top = it.kind.matches('/').count() == 1 || it.kind.ends_with("/virtualNetworkLinks");
        if !top || UNTAGGED.iter().any(|kind| it.kind.eq_ignore_ascii_case(kind)) {
            continue;
        }
        let team = text(it, "/tags/team");
        if !teams.iter().any(|name| name == team) {
            findings.of("tags", it, format!("the tag team is {team:?}, not one of {teams:?}"));
        }
        for tag in ["workload", "environment", "costCenter", "managedBy"] {
            if text(it, &format!("/tags/{tag}")).is_empty() {
                findings.of("tags", it, format!("has no tag {tag}"));
            }
        }
        findings.expect("tags", it, "/tags/environment", deployment.environment);
    }
    budget(deployment, findings);
    locks(deployment, findings);
}

/// Names of the teams that the policy admits.
fn policy(deployment: &Deployment<'_>, findings: &mut Findings) -> Vec<String> {
    let mut teams = Vec::new();
    for it in deployment.main.of("Microsoft.Authorization/policyDefinitions") {
        findings.expect("tag-policy", it, "/properties/mode", "Indexed");
        // Other effects want an identity, and change what the template wrote.
        findings.expect("tag-policy", it, "/properties/policyRule/then/effect", "deny");
        let allowed = items(at(it, "/properties/parameters/allowedTeams/defaultValue"));
        teams = allowed.filter_map(Json::as_str).map(str::to_owned).collect();
        let conditions: Vec<&Json> = items(at(it, "/properties/policyRule/if/allOf")).collect();
        let on_team =
            conditions.iter().any(|it| it["field"] == "tags[team]" && it["notIn"] == "[[parameters('allowedTeams')]");
        if !on_team {
            findings.of("tag-policy", it, "does not ask for a team of the list");
        }
        let exempt: Vec<String> = conditions
            .iter()
            .filter(|it| it["field"] == "type")
            .flat_map(|it| items(&it["notIn"]))
            .filter_map(|it| it.as_str().map(str::to_lowercase))
            .collect();
        if !MADE_BY_AZURE.iter().all(|kind| exempt.iter().any(|it| it == kind)) {
            findings.of("tag-policy", it, format!("refuses what Azure makes itself: {MADE_BY_AZURE:?}"));
        }
        let id = &it.id;
        let assigned = deployment.main.of("Microsoft.Authorization/policyAssignments");
        if !assigned.into_iter().any(|it| text(it, "/properties/policyDefinitionId") == id) {
            findings.of("tag-policy", it, "is not assigned to the resource group");
        }
    }
    if teams.is_empty() {
        findings.add("tag-policy", "no policy names the teams");
    }
    teams
}

/// Azure takes no other start date later, and none that is not the first of a month.
fn budget(deployment: &Deployment<'_>, findings: &mut Findings) {
    for it in deployment.main.of("Microsoft.Consumption/budgets") {
        let date = text(it, "/properties/timePeriod/startDate");
        let digits = |part: Option<&str>, count: usize| {
            part.is_some_and(|part| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let is_first = date.get(4..5) == Some("-") && date.get(7..) == Some("-01");
        if !(is_first && digits(date.get(..4), 4) && digits(date.get(5..7), 2)) {
            findings.of("budget", it, format!("begins on {date:?}, not on the first of a month"));
        }
        let told = at(it, "/properties/notifications").as_object().into_iter().flatten();
        let everybody =
            told.map(|(_, it)| items(&it["contactEmails"]).any(|it| it.as_str().is_some_and(|it| it.contains('@'))));
        let everybody: Vec<bool> = everybody.collect();
        if everybody.is_empty() || everybody.contains(&false) {
            findings.of("budget", it, "tells nobody");
        }
    }
    if deployment.is_production() && deployment.main.of("Microsoft.Consumption/budgets").count() == 0 {
        findings.add("production", "there is no budget");
    }
}

fn locks(deployment: &Deployment<'_>, findings: &mut Findings) {
    let locks: Vec<_> = deployment.main.of("Microsoft.Authorization/locks").collect();
    for lock in &locks {
        // A read-only lock also blocks what the services themselves do.
        findings.expect("locks", lock, "/properties/level", "CanNotDelete");
    }
    if !deployment.is_production() {
        return;
    }
    let data = deployment.data_account();
    for id in [data, deployment.id_of(COSMOS), deployment.id_of(NAMESPACE)] {
        if !locks.iter().any(|lock| lock.scope == id) {
            findings.add("production", format!("{id} has no lock"));
        }
    }
}
