//! Response headers that answers of the Blob service carry beside what all storage services carry.

use time::OffsetDateTime;

pub(super) use crate::storage_account::Reply;
use crate::{
    blobs::{error::Failure, etag::Etag, record::CopyRecord},
    storage_account::{Query, dates},
};

/// Parameters of a shared access signature that replace headers of the answer.
const OVERRIDES: [(&str, &str); 5] = [
    ("rscc", "cache-control"),
    ("rscd", "content-disposition"),
    ("rsce", "content-encoding"),
    ("rscl", "content-language"),
    ("rsct", "content-type"),
];

impl Reply {
    /// An error as the service words it; the answer to `HEAD` has no body.
    pub(super) fn failure(failure: &Failure, is_head: bool) -> Self {
        let reply = Self::error(failure.status(), failure.code(), &failure.to_string(), is_head);
        match failure {
            Failure::Range { length } => reply.header("content-range", format!("bytes */{length}")),
            Failure::Source(cause) => reply
                .header("x-ms-copy-source-status-code", cause.status().as_str())
                .header("x-ms-copy-source-error-code", cause.code().to_string()),
            _ => reply,
        }
    }

    /// The headers that name a version.
    pub(super) fn version(self, etag: Etag, last_modified: OffsetDateTime) -> Self {
        self.header("etag", etag.quoted()).header("last-modified", dates::format(last_modified))
    }

    /// The headers of a blob that was copied.
    pub(super) fn copied(self, copy: Option<&CopyRecord>, length: u64) -> Self {
        let Some(copy) = copy else { return self };
        self.header("x-ms-copy-id", copy.id.to_string())
            .header("x-ms-copy-source", &copy.source)
            .header("x-ms-copy-status", CopyRecord::STATUS)
            .header("x-ms-copy-progress", format!("{length}/{length}"))
            .header("x-ms-copy-completion-time", dates::format(copy.completed))
    }

    pub(super) fn overridden(self, query: &Query) -> Self {
        OVERRIDES.into_iter().fold(self, |reply, (parameter, header)| reply.optional(header, query.get(parameter)))
    }
}
