//! What the services of one storage account share: the account and its key, signatures, requests taken apart, answers,
//! error codes.
//!
//! Source: "Azure Storage services REST API reference", its common parts.

pub(crate) mod auth;
mod code;
pub(crate) mod dates;
mod faults;
mod names;
mod refusal;
mod reply;
mod request;
mod request_body;
pub(crate) mod work;
pub(crate) mod xml;

pub use code::Code;
pub(crate) use faults::faults;
pub(crate) use names::check_name;
pub use refusal::Refusal;
pub(crate) use reply::{Reply, check_version, version};
pub(crate) use request::{
    Call, METADATA, Metadata, MetadataHeaders, Query, address, check_metadata, not_implemented, unusable,
};
pub(crate) use request_body::RequestBody;
