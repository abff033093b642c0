//! Settings of the app on the local stack: those of the stack's services, and what is allowed on a laptop.

use std::collections::BTreeMap;

use contoso_local::stack::{Stack, StackError};
use reqwest::Url;

/// The settings of an app that runs as `identity`.
///
/// # Errors
/// When the topology has no such identity.
pub fn of(stack: &Stack, identity: &str) -> Result<BTreeMap<String, String>, StackError> {
    let mut settings = stack.app_settings(identity)?;
    settings.insert("Site__origins".to_owned(), origins(&stack.endpoints().site));
    // Without a front end every caller has the same address.
    settings.insert("Site__clicksPerSecondPerAddress".to_owned(), "0".to_owned());
    Ok(settings)
}

/// The pages under each name a browser may know them by.
fn origins(site: &str) -> String {
    let mut origins = vec![site.trim_end_matches('/').to_owned()];
    if let Ok(mut url) = Url::parse(site)
        && url.set_host(Some("localhost")).is_ok()
    {
        origins.push(url.origin().ascii_serialization());
    }
    origins.dedup();
    origins.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_may_be_opened_by_address_and_by_name() {
        assert_eq!(origins("http://127.0.0.1:7070"), "http://127.0.0.1:7070,http://localhost:7070");
        assert_eq!(origins("http://localhost:7070"), "http://localhost:7070");
    }
}
