//! `contoso partners`: who may call the partner API is said on the command line, and counts at the next call.

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::Inside;

impl Inside {
    /// Runs `contoso partners`, and returns what it prints.
    pub(crate) async fn partners(&self, arguments: &[&str]) -> String {
        let output = self.contoso("partners", arguments).await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The same for what it refuses.
    pub(crate) async fn partners_refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.contoso("partners", arguments).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    }

    async fn looks(&self, partner: &str, key: &str) -> (StatusCode, Value) {
        let url = format!("{}/api/partners/{partner}/subscriptions", self.stack.endpoints().functions);
        let response = self.http.get(url).bearer_auth(key).send().await.expect("an answer");
        (response.status(), response.json().await.expect("JSON"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_joins_changes_keys_loses_one_and_is_closed() {
    let shop = Inside::start().await;
    let added = shop.partners(&["add", "acme", "--contact", "ops@acme.example", "--key-only"]).await;
    let first = added.trim_end();
    assert_eq!(added, format!("{first}\n"), "the key stands alone on its line");
    assert_eq!(shop.looks("acme", first).await.0, StatusCode::OK);

    // Names are compared without case on the topic, so there is one spelling of each.
    let twice = shop.partners_refused(&["add", "acme", "--contact", "x@acme.example"], 1).await;
    assert!(twice.contains("there is a partner `acme` already"), "{twice}");
    let shouted = shop.partners_refused(&["add", "ACME", "--contact", "x@acme.example"], 2).await;
    assert!(shouted.contains("must be in lower case: acme"), "{shouted}");
    let unknown = shop.partners_refused(&["key", "nobody"], 1).await;
    assert!(unknown.contains("there is no partner `nobody`"), "{unknown}");

    let long = shop.partners_refused(&["key", "acme", "--label", &"x".repeat(101)], 2).await;
    assert!(long.contains("--label is a text of 1 to 100 characters"), "{long}");
    let made: Value = serde_json::from_str(
        &shop.partners(&["key", "acme", "--scope", "read", "--expires-in", "30d", "--json"]).await,
    )
    .expect("JSON");
    let second = made["key"].as_str().expect("a key");
    assert_eq!(shop.looks("acme", second).await.0, StatusCode::OK);
    let third = shop.partners_refused(&["key", "acme"], 1).await;
    assert!(third.contains("at most 2 keys may be valid at once"), "{third}");
    let full = shop.partners_refused(&["listeners"], 1).await;
    assert!(full.contains("`acme` has 2 keys") && full.contains("CONTOSO_PARTNER_KEY"), "{full}");

    let id = made["id"].as_str().expect("an id");
    let replaced = shop.partners(&["key", "acme", "--supersedes", id, "--no-grace", "--key-only"]).await;
    assert_eq!(shop.looks("acme", replaced.trim_end()).await.0, StatusCode::OK);
    assert_eq!(shop.looks("acme", second).await.0, StatusCode::UNAUTHORIZED);

    let keys: Value = serde_json::from_str(&shop.partners(&["keys", "acme", "--json"]).await).expect("JSON");
    let keys = keys["keys"].as_array().expect("a list");
    assert_eq!(keys.len(), 3);
    assert!(keys[0]["lastUsed"].is_string(), "{keys:?}");
    let leaked = keys[0]["id"].as_str().expect("an id");
    let revoked = shop.contoso("partners", &["revoke", "acme", leaked]).await;
    let said = String::from_utf8_lossy(&revoked.stderr);
    assert!(revoked.status.success() && !said.contains("warning"), "another one may write: {said}");
    let (status, problem) = shop.looks("acme", first).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::UNAUTHORIZED, Some("/problems/key-revoked")));
    // Revoked twice is revoked.
    shop.partners(&["revoke", "acme", leaked]).await;

    shop.partners(&["disable", "acme"]).await;
    assert_eq!(shop.looks("acme", replaced.trim_end()).await.0, StatusCode::FORBIDDEN);
    shop.partners(&["enable", "acme"]).await;
    assert_eq!(shop.looks("acme", replaced.trim_end()).await.0, StatusCode::OK);

    let listed = shop.partners(&["list"]).await;
    assert!(
        listed.starts_with("PARTNER ")
            && listed.contains("\nacme ")
            && listed.contains("active")
            && listed.contains("ops@acme.example"),
        "{listed}"
    );
    shop.partners(&["add", "beta", "--contact", "ops@beta.example"]).await;
    let which = shop.partners_refused(&["listeners"], 2).await;
    assert!(which.contains("say which partner with --partner or in CONTOSO_PARTNER: acme, beta"), "{which}");
    let two = shop.partners_refused(&["listeners", "acme", "--partner", "beta"], 2).await;
    assert!(two.contains("two partners are said"), "{two}");
    let log = shop.partners(&["audit", "acme"]).await;
    for did in ["add partner with key", &format!("revoke key {leaked}"), "disable partner", "enable partner"] {
        assert!(log.contains(did), "{did}: {log}");
    }
    let last = shop.contoso("partners", &["revoke", "acme", replaced.trim_end()]).await;
    assert!(
        last.status.success() && String::from_utf8_lossy(&last.stderr).contains("the last key of acme"),
        "{last:?}"
    );
    // A key that ends by itself is no news once another may write for ever.
    for (arguments, warns) in [(&["--expires-in", "1d"][..], true), (&[], false)] {
        let made = shop.contoso("partners", &[&["key", "acme"], arguments].concat()).await;
        assert!(made.status.success(), "{made:?}");
        assert_eq!(String::from_utf8_lossy(&made.stderr).contains("may write ends at 20"), warns, "{made:?}");
    }
    for key in [first, second, replaced.trim_end()] {
        assert!(!log.contains(key) && !shop.partners(&["keys", "acme"]).await.contains(key), "a key is shown once");
    }
    shop.stop().await;
}
