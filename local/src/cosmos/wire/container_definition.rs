//! Definitions of databases and containers that the service refuses, and which would mean nothing if they were taken. Those that an
//! earlier version took are not asked.

use std::collections::BTreeSet;

use contoso_json::{Object, Plain};
use serde::Deserialize;

use crate::cosmos::wire::refusal::Refusal;

const SPATIAL_TYPES: [&str; 4] = ["Point", "LineString", "Polygon", "MultiPolygon"];
/// Paths of a hierarchical partition key.
const MOST_LEVELS: usize = 3;
/// Characters of a name, unique keys, and paths of one of these, as in "Azure Cosmos DB service quotas".
const LONGEST_NAME: usize = 255;
const MOST_UNIQUE_KEYS: usize = 10;
const MOST_UNIQUE_PATHS: usize = 16;

#[derive(Deserialize)]
struct Named {
    id: Option<Plain>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    partition_key: Option<Object<PartitionKey>>,
    indexing_policy: Option<Object<IndexingPolicy>>,
    default_ttl: Option<Plain>,
    ttl_property_path: Option<String>,
    client_encryption_policy: Option<Object<EncryptionPolicy>>,
    unique_key_policy: Option<Object<UniqueKeyPolicy>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UniqueKeyPolicy {
    unique_keys: Option<Vec<Object<UniqueKey>>>,
}

#[derive(Deserialize)]
struct UniqueKey {
    paths: Option<Vec<String>>,
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
#[serde(rename_all = "camelCase")]
struct EncryptionPolicy {
    included_paths: Option<Vec<EncryptedPath>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EncryptedPath {
    client_encryption_key_id: Option<String>,
}

/// Whether the name of a new database or container can be taken. What is no definition at all is refused elsewhere.
///
/// # Errors
/// 400 where it is too long.
pub(in crate::cosmos) fn check_name(body: &[u8]) -> Result<(), Refusal> {
    let named = contoso_json::from_slice::<Object<Named>>(body).ok().and_then(|Object(named)| named.id);
    let length = named.as_ref().and_then(|Plain(id)| id.as_str()).map_or(0, |id| id.encode_utf16().count());
    if length > LONGEST_NAME {
        let message =
            format!("The name of a database or container has at most {LONGEST_NAME} characters, not {length}.");
        return Err(Refusal::bad_request(message));
    }
    Ok(())
}

/// Whether the definition of a container can be taken, but for what follows from its meaning.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub(in crate::cosmos) fn check(body: &[u8]) -> Result<(), String> {
    let Object(definition) = contoso_json::from_slice::<Object<Definition>>(body)
        .map_err(|error| format!("The body is no definition that can be read: {error}."))?;
    definition.partition_key.as_ref().map_or(Ok(()), |Object(key)| check_partition_key(key))?;
    let spatial = definition.indexing_policy.iter().flat_map(|Object(policy)| &policy.spatial_indexes);
    spatial.flatten().try_for_each(check_spatial_index)?;
    let mut unique = definition.unique_key_policy.iter().flat_map(|Object(policy)| &policy.unique_keys);
    unique.try_for_each(|keys| check_unique_keys(keys))?;
    if let Some(path) = &definition.ttl_property_path
        && definition.default_ttl.is_none()
    {
        return Err(format!("ttlPropertyPath {path} needs a defaultTtl."));
    }
    let mut encrypted = definition.client_encryption_policy.iter().flat_map(|Object(policy)| &policy.included_paths);
    if let Some(path) = encrypted.next().and_then(|paths| paths.first()) {
        // Keys are not served, so none is known.
        let key = path.client_encryption_key_id.as_deref().unwrap_or_default();
        return Err(format!("There is no client encryption key {key:?}."));
    }
    Ok(())
}

fn check_unique_keys(keys: &[Object<UniqueKey>]) -> Result<(), String> {
    if keys.len() > MOST_UNIQUE_KEYS {
        return Err(format!("A container has at most {MOST_UNIQUE_KEYS} unique keys, not {}.", keys.len()));
    }
    let most = keys.iter().filter_map(|Object(key)| key.paths.as_ref()).map(Vec::len).max().unwrap_or(0);
    match most > MOST_UNIQUE_PATHS {
        true => Err(format!("A unique key has at most {MOST_UNIQUE_PATHS} paths, not {most}.")),
        false => Ok(()),
    }
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
        return Err(format!(
            "The spatial data types array cannot be empty. Assign at least one spatial type for the 'types' array for the path \
             {path}."
        ));
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
            (r#"{"id":"c","indexingPolicy":5,"partitionKey":{"paths":["/a","/b"],"kind":"Hash"}}"#, "invalid type"),
            (r#"{"id":"c","uniqueKeyPolicy":{"uniqueKeys":[[["/a"]]]}}"#, "a JSON object"),
            ("[]", "a JSON object"),
            (
                &format!(
                    r#"{{"id":"c","uniqueKeyPolicy":{{"uniqueKeys":[{}]}}}}"#,
                    [r#"{"paths":["/a"]}"#; 11].join(",")
                ),
                "10",
            ),
            (
                &format!(
                    r#"{{"id":"c","uniqueKeyPolicy":{{"uniqueKeys":[{{"paths":[{}]}}]}}}}"#,
                    [r#""/a""#; 17].join(",")
                ),
                "16",
            ),
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
