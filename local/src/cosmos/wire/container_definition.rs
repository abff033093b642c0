//! Container definitions that the service refuses, and which would mean nothing if they were taken.

use std::collections::BTreeSet;

use contoso_json::{Object, Plain};
use serde::{Deserialize, de::IgnoredAny};

/// Members of every document, which no computed property may be called.
const SYSTEM: [&str; 6] = ["id", "_rid", "_self", "_etag", "_ts", "_attachments"];
const SPATIAL_TYPES: [&str; 4] = ["Point", "LineString", "Polygon", "MultiPolygon"];
/// Paths of a hierarchical partition key.
const MOST_LEVELS: usize = 3;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    partition_key: Option<Object<PartitionKey>>,
    indexing_policy: Option<Object<IndexingPolicy>>,
    computed_properties: Option<Vec<ComputedProperty>>,
    default_ttl: Option<Plain>,
    ttl_property_path: Option<String>,
    client_encryption_policy: Option<Object<EncryptionPolicy>>,
    #[serde(rename = "uniqueKeyPolicy")]
    _unique_key_policy: Option<Object<UniqueKeyPolicy>>,
}

#[derive(Deserialize)]
struct UniqueKeyPolicy {
    #[serde(rename = "uniqueKeys")]
    _unique_keys: Option<Vec<Object<IgnoredAny>>>,
}

#[derive(Deserialize)]
struct PartitionKey {
    paths: Option<Vec<String>>,
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexingPolicy {
    spatial_indexes: Option<Vec<SpatialIndex>>,
}

#[derive(Deserialize)]
struct SpatialIndex {
    path: String,
    types: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ComputedProperty {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EncryptionPolicy {
    included_paths: Option<Vec<EncryptedPath>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EncryptedPath {
    client_encryption_key_id: Option<String>,
}

/// Whether the definition of a container can be taken.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub(in crate::cosmos) fn check(body: &[u8]) -> Result<(), String> {
    let Object(definition) = contoso_json::from_slice::<Object<Definition>>(body)
        .map_err(|error| format!("The body is no definition that can be read: {error}."))?;
    definition.partition_key.as_ref().map_or(Ok(()), |Object(key)| check_partition_key(key))?;
    let spatial = definition.indexing_policy.and_then(|Object(policy)| policy.spatial_indexes);
    spatial.iter().flatten().try_for_each(check_spatial_index)?;
    let mut names = BTreeSet::new();
    for ComputedProperty { name } in definition.computed_properties.iter().flatten() {
        if name.is_empty() || SYSTEM.contains(&name.as_str()) {
            return Err(format!("{name:?} cannot be the name of a computed property."));
        }
        if !names.insert(name) {
            return Err(format!("Two computed properties are named {name:?}."));
        }
    }
    if let Some(path) = definition.ttl_property_path
        && definition.default_ttl.is_none()
    {
        return Err(format!("ttlPropertyPath {path} needs a defaultTtl."));
    }
    let encrypted = definition.client_encryption_policy.and_then(|Object(policy)| policy.included_paths);
    if let Some(path) = encrypted.iter().flatten().next() {
        // Keys are not served, so none is known.
        let key = path.client_encryption_key_id.as_deref().unwrap_or_default();
        return Err(format!("There is no client encryption key {key:?}."));
    }
    Ok(())
}

fn check_partition_key(PartitionKey { paths, kind }: &PartitionKey) -> Result<(), String> {
    let paths = paths.as_deref().unwrap_or_default();
    let most = if kind.as_deref() == Some("MultiHash") { MOST_LEVELS } else { 1 };
    if paths.len() > most {
        let kind = kind.as_deref().unwrap_or("Hash");
        return Err(format!("A partition key of kind {kind} has at most {most} paths, not {}.", paths.len()));
    }
    let distinct: BTreeSet<_> = paths.iter().collect();
    if distinct.len() < paths.len() {
        return Err("The paths of a partition key are different ones.".to_owned());
    }
    Ok(())
}

fn check_spatial_index(SpatialIndex { path, types }: &SpatialIndex) -> Result<(), String> {
    let types = types.as_deref().unwrap_or_default();
    if types.is_empty() {
        return Err(format!("The spatial index {path} has no types."));
    }
    match types.iter().find(|given| !SPATIAL_TYPES.contains(&given.as_str())) {
        Some(unknown) => Err(format!("{unknown} is no type of the spatial index {path}.")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_refuses_is_no_definition() {
        for (definition, names) in [
            (r#"{"id":"c","partitionKey":{"paths":["/a","/b"],"kind":"Hash"}}"#, "at most 1"),
            (r#"{"id":"c","partitionKey":{"paths":["/a","/b","/c","/d"],"kind":"MultiHash"}}"#, "at most 3"),
            (r#"{"id":"c","indexingPolicy":{"spatialIndexes":[{"path":"/place/*"}]}}"#, "/place/*"),
            (r#"{"id":"c","indexingPolicy":{"spatialIndexes":[{"path":"/p","types":["Circle"]}]}}"#, "Circle"),
            (r#"{"id":"c","computedProperties":[{"name":"a","query":""},{"name":"a","query":""}]}"#, "\"a\""),
            (r#"{"id":"c","computedProperties":[{"name":"_ts","query":""}]}"#, "_ts"),
            (r#"{"id":"c","indexingPolicy":5,"partitionKey":{"paths":["/a","/b"],"kind":"Hash"}}"#, "invalid type"),
            (r#"{"id":"c","uniqueKeyPolicy":{"uniqueKeys":[[["/a"]]]}}"#, "a JSON object"),
            ("[]", "a JSON object"),
            (r#"{"id":"c","ttlPropertyPath":"/t"}"#, "/t needs"),
            (r#"{"id":"c","clientEncryptionPolicy":{"includedPaths":[{"clientEncryptionKeyId":"k"}]}}"#, "\"k\""),
        ] {
            let message = check(definition.as_bytes()).expect_err(definition);
            assert!(message.contains(names), "{message}");
        }
        for definition in [
            r#"{"id":"c","partitionKey":{"paths":["/a","/b"],"kind":"MultiHash","version":2},"defaultTtl":-1}"#,
            r#"{"id":"c","partitionKey":{"paths":["/a/b"]},"ttlPropertyPath":"/t","defaultTtl":5}"#,
            r#"{"id":"c","indexingPolicy":{"spatialIndexes":[{"path":"/p/*","types":["Point"]}]}}"#,
            r#"{"id":"c","computedProperties":[],"clientEncryptionPolicy":{"includedPaths":[]}}"#,
        ] {
            assert_eq!(check(definition.as_bytes()), Ok(()), "{definition}");
        }
    }
}
