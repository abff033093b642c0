//! Unmodified official Python clients, each a round trip with the stack and, where it carries events, with the app.

use crate::support::{Shop, SuiteStack, python, readers};

/// One stack for all clients: they must get along side by side.
#[tokio::test]
async fn python_clients_make_a_round_trip() {
    let shop = Shop::empty().await;
    for script in ["event_hubs.py", "cosmos.py", "storage_blob.py", "storage_queue.py", "event_grid.py"] {
        let endpoints = shop.endpoints.clone();
        let said = tokio::task::spawn_blocking(move || python::run_client(script, &endpoints)).await.expect("no panic");
        assert!(said.trim_end().ends_with("ok"), "{script}: {said}");
    }
    // What the client of Event Hubs sends is no event of ours once.
    for (function, _) in readers("products") {
        shop.parks(function, 1).await;
    }
}

/// Every feature of the Event Hubs client, and processors that take over from each other, side by side on one stack.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_suites_of_event_hubs_pass() {
    let stack = SuiteStack::start().await;
    let runs = ["event_hubs_suite.py", "event_hubs_processors.py"].map(|script| {
        let endpoints = stack.endpoints.clone();
        (script, tokio::task::spawn_blocking(move || python::run_client(script, &endpoints)))
    });
    for (script, run) in runs {
        let said = run.await.unwrap_or_else(|_| panic!("{script} failed; what it said is above"));
        println!("{script}\n{said}");
        assert!(said.trim_end().ends_with("ok"), "{script}: {said}");
    }
    stack.stop().await;
}
