//! What a successful write changed: which items, at which LSN, with which ETags.
//!
//! Derived from request and response alone, so that a live write and its replay come to the same result.

use std::sync::Arc;

use azure_data_cosmos_driver::binary_json;
use bytes::Bytes;
use http::{Response, header};
use serde::Deserialize;
use serde_json::Value;

use super::{
    request::{ContainerName, PARTITION_KEY, RANGE_ID, Request, Write},
    responses::LSN,
};

/// An item's identity inside a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ItemKey {
    /// The partition key as a JSON array in canonical form.
    pub(super) partition_key: String,
    pub(super) id: String,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ItemChange {
    pub(super) key: Arc<ItemKey>,
    /// Its new ETag; none where it was deleted.
    pub(super) etag: Option<String>,
}

/// What became of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Items of one range, all at one LSN.
    Items {
        container: ContainerName,
        range: String,
        lsn: u64,
        items: Vec<ItemChange>,
    },
    ContainerCreated(ContainerName),
    ContainerDeleted(ContainerName),
    DatabaseDeleted(String),
    /// Nothing that the bridge keeps an account of.
    Elsewhere,
    /// Nothing at all: a batch of reads.
    Nothing,
}

/// The emulator answered something that the protocol does not allow here.
#[derive(Debug, thiserror::Error)]
#[error("the emulator's answer to {operation} has no usable {what}")]
pub(super) struct Unexpected {
    operation: String,
    what: &'static str,
}

impl Change {
    /// What the successful `write` changed.
    ///
    /// # Errors
    /// When request and answer do not fit together; then the write must not be acknowledged.
    pub(super) fn of(write: Write, request: &Request, response: &Response<Bytes>) -> Result<Self, Unexpected> {
        let unexpected = |what| Unexpected { operation: request.operation_name(), what };
        let container = || request.container().ok_or_else(|| unexpected("container"));
        match write {
            Write::Other => Ok(Self::Elsewhere),
            Write::DeleteDatabase => match request.segments().as_slice() {
                ["dbs", database] => Ok(Self::DatabaseDeleted((*database).to_owned())),
                _ => Err(unexpected("database")),
            },
            Write::DeleteContainer => Ok(Self::ContainerDeleted(container()?)),
            Write::CreateContainer => {
                let id = body_id(&request.body).ok_or_else(|| unexpected("id"))?;
                match request.segments().as_slice() {
                    ["dbs", database, ..] => Ok(Self::ContainerCreated(ContainerName::new(database, &id))),
                    _ => Err(unexpected("database")),
                }
            }
            Write::PostItem | Write::ReplaceItem | Write::PatchItem | Write::DeleteItem | Write::Batch => {
                let items = items(write, request, response).ok_or_else(|| unexpected("items"))?;
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

/// The LSN an answer reports.
pub(super) fn lsn(response: &Response<Bytes>) -> Option<u64> {
    text(response, LSN.as_str())?.parse().ok()
}

fn text<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn items(write: Write, request: &Request, response: &Response<Bytes>) -> Option<Vec<ItemChange>> {
    let partition_key = canonical_partition_key(request.header(&PARTITION_KEY)?)?;
    if write == Write::Batch {
        return batch_items(&partition_key, &request.body, response.body());
    }
    let id = match write {
        Write::PostItem => body_id(&request.body)?,
        _ => request.item_id()?.to_owned(),
    };
    let etag = match write {
        Write::DeleteItem => None,
        _ => Some(text(response, header::ETAG.as_str())?.to_owned()),
    };
    Some(vec![ItemChange { key: Arc::new(ItemKey { partition_key, id }), etag }])
}

/// The `id` of a document or definition, in text or Cosmos' binary JSON.
fn body_id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    if binary_json::is_binary(body) {
        return binary_json::from_slice::<Identified>(body).ok().map(|document| document.id);
    }
    serde_json::from_slice::<Identified>(body).ok().map(|document| document.id)
}

/// One operation of a batch request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchOperation {
    operation_type: String,
    id: Option<String>,
    resource_body: Option<Value>,
}

/// Its result.
#[derive(Deserialize)]
struct BatchResult {
    #[serde(rename = "eTag")]
    etag: Option<String>,
}

/// The last state of each item that a batch wrote, in order of its first mention.
fn batch_items(partition_key: &str, request: &[u8], response: &[u8]) -> Option<Vec<ItemChange>> {
    let operations: Vec<BatchOperation> = serde_json::from_slice(request).ok()?;
    let results: Vec<BatchResult> = serde_json::from_slice(response).ok()?;
    let mut items: Vec<ItemChange> = Vec::new();
    for (operation, result) in operations.into_iter().zip(results) {
        let etag = match operation.operation_type.as_str() {
            "Read" => continue,
            "Delete" => None,
            _ => Some(result.etag?),
        };
        let id = operation.id.or_else(|| Some(operation.resource_body.as_ref()?.get("id")?.as_str()?.to_owned()))?;
        match items.iter_mut().find(|item| item.key.id == id) {
            Some(item) => item.etag = etag,
            None => {
                items.push(ItemChange { key: Arc::new(ItemKey { partition_key: partition_key.to_owned(), id }), etag })
            }
        }
    }
    Some(items)
}

/// The partition key header in one spelling per value: clients differ in spaces, escapes and number forms.
pub(super) fn canonical_partition_key(header: &str) -> Option<String> {
    let mut components: Vec<Value> = serde_json::from_str(header).ok()?;
    for component in &mut components {
        if let Some(number) = component.as_f64() {
            // Cosmos numbers are doubles; `1` and `1.0` are one key.
            *component = serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number);
        }
    }
    serde_json::to_string(&components).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_key_has_one_spelling() {
        for spelling in [r#"["a/é",1]"#, r#"[ "a\/\u00e9", 1.0 ]"#] {
            assert_eq!(canonical_partition_key(spelling).as_deref(), Some(r#"["a/é",1.0]"#));
        }
        assert_eq!(canonical_partition_key("[{}]").as_deref(), Some("[{}]"));
        assert_eq!(canonical_partition_key("a"), None);
    }

    #[test]
    fn a_batch_counts_by_the_last_state_of_each_item() {
        let request = r#"[{"operationType":"Create","resourceBody":{"id":"a"}},{"operationType":"Read","id":"z"},
            {"operationType":"Upsert","resourceBody":{"id":"b"}},{"operationType":"Replace","id":"a","resourceBody":{"id":"a"}},
            {"operationType":"Delete","id":"b"}]"#;
        let response = r#"[{"statusCode":201,"eTag":"1"},{"statusCode":200,"eTag":"2"},{"statusCode":201,"eTag":"3"},
            {"statusCode":200,"eTag":"4"},{"statusCode":204,"eTag":"3"}]"#;
        let items = batch_items("[1.0]", request.as_bytes(), response.as_bytes()).unwrap();
        let states: Vec<_> = items.iter().map(|item| (item.key.id.as_str(), item.etag.as_deref())).collect();
        assert_eq!(states, [("a", Some("4")), ("b", None)]);
    }
}
