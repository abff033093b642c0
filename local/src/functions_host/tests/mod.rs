//! The host with real services and a handler that the test plays itself.

mod apps;
mod forwarding;
mod http;
mod process;
mod rules;
mod samples;
mod sharing;
mod storage;
pub(crate) mod support;
mod triggers;
