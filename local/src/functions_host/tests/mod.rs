//! The host with real services and a handler that the test plays itself.

mod apps;
mod forwarding;
mod golden;
mod http;
mod process;
mod raw_handler;
mod real_host;
mod rules;
mod samples;
mod sharing;
mod storage;
pub(crate) mod support;
mod triggers;
