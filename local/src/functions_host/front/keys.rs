//! Keys of the host and its functions: what each opens, and how they change.

use std::cell::Cell;

use super::{
    claims::PresentedKey,
    key_store::{FunctionKeys, HostKeys, Key, KeyStore, KeysError},
};
use crate::blobs::Blobs;

/// The extensions with webhooks.
const EXTENSIONS: [&str; 2] = ["eventgrid", "blobs"];
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
    /// Keys are made when the first caller brings one, or asks for them.
    pub(crate) fn open(blobs: &Blobs, host_id: &str) -> Result<Self, KeysError> {
        Ok(Self { store: KeyStore::open(blobs, host_id)? })
    }

    fn host(&self) -> Result<HostKeys, KeysError> {
        self.store.read(HOST, new_host)
    }

    fn function(&self, name: &str) -> Result<FunctionKeys, KeysError> {
        self.store.read(name, || FunctionKeys::new(vec![Key::new(DEFAULT, None)]))
    }

    /// Which key of the host or of `function` a presented one is. Keys that cannot be read are none.
    pub(crate) fn named(&self, function: &str, presented: &str) -> Option<PresentedKey> {
        let found = || {
            let host = self.host()?;
            if same(&host.master_key.value, presented) {
                return Ok(Some(PresentedKey { level: "Admin", name: host.master_key.name }));
            }
            let of = |level: &'static str, keys: Vec<Key>| {
                let key = keys.into_iter().find(|key| same(&key.value, presented))?;
                Some(PresentedKey { level, name: key.name })
            };
            if let Some(key) = of("System", host.system_keys) {
                return Ok(Some(key));
            }
            let own = self.function(function)?.keys;
            Ok(of("Function", own).or_else(|| of("Function", host.function_keys)))
        };
        logged(found()).flatten()
    }

    /// Whether a presented key opens the admin API.
    pub(crate) fn open_admin(&self, presented: Option<&str>) -> bool {
        presented
            .is_some_and(|presented| logged(self.host()).is_some_and(|host| same(&host.master_key.value, presented)))
    }

    /// Whether a presented key opens the webhook of an extension: the system key of its name does, and the master key.
    pub(crate) fn open_extension(&self, extension: &str, presented: Option<&str>) -> bool {
        let (name, Some(presented)) = (key_name(extension), presented) else { return false };
        logged(self.host()).is_some_and(|host| {
            let own = host.system_keys.iter().find(|key| key.name.eq_ignore_ascii_case(&name));
            own.is_some_and(|key| same(&key.value, presented)) || same(&host.master_key.value, presented)
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

    /// The system key of an extension's webhook, which is made where there is none, as keys of earlier versions have none for
    /// that of blob triggers.
    pub(crate) fn of_extension(&self, extension: &str) -> Result<String, KeysError> {
        let name = key_name(extension);
        let host = self.store.change(HOST, new_host, |host, is_new| {
            let is_missing = host.system_keys.iter().all(|key| key.name != name);
            if is_missing {
                host.system_keys.push(Key::new(&name, None));
            }
            is_missing || is_new
        })?;
        let key = host.system_keys.into_iter().find(|key| key.name == name);
        Ok(key.map(|key| key.value).unwrap_or_default())
    }

    /// The keys of a scope.
    pub(super) fn list(&self, scope: Scope<'_>) -> Result<Vec<Key>, KeysError> {
        Ok(match scope {
            Scope::Host => self.host()?.function_keys,
            Scope::System => self.host()?.system_keys,
            Scope::Function(name) => self.function(name)?.keys,
        })
    }

    /// Sets a key, to a random value where there is none; whether it is new. A function that had no keys so far has this one
    /// alone.
    pub(super) fn set(&self, scope: Scope<'_>, name: &str, value: Option<String>) -> Result<(Key, bool), KeysError> {
        let key = Key::new(name, value);
        let is_new = Cell::new(true);
        self.change(scope, |keys| {
            let before = keys.len();
            keys.retain(|known| known.name != name);
            is_new.set(keys.len() == before);
            keys.push(key.clone());
            true
        })?;
        Ok((key, is_new.get()))
    }

    /// Deletes a key; `false` where there was none.
    pub(super) fn delete(&self, scope: Scope<'_>, name: &str) -> Result<bool, KeysError> {
        let found = Cell::new(false);
        self.change(scope, |keys| {
            let before = keys.len();
            keys.retain(|known| known.name != name);
            found.set(keys.len() < before);
            found.get()
        })?;
        Ok(found.get())
    }

    /// Replaces the master key.
    pub(super) fn set_master(&self, value: Option<String>) -> Result<String, KeysError> {
        let key = Key::new("master", value);
        self.store.change(HOST, new_host, |host, _| {
            host.master_key = key.clone();
            true
        })?;
        Ok(key.value)
    }

    fn change(&self, scope: Scope<'_>, change: impl Fn(&mut Vec<Key>) -> bool) -> Result<(), KeysError> {
        match scope {
            Scope::Host => drop(self.store.change(HOST, new_host, |host, _| change(&mut host.function_keys))?),
            Scope::System => drop(self.store.change(HOST, new_host, |host, _| change(&mut host.system_keys))?),
            Scope::Function(name) => {
                drop(self.store.change(name, FunctionKeys::default, |own, _| change(&mut own.keys))?);
            }
        }
        Ok(())
    }
}

/// Keys that cannot be read open nothing.
fn logged<T>(read: Result<T, KeysError>) -> Option<T> {
    read.inspect_err(|error| tracing::error!("{error}")).ok()
}

fn new_host() -> HostKeys {
    HostKeys::new(
        vec![Key::new(DEFAULT, None)],
        EXTENSIONS.map(|extension| Key::new(&key_name(extension), None)).into(),
    )
}

/// How the system key of an extension's webhook is called.
fn key_name(extension: &str) -> String {
    format!("{extension}_extension").to_lowercase()
}

/// Compares without telling by its time how much was right.
fn same(key: &str, presented: &str) -> bool {
    let differences = key.bytes().zip(presented.bytes()).fold(0, |found, (a, b)| found | (a ^ b));
    key.len() == presented.len() && differences == 0
}
