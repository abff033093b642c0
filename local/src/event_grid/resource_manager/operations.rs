//! Long-running operations: what `Azure-AsyncOperation` URLs report.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use uuid::Uuid;

/// How many operations are remembered; older ones answer 404.
const KEPT: usize = 1000;

/// How an operation ended, or that it has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    InProgress,
    Succeeded,
    Canceled,
    Failed { code: &'static str, message: String },
}

impl Status {
    /// The body that the operation's URL answers.
    pub(crate) fn body(&self, path: &str, id: Uuid) -> Value {
        let name = match self {
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Canceled => "Canceled",
            Self::Failed { .. } => "Failed",
        };
        let mut body = json!({ "id": path, "name": id, "status": name });
        if let Self::Failed { code, message } = self {
            body["error"] = json!({ "code": code, "message": message });
        }
        body
    }
}

/// The newest operations.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    newest_last: Mutex<VecDeque<(Uuid, Status)>>,
}

impl Operations {
    fn all(&self) -> MutexGuard<'_, VecDeque<(Uuid, Status)>> {
        self.newest_last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self) -> Uuid {
        let id = Uuid::new_v4();
        let mut all = self.all();
        if all.len() == KEPT {
            all.pop_front();
        }
        all.push_back((id, Status::InProgress));
        id
    }

    pub(crate) fn end(&self, id: Uuid, status: Status) {
        if let Some((_, current)) = self.all().iter_mut().rev().find(|(known, _)| *known == id) {
            *current = status;
        }
    }

    pub(crate) fn status(&self, id: Uuid) -> Option<Status> {
        self.all().iter().find(|(known, _)| *known == id).map(|(_, status)| status.clone())
    }
}
