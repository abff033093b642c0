//! Tokens from the endpoint over both transports, what they open, and what is refused.

use std::time::Duration;

use reqwest::{Certificate, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;

const HUBS: &str = "https://eventhubs.azure.net";

async fn authority(dir: &Path) -> Identity {
    let identities = json!([
        { "name": "sender", "roles": [{ "role": "Azure Event Hubs Data Sender", "scope": "eventHubs/Orders" }] },
        { "name": "owner", "roles": [{ "role": "azure event hubs data owner", "scope": "eventHubs" }] },
    ]);
    let identities: Vec<topology::Identity> = serde_json::from_value(identities).expect("identities");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    Identity::start(&identities, dir, listener, &Hosts::default()).expect("an authority")
}

async fn ask(identity: &Identity, name: &str, query: &[(&str, &str)]) -> (StatusCode, Value) {
    let credentials = identity.credentials(name).expect("a known identity");
    let request = reqwest::Client::new().get(credentials.endpoint).query(query);
    let answer = request.header("X-IDENTITY-HEADER", credentials.header).send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}

async fn token(identity: &Identity, name: &str, resource: &str) -> String {
    let (status, body) = ask(identity, name, &[("api-version", "2019-08-01"), ("resource", resource)]).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["resource"], resource);
    assert!(body["expires_on"].as_str().expect("text").parse::<u64>().is_ok());
    body["access_token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn a_token_opens_what_the_roles_cover_and_nothing_else() {
    let dir = TempDir::new().expect("a folder");
    let identity = authority(dir.path()).await;
    let caller = identity.authenticate(&token(&identity, "sender", HUBS).await, &[HUBS]).expect("a caller");
    assert_eq!(caller.name(), "sender");
    assert!(caller.expires_in().expect("a limit") > Duration::from_secs(23 * 3600));
    caller.may(Action::EventHubsSend, "eventHubs/orders").expect("its hub");
    for (action, scope) in [
        (Action::EventHubsListen, "eventHubs/orders"),
        (Action::EventHubsSend, "eventHubs/ordersarchive"),
        (Action::EventHubsSend, "eventHubs"),
        (Action::CosmosRead, "cosmos/orders"),
    ] {
        let refusal = caller.may(action, scope).expect_err("not covered").to_string();
        assert!(refusal.contains("`sender`") && refusal.contains(scope), "{refusal}");
    }
    let owner = identity.authenticate(&token(&identity, "owner", HUBS).await, &[HUBS]).expect("a caller");
    owner.may(Action::EventHubsListen, "eventHubs/orders/consumerGroups/site").expect("what is below");
}

#[tokio::test]
async fn tokens_of_others_for_others_and_broken_ones_are_refused() {
    let (dir, elsewhere) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let (identity, stranger) = (authority(dir.path()).await, authority(elsewhere.path()).await);
    let good = token(&identity, "sender", "https://eventhubs.azure.net/").await;
    let refused = |token: &str, audience: &str| identity.authenticate(token, &[audience]).expect_err("refused");
    identity.authenticate(&good, &["https://other", HUBS]).expect("a slash at the end of an audience is nothing");
    assert_eq!(refused(&good, "https://storage.azure.com"), InvalidToken::Audience);
    assert_eq!(refused(&token(&stranger, "sender", HUBS).await, HUBS), InvalidToken::Signature);
    assert_eq!(refused("", HUBS), InvalidToken::Malformed);
    let (head, rest) = good.split_once('.').expect("three parts");
    let (_, signature) = rest.split_once('.').expect("three parts");
    assert!(identity.authenticate(&format!("{head}.e30.{signature}"), &[HUBS]).is_err());
    // The authority and what it issued outlive a restart.
    identity.stop().await;
    authority(dir.path()).await.authenticate(&good, &[HUBS]).expect("still valid");
}

#[tokio::test]
async fn the_endpoint_says_what_is_wrong_with_a_request() {
    let dir = TempDir::new().expect("a folder");
    let identity = authority(dir.path()).await;
    let version = ("api-version", "2019-08-01");
    for query in [
        &[("resource", HUBS)][..],
        &[version],
        &[version, ("resource", HUBS), ("client_id", "00000000-0000-0000-0000-000000000000")],
    ] {
        assert_eq!(ask(&identity, "sender", query).await.0, StatusCode::BAD_REQUEST, "{query:?}");
    }
    let client_id = identity.credentials("sender").expect("known").client_id.to_string();
    let (status, _) = ask(&identity, "sender", &[version, ("resource", HUBS), ("client_id", &client_id)]).await;
    assert_eq!(status, StatusCode::OK);
    let endpoint = identity.credentials("sender").expect("known").endpoint;
    let bare = reqwest::get(format!("{endpoint}?api-version=2019-08-01&resource={HUBS}")).await.expect("an answer");
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn one_port_speaks_plain_text_and_tls_to_those_who_trust_the_authority() {
    let dir = TempDir::new().expect("a folder");
    let identity = authority(dir.path()).await;
    let port = identity.shared.address.port();
    let ca = std::fs::read(identity.ca_certificate()).expect("the certificate");
    let ca = Certificate::from_pem(&ca).expect("PEM");
    let trusting = reqwest::Client::builder().add_root_certificate(ca).build().expect("a client");
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}/nothing");
        let trusting = trusting.get(&url).send().await.expect("a trusted connection");
        assert_eq!(trusting.status(), StatusCode::NOT_FOUND, "{host}");
        reqwest::get(&url).await.expect_err("nobody else trusts it");
    }
    let plain = reqwest::get(format!("http://127.0.0.1:{port}/nothing")).await.expect("an answer");
    assert_eq!(plain.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_role_is_needed_once_the_most_it_allows_was_asked_for() {
    let dir = TempDir::new().expect("a folder");
    let role = |role: &str, scope: &str| topology::RoleAssignment { role: role.to_owned(), scope: scope.to_owned() };
    let (writes, reads) =
        (role("Storage Blob Data Contributor", "storage"), role("Schema Registry Reader", "eventHubs"));
    let identity = topology::Identity { name: "app".to_owned(), roles: vec![writes.clone(), reads] };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let authority = Identity::start(&[identity], dir.path(), listener, &Hosts::default()).expect("an authority");
    let caller = authority.caller("app").expect("an identity");
    caller.may(Action::SchemaRead, "eventHubs").expect("allowed");
    caller.may(Action::BlobRead, "storage/blobs/a").expect("allowed");
    assert_eq!(authority.unneeded("app"), [writes]);
    caller.may(Action::BlobWrite, "storage/blobs/a").expect("allowed");
    assert_eq!(authority.unneeded("app"), []);
}

#[tokio::test]
async fn an_unknown_role_is_named() {
    let dir = TempDir::new().expect("a folder");
    let identity = topology::Identity {
        name: "app".to_owned(),
        roles: vec![topology::RoleAssignment { role: "Owner".to_owned(), scope: String::new() }],
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let refused =
        Identity::start(&[identity], dir.path(), listener, &Hosts::default()).err().expect("refused").to_string();
    assert!(refused.contains("`app`") && refused.contains("`Owner`"), "{refused}");
}
