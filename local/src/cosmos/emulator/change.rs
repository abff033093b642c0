//! Changes: what a successful write changed, which items, at which LSN, with which ETags and content.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, header};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cosmos::{
    emulator::{
        definition::Definition,
        etags::EtagAliases,
        hosted::Emulator,
        item::{ItemChange, ItemKey, ItemState, Summary, canonical_partition_key},
    },
    error::Error,
    wire::{
        request::{ContainerName, PARTITION_KEY, RANGE_ID, Request, Write},
        responses::LSN,
    },
};

/// Members that the service adds to a document.
const SYSTEM_PROPERTIES: [&str; 5] = ["_attachments", "_etag", "_rid", "_self", "_ts"];

/// What became of the account.
pub(in crate::cosmos) enum Change {
    /// Items of one range, all at one LSN.
    Items {
        container: ContainerName,
        range: String,
        lsn: u64,
        items: Vec<ItemChange>,
    },
    ContainerCreated {
        name: ContainerName,
        definition: Definition,
    },
    ContainerReplaced {
        name: ContainerName,
        definition: Definition,
    },
    ContainerDeleted(ContainerName),
    DatabaseDeleted(String),
    /// Nothing that the bridge keeps an account of.
    Elsewhere,
    /// Nothing at all: a batch of reads.
    Nothing,
}

impl Change {
    /// What the successful `write` changed; asks the emulator for what its answer does not say.
    ///
    /// # Errors
    /// When request and answer do not fit together; then the write must not be acknowledged.
    pub(in crate::cosmos) async fn of(
        write: Write,
        request: &Request,
        response: &Response<Bytes>,
        emulator: &Emulator,
    ) -> Result<Self, Error> {
        let unexpected = |what: &str| Error::Emulator {
            operation: request.operation_name(),
            reason: format!("its answer has no usable {what}"),
        };
        let container = || request.container().ok_or_else(|| unexpected("container"));
        match write {
            Write::CreateDatabase | Write::ReplaceOffer => Ok(Self::Elsewhere),
            Write::DeleteDatabase => match request.segments().as_slice() {
                ["dbs", database] => Ok(Self::DatabaseDeleted((*database).to_owned())),
                _ => Err(unexpected("database")),
            },
            Write::DeleteContainer => Ok(Self::ContainerDeleted(container()?)),
            Write::ReplaceContainer => {
                let name = container()?;
                Ok(Self::ContainerReplaced { definition: emulator.definition(&name).await?, name })
            }
            Write::CreateContainer => {
                let id = Summary::of(&request.body).and_then(|body| body.id).ok_or_else(|| unexpected("id"))?;
                let name = match request.segments().as_slice() {
                    ["dbs", database, ..] => ContainerName::new(database, &id),
                    _ => return Err(unexpected("database")),
                };
                Ok(Self::ContainerCreated { definition: emulator.definition(&name).await?, name })
            }
            Write::PostItem | Write::ReplaceItem | Write::PatchItem | Write::DeleteItem | Write::Batch => {
                let patched = match write {
                    Write::PatchItem => Some(document(request, emulator).await.ok_or_else(|| unexpected("document"))?),
                    _ => None,
                };
                let items = items(write, request, response, patched).ok_or_else(|| unexpected("items"))?;
                if items.is_empty() {
                    return Ok(Self::Nothing);
                }
                Ok(Self::Items {
                    container: container()?,
                    range: text(response, RANGE_ID.as_str())
                        .ok_or_else(|| unexpected("partition key range id"))?
                        .to_owned(),
                    lsn: lsn(response).ok_or_else(|| unexpected("lsn"))?,
                    items,
                })
            }
        }
    }
}

/// The document that `request` is about, without system properties; none where it cannot be read.
pub(in crate::cosmos) async fn document(request: &Request, emulator: &Emulator) -> Option<Bytes> {
    let mut read = Request::new(Method::GET, &request.path, http::HeaderMap::new(), Bytes::new());
    read.headers.insert(PARTITION_KEY.clone(), request.headers.get(&PARTITION_KEY)?.clone());
    let response = emulator.send(&read, &EtagAliases::default()).await;
    if !response.status().is_success() {
        return None;
    }
    let mut members: std::collections::BTreeMap<String, Box<RawValue>> =
        contoso_json::from_slice(response.body()).ok()?;
    members.retain(|name, _| !SYSTEM_PROPERTIES.contains(&name.as_str()));
    serde_json::to_vec(&members).ok().map(Bytes::from)
}

