//! Uses: who asked for which schema since the stack started. A reader asks for the text by an id, a writer for the id of a text, and each
//! of them keeps the answer, so what is counted are programs that began, and not events.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;
use time::OffsetDateTime;

use super::store::Registered;
use crate::clock::Clock;

/// Schemas times callers that are kept apart.
const MAX_KEPT: usize = 4_096;

/// What a caller asked a schema for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// The text by its id: to read events. Who looks at a version by its number only looks.
    Read,
    /// The id by its text: to write events.
    Write,
}

/// One caller's use of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// The schema's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version in the registry.
    pub version: u32,
    /// The identity that asked.
    pub caller: String,
    /// What for.
    pub purpose: Purpose,
    /// How often.
    pub times: u64,
    /// When last, by the stack's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub last: OffsetDateTime,
}

/// All that was asked.
pub(super) struct Uses {
    clock: Clock,
    kept: Mutex<BTreeMap<(String, String, Purpose), Use>>,
}

impl Uses {
    pub(super) fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), kept: Mutex::default() }
    }

    pub(super) fn count(&self, schema: &Registered, caller: &str, purpose: Purpose) {
        let last = self.clock.now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (schema.id.clone(), caller.to_owned(), purpose);
        if let Some(known) = kept.get_mut(&key) {
            known.times += 1;
            known.last = last;
        } else if kept.len() < MAX_KEPT {
            let Registered { id, name, version, .. } = schema;
            let (id, name, caller) = (id.clone(), name.clone(), caller.to_owned());
            kept.insert(key, Use { id, name, version: *version, caller, purpose, times: 1, last });
        }
    }

    /// By schema, then by caller.
    pub(super) fn all(&self) -> Vec<Use> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Use> = kept.values().cloned().collect();
        all.sort_by(|one, other| {
            (&one.name, one.version, &one.caller, one.purpose).cmp(&(
                &other.name,
                other.version,
                &other.caller,
                other.purpose,
            ))
        });
        all
    }
}
