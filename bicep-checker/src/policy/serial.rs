//! Some things Azure makes one at a time only: it answers a second request for the same namespace, account or subnet with a conflict.
//! `@batchSize(1)` puts a loop in a row, and what one loop makes after another waits for it.

use super::{
    Deployment, Findings,
    query::{CONSUMER_GROUP, COSMOS_CONTAINER, COSMOS_ROLE, DATABASE, ENDPOINT, HUB, SCHEMA_GROUP, SUBSCRIPTION},
};
use crate::evaluate::{Order, Snapshot};

const SERIAL: [&str; 9] = [
    HUB,
    CONSUMER_GROUP,
    SCHEMA_GROUP,
    COSMOS_ROLE,
    DATABASE,
    COSMOS_CONTAINER,
    ENDPOINT,
    SUBSCRIPTION,
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
];

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    for snapshot in [deployment.main, deployment.subscriptions] {
        let order = snapshot.order();
        for kind in SERIAL {
            in_a_row(snapshot, &order, kind, findings);
        }
    }
    // One subscription cannot be out of order; the loop must be ready for two.
    for it in deployment.subscriptions.of(SUBSCRIPTION).filter(|it| it.batch_size != Some(1)) {
        findings.of("serial", it, "the loop has no @batchSize(1)");
    }
}

/// Reports resources of one type of which neither waits for the other, so that Azure may make them at the same time.
fn in_a_row(snapshot: &Snapshot, order: &Order, kind: &str, findings: &mut Findings) {
    let of_kind: Vec<_> =
        snapshot.resources.iter().enumerate().filter(|(_, it)| !it.existing && it.kind == kind).collect();
    for (index, (one, earlier)) in of_kind.iter().enumerate() {
        for (other, later) in of_kind.iter().skip(index + 1) {
            if !order.is_before(*one, *other) && !order.is_before(*other, *one) {
                findings.of("serial", later, format!("may be made at the same time as {}", earlier.name));
            }
        }
    }
}
