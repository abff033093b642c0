//! What other tools are told about the stack is what the stack is.

use contoso_cli::{app_settings, identity};
use serde_json::Value;

use crate::support::Inside;

/// Core Tools read `local.settings.json`, made from the example: its keys and names must open the stack's services.
#[tokio::test]
async fn the_example_settings_fit_the_stack() {
    let example: Value = serde_json::from_str(include_str!("../../local.settings.json.example")).expect("JSON");
    let shop = Inside::start().await;
    let settings = app_settings::of(&shop.stack, identity::APP).expect("the app's identity");
    // Core Tools know storage by its connection string only.
    for (name, value) in settings.iter().filter(|(name, _)| !name.starts_with("AzureWebJobsStorage__")) {
        let example = example["Values"][name].as_str().unwrap_or_else(|| panic!("the example lacks {name}"));
        // Addresses differ by port, and where the authority lies by folder; secrets, names and groups must not.
        if !value.contains("://") && !value.is_empty() && name != "SSL_CERT_FILE" {
            assert_eq!(example, value, "{name}");
        }
    }
    shop.stop().await;
}
