//! Items: a document with what the service adds to it, and its versions.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use contoso_cosmos_query::Document;
use serde_json::Value;

use crate::cosmos::data::{item_key::ItemKey, resource_id::ContainerId, scan_position::ScanPosition};

/// When an item was written: the LSN of its range, and its number among the items of that write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cosmos) struct Version {
    pub(in crate::cosmos) lsn: u64,
    pub(in crate::cosmos) index: u16,
}

/// A living item as it was last written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cosmos) struct Item {
    pub(in crate::cosmos) key: ItemKey,
    /// Its number among all items that its container ever had, of which its resource id is made.
    pub(in crate::cosmos) number: u64,
    /// With its quotes.
    pub(in crate::cosmos) etag: Box<str>,
    /// Milliseconds since the epoch on the stack's clock; `_ts` is its seconds.
    pub(in crate::cosmos) at_millis: i64,
    pub(in crate::cosmos) version: Version,
    /// Its own time to live in seconds, if it states one.
    pub(in crate::cosmos) ttl: Option<i64>,
    /// The document as text, without system properties: an object with one member or more.
    pub(in crate::cosmos) text: Bytes,
}

impl Item {
    /// The whole document as text, in container `container`.
    pub(in crate::cosmos) fn whole(&self, container: ContainerId) -> String {
        self.with(container, "")
    }

    /// As the change feed gives it, and only that: with its LSN.
    pub(in crate::cosmos) fn with_lsn(&self, container: ContainerId) -> String {
        self.with(container, &format!(",\"_lsn\":{}", self.version.lsn))
    }

    fn with(&self, container: ContainerId, more: &str) -> String {
        let text = String::from_utf8_lossy(&self.text);
        let open = text.strip_suffix('}').unwrap_or(&text);
        let resource_id = container.document(self.number);
        // An ETag has no character to escape but its quotes.
        let etag = self.etag.replace('"', "\\\"");
        format!(
            "{open},\"_rid\":\"{resource_id}\",\"_self\":\"{}docs/{resource_id}/\",\"_etag\":\"{etag}\",\
             \"_attachments\":\"attachments/\",\"_ts\":{}{more}}}",
            container.link(),
            self.seconds()
        )
    }

    /// The whole document, as queries see it.
    pub(in crate::cosmos) fn value(&self, container: ContainerId) -> Value {
        contoso_json::from_str(&self.whole(container)).unwrap_or_default()
    }

    /// The document without system properties.
    pub(in crate::cosmos) fn document(&self) -> Value {
        contoso_json::from_slice(&self.text).unwrap_or_default()
    }

    /// `_ts`.
    pub(in crate::cosmos) fn seconds(&self) -> i64 {
        self.at_millis.div_euclid(1000)
    }

    /// For the query engine, at its place.
    pub(in crate::cosmos) fn queried(&self, container: ContainerId, place: ScanPosition) -> Document<'static> {
        Document { position: place.position(), value: Cow::Owned(self.value(container)) }
    }
}

/// What one write did to one item.
#[derive(Clone, Debug)]
pub(in crate::cosmos) struct ItemChange {
    pub(in crate::cosmos) key: ItemKey,
    pub(in crate::cosmos) before: Option<Arc<Item>>,
    /// None where it was deleted.
    pub(in crate::cosmos) after: Option<Arc<Item>>,
}

/// A write to one logical partition: everything of it happens, or nothing.
#[derive(Clone, Debug)]
pub(in crate::cosmos) struct Transaction {
    /// Number of the range.
    pub(in crate::cosmos) range: usize,
    pub(in crate::cosmos) lsn: u64,
    pub(in crate::cosmos) changes: Vec<ItemChange>,
    /// The number of the next new item.
    pub(in crate::cosmos) next_number: u64,
}
