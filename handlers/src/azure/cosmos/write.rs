//! Write conditions: how a document is written: whatever is there, or under a condition.

use azure_core::http::Etag;
use azure_data_cosmos::options::{ItemWriteOptions, Precondition};

/// How a document is written.
#[derive(Clone, Copy)]
pub(super) enum Write<'a> {
    Create,
    /// Only where it is still the one that was read under this ETag.
    Replace {
        etag: &'a str,
    },
    Upsert,
}

pub(super) fn unless_changed(etag: &str) -> ItemWriteOptions {
    ItemWriteOptions::default().with_precondition(Precondition::if_match(Etag::from(etag)))
}
