//! Conformance suites with unmodified official Python clients: Event Grid, the schema registry and its Avro encoder.

use serde_json::Value;

use crate::support::{Shop, SuiteStack, python};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_event_grid() {
    let stack = SuiteStack::start().await;
    run("event_grid_cases.py", &stack.endpoints).await;
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_schema_registry() {
    let stack = SuiteStack::start().await;
    run("schema_registry.py", &stack.endpoints).await;
    stack.stop().await;
}

/// The app and the official encoder understand each other's events.
#[tokio::test]
async fn python_avro_encoder_and_the_app() {
    let shop = Shop::empty().await;
    run("avro_flow.py", &shop.endpoints).await;
}

/// Shows a line a case, and all that was said where one fails.
async fn run(script: &'static str, endpoints: &Value) {
    let endpoints = endpoints.clone();
    let said = tokio::task::spawn_blocking(move || python::run_client(script, &endpoints)).await.expect("no panic");
    println!("{said}");
}
