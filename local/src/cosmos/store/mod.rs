//! Durability: what is stored of an account, and how it comes back.

pub(super) mod definitions;
mod framed;
pub(super) mod replay;
pub(super) mod rows;
