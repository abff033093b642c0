//! Catalogue: the databases, containers and offers of the account.
//!
//! A change is planned, stored, and then applied: what is planned cannot fail any more. Numbers of resource ids follow from
//! the order of all changes that ever were, which is what is stored.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use crate::cosmos::{
    data::{
        container::Container,
        definition::{Definition, Stamp, named},
        offer::{self, Offer, Throughput},
        ranges,
        resource_id::{ContainerId, DatabaseId, OfferId},
    },
    wire::{
        refusal::Refusal,
        request::{ContainerName, PHYSICAL_PARTITIONS, Request, Write},
    },
};

/// What the account is made of.
pub(in crate::cosmos) struct Catalogue {
    databases: BTreeMap<String, Database>,
    next_database: u32,
    next_offer: u32,
}

/// A database.
pub(in crate::cosmos) struct Database {
    pub(in crate::cosmos) name: String,
    pub(in crate::cosmos) id: DatabaseId,
    next_container: u32,
    offer: Option<Offer>,
    stamp: Stamp,
    containers: BTreeMap<String, (Arc<Container>, Option<Offer>)>,
}

/// A change that was looked at and can be made.
pub(in crate::cosmos) enum Change {
    CreateDatabase { name: String, throughput: Option<Throughput>, stamp: Stamp },
    DeleteDatabase(String),
    CreateContainer { container: Arc<Container>, throughput: Option<Throughput>, stamp: Stamp },
    ReplaceContainer { container: Arc<Container>, definition: Definition },
    DeleteContainer(ContainerName),
    ReplaceOffer(Offer),
}

impl Change {
    /// The throughput that it states.
    pub(in crate::cosmos) fn throughput(&self) -> Option<Throughput> {
        match self {
            Self::CreateDatabase { throughput, .. } | Self::CreateContainer { throughput, .. } => *throughput,
            Self::ReplaceOffer(offer) => Some(offer.throughput),
            Self::DeleteDatabase(_) | Self::ReplaceContainer { .. } | Self::DeleteContainer(_) => None,
        }
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self { databases: BTreeMap::new(), next_database: 1, next_offer: 1 }
    }
}

