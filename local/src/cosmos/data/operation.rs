//! Operations on the items of one logical partition, one or several as a batch: what each changes, in memory only.

use std::{collections::HashMap, sync::Arc};

use contoso_cosmos_query::{Context, PageLimits, Parameters, Query, effective_partition_key::KeyValue};
use http::StatusCode;
use time::OffsetDateTime;

use crate::cosmos::{
    data::{
        charge,
        container::{Container, State},
        definition::new_etag,
        document::{Document, SYSTEM_PROPERTIES},
        item::{Item, ItemChange, Transaction, Version},
        item_key::{self, ItemKey},
        patch::Patch,
        scan_position::ScanPosition,
        unique_keys::Entry,
    },
    wire::refusal::Refusal,
};

/// What is to be done to an item.
pub(in crate::cosmos) enum Operation {
    Create(Document),
    Upsert(Document),
    Replace { id: String, document: Document },
    Patch { id: String, patch: Patch },
    Delete { id: String },
    Read { id: String },
}

/// ETags of a request, with their quotes, or `*`.
#[derive(Clone, Debug, Default)]
pub(in crate::cosmos) struct Conditions {
    pub(in crate::cosmos) if_match: Option<String>,
    pub(in crate::cosmos) if_none_match: Option<String>,
}

/// What became of an operation.
pub(in crate::cosmos) struct Effect {
    pub(in crate::cosmos) status: StatusCode,
    /// The item as it is now; of a deletion, as it was.
    pub(in crate::cosmos) item: Arc<Item>,
    pub(in crate::cosmos) charge: f64,
}

/// A transaction under way: what it has changed so far shows in it and nowhere else.
pub(in crate::cosmos) struct Work<'a> {
    container: &'a Container,
    state: &'a State,
    values: &'a [KeyValue],
    effective: String,
    at_millis: i64,
    transaction: Transaction,
    /// Who has the values of unique keys, where that differs from before.
    unique: HashMap<Entry, Option<ItemKey>>,
}

impl<'a> Work<'a> {
    /// A transaction on the items with these values of the partition key.
    ///
    /// # Errors
    /// 400 where these are not as many values as the container's partition key has.
    pub(in crate::cosmos) fn new(
        container: &'a Container,
        state: &'a State,
        values: &'a [KeyValue],
        at_millis: i64,
    ) -> Result<Self, Refusal> {
        if values.len() != container.partition_key.paths.len() {
            return Err(Refusal::partition_key());
        }
        let effective = item_key::effective(&container.partition_key, values);
        let range = container.range_of(&effective);
        let transaction =
            Transaction { range, lsn: state.lsn(range) + 1, changes: Vec::new(), next_number: state.next_number() };
        Ok(Self { container, state, values, effective, at_millis, transaction, unique: HashMap::new() })
    }

    /// Number of the range.
    pub(in crate::cosmos) fn range(&self) -> usize {
        self.transaction.range
    }

    /// What is to be stored; without changes where there were only reads.
    pub(in crate::cosmos) fn finish(self) -> Transaction {
        self.transaction
    }

    /// Does one operation more.
    ///
    /// # Errors
    /// Why it is not done; then the transaction is of no use any more.
    pub(in crate::cosmos) fn make(&mut self, operation: Operation, conditions: &Conditions) -> Result<Effect, Refusal> {
        match operation {
            Operation::Create(document) => {
                self.is_of_partition(&document)?;
                let key = self.key(&document.id);
                if self.get(&key).is_some() {
                    let message = "Entity with the specified id already exists in the system.";
                    return Err(Refusal::conflict(message));
                }
                self.write(key, &document, None)
            }
            Operation::Upsert(document) => {
                self.is_of_partition(&document)?;
                let key = self.key(&document.id);
                let present = self.get(&key);
                present.as_ref().map_or(Ok(()), |present| conditions.allow_write(present))?;
                self.write(key, &document, present.as_deref())
            }
            Operation::Replace { id, document } => {
                self.is_of_partition(&document)?;
                let present = self.present(&id)?;
                conditions.allow_write(&present)?;
                let key = self.key(&document.id);
                if document.id != id {
                    if self.get(&key).is_some() {
                        return Err(Refusal::conflict("Entity with the specified id already exists in the system."));
                    }
                    self.stage(present.key.clone(), None);
                }
                self.write(key, &document, Some(&*present))
            }
            Operation::Patch { id, patch } => self.patch(&id, &patch, conditions),
            Operation::Delete { id } => {
                let present = self.present(&id)?;
                conditions.allow_write(&present)?;
                let members = present.document().as_object().map_or(0, serde_json::Map::len);
                let charge = charge::change(present.text.len(), members + SYSTEM_PROPERTIES.len());
                self.stage(present.key.clone(), None);
                Ok(Effect { status: StatusCode::NO_CONTENT, item: present, charge })
            }
            Operation::Read { id } => {
                let item = self.present(&id)?;
                let charge = charge::read(item.text.len());
                let status = conditions.allow_read(&item)?;
                Ok(Effect { status, item, charge })
            }
        }
    }

    fn patch(&mut self, id: &str, patch: &Patch, conditions: &Conditions) -> Result<Effect, Refusal> {
        let present = self.present(id)?;
        conditions.allow_write(&present)?;
        if let Some(condition) = &patch.condition
            && !self.is_selected(&present, condition)?
        {
            return Err(Refusal::condition_of_patch());
        }
        let document = Document::of(patch.apply(present.document())?)?;
        if document.id != id {
            return Err(Refusal::bad_request(
                "Document id in request body must match the resource id in the request URI",
            ));
        }
        if item_key::of_document(&document.value, &self.container.partition_key) != self.values {
            return Err(Refusal::bad_request("The partition key value cannot be changed by a patch operation."));
        }
        let effect = self.write(present.key.clone(), &document, Some(&*present))?;
        Ok(Effect { charge: charge::change(present.text.len(), patch.len()), ..effect })
    }

