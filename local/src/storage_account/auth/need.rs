//! Permissions that an operation needs, and how far a signature reaches.

use crate::{
    identity::Action,
    storage_account::{Query, Refusal},
};

/// What an operation asks of a signature or a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// `s`, `c` or `o`: on what the operation works.
    pub(crate) resource: char,
    /// One of these permissions is enough.
    pub(crate) permissions: &'static str,
    /// What a role must allow.
    pub(crate) action: Action,
}

/// What a shared access signature reaches.
#[derive(Debug)]
pub(crate) enum Scope {
    /// Resource types of an account signature.
    Account(String),
    /// One container or queue.
    Container,
    /// One blob.
    Object,
}

/// What a service's addresses name, as signatures of one resource see it.
pub(crate) trait Resource {
    /// The service among the signed services (`ss`).
    const LETTER: char;

    /// The fields that a signature of this resource signs, in order, and its reach.
    ///
    /// # Errors
    /// Where the signature is of another kind of resource.
    fn signed(&self, account: &str, query: &Query) -> Result<(Vec<String>, Scope), Refusal>;

    /// What a role must be on, as `storage/blobs/CONTAINER`.
    fn path(&self) -> String;

    /// Whether a signature of one resource, which matched, reaches an operation here.
    fn is_reached(&self, scope: &Scope, need: Need) -> bool;
}