impl Catalogue {
    /// What `request`, of kind `write`, changes. A new container has `partitions` ranges where that is not to follow from its
    /// throughput.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub(in crate::cosmos) fn plan(
        &self,
        write: Write,
        request: &Request,
        stamp: Stamp,
        partitions: Option<u32>,
    ) -> Result<Change, Refusal> {
        let segments = request.segments();
        match (write, segments.as_slice()) {
            (Write::CreateDatabase, _) => {
                let (name, _) = named(&request.body)?;
                if self.databases.contains_key(&name) {
                    return Err(Refusal::conflict(format!("Database '{name}' already exists")));
                }
                Ok(Change::CreateDatabase { name, throughput: stated(request)?, stamp })
            }
            (Write::DeleteDatabase, ["dbs", database]) => {
                matches(request, &self.database(database)?.stamp)?;
                Ok(Change::DeleteDatabase((*database).to_owned()))
            }
            (Write::CreateContainer, ["dbs", database, "colls"]) => {
                self.new_container(self.database(database)?, request, stamp, partitions)
            }
            (Write::ReplaceContainer, ["dbs", database, "colls", container]) => {
                let (container, _) = self.database(database)?.container(container)?;
                let present = container.definition();
                matches(request, &present.stamp)?;
                let definition = present.replaced(&request.body, stamp)?;
                Ok(Change::ReplaceContainer { container: Arc::clone(container), definition })
            }
            (Write::DeleteContainer, ["dbs", database, "colls", container]) => {
                let (container, _) = self.database(database)?.container(container)?;
                matches(request, &container.definition().stamp)?;
                Ok(Change::DeleteContainer(container.name.clone()))
            }
            (Write::ReplaceOffer, ["offers", id]) => {
                let offer = self.offer(id)?;
                matches(request, &offer.stamp)?;
                let asks = |name: &str| request.header(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
                let throughput = match () {
                    () if asks("x-ms-cosmos-migrate-offer-to-autopilot") => offer.throughput.migrated(true),
                    () if asks("x-ms-cosmos-migrate-offer-to-manual-throughput") => offer.throughput.migrated(false),
                    () => Throughput::of_offer(&request.body)?,
                };
                Ok(Change::ReplaceOffer(Offer { throughput, stamp, ..offer.clone() }))
            }
            _ => Err(Refusal::bad_request(format!("{} changes no definition.", request.operation_name()))),
        }
    }

    fn new_container(
        &self,
        database: &Database,
        request: &Request,
        stamp: Stamp,
        partitions: Option<u32>,
    ) -> Result<Change, Refusal> {
        let definition = Definition::read(&request.body, stamp.clone())?;
        if database.containers.contains_key(&definition.id) {
            return Err(Refusal::conflict(format!("Container '{}' already exists", definition.id)));
        }
        let throughput = stated(request)?.or_else(|| database.offer.is_none().then_some(offer::DEFAULT));
        let asked = request.header(PHYSICAL_PARTITIONS).and_then(|count| count.parse().ok());
        let count = asked.or(partitions).unwrap_or_else(|| {
            let shared = database.offer.as_ref().map(|offer| offer.throughput);
            ranges::count_for(throughput.or(shared).unwrap_or(offer::DEFAULT).maximum())
        });
        let id = ContainerId { database: database.id, number: database.next_container };
        let name = ContainerName::new(&database.name, &definition.id);
        let ranges = ranges::divide(&definition.partition_key, count);
        let container = Arc::new(Container::new(name, id, definition, ranges));
        Ok(Change::CreateContainer { container, throughput, stamp })
    }

    /// Makes a change.
    pub(in crate::cosmos) fn apply(&mut self, change: Change) {
        match change {
            Change::CreateDatabase { name, throughput, stamp } => {
                let id = DatabaseId(self.next_database);
                self.next_database += 1;
                let offer = throughput.map(|it| self.new_offer(id.link(), id.to_string(), it, stamp.clone()));
                let database =
                    Database { name: name.clone(), id, next_container: 1, offer, stamp, containers: BTreeMap::new() };
                self.databases.insert(name, database);
            }
            Change::DeleteDatabase(name) => drop(self.databases.remove(&name)),
            Change::CreateContainer { container, throughput, stamp } => {
                let ContainerName { database, container: name } = container.name.clone();
                let id = container.id;
                let offer = throughput.map(|it| self.new_offer(id.link(), id.to_string(), it, stamp));
                if let Some(database) = self.databases.get_mut(&database) {
                    database.next_container += 1;
                    database.containers.insert(name, (container, offer));
                }
            }
            Change::ReplaceContainer { container, definition } => container.redefine(definition),
            Change::DeleteContainer(name) => {
                if let Some(database) = self.databases.get_mut(&name.database) {
                    database.containers.remove(&name.container);
                }
            }
            Change::ReplaceOffer(replaced) => {
                let offers = self.databases.values_mut().flat_map(|database| {
                    database.containers.values_mut().filter_map(|(_, offer)| offer.as_mut()).chain(&mut database.offer)
                });
                for offer in offers.filter(|offer| offer.id == replaced.id) {
                    *offer = replaced.clone();
                }
            }
        }
    }

    fn new_offer(&mut self, link: String, resource_id: String, throughput: Throughput, stamp: Stamp) -> Offer {
        let id = OfferId(self.next_offer);
        self.next_offer += 1;
        Offer { id, link, resource_id, throughput, stamp }
    }

    pub(in crate::cosmos) fn databases(&self) -> impl Iterator<Item = &Database> {
        self.databases.values()
    }

    /// # Errors
    /// 404 where there is none of this name.
    pub(in crate::cosmos) fn database(&self, name: &str) -> Result<&Database, Refusal> {
        self.databases.get(name).ok_or_else(|| Refusal::not_found(format!("Database '{name}' does not exist")))
    }

    /// # Errors
    /// 404 where there is none of this name.
    pub(in crate::cosmos) fn container(&self, name: &ContainerName) -> Result<Arc<Container>, Refusal> {
        self.database(&name.database)?.container(&name.container).map(|(container, _)| Arc::clone(container))
    }

    pub(in crate::cosmos) fn containers(&self) -> impl Iterator<Item = &Arc<Container>> {
        self.databases.values().flat_map(Database::containers)
    }

    pub(in crate::cosmos) fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.databases.values().flat_map(|database| {
            let of_containers = database.containers.values().filter_map(|(_, offer)| offer.as_ref());
            database.offer.iter().chain(of_containers)
        })
    }

    /// The offer with this resource id, or as earlier versions called it: `offer_` and the numbers of database and container.
    ///
    /// # Errors
    /// 404 where there is none.
    pub(in crate::cosmos) fn offer(&self, id: &str) -> Result<&Offer, Refusal> {
        let outdated = id.strip_prefix("offer_").and_then(|numbers| {
            let (database, number) = numbers.split_once('_')?;
            let id = ContainerId { database: DatabaseId(database.parse().ok()?), number: number.parse().ok()? };
            Some(id.to_string())
        });
        let is_it = |offer: &&Offer| offer.id.to_string() == id || outdated.as_ref() == Some(&offer.resource_id);
        self.offers().find(is_it).ok_or_else(|| Refusal::not_found(format!("Offer '{id}' does not exist")))
    }
}

impl Database {
    /// # Errors
    /// 404 where there is none of this name.
    fn container(&self, name: &str) -> Result<&(Arc<Container>, Option<Offer>), Refusal> {
        self.containers.get(name).ok_or_else(|| Refusal::not_found(format!("Container '{name}' does not exist")))
    }

    pub(in crate::cosmos) fn containers(&self) -> impl Iterator<Item = &Arc<Container>> {
        self.containers.values().map(|(container, _)| container)
    }

    /// As the service answers it.
    pub(in crate::cosmos) fn answered(&self) -> Value {
        json!({
            "id": self.name,
            "_rid": self.id.to_string(),
            "_self": self.id.link(),
            "_etag": self.stamp.etag,
            "_ts": self.stamp.seconds(),
            "_colls": "colls/",
            "_users": "users/",
        })
    }
}

/// The throughput that a creation states.
fn stated(request: &Request) -> Result<Option<Throughput>, Refusal> {
    let autoscale = request.header("x-ms-cosmos-offer-autopilot-settings");
    Throughput::of_headers(request.header("x-ms-offer-throughput"), autoscale)
}

/// Whether the condition of a request holds.
fn matches(request: &Request, present: &Stamp) -> Result<(), Refusal> {
    match request.header(http::header::IF_MATCH) {
        Some(etag) if etag != "*" && etag != present.etag => Err(Refusal::precondition()),
        _ => Ok(()),
    }
}
