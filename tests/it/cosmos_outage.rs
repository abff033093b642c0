//! The official Python client while requests are throttled and regions go away: nothing fails, nothing is lost.

use contoso_local::cosmos::{Fault, OperationKind};
use contoso_local::stack::{Ports, Stack, StackOptions};
use contoso_local::storage::Sync;
use contoso_local::topology::Topology;
use serde_json::json;
use tempfile::TempDir;

use crate::support::python;

#[tokio::test]
async fn python_goes_on_through_throttling_and_two_outages() {
    let data = TempDir::new().expect("a temporary folder");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../topology.json");
    let mut topology = Topology::read(file.as_ref()).expect("a topology");
    topology.cosmos.regions = vec!["East US".to_owned(), "West US".to_owned()];
    let options =
        StackOptions { topology, data_dir: data.path().to_owned(), ports: Ports::auto(), sync: Sync::Process };
    let stack = Stack::start(options, &|_| {}).await.expect("the stack starts");
    let levers = stack.cosmos().levers().clone();
    for (operation, count) in [(OperationKind::Write, 3), (OperationKind::Read, 3), (OperationKind::Query, 2)] {
        let container = Some("things".to_owned());
        let fault =
            Fault { count, container, operations: vec![operation], retry_after_ms: Some(10), ..Fault::default() };
        levers.fail_next(fault).expect("a fault");
    }
    let mut writes = stack.cosmos().grown("outage", "things");
    let endpoint = stack.cosmos().endpoint();
    let endpoints = json!({ "cosmos": { "endpoint": endpoint, "key": stack.cosmos().key() } });
    let mut client = tokio::task::spawn_blocking(move || python::run_client("cosmos_outage.py", &endpoints));
    for (after, region, online) in [(10, "East US", false), (20, "East US", true), (30, "West US", false)] {
        tokio::select! {
            written = writes.wait_for(|count| *count >= after) => drop(written.expect("the account runs")),
            said = &mut client => panic!("ended early: {said:?}"),
        }
        let pulled = if online { levers.bring_online(region) } else { levers.take_offline(region) };
        pulled.expect("a region");
    }
    let said = client.await.expect("no panic");
    assert!(said.trim_end().ends_with("ok"), "{said}");
    assert_eq!(levers.pending(), 0, "every fault was met");
    stack.stop().await;
}
