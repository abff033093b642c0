//! What official clients make of it.

use std::time::Duration;

use azure_core::{credentials::Secret, hmac::hmac_sha256, http::RequestContent};
use azure_data_cosmos::{AccountReference, CosmosClientBuilder, RoutingStrategy, clients::ContainerClient};
use azure_storage_blob::BlobClient;
use serde_json::{Value, json};
use url::Url;

use super::Fixture;

impl Fixture {
    /// The official client, with an account signature.
    fn blob(&self, name: &str) -> BlobClient {
        let blobs = self.stack.blobs();
        let expiry = (crate::clock::machine_now() + Duration::from_secs(86_400)).date();
        let text = format!("{}\nrw\nb\no\n\n{expiry}\n\n\n2021-12-02\n\n", blobs.account());
        let mut url = Url::parse(&format!("{}/files/{name}", blobs.endpoint())).expect("an address");
        let signature = hmac_sha256(&text, &Secret::new(blobs.key().to_owned())).expect("a signature");
        url.query_pairs_mut().extend_pairs([
            ("sv", "2021-12-02"),
            ("ss", "b"),
            ("srt", "o"),
            ("sp", "rw"),
            ("se", &expiry.to_string()),
            ("sig", &signature),
        ]);
        BlobClient::new(url, None, None).expect("a client")
    }
}

impl Fixture {
    async fn items(&self) -> ContainerClient {
        let cosmos = self.stack.cosmos();
        let endpoint = cosmos.endpoint().parse().expect("an address");
        let account = AccountReference::with_authentication_key(endpoint, cosmos.key().to_owned());
        let routing = RoutingStrategy::PreferredRegions(vec!["East US".into(), "West US".into()]);
        let client = CosmosClientBuilder::new().build(account, routing).await.expect("a client");
        client.database_client("shop").container_client("items", None).await.expect("a container")
    }
}

#[tokio::test]
async fn the_cosmos_client_writes_on_in_the_other_region_and_within_the_throughput_that_is_left() {
    let fixture = Fixture::start().await;
    let items = fixture.items().await;
    items.upsert_item("a", "a", &json!({"id": "a", "n": 1}), None).await.expect("stored");
    let (status, said) = fixture.pull("/cosmos/regions/East%20US/offline", &json!({})).await;
    assert_eq!(status, 200, "{said}");
    let state = |region: &Value| (region["online"].clone(), region["writable"].clone());
    assert_eq!(state(&said["regions"][0]), (json!(false), json!(false)), "{said}");
    assert_eq!(state(&said["regions"][1]), (json!(true), json!(true)), "{said}");
    items.upsert_item("a", "a", &json!({"id": "a", "n": 2}), None).await.expect("stored in the other region");
    assert_eq!(fixture.pull("/cosmos/regions/West%20US/offline", &json!({})).await.0, 409, "the last one stays");
    assert_eq!(fixture.pull("/cosmos/regions/East%20US/online", &json!({})).await.0, 200);
    assert_eq!(fixture.look("/cosmos").await["regions"][0]["online"], true);

    let fault = json!({"count": 2, "status": 503, "container": "items", "operations": ["read"]});
    assert_eq!(fixture.pull("/cosmos/faults", &fault).await.1["left"], 2);
    items.read_item("a", "a", None).await.expect("read after two failures");
    assert_eq!(fixture.look("/cosmos").await["left"], 0);
    fixture.stop().await;
}

#[tokio::test]
async fn the_blob_client_tries_again_through_two_busy_answers() {
    let fixture = Fixture::start().await;
    fixture.pull("/faults", &json!({"service": "blob", "times": 2, "status": 503, "method": "PUT"})).await;
    let blob = fixture.blob("a");
    blob.upload(RequestContent::from(b"kept".to_vec()), None).await.expect("the third attempt succeeds");
    assert_eq!(fixture.left().await, [0]);
    let kept = fixture.stack.blobs().get("files", "a").expect("blobs").expect("it is there");
    assert_eq!(kept.body.as_ref(), b"kept");
    fixture.stop().await;
}

#[tokio::test]
async fn the_cosmos_client_tries_again_when_throttled_and_reports_what_it_may_not_repeat() {
    let fixture = Fixture::start().await;
    let items = fixture.items().await;
    let item = json!({"id": "a", "n": 1});
    items.create_item("a", "a", &item, None).await.expect("created");

    let throttled = json!({"service": "cosmos", "times": 2, "status": 429, "retryAfterSeconds": 0.01,
                           "pathPrefix": "/dbs/shop/colls/items/docs"});
    fixture.pull("/faults", &throttled).await;
    items.read_item("a", "a", None).await.expect("the third attempt succeeds");
    assert_eq!(fixture.left().await, [0]);

    let conflict = json!({"service": "cosmos", "status": 412, "pathPrefix": "/dbs/shop/colls/items/docs"});
    fixture.pull("/faults", &conflict).await;
    let error = items.replace_item("a", "a", &item, None).await.expect_err("refused");
    assert!(error.to_string().contains("412") || format!("{error:?}").contains("412"), "{error:?}");
    fixture.stop().await;
}
