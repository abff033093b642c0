//! A container's definition, as its client stated it and as it is answered.

use contoso_cosmos_query::effective_partition_key::PartitionKeyDefinition;
use contoso_json::{Object, Plain};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cosmos::{
    data::{
        computed::{self, Computed},
        document::parse_ttl,
        indexing::{self, IndexingPolicy, StatedPolicy},
        resource_id::ContainerId,
        unique_keys::UniqueKeys,
    },
    wire::{refusal::Refusal, request::check_name},
};

/// What every write gives a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cosmos) struct Stamp {
    /// With its quotes.
    pub(in crate::cosmos) etag: String,
    /// Milliseconds since the epoch on the stack's clock.
    pub(in crate::cosmos) at_millis: i64,
}

impl Stamp {
    /// A write at this time, with an ETag that no other has.
    pub(in crate::cosmos) fn new(at_millis: i64) -> Self {
        Self { etag: new_etag(), at_millis }
    }

    /// `_ts`.
    pub(in crate::cosmos) fn seconds(&self) -> i64 {
        self.at_millis.div_euclid(1000)
    }
}

/// An ETag that no other resource has, with its quotes.
pub(in crate::cosmos) fn new_etag() -> String {
    format!("\"{}\"", uuid::Uuid::new_v4())
}

/// What is looked at of a new definition beside what it is made of.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parts {
    indexing_policy: Option<Object<StatedPolicy>>,
    computed_properties: Option<Vec<Object<computed::Stated>>>,
    default_ttl: Option<Plain>,
}

/// What a container is.
#[derive(Clone, Debug)]
pub(in crate::cosmos) struct Definition {
    pub(in crate::cosmos) id: String,
    pub(in crate::cosmos) partition_key: PartitionKeyDefinition,
    pub(in crate::cosmos) unique_keys: UniqueKeys,
    /// `defaultTtl`.
    pub(in crate::cosmos) default_ttl: Option<i64>,
    pub(in crate::cosmos) indexing: IndexingPolicy,
    pub(in crate::cosmos) computed: Computed,
    /// As it was stated, without what the service adds.
    members: Map<String, Value>,
    pub(in crate::cosmos) stamp: Stamp,
}

impl Definition {
    /// Reads what a client states.
    ///
    /// # Errors
    /// 400 where it is no definition.
    pub(in crate::cosmos) fn read(body: &[u8], stamp: Stamp) -> Result<Self, Refusal> {
        let (id, mut members) = named(body)?;
        members.retain(|name, value| !name.starts_with('_') && !value.is_null());
        let partition_key = members.get("partitionKey").cloned();
        let partition_key = partition_key
            .ok_or_else(|| Refusal::bad_request("Missing partitionKey definition in container creation request"))?;
        let partition_key: PartitionKeyDefinition = serde_json::from_value(partition_key)
            .map_err(|error| Refusal::bad_request(format!("Invalid partitionKey definition: {error}.")))?;
        let is_path = |path: &str| path.len() > 1 && path.starts_with('/');
        if partition_key.paths.is_empty() {
            return Err(Refusal::bad_request("A partition key has a path."));
        }
        if let Some(path) = partition_key.paths.iter().find(|path| !is_path(path)) {
            let message = format!("The partition key path {path:?} is none: it begins with a slash and has a name.");
            return Err(Refusal::bad_request(message));
        }
        let unique_keys = match members.get("uniqueKeyPolicy") {
            None => UniqueKeys::default(),
            Some(policy) => serde_json::from_value(policy.clone())
                .map_err(|error| Refusal::bad_request(format!("Invalid uniqueKeyPolicy: {error}.")))?,
        };
        let default_ttl = members.get("defaultTtl").map(parse_ttl).transpose().map_err(Refusal::bad_request)?;
        let indexing = IndexingPolicy::stored(&members).map_err(Refusal::bad_request)?;
        let computed = Computed::stored(&members);
        Ok(Self { id, partition_key, unique_keys, default_ttl, indexing, computed, members, stamp })
    }

