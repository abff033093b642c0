//! The partners' page in headless Chromium.

use serde_json::json;

use crate::{
    pages::passes,
    support::{Shop, contoso},
};

impl Shop {
    /// A partner joins; its first key.
    async fn joins(&self, partner: &'static str) -> String {
        let endpoints = self.endpoints_file();
        let output = tokio::task::spawn_blocking(move || {
            let mut command = contoso();
            command.args(["partners", "add", partner, "--contact", "ops@acme.example", "--key-only", "--endpoints"]);
            command.arg(endpoints).output().expect("contoso starts")
        });
        let output = output.await.expect("no panic");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }
}

/// A partner joins, subscribes, tries, fails, pauses, has sent again what it missed, changes keys, and only looks with a read key; every view on
/// both sizes in both schemes. Screenshots are kept beside the build output.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partners_help_themselves_in_a_browser() {
    let shop = Shop::empty().await;
    let (key, newcomer) = (shop.joins("acme").await, shop.joins("newcomer").await);
    let pages = json!({ "partner": "acme", "key": key, "newcomer": { "partner": "newcomer", "key": newcomer } });
    passes("partners.js", &shop, pages).await;
}
