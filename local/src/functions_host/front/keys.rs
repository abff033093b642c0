//! Keys of the host and its functions, kept as blobs where the real host keeps them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use rand::Rng as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::blobs::{self, Blobs, PutOptions};
use crate::functions_host::app::{App, Level};

const CONTAINER: &str = "azure-webjobs-secrets";
/// The system key of the Event Grid endpoint.
const EVENT_GRID: &str = "eventgrid_extension";
/// The system key of the endpoint of blob triggers.
const BLOBS: &str = "blobs_extension";
/// Random bytes of a key.
const KEY_BYTES: usize = 40;

/// Keys cannot be read or created.
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
struct Key {
    name: String,
    value: String,
    encrypted: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HostKeys {
    master_key: Key,
    function_keys: Vec<Key>,
    system_keys: Vec<Key>,
}

#[derive(Serialize, Deserialize)]
struct FunctionKeys {
    keys: Vec<Key>,
}

/// All keys of the app.
pub(crate) struct Keys {
    host: HostKeys,
    functions: BTreeMap<String, FunctionKeys>,
}

impl Keys {
    /// Reads the keys of host and functions, and creates those that do not exist.
    pub(crate) fn open_or_create(blobs: &Blobs, host_id: &str, app: &App) -> Result<Self, KeysError> {
        let name = format!("{host_id}/host.json");
        blobs.create_container(CONTAINER).map_err(|source| KeysError::Blob { name: name.clone(), source })?;
        let host = read_or_create(blobs, name, || HostKeys {
            master_key: Key::new("master"),
            function_keys: vec![Key::new("default")],
            system_keys: vec![Key::new(EVENT_GRID), Key::new(BLOBS)],
        })?;
        let mut functions = BTreeMap::new();
        for function in &app.functions {
            let name = format!("{host_id}/{}.json", function.name.to_lowercase());
            let keys = read_or_create(blobs, name, || FunctionKeys { keys: vec![Key::new("default")] })?;
            functions.insert(function.name.clone(), keys);
        }
        Ok(Self { host, functions })
    }

    /// Whether a presented key opens an HTTP function.
    pub(crate) fn open(&self, function: &str, level: Level, presented: Option<&str>) -> bool {
        let Some(presented) = presented else {
            return level == Level::Anonymous;
        };
        match level {
            Level::Anonymous => true,
            Level::Admin => self.open_admin(Some(presented)),
            Level::Function => {
                let own = self.functions.get(function).map_or(&[][..], |keys| &keys.keys);
                self.open_admin(Some(presented)) || any(&self.host.function_keys, presented) || any(own, presented)
            }
        }
    }

    /// Whether a presented key opens the admin API.
    pub(crate) fn open_admin(&self, presented: Option<&str>) -> bool {
        presented.is_some_and(|presented| same(&self.host.master_key.value, presented))
    }

    /// Whether a presented key opens the Event Grid endpoint.
    pub(crate) fn open_event_grid(&self, presented: Option<&str>) -> bool {
        let system = presented.is_some_and(|presented| any(&self.host.system_keys, presented));
        system || self.open_admin(presented)
    }

    /// Whether a presented key opens the endpoint of blob triggers. Keys of earlier versions hold none of their own for it.
    pub(crate) fn open_blobs(&self, presented: Option<&str>) -> bool {
        self.open_event_grid(presented)
    }

    /// The key that opens everything.
    pub(crate) fn master(&self) -> &str {
        &self.host.master_key.value
    }

    /// The first key of a function.
    pub(crate) fn of_function(&self, function: &str) -> Option<&str> {
        self.functions.get(function)?.keys.first().map(|key| key.value.as_str())
    }

    /// The key of the Event Grid endpoint.
    pub(crate) fn event_grid(&self) -> Option<&str> {
        self.host.system_keys.iter().find(|key| key.name == EVENT_GRID).map(|key| key.value.as_str())
    }
}

impl Key {
    fn new(name: &str) -> Self {
        let mut bytes = [0; KEY_BYTES];
        rand::rng().fill(&mut bytes[..]);
        Self { name: name.to_owned(), value: URL_SAFE.encode(bytes), encrypted: false }
    }
}

fn any(keys: &[Key], presented: &str) -> bool {
    keys.iter().any(|key| same(&key.value, presented))
}

/// Compares without telling by its time how much was right.
fn same(key: &str, presented: &str) -> bool {
    let differences = key.bytes().zip(presented.bytes()).fold(0, |found, (a, b)| found | (a ^ b));
    key.len() == presented.len() && differences == 0
}

fn read_or_create<T: Serialize + DeserializeOwned>(
    blobs: &Blobs,
    name: String,
    create: impl FnOnce() -> T,
) -> Result<T, KeysError> {
    let failed = |source| KeysError::Blob { name: name.clone(), source };
    if let Some(blob) = blobs.get(CONTAINER, &name).map_err(failed)? {
        return serde_json::from_slice(&blob.body)
            .map_err(|source| KeysError::Malformed { name: name.clone(), source });
    }
    let keys = create();
    let body = serde_json::to_vec(&keys).map_err(|source| KeysError::Malformed { name: name.clone(), source })?;
    let options = PutOptions { content_type: Some("application/json".to_owned()), ..PutOptions::default() };
    blobs.put(CONTAINER, &name, Bytes::from(body), options).map_err(failed)?;
    Ok(keys)
}
