//! Ownership of partitions: empty blobs whose metadata names the owner, laid out as the official checkpoint store does.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{super::checkpoints::CONTAINER, balance::Ownership};
use crate::{
    blobs::{self, Blobs, Code, Condition, PutOptions},
    functions_host::app::EventHubTrigger,
};

/// The ownerships of one hub and consumer group.
pub(super) struct Ownerships {
    blobs: Blobs,
    /// `{namespace}/{hub}/{group}/ownership/`, lower case.
    prefix: String,
}

impl Ownerships {
    pub(super) fn new(blobs: &Blobs, trigger: &EventHubTrigger) -> Self {
        let prefix = format!("{}/{}/{}/ownership/", trigger.namespace, trigger.hub, trigger.consumer_group);
        Self { blobs: blobs.clone(), prefix: prefix.to_lowercase() }
    }

    /// All that were ever written.
    pub(super) fn list(&self) -> Result<Vec<Ownership>, blobs::Error> {
        self.blobs.create_container(CONTAINER)?;
        let known = self.blobs.list(CONTAINER, &self.prefix)?.into_iter().map(|(name, blob)| {
            let owner = blob.metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case("ownerid"));
            Ownership {
                partition: name[self.prefix.len()..].to_owned(),
                owner: owner.map(|(_, owner)| owner.clone()).unwrap_or_default(),
                etag: blob.etag,
                modified: blob.last_modified,
            }
        });
        Ok(known.collect())
    }

    /// Writes `owner` where nobody else did since `known` was read, or ever where it is `None`; `false` where somebody
    /// did. An empty owner gives the partition back.
    pub(super) fn write(&self, partition: &str, known: Option<&Ownership>, owner: &str) -> Result<bool, blobs::Error> {
        let name = format!("{}{partition}", self.prefix);
        let metadata = BTreeMap::from([("ownerid".to_owned(), owner.to_owned())]);
        let written = match known {
            Some(known) => {
                self.blobs.set_metadata(CONTAINER, &name, metadata, Some(Condition::IfMatch(known.etag.clone())))
            }
            None => {
                let condition = Some(Condition::IfAbsent);
                self.blobs.put(CONTAINER, &name, Bytes::new(), PutOptions { metadata, condition, content_type: None })
            }
        };
        match written {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(error.code(), Code::ConditionNotMet | Code::BlobAlreadyExists | Code::BlobNotFound) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}