    /// Whether indexes and computed properties of a definition can be taken. Stored ones are not asked: earlier versions took any.
    ///
    /// # Errors
    /// 400 where they cannot.
    pub(in crate::cosmos) fn check(body: &[u8]) -> Result<(), Refusal> {
        let Object(parts) = contoso_json::from_slice::<Object<Parts>>(body)
            .map_err(|error| Refusal::bad_request(format!("The body is no definition that can be read: {error}.")))?;
        let computed = parts.computed_properties.as_deref().unwrap_or_default();
        Computed::read(computed.iter().map(|Object(stated)| stated))?;
        let policy = parts.indexing_policy.map(|Object(stated)| IndexingPolicy::read(&stated));
        let policy = policy.transpose().map_err(|sentence| Refusal::errors(&sentence))?;
        if policy.is_some_and(|policy| !policy.is_on) && parts.default_ttl.is_some_and(|Plain(ttl)| !ttl.is_null()) {
            return Err(Refusal::bad_request("A container with the indexing mode none has no time to live."));
        }
        Ok(())
    }

    /// The definition that replaces this one.
    ///
    /// # Errors
    /// Where something would change that cannot.
    pub(in crate::cosmos) fn replaced(&self, body: &[u8], stamp: Stamp) -> Result<Self, Refusal> {
        let replacement = Self::read(body, stamp)?;
        if replacement.id != self.id {
            let message = "Container id in request body must match the resource id in the request URI";
            return Err(Refusal::bad_request(message));
        }
        if replacement.partition_key != self.partition_key {
            return Err(Refusal::bad_request("Container partition key cannot be changed"));
        }
        if replacement.unique_keys != self.unique_keys {
            let message = "Container unique key policy cannot be changed";
            return Err(Refusal::new(http::StatusCode::FORBIDDEN, message));
        }
        Ok(replacement)
    }

    /// As the service answers it.
    pub(in crate::cosmos) fn answered(&self, id: ContainerId) -> Value {
        let mut answered = json!({
            "conflictResolutionPolicy": {
                "mode": "LastWriterWins", "conflictResolutionPath": "/_ts", "conflictResolutionProcedure": ""
            },
            "geospatialConfig": { "type": "Geography" },
            "_rid": id.to_string(),
            "_self": id.link(),
            "_etag": self.stamp.etag,
            "_ts": self.stamp.seconds(),
            "_docs": "docs/",
            "_sprocs": "sprocs/",
            "_triggers": "triggers/",
            "_udfs": "udfs/",
            "_conflicts": "conflicts/"
        });
        if let Some(answered) = answered.as_object_mut() {
            answered.extend(self.members.clone());
        }
        answered["indexingPolicy"] = indexing::answered(self.members.get("indexingPolicy"));
        answered["partitionKey"] = json!({
            "paths": self.partition_key.paths,
            "kind": format!("{:?}", self.partition_key.kind),
            "version": self.partition_key.version,
        });
        answered
    }
}

/// The id and the members of a definition, of which those that are read by name are there once.
///
/// # Errors
/// 400 where it is none.
pub(in crate::cosmos) fn named(body: &[u8]) -> Result<(String, Map<String, Value>), Refusal> {
    let unreadable =
        |error: String| Refusal::bad_request(format!("The body is no definition that can be read: {error}."));
    let value = contoso_json::unique(body).map_err(|error| match error {
        contoso_json::UniqueError::Twice(name) => unreadable(format!("{name} is there twice")),
        contoso_json::UniqueError::Json(error) => unreadable(error.to_string()),
    })?;
    let Value::Object(members) = value else { return Err(unreadable("it is no object".to_owned())) };
    let id = members.get("id").and_then(Value::as_str).ok_or_else(|| Refusal::bad_request("Missing 'id' field"))?;
    check_name(id).map_err(Refusal::bad_request)?;
    Ok((id.to_owned(), members))
}
