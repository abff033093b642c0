//! Resource ids: what `_rid` and `_self` are made of, in the form that the .NET client's `ResourceId` reads.
//!
//! A database has 4 bytes, a container these and 4 more whose highest bit is set, what is in a container 8 more with its kind
//! in the highest four bits of the last byte, an offer 3 bytes; in base64 with `-` for `/`. A number is never used again, also
//! after what had it is gone.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::cosmos::wire::resource_ids::decode;

/// Kind of a partition key range among what a container holds; documents have kind 0.
const RANGE: u64 = 5 << 60;

/// A database, by its number among all that ever were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cosmos) struct DatabaseId(pub(in crate::cosmos) u32);

/// A container, by its number among all that its database ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cosmos) struct ContainerId {
    pub(in crate::cosmos) database: DatabaseId,
    pub(in crate::cosmos) number: u32,
}

/// An offer of throughput, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cosmos) struct OfferId(pub(in crate::cosmos) u32);

impl ContainerId {
    fn bytes(self) -> [u8; 8] {
        (u64::from(self.database.0) << 32 | u64::from(self.number | 1 << 31)).to_be_bytes()
    }

    fn child(self, number: u64) -> String {
        encode(&[self.bytes(), number.to_le_bytes()].concat())
    }

    /// The resource id of a document, by its number among all that the container ever had.
    pub(in crate::cosmos) fn document(self, number: u64) -> String {
        self.child(number)
    }

    /// The number of the document of this container with a resource id, if that is one.
    pub(in crate::cosmos) fn document_number(self, resource_id: &str) -> Option<u64> {
        let bytes = decode(resource_id)?;
        let number = u64::from_le_bytes(*bytes.strip_prefix(&self.bytes())?.first_chunk::<8>()?);
        (bytes.len() == 16 && number < 1 << 60).then_some(number)
    }

    /// The resource id of a partition key range, by its id.
    pub(in crate::cosmos) fn range(self, id: u64) -> String {
        self.child(id | RANGE)
    }

    /// `_self`.
    pub(in crate::cosmos) fn link(self) -> String {
        format!("{}colls/{self}/", self.database.link())
    }
}

impl DatabaseId {
    /// `_self`.
    pub(in crate::cosmos) fn link(self) -> String {
        format!("dbs/{self}/")
    }
}

impl fmt::Display for DatabaseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&encode(&self.0.to_be_bytes()))
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&encode(&self.bytes()))
    }
}

impl fmt::Display for OfferId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, bytes @ ..] = self.0.to_be_bytes();
        formatter.write_str(&encode(&bytes))
    }
}

fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes).replace('/', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the recorded requests of the .NET client have them, and as its `ResourceId` reads them.
    #[test]
    fn resource_ids_have_the_forms_that_clients_read() {
        let database = DatabaseId(4);
        let container = ContainerId { database, number: 1 };
        assert_eq!((database.to_string().as_str(), container.to_string().as_str()), ("AAAABA==", "AAAABIAAAAE="));
        assert_eq!(container.document(1), "AAAABIAAAAEBAAAAAAAAAA==");
        assert_eq!(container.document_number("AAAABIAAAAEBAAAAAAAAAA=="), Some(1));
        assert_eq!(container.link(), "dbs/AAAABA==/colls/AAAABIAAAAE=/");
        let range = decode(&container.range(2)).unwrap();
        assert_eq!((range.len(), range[15] >> 4), (16, 5));
        assert_eq!(decode(&OfferId(7).to_string()).unwrap(), [0, 0, 7]);
        for other in ["AAAABIAAAAE=", &container.range(1), "AAAABIAAAAIBAAAAAAAAAA==", "1", ""] {
            assert_eq!(container.document_number(other), None, "{other}");
        }
        let all = (0..1000).map(|number| container.document(number << 7));
        assert!(all.into_iter().all(|id| !id.contains('/')));
    }
}
