//! Changes that Azure refuses, or that cannot be taken back: found by comparing with what is deployed already.

use serde_json::Value as Json;

use super::{
    Finding, Findings,
    query::{COSMOS, COSMOS_CONTAINER, HUB, NAMESPACE, PLAN, at},
};
use crate::evaluate::{Resource, Snapshot};

/// Properties that stay as they were made, by type.
const FIXED: [(&str, &str); 8] = [
    (HUB, "/properties/partitionCount"),
    (NAMESPACE, "/sku/tier"),
    (COSMOS_CONTAINER, "/properties/resource/partitionKey"),
    (COSMOS, "/properties/backupPolicy/type"),
    (COSMOS, "/kind"),
    (PLAN, "/properties/zoneRedundant"),
    (PLAN, "/sku/name"),
    ("Microsoft.Consumption/budgets", "/properties/timePeriod/startDate"),
];

/// What new templates would change of what old ones deployed and Azure does not change, what they no longer deploy though it has data,
/// and hubs that they no longer capture.
pub(super) fn one_way(before: &Snapshot, after: &Snapshot) -> Vec<Finding> {
    let mut findings = Findings::default();
    for old in before.deployed() {
        let new = after.deployed().find(|it| it.id == old.id);
        for (_, pointer) in FIXED.iter().filter(|(kind, _)| *kind == old.kind) {
            let (was, is) = (at(old, pointer), new.map_or(&Json::Null, |new| at(new, pointer)));
            if let Some(new) = new.filter(|_| was != is) {
                findings.of("one-way", new, format!("{pointer} was {was} and cannot become {is}"));
            }
        }
        if new.is_none() && [HUB, COSMOS_CONTAINER, NAMESPACE, COSMOS].contains(&old.kind.as_str()) {
            findings.of(
                "one-way",
                old,
                "is no longer deployed; Azure keeps it, with its data, until somebody deletes it",
            );
        }
        let captured = |it: &Resource| at(it, "/properties/captureDescription/enabled") == true;
        if let Some(new) = new.filter(|new| captured(old) && !captured(new)) {
            findings.of("one-way", new, "is no longer captured");
        }
    }
    findings.0.sort();
    findings.0
}
