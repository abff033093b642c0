//! Key store: blobs, as the real host keeps them. They are read at each use, so that all hosts of an app agree.

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use bytes::Bytes;
use rand::Rng as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::blobs::{self, Blobs, Code, Condition, PutOptions};

/// The container of keys.
pub(in crate::functions_host) const SECRETS: &str = "azure-webjobs-secrets";
/// Random bytes of a key.
const KEY_BYTES: usize = 40;

/// Keys cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The blob service failed.
    #[error("cannot read or write the keys in blob {name}; repeating is safe")]
    Blob {
        /// The blob.
        name: String,
        /// Why.
        source: blobs::Error,
    },
    /// The blob is there, but it is none of the host's.
    #[error("blob {name} does not hold keys; delete it to have new ones")]
    Malformed {
        /// The blob.
        name: String,
        /// Line, column and reason.
        source: serde_json::Error,
    },
}

/// A key as it is stored. Encrypted ones are not supported; locally none are.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) value: String,
    encrypted: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HostKeys {
    pub(super) master_key: Key,
    pub(super) function_keys: Vec<Key>,
    pub(super) system_keys: Vec<Key>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FunctionKeys {
    pub(super) keys: Vec<Key>,
}

impl Key {
    /// A key with this value, or a random one.
    pub(super) fn new(name: &str, value: Option<String>) -> Self {
        let value = value.unwrap_or_else(|| {
            let mut bytes = [0; KEY_BYTES];
            rand::rng().fill(&mut bytes[..]);
            URL_SAFE.encode(bytes)
        });
        Self { name: name.to_owned(), value, encrypted: false }
    }
}

/// The blobs of one host id.
pub(super) struct KeyStore {
    blobs: Blobs,
    host_id: String,
}

impl KeyStore {
    pub(super) fn open(blobs: &Blobs, host_id: &str) -> Result<Self, KeysError> {
        blobs.create_container(SECRETS).map_err(|source| KeysError::Blob { name: SECRETS.to_owned(), source })?;
        Ok(Self { blobs: blobs.clone(), host_id: host_id.to_owned() })
    }

    /// What is in `<host id>/<file>.json`, which `create` makes where it is missing.
    pub(super) fn read<T: Serialize + DeserializeOwned>(
        &self,
        file: &str,
        create: impl Fn() -> T,
    ) -> Result<T, KeysError> {
        self.change(file, create, |_| false).map(|(keys, _)| keys)
    }

    /// Lets `change` work on what is there, and stores it if that says so. Where another host was faster, it works on that.
    pub(super) fn change<T: Serialize + DeserializeOwned>(
        &self,
        file: &str,
        create: impl Fn() -> T,
        change: impl Fn(&mut T) -> bool,
    ) -> Result<(T, bool), KeysError> {
        let name = format!("{}/{}.json", self.host_id, file.to_lowercase());
        let malformed = |source| KeysError::Malformed { name: name.clone(), source };
        loop {
            let found = self.blobs.get(SECRETS, &name);
            let found = found.map_err(|source| KeysError::Blob { name: name.clone(), source })?;
            let (mut keys, condition, is_new) = match found {
                Some(blob) => {
                    let keys = contoso_json::from_slice(&blob.body).map_err(malformed)?;
                    (keys, Condition::IfMatch(blob.properties.etag), false)
                }
                None => (create(), Condition::IfAbsent, true),
            };
            let changed = change(&mut keys);
            if !changed && !is_new {
                return Ok((keys, false));
            }
            let body = Bytes::from(serde_json::to_vec(&keys).map_err(malformed)?);
            let options = PutOptions {
                content_type: Some("application/json".to_owned()),
                condition: Some(condition),
                ..PutOptions::default()
            };
            match self.blobs.put(SECRETS, &name, body, options) {
                Ok(_) => return Ok((keys, changed)),
                Err(error)
                    if matches!(error.code(), Code::ConditionNotMet | Code::BlobAlreadyExists | Code::BlobNotFound) => {
                }
                Err(source) => return Err(KeysError::Blob { name, source }),
            }
        }
    }
}
