//! The OpenAPI document against the running app: what webhooks get fits it, and schemathesis finds no answer that does not.

use serde_json::{Map, Value, json};

use crate::support::{Shop, ShopOptions, contoso, machine, python};

/// A key may send 20 requests a second, so requests are spread over several partners.
const PARTNERS: usize = 6;

/// Requests of chance for each operation, beside those that its examples and the limits of its schema make.
const EXAMPLES: u32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes some four minutes on two cores: cargo test -p contoso-tests --test it -- --ignored openapi"]
async fn schemathesis_finds_no_answer_that_the_document_does_not_have() {
    // As in Azure, where functions ask for keys.
    let shop = Shop::start(ShopOptions { arguments: vec!["--auth".to_owned()], ..ShopOptions::default() }).await;
    let said = shop.whole_log();
    let key = |function: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(&format!("{function} key")));
        Value::from(line.unwrap_or_else(|| panic!("the summary has no key of {function}")).trim())
    };
    let long: Option<u32> = machine::setting("CONTOSO_SCHEMATHESIS_EXAMPLES");
    let input = json!({
        "functions": shop.endpoint("/functions"),
        "control": shop.endpoint("/control"),
        "keys": { "products": key("Products"), "site": key("EraseVisitor"), "ops": key("OpsApi") },
        "partners": partners(&shop),
        "examples": long.unwrap_or(EXAMPLES),
        "seed": machine::setting::<u32>("CONTOSO_SCHEMATHESIS_SEED").unwrap_or(1),
        // What one answer gives to the next request takes as long as all the rest.
        "stateful": long.is_some(),
    });
    let ran = tokio::task::spawn_blocking(move || python::contract(&input.to_string())).await.expect("no panic");
    println!("{ran}");
}

/// Partners that joined, each with its key.
fn partners(shop: &Shop) -> Map<String, Value> {
    let join = |index: usize| {
        let name = format!("fuzz-{index}");
        let mut command = contoso();
        command.args(["partners", "add", &name, "--contact", "ops@fuzz.example", "--key-only", "--endpoints"]);
        let output = command.arg(shop.endpoints_file()).output().expect("contoso runs");
        assert!(output.status.success(), "{output:?}");
        (name, Value::from(String::from_utf8(output.stdout).expect("text").trim()))
    };
    (1..=PARTNERS).map(join).collect()
}
