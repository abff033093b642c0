//! Names of containers and blobs, and the keys they are stored under.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::error::{Code, Failure};
use crate::storage_account::{check_name, not_implemented};

/// What is encoded in the path of an address; slashes within a blob's name stay.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The container whose blobs need not name it in their address.
const ROOT: &str = "$root";
/// The container that a static website is served from; here it is like any other.
const WEB: &str = "$web";
/// Containers that the service itself writes, where features are on that this account has not.
const OF_THE_SERVICE: [&str; 2] = ["$logs", "$blobchangefeed"];

/// A container's name.
///
/// Source: "Naming and referencing containers, blobs, and metadata", "Working with the root container".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ContainerName(String);

impl ContainerName {
    /// # Errors
    /// [`Code::InvalidResourceName`], [`Code::OutOfRangeInput`]; [`Code::NotImplemented`] for containers that the service itself writes.
    pub(super) fn new(name: &str) -> Result<Self, Failure> {
        if OF_THE_SERVICE.contains(&name) {
            return Err(not_implemented(&format!("container {name}")).into());
        }
        if !matches!(name, ROOT | WEB) {
            check_name("Container", name)?;
        }
        Ok(Self(name.to_owned()))
    }

    /// The root container.
    pub(super) fn root() -> Self {
        Self(ROOT.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// What the keys of all its blobs start with. No container name is a prefix of another with this separator.
    pub(super) fn blob_prefix(&self) -> Vec<u8> {
        let mut key = self.0.clone().into_bytes();
        key.push(0);
        key
    }
}

/// Most parts of a name between slashes.
const MAX_SEGMENTS: usize = 254;

/// A blob's place: container and name, the name of 1 to 1,024 characters. As in the service, a backslash is a slash.
///
/// Source: "Naming and referencing containers, blobs, and metadata".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlobPath {
    pub(super) container: ContainerName,
    name: String,
    /// The name as the client wrote it, which is what it signed.
    written: String,
}

impl BlobPath {
    /// # Errors
    /// [`Code::InvalidResourceName`]; [`Code::InvalidUri`] for control characters, NUL among them, which separates names from
    /// what follows them in keys.
    pub(super) fn new(container: ContainerName, name: &str) -> Result<Self, Failure> {
        if name.chars().any(char::is_control) {
            return Err(Failure::refused(Code::InvalidUri, format!("Control characters in a name: {name:?}.")));
        }
        let (name, written) = (name.replace('\\', "/"), name.to_owned());
        // A slash would make another container of what is before it, where the address leaves out the root container.
        let most = if container.0 == ROOT { 1 } else { MAX_SEGMENTS };
        if name.is_empty() || name.chars().count() > 1024 || name.split('/').count() > most {
            return Err(Failure::refused(Code::InvalidResourceName, format!("Blob: {name:?}.")));
        }
        Ok(Self { container, name, written })
    }

    /// # Errors
    /// Those of either name.
    pub(super) fn parse(container: &str, name: &str) -> Result<Self, Failure> {
        Self::new(ContainerName::new(container)?, name)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Container and name as the client wrote them.
    pub(super) fn written(&self) -> String {
        format!("{}/{}", self.container.0, self.written)
    }

    /// The blob's address below the account's.
    pub(super) fn url(&self, base: &str) -> String {
        let name = utf8_percent_encode(&self.name, IN_PATH);
        format!("{base}/{}/{name}", self.container.0)
    }

    /// Keys sort as the service lists: by the bytes of the name.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = self.container.blob_prefix();
        key.extend_from_slice(self.name.as_bytes());
        key
    }

    /// What the keys of its uncommitted blocks start with.
    pub(super) fn block_prefix(&self) -> Vec<u8> {
        let mut key = self.key();
        key.push(0);
        key
    }

    /// The key of the blob in `container` whose uncommitted block has the key `block`.
    pub(super) fn key_of_block(block: &[u8], container: &ContainerName) -> Option<Vec<u8>> {
        let root = container.blob_prefix();
        let name = block.strip_prefix(&root[..])?;
        let end = name.iter().position(|byte| *byte == 0)?;
        Some(block[..root.len() + end].to_vec())
    }

    /// Key of one uncommitted block.
    pub(super) fn block_key(&self, id: &str) -> Vec<u8> {
        let mut key = self.block_prefix();
        key.extend_from_slice(id.as_bytes());
        key
    }
}

impl std::fmt::Display for BlobPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.container.0, self.name)
    }
}
