//! Operations of the protocol: each takes a request and gives its answer.

pub(super) mod batch;
pub(super) mod bulk;
pub(super) mod change_feed;
pub(super) mod definitions;
pub(super) mod feeds;
pub(super) mod items;
pub(super) mod offers;
mod paging;
pub(super) mod queries;
pub(super) mod ranges;
mod scope;
mod sessions;
mod values;
