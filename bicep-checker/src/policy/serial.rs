//! Some things Azure makes one at a time only: it answers a second request for the same namespace, account or subnet with a conflict.
//! `@batchSize(1)` puts a loop in a row, and what one loop makes after another waits for it.

use super::{
    Deployment, Findings,
    query::{CONSUMER_GROUP, COSMOS_CONTAINER, COSMOS_ROLE, DATABASE, ENDPOINT, HUB, SCHEMA_GROUP, SUBSCRIPTION},
};
use crate::evaluate::Snapshot;

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
        for kind in SERIAL {
            in_a_row(snapshot, kind, findings);
        }
    }
    // One subscription cannot be out of order; the loop must be ready for two.
    for it in deployment.subscriptions.of(SUBSCRIPTION).filter(|it| it.batch_size != Some(1)) {
        findings.of("serial", it, "the loop has no @batchSize(1)");
    }
}

/// Of every two, one waits for the other.
fn in_a_row(snapshot: &Snapshot, kind: &str, findings: &mut Findings) {
    let numbers: Vec<usize> = (0..snapshot.resources.len())
        .filter(|number| snapshot.resources.get(*number).is_some_and(|it| !it.existing && it.kind == kind))
        .collect();
    let before: Vec<_> = numbers.iter().map(|number| snapshot.before(*number)).collect();
    for (first, (one, earlier)) in numbers.iter().zip(&before).enumerate() {
        for (other, later) in numbers.iter().zip(&before).skip(first + 1) {
            if !earlier.contains(other) && !later.contains(one) {
                let (one, other) = (&snapshot.resources[*one], &snapshot.resources[*other]);
                findings.of("serial", other, format!("may be made at the same time as {}", one.name));
            }
        }
    }
}
