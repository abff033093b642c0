//! Records: what is stored of a container, a blob and a block.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{bodies::Segment, conditions::Version, etag::Etag, lease::Lease};
pub(super) use crate::storage_account::Metadata;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ContainerRecord {
    pub(super) etag: Etag,
    #[serde(with = "time::serde::timestamp")]
    pub(super) last_modified: OffsetDateTime,
    pub(super) metadata: Metadata,
    /// Containers of earlier versions have none.
    #[serde(default)]
    pub(super) lease: Lease,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BlobRecord {
    pub(super) etag: Etag,
    #[serde(with = "time::serde::timestamp")]
    pub(super) created: OffsetDateTime,
    #[serde(with = "time::serde::timestamp")]
    pub(super) last_modified: OffsetDateTime,
    pub(super) headers: ContentHeaders,
    pub(super) metadata: Metadata,
    pub(super) content: Content,
    pub(super) lease: Lease,
    /// Blobs of earlier versions were not copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) copy: Option<CopyRecord>,
}

/// The copy that made a blob, until the blob is written or its properties are set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CopyRecord {
    pub(super) id: Uuid,
    /// Address of the source without its parameters, which may hold a signature.
    pub(super) source: String,
    #[serde(with = "time::serde::timestamp")]
    pub(super) completed: OffsetDateTime,
}

impl CopyRecord {
    /// `x-ms-copy-status`: a copy ends before it is answered.
    pub(super) const STATUS: &str = "success";
}

/// Tier of every blob: that of a new account, which no blob says of itself.
pub(super) const ACCESS_TIER: &str = "Hot";

impl ContainerRecord {
    pub(super) fn version(&self) -> Version {
        Version { etag: self.etag, last_modified: self.last_modified }
    }
}

impl BlobRecord {
    pub(super) fn version(&self) -> Version {
        Version { etag: self.etag, last_modified: self.last_modified }
    }
}

/// The HTTP headers that are kept with a blob and returned with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ContentHeaders {
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    /// Base64.
    pub(super) content_md5: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
}

/// What the service says of a blob that was stored without a type.
const DEFAULT_TYPE: &str = "application/octet-stream";

impl ContentHeaders {
    pub(super) fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or(DEFAULT_TYPE)
    }
}

/// Where a blob's bytes are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Content {
    /// Put in one piece; `None` is empty.
    Whole(Option<Segment>),
    /// Committed as a list of blocks.
    Blocks(Vec<Block>),
}

/// A block: committed within a blob, or staged under its id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Block {
    /// Base64, as the client wrote it.
    pub(super) id: String,
    /// `None` is empty.
    pub(super) segment: Option<Segment>,
}

impl Block {
    pub(super) fn length(&self) -> u64 {
        self.segment.map_or(0, |segment| segment.length)
    }
}

impl Content {
    /// The pieces in order.
    pub(super) fn segments(&self) -> Vec<Segment> {
        match self {
            Self::Whole(segment) => segment.iter().copied().collect(),
            Self::Blocks(blocks) => blocks.iter().filter_map(|block| block.segment).collect(),
        }
    }

    /// Bytes in all.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Whole(segment) => segment.map_or(0, |segment| segment.length),
            Self::Blocks(blocks) => blocks.iter().map(Block::length).sum(),
        }
    }

    pub(super) fn blocks(&self) -> &[Block] {
        match self {
            Self::Whole(_) => &[],
            Self::Blocks(blocks) => blocks,
        }
    }
}