    /// Whether an item is among those that `condition` (`from c where …`) selects.
    fn is_selected(&self, item: &Item, condition: &str) -> Result<bool, Refusal> {
        if !condition.trim_start().get(..5).is_some_and(|word| word.trim_end().eq_ignore_ascii_case("from")) {
            return Err(Refusal::bad_request("PATCH: the condition does not begin with FROM."));
        }
        let unusable = |error| Refusal::bad_request(format!("PATCH: the condition cannot be evaluated: {error}"));
        let query = Query::parse(&format!("SELECT * {condition}")).map_err(unusable)?;
        let now = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.at_millis) * 1_000_000);
        let now = now.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let context = Context { parameters: Parameters::default(), now, seed: 0 };
        let place = ScanPosition { range: self.transaction.range, number: item.number };
        let documents = std::iter::once(item.queried(self.container.id, place));
        // Other writers wait meanwhile.
        let limits = PageLimits { work: 64 << 20, memory: 32 << 20, ..PageLimits::default() };
        let page = query.page(&context, documents, limits, None).map_err(unusable)?;
        Ok(!page.rows.is_empty())
    }

    /// Writes a new item, or one in place of `present`: that keeps its resource id, whatever its id.
    fn write(&mut self, key: ItemKey, document: &Document, present: Option<&Item>) -> Result<Effect, Refusal> {
        let entries = self.container.unique_keys.entries(&key, &document.value);
        let taken = |entry: &Entry| match self.unique.get(entry) {
            Some(occupant) => occupant.as_ref().is_some_and(|occupant| *occupant != key),
            None => self.state.occupant(entry).is_some_and(|occupant| *occupant != key),
        };
        if entries.iter().any(taken) {
            let message = "Resource with specified ID, name, or unique index already exists";
            return Err(Refusal::conflict(message));
        }
        if present.is_none() {
            item_key::check_lengths(self.values, &self.container.partition_key).map_err(Refusal::bad_request)?;
        }
        let number = present.map_or(self.transaction.next_number, |present| present.number);
        if present.is_none() {
            self.transaction.next_number += 1;
        }
        let place = self.transaction.changes.iter().position(|change| change.key == key);
        let index = u16::try_from(place.unwrap_or(self.transaction.changes.len())).unwrap_or(u16::MAX);
        let item = Arc::new(Item {
            key: key.clone(),
            number,
            etag: new_etag().into(),
            at_millis: self.at_millis,
            version: Version { lsn: self.transaction.lsn, index },
            ttl: document.ttl,
            text: document.text.clone(),
        });
        self.stage(key.clone(), Some(Arc::clone(&item)));
        self.unique.extend(entries.into_iter().map(|entry| (entry, Some(key.clone()))));
        let members = document.members() + SYSTEM_PROPERTIES.len();
        let bytes = document.text.len();
        let (status, charge) = match present {
            None => (StatusCode::CREATED, charge::create(bytes, members)),
            Some(_) => (StatusCode::OK, charge::change(bytes, members)),
        };
        Ok(Effect { status, item, charge })
    }

    fn stage(&mut self, key: ItemKey, after: Option<Arc<Item>>) {
        if !self.container.unique_keys.is_empty()
            && let Some(present) = self.get(&key)
        {
            let entries = self.container.unique_keys.entries(&key, &present.document());
            self.unique.extend(entries.into_iter().map(|entry| (entry, None)));
        }
        match self.transaction.changes.iter_mut().find(|change| change.key == key) {
            Some(change) => change.after = after,
            None => {
                let before = self.state.get(&key).cloned();
                self.transaction.changes.push(ItemChange { key, before, after });
            }
        }
    }

    fn is_of_partition(&self, document: &Document) -> Result<(), Refusal> {
        match item_key::of_document(&document.value, &self.container.partition_key) == self.values {
            true => Ok(()),
            false => Err(Refusal::partition_key()),
        }
    }

    fn key(&self, id: &str) -> ItemKey {
        ItemKey::new(&self.effective, id)
    }

    fn get(&self, key: &ItemKey) -> Option<Arc<Item>> {
        match self.transaction.changes.iter().find(|change| change.key == *key) {
            Some(change) => change.after.clone(),
            None => {
                let present = self.state.get(key).cloned();
                present.filter(|present| !self.state.expiry().is_over(present, self.at_millis))
            }
        }
    }

    fn present(&self, id: &str) -> Result<Arc<Item>, Refusal> {
        self.get(&self.key(id)).ok_or_else(|| Refusal::no_item(id))
    }
}

impl Conditions {
    /// # Errors
    /// 412 where the item is not to be written.
    fn allow_write(&self, present: &Item) -> Result<(), Refusal> {
        let is = |etag: &String| etag == "*" || **etag == *present.etag;
        match (&self.if_match, &self.if_none_match) {
            (Some(etag), _) if !is(etag) => Err(Refusal::precondition()),
            (_, Some(etag)) if is(etag) => Err(Refusal::precondition()),
            _ => Ok(()),
        }
    }

    /// 200, or 304 where the reader has the item.
    ///
    /// # Errors
    /// 412 where the item is not the one that the reader wants.
    fn allow_read(&self, present: &Item) -> Result<StatusCode, Refusal> {
        let is = |etag: &String| etag == "*" || **etag == *present.etag;
        match (&self.if_match, &self.if_none_match) {
            (Some(etag), _) if !is(etag) => Err(Refusal::precondition()),
            (_, Some(etag)) if is(etag) => Ok(StatusCode::NOT_MODIFIED),
            _ => Ok(StatusCode::OK),
        }
    }
}
