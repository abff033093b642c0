//! Data plane: what the account holds and what operations make of it, in memory, without input or output.

pub(super) mod catalogue;
pub(super) mod charge;
pub(super) mod computed;
pub(super) mod container;
pub(super) mod definition;
pub(super) mod document;
mod expiry;
pub(super) mod indexing;
pub(super) mod item;
pub(super) mod item_key;
pub(super) mod log;
pub(super) mod offer;
pub(super) mod operation;
pub(super) mod order;
pub(super) mod patch;
pub(super) mod ranges;
pub(super) mod resource_id;
pub(super) mod scan;
pub(in crate::cosmos) mod scan_position;
mod unique_keys;
