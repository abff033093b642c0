//! What is registered: the stored versions of a contract that somebody may still read, as they were when this program was built.

use contoso_handlers::events::contracts::Contract;
use rust_embed::Embed;

use super::stored::Landed;

/// A release build carries the files; a debug build reads them where they are. A new version is in `latest.avsc` too, which is compiled into the
/// handler's library, so that it is never missed here.
#[derive(Embed)]
#[folder = "../schemas"]
struct Files;

/// The texts, oldest first. Registered in this order, a fresh registry counts versions as the checkout does.
pub(super) fn versions(contract: &Contract) -> Vec<String> {
    let (aggregate, event) = contract.path.split_once('/').unwrap_or(("", contract.path));
    let folder = format!("{aggregate}/versions/{event}");
    let text = |name: &str| {
        let file = Files::get(&format!("{folder}/{name}"))?;
        String::from_utf8(file.data.into_owned()).ok()
    };
    let list: Vec<Landed> =
        text("versions.json").and_then(|list| contoso_json::from_str(&list).ok()).unwrap_or_default();
    let last_break = list.iter().rposition(|landed| landed.breaking.is_some()).unwrap_or(0);
    let mut versions: Vec<String> =
        list[last_break..].iter().filter_map(|landed| text(&format!("{}.avsc", landed.version))).collect();
    // What the app writes by is registered, whatever else is.
    if versions.last().map(String::as_str) != Some(contract.schema) {
        versions.push(contract.schema.to_owned());
    }
    versions
}
