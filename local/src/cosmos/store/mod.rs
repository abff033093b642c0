//! Durability: the account, what is stored of it, and how it comes back.

pub(super) mod account;
pub(super) mod definitions;
mod framed;
pub(super) mod replay;
mod rids;
pub(super) mod rows;