/// The LSN an answer reports.
pub(in crate::cosmos) fn lsn(response: &Response<Bytes>) -> Option<u64> {
    text(response, LSN.as_str())?.parse().ok()
}

fn text<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn items(
    write: Write,
    request: &Request,
    response: &Response<Bytes>,
    patched: Option<Bytes>,
) -> Option<Vec<ItemChange>> {
    let partition_key = canonical_partition_key(request.header(&PARTITION_KEY)?)?;
    if write == Write::Batch {
        return batch_items(&partition_key, &request.body, response.body());
    }
    let change = |id: &str, state| {
        let key = Arc::new(ItemKey { partition_key: partition_key.clone(), id: id.to_owned() });
        ItemChange { key, state }
    };
    if write == Write::DeleteItem {
        return Some(vec![change(request.item_id()?, None)]);
    }
    let body = patched.unwrap_or_else(|| request.body.clone());
    let summary = Summary::of(&body)?;
    let id = summary.id.as_deref()?;
    let ttl = summary.ttl().ok().flatten();
    let mut items = Vec::with_capacity(1);
    if let Some(before) = request.item_id().filter(|before| *before != id) {
        // A replacement may give the item another id.
        items.push(change(before, None));
    }
    let etag = text(response, header::ETAG.as_str())?.to_owned();
    items.push(change(id, Some(ItemState { etag, body, ttl })));
    Some(items)
}

/// One operation of a batch request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchOperation {
    operation_type: String,
    id: Option<String>,
    resource_body: Option<Box<RawValue>>,
}

/// Its result.
#[derive(Deserialize)]
struct BatchResult {
    #[serde(rename = "eTag")]
    etag: Option<String>,
}

/// The last state of each item that a batch wrote, in order of its first mention.
fn batch_items(partition_key: &str, request: &[u8], response: &[u8]) -> Option<Vec<ItemChange>> {
    let operations: Vec<BatchOperation> = contoso_json::from_slice(request).ok()?;
    let results: Vec<BatchResult> = contoso_json::from_slice(response).ok()?;
    let mut items: Vec<ItemChange> = Vec::new();
    for (operation, result) in operations.into_iter().zip(results) {
        let document = operation.resource_body.map(|document| Bytes::copy_from_slice(document.get().as_bytes()));
        let summary = document.as_ref().and_then(|document| Summary::of(document)).unwrap_or_default();
        let state = match operation.operation_type.as_str() {
            "Read" => continue,
            "Delete" => None,
            _ => Some(ItemState { etag: result.etag?, ttl: summary.ttl().ok().flatten(), body: document? }),
        };
        let id = operation.id.or(summary.id)?;
        match items.iter_mut().find(|item| item.key.id == id) {
            Some(item) => item.state = state,
            None => {
                let key = Arc::new(ItemKey { partition_key: partition_key.to_owned(), id });
                items.push(ItemChange { key, state });
            }
        }
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_counts_by_the_last_state_of_each_item() {
        let request = r#"[{"operationType":"Create","resourceBody":{"id":"a"}},{"operationType":"Read","id":"z"},
            {"operationType":"Upsert","resourceBody":{"id":"b"}},{"operationType":"Replace","id":"a","resourceBody":{"id":"a","ttl":5}},
            {"operationType":"Delete","id":"b"}]"#;
        let response = r#"[{"statusCode":201,"eTag":"1"},{"statusCode":200,"eTag":"2"},{"statusCode":201,"eTag":"3"},
            {"statusCode":200,"eTag":"4"},{"statusCode":204,"eTag":"3"}]"#;
        let items = batch_items("[1.0]", request.as_bytes(), response.as_bytes()).unwrap();
        let states: Vec<_> = items
            .iter()
            .map(|item| (item.key.id.as_str(), item.state.as_ref().map(|state| (state.etag.as_str(), state.ttl))))
            .collect();
        assert_eq!(states, [("a", Some(("4", Some(5)))), ("b", None)]);
    }
}
