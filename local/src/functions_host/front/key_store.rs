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

/// Keys of the host, in `host.json`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HostKeys {
    pub(super) master_key: Key,
    pub(super) function_keys: Vec<Key>,
    pub(super) system_keys: Vec<Key>,
    #[serde(flatten)]
    origin: Origin,
}

/// Keys of one function.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct FunctionKeys {
    pub(super) keys: Vec<Key>,
    #[serde(flatten)]
    origin: Origin,
}

/// Who wrote a document of keys, as the real host notes it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Origin {
    host_name: String,
    instance_id: String,
    source: String,
    decryption_key_id: String,
}

impl Default for Origin {
    fn default() -> Self {
        let (host_name, source) = ("localhost".to_owned(), "runtime".to_owned());
        Self { host_name, instance_id: String::new(), source, decryption_key_id: String::new() }
    }
}

impl HostKeys {
    pub(super) fn new(function_keys: Vec<Key>, system_keys: Vec<Key>) -> Self {
        Self { master_key: Key::new("master", None), function_keys, system_keys, origin: Origin::default() }
    }
}

impl FunctionKeys {
    pub(super) fn new(keys: Vec<Key>) -> Self {
        Self { keys, ..Self::default() }
    }
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
        self.change(file, create, |_, is_new| is_new)
    }

    /// Lets `change` work on what is there, or on what `create` makes, which it is told; stores it if that says so. Where
    /// another host was faster, it works on that.
    pub(super) fn change<T: Serialize + DeserializeOwned>(
        &self,
        file: &str,
        create: impl Fn() -> T,
        change: impl Fn(&mut T, bool) -> bool,
    ) -> Result<T, KeysError> {
        let name = format!("{}/{}.json", self.host_id, file.to_lowercase());
        let malformed = |source| KeysError::Malformed { name: name.clone(), source };
        loop {
            let found = self.blobs.get(SECRETS, &name);
            let found = found.map_err(|source| KeysError::Blob { name: name.clone(), source })?;
            let (mut keys, condition, is_new) = match found {
                Some(blob) => {
                    // The real host writes it with a byte order mark where it keeps keys in files.
                    let body = blob.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&blob.body);
                    let keys = contoso_json::from_slice(body).map_err(malformed)?;
                    (keys, Condition::IfMatch(blob.properties.etag), false)
                }
                None => (create(), Condition::IfAbsent, true),
            };
            if !change(&mut keys, is_new) {
                return Ok(keys);
            }
            let body = Bytes::from(serde_json::to_vec_pretty(&keys).map_err(malformed)?);
            let options = PutOptions {
                content_type: Some("application/json".to_owned()),
                condition: Some(condition),
                ..PutOptions::default()
            };
            match self.blobs.put(SECRETS, &name, body, options) {
                Ok(_) => return Ok(keys),
                Err(error)
                    if matches!(error.code(), Code::ConditionNotMet | Code::BlobAlreadyExists | Code::BlobNotFound) => {
                }
                Err(source) => return Err(KeysError::Blob { name, source }),
            }
        }
    }
}
