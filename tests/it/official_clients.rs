//! Unmodified official Python clients, each a round trip with the stack and, where it carries events, with the app.

use crate::support::{Shop, python};

/// One stack for all clients: they must get along side by side.
#[tokio::test]
async fn python_clients_make_a_round_trip() {
    let shop = Shop::empty().await;
    for script in ["event_hubs.py", "cosmos.py", "storage_blob.py", "storage_queue.py", "event_grid.py"] {
        let endpoints = shop.endpoints.clone();
        let said = tokio::task::spawn_blocking(move || python::run_client(script, &endpoints)).await.expect("no panic");
        assert!(said.trim_end().ends_with("ok"), "{script}: {said}");
    }
}
