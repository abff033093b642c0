//! The journal: every successful write, in commit order, stored before it is answered.
//!
//! There is no way to give the emulator a document with its LSN and resource id, so its state is rebuilt by executing
//! every write again. For the same reason the journal is never compacted in place: with fewer writes the LSNs would
//! restart lower, and change feed continuations would silently skip what is written next.
//!
//! An entry is a JSON head, preceded by its length (four bytes, big-endian), and the request's body as sent.

use std::{collections::BTreeMap, ops::Bound};

use bytes::Bytes;
use fjall::Keyspace;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};

use super::{Error, request::Request};
use crate::storage::{Storage, StorageError};

/// Headers that decide what a write does. Conditions are left out: they held.
const KEPT: [&str; 8] = [
    "content-type",
    "x-ms-cosmos-batch-atomic",
    "x-ms-cosmos-batch-continue-on-error",
    "x-ms-cosmos-is-batch-request",
    "x-ms-cosmos-offer-autopilot-settings",
    "x-ms-documentdb-is-upsert",
    "x-ms-documentdb-partitionkey",
    "x-ms-offer-throughput",
];

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) head: Head,
    pub(super) body: Bytes,
}

/// What an entry says besides the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
    /// When it was stored, milliseconds since the epoch on the stack's clock.
    pub(super) at_millis: i64,
    /// LSN it was given, to tell at replay that all is as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lsn: Option<u64>,
    /// ETags its items were given, in order; none for a deleted one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) etags: Vec<Option<String>>,
}

impl Entry {
    /// The entry for `request`, whose conditions have been taken out of its body.
    pub(super) fn new(request: &Request, at_millis: i64, lsn: Option<u64>, etags: Vec<Option<String>>) -> Self {
        let headers =
            KEPT.iter().filter_map(|name| Some(((*name).to_owned(), request.header(*name)?.to_owned()))).collect();
        let head =
            Head { method: request.method.to_string(), path: request.path.clone(), headers, at_millis, lsn, etags };
        Self { head, body: request.body.clone() }
    }

    /// The request that makes the write again, answered without a body.
    pub(super) fn to_request(&self) -> Option<Request> {
        let mut headers = HeaderMap::with_capacity(self.head.headers.len() + 1);
        for (name, value) in &self.head.headers {
            headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?);
        }
        headers.insert(HeaderName::from_static("prefer"), HeaderValue::from_static("return=minimal"));
        let method = Method::from_bytes(self.head.method.as_bytes()).ok()?;
        Some(Request::new(method, &self.head.path, headers, self.body.clone()))
    }

    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let head = serde_json::to_vec(&self.head)?;
        let mut bytes = Vec::with_capacity(4 + head.len() + self.body.len());
        bytes.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or("it is shorter than its length field")?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|error| error.to_string())?;
        let (head, body) = rest.split_at_checked(length).ok_or("its head is cut off")?;
        let head = serde_json::from_slice(head).map_err(|error| error.to_string())?;
        Ok(Self { head, body: Bytes::copy_from_slice(body) })
    }
}

/// The entries in the store, numbered from 0 without gaps.
pub(super) struct Journal {
    storage: Storage,
    entries: Keyspace,
    next: u64,
}

impl Journal {
    pub(super) fn open(storage: &Storage) -> Result<Self, StorageError> {
        let entries = storage.keyspace("cosmos-journal")?;
        let next = match entries.last_key_value() {
            Some(guard) => guard.key()?.first_chunk::<8>().map_or(0, |key| u64::from_be_bytes(*key) + 1),
            None => 0,
        };
        Ok(Self { storage: storage.clone(), entries, next })
    }

    /// Number of entries.
    pub(super) fn len(&self) -> u64 {
        self.next
    }

    /// Up to `limit` entries from number `from` on, numbered.
    ///
    /// # Errors
    /// When the store fails or an entry is damaged or missing.
    pub(super) fn read(&self, from: u64, limit: usize) -> Result<Vec<(u64, Entry)>, Error> {
        let start = Bound::Included(from.to_be_bytes());
        let mut found = Vec::with_capacity(limit);
        for (sequence, guard) in (from..).zip(self.entries.range::<[u8; 8], _>((start, Bound::Unbounded)).take(limit)) {
            let (key, value) = guard.into_inner().map_err(StorageError::from)?;
            let unreadable = |reason: String| Error::Unreadable { sequence, reason };
            if *key != sequence.to_be_bytes() {
                return Err(unreadable("it is missing".to_owned()));
            }
            found.push((sequence, Entry::decode(&value).map_err(unreadable)?));
        }
        Ok(found)
    }

    /// Stores the next entry. It is durable when this returns.
    ///
    /// # Errors
    /// When the store fails; then nothing was stored and the number is used again.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), Error> {
        let encoded =
            entry.encode().map_err(|error| Error::Unreadable { sequence: self.next, reason: error.to_string() })?;
        let mut batch = self.storage.batch();
        batch.insert(&self.entries, self.next.to_be_bytes(), encoded);
        batch.commit()?;
        self.next += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_entry_reads_back_as_it_was_written(
            path in "[a-z/%é]{0,20}",
            body in prop::collection::vec(any::<u8>(), 0..200),
            lsn in any::<Option<u64>>(),
            etags in prop::collection::vec(any::<Option<String>>(), 0..3),
        ) {
            let head = Head {
                method: "POST".to_owned(), path, headers: BTreeMap::from([("a".to_owned(), "\"é".to_owned())]),
                at_millis: -1, lsn, etags,
            };
            let entry = Entry { head, body: body.into() };
            prop_assert_eq!(Entry::decode(&entry.encode().unwrap()), Ok(entry));
        }

        #[test]
        fn damaged_bytes_are_an_error_and_not_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(entry) = Entry::decode(&bytes) {
                prop_assert!(entry.body.len() <= bytes.len());
            }
        }
    }
}
