//! Names of queues.

use crate::storage_account::{Refusal, check_name};

/// A queue's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct QueueName(String);

impl QueueName {
    /// # Errors
    /// Those of [`check_name`].
    pub(super) fn new(name: &str) -> Result<Self, Refusal> {
        check_name("Queue", name)?;
        Ok(Self(name.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
