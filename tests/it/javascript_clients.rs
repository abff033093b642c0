//! Conformance suites with unmodified official JavaScript clients.

use serde_json::Value;

use crate::support::{SuiteStack, javascript};

/// All suites side by side on one stack: each is a process of its own and mostly waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_suites_pass() {
    let stack = SuiteStack::start().await;
    let suites = ["event_hubs.js", "cosmos.js", "storage_blob.js", "event_grid.js"];
    let runs = suites.map(|suite| {
        let endpoints: Value = stack.endpoints.clone();
        (suite, tokio::task::spawn_blocking(move || javascript::run_suite(suite, &endpoints)))
    });
    let mut failures = Vec::new();
    for (suite, run) in runs {
        match run.await.expect("no panic") {
            Ok(said) => println!("{suite}\n{said}"),
            Err(said) => failures.push(format!("{suite}: {said}")),
        }
    }
    stack.stop().await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
