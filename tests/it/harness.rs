//! The tests' own look for dead letters: a record that is parked and not expected fails the test that left it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use contoso_cli::{
    endpoints::{handler_settings, read},
    identity::{APP, SignedIn},
};
use futures::FutureExt;
use reqwest::Method;

use crate::support::{Inside, Shop};

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<String>().map(String::as_str).unwrap_or_default()
}

#[tokio::test]
async fn a_parked_record_fails_the_test_that_did_not_expect_it() {
    let shop = Inside::start().await;
    let hub = shop.stack.event_hubs().hub("products").expect("the hub");
    hub.partition("0").expect("it exists").append(&[Bytes::from_static(b"\x00\x53\x75\xa0\x01x")]).expect("stored");
    shop.handles("products", "partners", 1).await;
    shop.parks("ProductProjection", 1).await;
    let ended = AssertUnwindSafe(shop.stop()).catch_unwind().await.expect_err("there is one more");
    let said = said(&*ended);
    assert!(said.starts_with("PartnerNotifications: 1 dead letters, 0 expected\n"), "{said}");
    assert!(said.contains(", at {") && said.contains("\"sequence\":0"), "its cause and its position: {said}");
    assert!(!said.contains("ProductProjection"), "{said}");
}

#[tokio::test]
async fn a_shop_is_looked_at_before_it_is_killed() {
    let shop = Shop::empty().await;
    let endpoints = read(&shop.endpoints_file()).expect("a file");
    let account = handler_settings(&endpoints).expect("settings").storage.endpoint;
    let app = SignedIn::new(&endpoints, APP).expect("an identity");
    let letter = format!("{}/dead-letters/Trends/clicks/0/7-0.json", account.as_str().trim_end_matches('/'));
    let put = app.request(Method::PUT, &letter, "https://storage.azure.com").await.expect("a token");
    let put = put.header("x-ms-version", "2017-11-09").header("x-ms-blob-type", "BlockBlob");
    let put = put.body(r#"{"cause": "made for this test", "position": {"sequence": 7}}"#);
    let answer = put.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    let ended = catch_unwind(AssertUnwindSafe(|| drop(shop))).expect_err("there is a letter");
    let said = said(&*ended);
    assert!(said.contains(r#"0 expected"#) && said.contains(r#"made for this test, at {"sequence":7}"#), "{said}");
}
