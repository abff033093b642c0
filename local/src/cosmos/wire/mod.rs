//! The REST protocol: requests and responses, who may make which, and what tests make of them.

pub(super) mod account_document;
pub(super) mod authorization;
pub(super) mod consistency;
pub(super) mod container_definition;
pub(super) mod levers;
pub(super) mod named_ranges;
pub(super) mod operation_kind;
pub(super) mod owner;
pub(super) mod query_body;
pub(super) mod refusal;
pub(super) mod regions;
pub(super) mod request;
pub(super) mod resource_ids;
pub(super) mod responses;
pub(super) mod signature;
pub(super) mod texts;
pub(super) mod unsupported;
pub(super) mod usage;
