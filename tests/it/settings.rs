//! What other tools are told about the stack is what the stack is.

use contoso_cli::{app_settings, identity};
use serde_json::Value;

use crate::support::Inside;

const NAMESPACE: &str = "EventHubs__fullyQualifiedNamespace";

/// Core Tools read `local.settings.json`, made from the example: its keys and names must open the stack's services.
#[tokio::test]
async fn the_example_settings_fit_the_stack() {
    let example: Value = serde_json::from_str(include_str!("../../local.settings.json.example")).expect("JSON");
    let shop = Inside::start().await;
    let settings = app_settings::of(&shop.stack, identity::APP).expect("the app's identity");
    // Core Tools know storage by its connection string only.
    for (name, value) in settings.iter().filter(|(name, _)| !name.starts_with("AzureWebJobsStorage__")) {
        let example = example["Values"][name].as_str().unwrap_or_else(|| panic!("the example lacks {name}"));
        // Addresses differ by port, and where the authority lies by folder; other secrets, names and groups must not.
        let is_place =
            ["SSL_CERT_FILE", NAMESPACE, "Partners__masterKeys", "Partners__ownHosts"].contains(&name.as_str());
        if !value.contains("://") && !value.is_empty() && !is_place {
            assert_eq!(example, value, "{name}");
        }
    }
    // The host keeps checkpoints under the name in its connection string, and the handler looks for them by this setting.
    let hubs = example["Values"]["EventHubs"].as_str().expect("a connection string");
    assert!(hubs.starts_with(&format!("Endpoint=sb://{}:", example["Values"][NAMESPACE].as_str().expect("a name"))));
    shop.stop().await;
}
