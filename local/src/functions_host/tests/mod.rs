//! The host with real services and a handler that the test plays itself.

mod apps;
mod http;
mod process;
mod rules;
mod sharing;
mod storage;
mod support;
mod triggers;
