//! Provisioning: databases and containers of the topology, made through the gateway as a client's are, so that they
//! are stored and get the same resource ids at each start.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    cosmos::{
        error::Error,
        gateway,
        store::account::Account,
        wire::{
            request::{PHYSICAL_PARTITIONS, Request, encode},
            responses,
        },
    },
    topology,
};

/// Creates what is missing, and brings TTL and indexes of an existing container up to date.
///
/// # Errors
/// When the service refuses a definition, or a container exists with another partition key.
pub(super) async fn create_missing(account: &Arc<Account>, topology: &topology::Cosmos) -> Result<(), Error> {
    for database in &topology.databases {
        let path = format!("dbs/{}", encode(&database.name));
        if send(account, Method::GET, &path, HeaderMap::new(), None).await.status() == StatusCode::NOT_FOUND {
            demand(
                send(account, Method::POST, "dbs", HeaderMap::new(), Some(&json!({ "id": database.name }))).await,
                &path,
            )?;
        }
        for container in &database.containers {
            create_container(account, &path, container).await?;
        }
    }
    Ok(())
}

async fn create_container(account: &Arc<Account>, database: &str, wanted: &topology::Container) -> Result<(), Error> {
    let feed = format!("{database}/colls");
    let path = format!("{feed}/{}", encode(&wanted.name));
    let existing = send(account, Method::GET, &path, HeaderMap::new(), None).await;
    if existing.status() == StatusCode::NOT_FOUND {
        let mut definition = json!({
            "id": wanted.name,
            "partitionKey": { "paths": [wanted.partition_key], "kind": "Hash", "version": 2 },
        });
        if let Some(ttl) = wanted.ttl_seconds {
            definition["defaultTtl"] = ttl.into();
        }
        if let Some(policy) = indexes(wanted) {
            definition["indexingPolicy"] = policy;
        }
        let partitions = wanted.physical_partitions.map(|count| (PHYSICAL_PARTITIONS, count.get().into()));
        let headers = HeaderMap::from_iter(partitions.map(|(name, count)| (HeaderName::from_static(name), count)));
        return demand(send(account, Method::POST, &feed, headers, Some(&definition)).await, &path);
    }
    let mut definition: Value = contoso_json::from_slice(existing.body())
        .map_err(|error| Error::Topology { resource: path.clone(), reason: error.to_string() })?;
    if definition["partitionKey"]["paths"] != json!([wanted.partition_key]) {
        let reason = format!(
            "it exists with partition key {}, which cannot become {}",
            definition["partitionKey"]["paths"], wanted.partition_key
        );
        return Err(Error::Topology { resource: path, reason });
    }
    let ttl = definition.get("defaultTtl").and_then(Value::as_i64);
    let policy = indexes(wanted);
    let is_indexed = |policy: &Value| definition["indexingPolicy"]["includedPaths"] == policy["includedPaths"];
    if ttl == wanted.ttl_seconds && policy.as_ref().is_none_or(is_indexed) {
        return Ok(());
    }
    if let Some(policy) = policy {
        definition["indexingPolicy"] = policy;
    }
    if let Some(members) = definition.as_object_mut() {
        match wanted.ttl_seconds {
            Some(ttl) => members.insert("defaultTtl".to_owned(), ttl.into()),
            None => members.remove("defaultTtl"),
        };
    }
    demand(send(account, Method::PUT, &path, HeaderMap::new(), Some(&definition)).await, &path)
}

/// The indexing policy of a container that the topology says the indexes of: these and no others, as in Azure.
fn indexes(wanted: &topology::Container) -> Option<Value> {
    let included: Vec<Value> = wanted.indexed_paths.iter().map(|path| json!({ "path": path })).collect();
    (!included.is_empty()).then(|| json!({ "includedPaths": included, "excludedPaths": [{ "path": "/*" }] }))
}

async fn send(
    account: &Arc<Account>,
    method: Method,
    path: &str,
    headers: HeaderMap,
    body: Option<&Value>,
) -> Response<Bytes> {
    let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
    gateway::answer(account, Arc::new(Request::new(method, path, headers, body))).await
}

fn demand(response: Response<Bytes>, resource: &str) -> Result<(), Error> {
    if response.status().is_success() {
        return Ok(());
    }
    let reason = format!("{}: {}", response.status(), responses::message_of(&response));
    Err(Error::Topology { resource: resource.to_owned(), reason })
}
