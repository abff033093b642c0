//! Keys of the host and its functions: what each opens, and how they change.

use super::key_store::{FunctionKeys, HostKeys, Key, KeyStore, KeysError};
use crate::{
    blobs::Blobs,
    functions_host::app::{App, Level},
};

/// The system key of the Event Grid endpoint.
const EVENT_GRID: &str = "eventgrid_extension";
/// The system key of the endpoint of blob triggers.
const BLOBS: &str = "blobs_extension";
/// Name of the key that every app starts with.
const DEFAULT: &str = "default";
/// The file of the host's own keys.
const HOST: &str = "host";

/// Which keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope<'f> {
    /// Of all functions.
    Host,
    /// Of extensions.
    System,
    /// Of one function.
    Function(&'f str),
}

/// All keys of the app.
pub(crate) struct Keys {
    store: KeyStore,
}

impl Keys {
    /// Reads the keys of host and functions, and creates those that do not exist.
    pub(crate) fn open_or_create(blobs: &Blobs, host_id: &str, app: &App) -> Result<Self, KeysError> {
        let this = Self { store: KeyStore::open(blobs, host_id)? };
        this.host()?;
        for function in &app.functions {
            this.function(&function.name)?;
        }
        Ok(this)
    }

    fn host(&self) -> Result<HostKeys, KeysError> {
        self.store.read(HOST, new_host)
    }

    fn function(&self, name: &str) -> Result<FunctionKeys, KeysError> {
        self.store.read(name, new_function)
    }

    /// Whether a presented key opens an HTTP function.
    pub(crate) fn open(&self, function: &str, level: Level, presented: Option<&str>) -> bool {
        let Some(presented) = presented else {
            return level == Level::Anonymous;
        };
        match level {
            Level::Anonymous => true,
            Level::Admin => self.open_admin(Some(presented)),
            Level::Function => self.opens(|keys| {
                let host = keys.host()?;
                Ok(same(&host.master_key.value, presented)
                    || any(&host.function_keys, presented)
                    || any(&keys.function(function)?.keys, presented))
            }),
        }
    }

    /// Whether a presented key opens the admin API.
    pub(crate) fn open_admin(&self, presented: Option<&str>) -> bool {
        presented.is_some_and(|presented| self.opens(|keys| Ok(same(&keys.host()?.master_key.value, presented))))
    }

    /// Whether a presented key opens the Event Grid endpoint.
    pub(crate) fn open_event_grid(&self, presented: Option<&str>) -> bool {
        presented.is_some_and(|presented| {
            self.opens(|keys| {
                let host = keys.host()?;
                Ok(any(&host.system_keys, presented) || same(&host.master_key.value, presented))
            })
        })
    }

    /// Whether a presented key opens the endpoint of blob triggers. Keys of earlier versions hold none of their own for it.
    pub(crate) fn open_blobs(&self, presented: Option<&str>) -> bool {
        self.open_event_grid(presented)
    }

    /// Keys that cannot be read open nothing.
    fn opens(&self, check: impl FnOnce(&Self) -> Result<bool, KeysError>) -> bool {
        check(self).unwrap_or_else(|error| {
            tracing::error!("{error}");
            false
        })
    }

    /// The key that opens everything.
    pub(crate) fn master(&self) -> Result<String, KeysError> {
        Ok(self.host()?.master_key.value)
    }

    /// The first key of a function.
    pub(crate) fn of_function(&self, function: &str) -> Result<Option<String>, KeysError> {
        Ok(self.function(function)?.keys.into_iter().next().map(|key| key.value))
    }

    /// The key of the Event Grid endpoint.
    pub(crate) fn event_grid(&self) -> Result<Option<String>, KeysError> {
        let mut keys = self.host()?.system_keys.into_iter();
        Ok(keys.find(|key| key.name == EVENT_GRID).map(|key| key.value))
    }

    /// The keys of a scope.
    pub(super) fn list(&self, scope: Scope<'_>) -> Result<Vec<Key>, KeysError> {
        Ok(match scope {
            Scope::Host => self.host()?.function_keys,
            Scope::System => self.host()?.system_keys,
            Scope::Function(name) => self.function(name)?.keys,
        })
    }

    /// Sets a key, to a random value where there is none; whether it is new.
    pub(super) fn set(&self, scope: Scope<'_>, name: &str, value: Option<String>) -> Result<(Key, bool), KeysError> {
        let key = Key::new(name, value);
        let existed = self.list(scope)?.iter().any(|known| known.name == name);
        self.change(scope, |keys| {
            keys.retain(|known| known.name != name);
            keys.push(key.clone());
            true
        })?;
        Ok((key, !existed))
    }

    /// Deletes a key; `false` where there was none.
    pub(super) fn delete(&self, scope: Scope<'_>, name: &str) -> Result<bool, KeysError> {
        self.change(scope, |keys| {
            let before = keys.len();
            keys.retain(|known| known.name != name);
            keys.len() < before
        })
    }

    /// Replaces the master key.
    pub(super) fn set_master(&self, value: Option<String>) -> Result<String, KeysError> {
        let key = Key::new("master", value);
        self.store.change(HOST, new_host, |host| {
            host.master_key = key.clone();
            true
        })?;
        Ok(key.value)
    }

    fn change(&self, scope: Scope<'_>, change: impl Fn(&mut Vec<Key>) -> bool) -> Result<bool, KeysError> {
        let changed = match scope {
            Scope::Host => self.store.change(HOST, new_host, |host| change(&mut host.function_keys))?.1,
            Scope::System => self.store.change(HOST, new_host, |host| change(&mut host.system_keys))?.1,
            Scope::Function(name) => self.store.change(name, new_function, |own| change(&mut own.keys))?.1,
        };
        Ok(changed)
    }
}

fn new_host() -> HostKeys {
    HostKeys {
        master_key: Key::new("master", None),
        function_keys: vec![Key::new(DEFAULT, None)],
        system_keys: vec![Key::new(EVENT_GRID, None), Key::new(BLOBS, None)],
    }
}

fn new_function() -> FunctionKeys {
    FunctionKeys { keys: vec![Key::new(DEFAULT, None)] }
}

fn any(keys: &[Key], presented: &str) -> bool {
    keys.iter().any(|key| same(&key.value, presented))
}

/// Compares without telling by its time how much was right.
fn same(key: &str, presented: &str) -> bool {
    let differences = key.bytes().zip(presented.bytes()).fold(0, |found, (a, b)| found | (a ^ b));
    key.len() == presented.len() && differences == 0
}
