//! The smoke test of a deployment, on the local stack: Azure's command line is a stand-in, everything that it asks over HTTP is real.

use super::{run, said, stand_ins::azure};
use crate::support::Shop;

#[tokio::test]
async fn the_smoke_test_sees_a_price_change_arrive_and_leaves_nothing_for_sale() {
    let shop = Shop::empty().await;
    let address = |name: &str| shop.endpoints[name].as_str().expect("an address").to_owned();
    // Azure answers at https; here it is plain HTTP on other ports.
    let rewrite = format!(
        "for argument; do case $argument in https://func*) argument={}${{argument#https://func.azurewebsites.net}} ;; \
         https://web*) argument={}${{argument#https://web.core.windows.net}} ;; esac; set -- \"$@\" \"$argument\"; shift; done; \
         exec /usr/bin/curl \"$@\"",
        address("functions").trim_end_matches('/'),
        address("site").trim_end_matches('/'),
    );
    let programs = azure(&[
        ("properties.outputs.resourceGroupName.value", "rg"),
        ("hostName", "func.azurewebsites.net"),
        (".functionApp | [0]", "func"),
        ("functionapp keys list", "a-key"),
        ("properties.outputs.webOrigin.value", "https://web.core.windows.net"),
    ])
    .program("curl", &rewrite);
    let mut smoke = programs.script("smoke-test.sh");
    let output = tokio::task::spawn_blocking(move || run(smoke.arg("dev"))).await.expect("no panic");
    let words = said(&output);
    assert!(output.status.success(), "{words}\n{}", shop.log());
    for line in ["healthy: ", "a change of price arrived on the site: ", "the pages answer: "] {
        assert!(words.contains(line), "{words}");
    }
    let product = shop.http.get(shop.api("products/smoke-test")).send().await.expect("an answer");
    let product: serde_json::Value = product.json().await.expect("JSON");
    assert!(product.to_string().contains("discontinued"), "{product}");
    drop(programs);
}
