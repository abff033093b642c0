//! Azure makes things in an order in which a first deployment succeeds. A name or id that is handed on as text creates no order, so
//! every id that a resource mentions must be of something made before it.

use std::collections::BTreeMap;

use super::{
    Deployment, Findings,
    query::{
        BLOB_CONTAINER, CONSUMER_GROUP, COSMOS, COSMOS_CONTAINER, COSMOS_ROLE, DATABASE, HUB, IDENTITY, ROLE, SETTINGS,
        SITE, SYSTEM_TOPIC, TOPIC, at, text, texts,
    },
    role_table::{BLOB_CONTRIBUTOR, METRICS_PUBLISHER},
};
use crate::evaluate::{Order, Resource, Snapshot};

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let order = Sequence::of(deployment.main);
    order.parents(findings);
    order.mentioned(findings);
    order.identities(findings);
    order.capture(deployment, findings);
    order.cosmos_roles(findings);
    order.apps(deployment, findings);
}

struct Sequence<'a> {
    snapshot: &'a Snapshot,
    order: Order,
    by_id: BTreeMap<String, usize>,
}

impl<'a> Sequence<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let deployed = snapshot.resources.iter().enumerate().filter(|(_, it)| !it.existing);
        Self {
            snapshot,
            order: snapshot.order(),
            by_id: deployed.map(|(number, it)| (it.id.to_lowercase(), number)).collect(),
        }
    }

    fn deployed(&self) -> impl Iterator<Item = (usize, &'a Resource)> {
        self.snapshot.resources.iter().enumerate().filter(|(_, it)| !it.existing)
    }

    fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = (usize, &'a Resource)> {
        self.deployed().filter(move |(_, it)| it.kind == kind)
    }

    fn require(&self, (first, earlier): (usize, &Resource), (then, it): (usize, &Resource), findings: &mut Findings) {
        if first != then && !self.order.is_before(first, then) {
            let kind = earlier.kind.rsplit('/').next().unwrap_or_default();
            findings.of("order", it, format!("does not wait for {kind} {}", earlier.name));
        }
    }

    /// What something is a child or an extension of.
    fn parents(&self, findings: &mut Findings) {
        for (number, it) in self.deployed() {
            if let Some(parent) = self.by_id.get(&it.scope.to_lowercase()) {
                self.require((*parent, &self.snapshot.resources[*parent]), (number, it), findings);
            }
        }
    }

    /// What something mentions by its id.
    fn mentioned(&self, findings: &mut Findings) {
        for (number, it) in self.deployed() {
            let mut written = Vec::new();
            texts(&it.body, &mut written);
            for text in written.into_iter().filter(|text| text.contains("/subscriptions/")) {
                let text = text.to_lowercase();
                for (start, _) in text.match_indices("/subscriptions/") {
                    let mentioned: &str = text[start..].split(|letter| !is_id(letter)).next().unwrap_or_default();
                    // Of what the id names, the innermost that is deployed; that one waits for those around it.
                    let ends = mentioned.match_indices('/').map(|(end, _)| end).chain([mentioned.len()]);
                    if let Some(other) = ends.rev().find_map(|end| self.by_id.get(&mentioned[..end]).copied()) {
                        self.require((other, &self.snapshot.resources[other]), (number, it), findings);
                    }
                }
            }
        }
    }

    /// It takes a while until Cosmos DB, Event Hubs and roles know of a new identity, so the slow account comes after all of them.
    fn identities(&self, findings: &mut Findings) {
        for identity in self.of_kind(IDENTITY) {
            let principal = format!("[reference('{}').properties.principalId]", identity.1.id);
            let has_role = self.of_kind(COSMOS_ROLE).any(|(_, it)| text(it, "/properties/principalId") == principal);
            for account in self.of_kind(COSMOS).filter(|_| has_role) {
                self.require(identity, account, findings);
            }
        }
    }

    /// Before a hub that is captured: the container, the role of the identity on it, and the deployer's, which Azure asks for too.
    fn capture(&self, deployment: &Deployment<'_>, findings: &mut Findings) {
        for hub in self.of_kind(HUB) {
            let destination = "/properties/captureDescription/destination";
            if at(hub.1, destination).is_null() {
                continue;
            }
            let account = text(hub.1, &format!("{destination}/properties/storageAccountResourceId"));
            let container = text(hub.1, &format!("{destination}/properties/blobContainer"));
            let container = format!("{account}/blobServices/default/containers/{container}");
            let identity = text(hub.1, &format!("{destination}/identity/userAssignedIdentity"));
            let identity = format!("[reference('{identity}').properties.principalId]");
            for it in self.of_kind(BLOB_CONTAINER).filter(|(_, it)| it.id == container) {
                self.require(it, hub, findings);
            }
            let roles = |scope: &str, who: &dyn Fn(&str) -> bool| {
                let of = |(_, it): &(usize, &Resource)| it.scope == scope && who(text(it, "/properties/principalId"));
                self.of_kind(ROLE).filter(of).collect::<Vec<_>>()
            };
            let writer = roles(&container, &|who| who == identity);
            let deployer = deployment.people.iter().find(|(_, name)| *name == "deployment").map(|(id, _)| id.as_str());
            let mut deployer = roles(account, &|who| Some(who) == deployer);
            // Its role for event subscriptions, which lies there too, writes no file.
            deployer.retain(|(_, role)| text(role, "/properties/roleDefinitionId").ends_with(BLOB_CONTRIBUTOR));
            if writer.is_empty() || deployer.is_empty() {
                findings.of("order", hub.1, "nobody may write what it captures, or who deploys may not");
            }
            for role in writer.into_iter().chain(deployer) {
                self.require(role, hub, findings);
            }
        }
    }

    /// A role on a database or container that is not there fails: its scope is text.
    fn cosmos_roles(&self, findings: &mut Findings) {
        for role in self.of_kind(COSMOS_ROLE) {
            let scope =
                text(role.1, "/properties/scope").replace("/dbs/", "/sqlDatabases/").replace("/colls/", "/containers/");
            for it in self.of_kind(DATABASE).chain(self.of_kind(COSMOS_CONTAINER)).filter(|(_, it)| it.id == scope) {
                self.require(it, role, findings);
            }
            let known = self.by_id.contains_key(&scope.to_lowercase());
            if !known {
                findings.of("cosmos-role", role.1, format!("{scope} is not deployed"));
            }
        }
    }

    /// Before an app: its roles, what its host works with, the groups and containers that its triggers read.
    fn apps(&self, deployment: &Deployment<'_>, findings: &mut Findings) {
        for site in self.of_kind(SITE) {
            let settings = deployment.main.of(SETTINGS).find(|it| it.scope == site.1.id);
            let identity = settings.map_or("", |it| deployment.identity(it));
            let host = settings.map_or("", |it| text(it, "/properties/AzureWebJobsStorage__accountName"));
            let principal = format!("[reference('{identity}').properties.principalId]");
            for kind in [ROLE, COSMOS_ROLE] {
                let own = |(_, it): &(usize, &Resource)| {
                    let publishes = text(it, "/properties/roleDefinitionId").ends_with(METRICS_PUBLISHER);
                    text(it, "/properties/principalId") == principal && !publishes
                };
                for role in self.of_kind(kind).filter(own) {
                    self.require(role, site, findings);
                }
            }
            for kind in [CONSUMER_GROUP, COSMOS_CONTAINER, TOPIC, SYSTEM_TOPIC] {
                for it in self.of_kind(kind) {
                    self.require(it, site, findings);
                }
            }
            for it in self.of_kind(BLOB_CONTAINER).filter(|(_, it)| it.name.starts_with(&format!("{host}/"))) {
                self.require(it, site, findings);
            }
        }
    }
}

/// Whether ids have such letters.
fn is_id(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "/-_.".contains(letter)
}
