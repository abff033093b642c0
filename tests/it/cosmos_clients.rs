//! The official Python client of Cosmos DB where the stack has to be set up from inside: outages and identities.

use contoso_local::{
    cosmos::{Fault, OperationKind},
    stack::{Ports, Stack, StackOptions},
    storage::Sync,
    topology::{Identity, RoleAssignment, Topology},
    transport::Hosts,
};
use serde_json::json;
use tempfile::TempDir;

use crate::support::python;

async fn stack(data: &TempDir, change: impl FnOnce(&mut Topology)) -> Stack {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../topology.json");
    let mut topology = Topology::read(file.as_ref()).expect("a topology");
    change(&mut topology);
    let options = StackOptions {
        topology,
        data_dir: data.path().to_owned(),
        ports: Ports::auto(),
        sync: Sync::Process,
        hosts: Hosts::default(),
    };
    Stack::start(options, &|_| {}).await.expect("the stack starts")
}

/// Nothing fails and nothing is lost while requests are throttled and regions go away.
#[tokio::test]
async fn python_goes_on_through_throttling_and_two_outages() {
    let data = TempDir::new().expect("a temporary folder");
    let regions = vec!["East US".to_owned(), "West US".to_owned()];
    let stack = stack(&data, |topology| topology.cosmos.regions = regions).await;
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

#[tokio::test]
async fn python_may_do_with_a_token_what_roles_allow() {
    let data = TempDir::new().expect("a temporary folder");
    let identity = |name: &str, role: &str| Identity {
        name: name.to_owned(),
        roles: vec![RoleAssignment { role: role.to_owned(), scope: "cosmos/catalog".to_owned() }],
    };
    let identities = [
        identity("writer", "Cosmos DB Built-in Data Contributor"),
        identity("reader", "Cosmos DB Built-in Data Reader"),
    ];
    let stack = stack(&data, |topology| topology.identities.extend(identities)).await;
    let token = |name: &str| stack.identity().token(name, "https://cosmos.azure.com").expect("a token");
    let (writer, reader) = (token("writer"), token("reader"));
    // Signed for somebody else.
    let forger = match (writer.rsplit_once('.'), reader.rsplit_once('.')) {
        (Some((claims, _)), Some((_, signature))) => format!("{claims}.{signature}"),
        _ => panic!("not the form of a token"),
    };
    let cosmos = json!({
        "endpoint": stack.cosmos().endpoint().replace("http:", "https:"),
        "certificate": stack.identity().ca_certificate(),
        "tokens": { "writer": writer, "reader": reader, "forger": forger },
    });
    let endpoints = json!({ "cosmos": cosmos });
    let said = tokio::task::spawn_blocking(move || python::run_client("cosmos_identity.py", &endpoints)).await;
    assert!(said.expect("no panic").trim_end().ends_with("ok"));
    stack.stop().await;
}
