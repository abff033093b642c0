//! Store of registered schemas.

use std::sync::{Mutex, PoisonError};

use fjall::Keyspace;
use serde::{Deserialize, Serialize};

use super::{compatibility, definition::Definition, error::Refusal};
use crate::{
    storage::{Storage, StorageError},
    topology::{Compatibility, SchemaGroup},
};

/// A version of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Registered {
    pub(super) id: String,
    pub(super) group: String,
    pub(super) name: String,
    /// From 1.
    pub(super) version: u32,
    /// As it was registered first.
    pub(super) text: String,
}

pub(super) struct Store {
    storage: Storage,
    namespace: String,
    groups: Vec<SchemaGroup>,
    /// Group, name and version to the schema.
    versions: Keyspace,
    /// Id to the key in `versions`.
    ids: Keyspace,
    /// Whoever registers holds it: versions have no gaps and no doubles.
    registering: Mutex<()>,
}

impl Store {
    pub(super) fn open(groups: &[SchemaGroup], namespace: &str, storage: &Storage) -> Result<Self, StorageError> {
        Ok(Self {
            namespace: namespace.to_owned(),
            groups: groups.to_vec(),
            versions: storage.keyspace("schemas.versions")?,
            ids: storage.keyspace("schemas.ids")?,
            registering: Mutex::new(()),
            storage: storage.clone(),
        })
    }

    pub(super) fn groups(&self) -> Vec<&str> {
        self.groups.iter().map(|group| group.name.as_str()).collect()
    }

    fn compatibility(&self, group: &str) -> Result<Compatibility, Refusal> {
        match self.groups.iter().find(|known| known.name == group) {
            Some(group) => Ok(group.compatibility),
            None => Err(Refusal::NotFound(format!("the schema group {group} of the namespace {}", self.namespace))),
        }
    }

    /// The version that holds `definition`: the one there is, or a new one.
    ///
    /// # Errors
    /// An unknown group; a schema that the group's compatibility refuses; a failing store.
    pub(super) fn register(&self, group: &str, name: &str, definition: &Definition) -> Result<Registered, Refusal> {
        let mode = self.compatibility(group)?;
        let _turn = self.registering.lock().unwrap_or_else(PoisonError::into_inner);
        let id = definition.id(group, name);
        if let Some(registered) = self.by_id(&id)? {
            return Ok(registered);
        }
        let versions = self.of_schema(group, name)?;
        let mut parsed = Vec::new();
        for version in &versions {
            parsed.push((version.version, Definition::parse(&version.text)?.schema));
        }
        compatibility::check(mode, &definition.schema, parsed.iter().map(|(version, schema)| (*version, schema)))?;

        let registered = Registered {
            version: versions.last().map_or(1, |latest| latest.version + 1),
            id,
            group: group.to_owned(),
            name: name.to_owned(),
            text: definition.text.clone(),
        };
        let key = key(group, name, registered.version);
        let mut batch = self.storage.batch();
        batch.insert(&self.versions, key.clone(), serde_json::to_vec(&registered)?);
        batch.insert(&self.ids, registered.id.as_str(), key);
        batch.commit()?;
        Ok(registered)
    }

    /// # Errors
    /// An unknown group; a schema that was never registered under this name; a failing store.
    pub(super) fn find(&self, group: &str, name: &str, definition: &Definition) -> Result<Registered, Refusal> {
        self.compatibility(group)?;
        let missing = || Refusal::NotFound(format!("this version of the schema {name} in the group {group}"));
        self.by_id(&definition.id(group, name))?.ok_or_else(missing)
    }

    pub(super) fn by_id(&self, id: &str) -> Result<Option<Registered>, Refusal> {
        match self.ids.get(id)? {
            Some(key) => self.at(&key),
            None => Ok(None),
        }
    }

    pub(super) fn by_version(&self, group: &str, name: &str, version: u32) -> Result<Option<Registered>, Refusal> {
        self.compatibility(group)?;
        self.at(&key(group, name, version))
    }

    fn at(&self, key: &[u8]) -> Result<Option<Registered>, Refusal> {
        let value = self.versions.get(key)?;
        Ok(value.map(|value| contoso_json::from_slice(&value)).transpose()?)
    }

    /// The versions of a schema, oldest first.
    ///
    /// # Errors
    /// An unknown group; a failing store.
    pub(super) fn versions(&self, group: &str, name: &str) -> Result<Vec<Registered>, Refusal> {
        self.compatibility(group)?;
        self.of_schema(group, name)
    }

    fn of_schema(&self, group: &str, name: &str) -> Result<Vec<Registered>, Refusal> {
        let versions = self.versions.prefix(prefix(group, name));
        versions.map(|entry| Ok(contoso_json::from_slice(&entry.value()?)?)).collect()
    }
}

/// Names hold no NUL, so no schema's keys start with another's.
fn prefix(group: &str, name: &str) -> Vec<u8> {
    format!("{group}\0{name}\0").into_bytes()
}

fn key(group: &str, name: &str, version: u32) -> Vec<u8> {
    [prefix(group, name), version.to_be_bytes().to_vec()].concat()
}
