//! Conformance suites with unmodified official JavaScript clients, each on a stack of its own.

use crate::support::{SuiteStack, javascript};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_event_hubs() {
    passes("event_hubs.js").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_cosmos() {
    passes("cosmos.js").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_storage_blob() {
    passes("storage_blob.js").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_event_grid() {
    passes("event_grid.js").await;
}

/// Shows a line a case, and all that was said where one fails.
async fn passes(suite: &'static str) {
    let stack = SuiteStack::start().await;
    let endpoints = stack.endpoints.clone();
    let run = tokio::task::spawn_blocking(move || javascript::run_suite(suite, &endpoints)).await.expect("no panic");
    stack.stop().await;
    match run {
        Ok(said) => println!("{said}"),
        Err(said) => panic!("{said}"),
    }
}
