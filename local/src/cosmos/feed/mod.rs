//! The change feed's index, and what follows from the order of changes: LSNs across restarts, expiry.

pub(super) mod expiry;
pub(super) mod index;
pub(super) mod lsns;
pub(super) mod request;
pub(super) mod translation;
