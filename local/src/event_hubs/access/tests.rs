use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

use super::*;

/// A signature as clients make it.
pub(in crate::event_hubs) fn signature(resource: &str, rule: &str, key: &str, seconds: i64) -> String {
    let now = SystemTime::from(crate::clock::machine_now()).duration_since(UNIX_EPOCH).unwrap().as_secs();
    let expiry = now.saturating_add_signed(seconds);
    let resource = utf8_percent_encode(resource, NON_ALPHANUMERIC).to_string();
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    let mac = mac.chain_update(format!("{resource}\n{expiry}")).finalize().into_bytes();
    let mac = utf8_percent_encode(&STANDARD.encode(mac), NON_ALPHANUMERIC).to_string();
    format!("SharedAccessSignature sr={resource}&sig={mac}&se={expiry}&skn={rule}")
}

async fn access() -> Access {
    Access::new("contoso", "SAS_KEY_VALUE", &Identity::sample().await)
}

fn link(hub: &str, group: Option<&str>) -> Entity {
    Entity { hub: hub.to_owned(), partition: Some("0".to_owned()), consumer_group: group.map(str::to_owned) }
}

#[tokio::test]
async fn a_signature_opens_what_it_was_made_for_and_nothing_else() {
    let access = access().await;
    let redeem = |audience: &str, text: &str| access.redeem(Token { kind: SAS, audience, text });
    let hub = "sb://127.0.0.1:5672/Products";
    let good = signature(hub, ROOT_RULE, "SAS_KEY_VALUE", 60);
    let grant = redeem("sb://localhost/products/$management", &good).unwrap();
    assert_eq!(grant.permits(&link("products", Some("site"))), Ok(()));
    assert_eq!(grant.permits(&link("products", None)), Ok(()));
    assert!(grant.permits(&link("productsarchive", None)).is_err());
    assert_eq!(grant.permits_reading("products", &[]), Ok(()));
    assert!(grant.permits_reading("orders", &[]).is_err());
    let whole = signature("sb://contoso.servicebus.windows.net/", ROOT_RULE, "SAS_KEY_VALUE", 60);
    assert!(redeem(hub, &whole).is_ok());

    let refused = |audience: &str, text: &str| redeem(audience, text).unwrap_err().0;
    let with = |resource, rule, key, seconds| refused(hub, &signature(resource, rule, key, seconds));
    assert!(with(hub, ROOT_RULE, "wrong", 60).starts_with("InvalidSignature"));
    assert!(with(hub, "Other", "SAS_KEY_VALUE", 60).starts_with("InvalidSignature"));
    assert!(with(hub, ROOT_RULE, "SAS_KEY_VALUE", -1).starts_with("ExpiredToken"));
    assert!(with("sb://x/orders", ROOT_RULE, "SAS_KEY_VALUE", 60).starts_with("InvalidSignature"));
    let narrow = "sb://x/products/ConsumerGroups/site";
    assert!(with(narrow, ROOT_RULE, "SAS_KEY_VALUE", 60).starts_with("InvalidSignature"));
    let elsewhere = "sb://fabrikam.servicebus.windows.net/products";
    assert!(with(elsewhere, ROOT_RULE, "SAS_KEY_VALUE", 60).starts_with("InvalidSignature"));
    assert!(refused(elsewhere, &good).starts_with("InvalidAudience"));
    assert!(refused("", &good).starts_with("InvalidAudience"));
    assert!(refused(hub, &good.replace("&sig=", "&gis=")).starts_with("MalformedToken"));
    assert!(refused(hub, &good.replace("&sig=", "&sig=!")).starts_with("MalformedToken"));
}

#[tokio::test]
async fn a_token_of_an_identity_opens_what_its_roles_cover() {
    let access = access().await;
    let redeem = |name, resource, audience| {
        let text = access.identity.token(name, resource).unwrap();
        access.redeem(Token { kind: JWT, audience, text: &text })
    };
    let hub = "amqps://contoso.servicebus.windows.net/products";
    for resource in
        ["https://eventhubs.azure.net", "https://eventhubs.azure.net/", "https://CONTOSO.servicebus.windows.net"]
    {
        let grant = redeem("owner", resource, hub).unwrap();
        assert_eq!(grant.permits(&link("products", None)), Ok(()), "{resource}");
        assert!(grant.expires_in().is_some());
    }
    assert!(redeem("owner", "https://storage.azure.com", hub).unwrap_err().0.starts_with("InvalidToken"));
    let stranger = redeem("stranger", RESOURCE, hub).unwrap();
    for entity in [link("products", None), link("products", Some("site"))] {
        let refusal = stranger.permits(&entity).unwrap_err().0;
        assert!(refusal.contains("Azure Event Hubs Data"), "{refusal}");
    }
    assert!(stranger.permits_reading("products", &["site".to_owned()]).is_err());
    assert!(access.redeem(Token { kind: JWT, audience: hub, text: "x" }).is_err());
    assert!(access.redeem(Token { kind: "swt", audience: hub, text: "x" }).is_err());
}

#[tokio::test]
async fn plain_takes_a_rule_and_its_key() {
    let access = access().await;
    let grant = access.redeem_plain(b"\0RootManageSharedAccessKey\0SAS_KEY_VALUE").unwrap();
    assert_eq!(grant.permits(&link("products", None)), Ok(()));
    for wrong in [
        &b"\0RootManageSharedAccessKey\0SAS_KEY_VALUF"[..],
        b"\0RootManageSharedAccessKey\0",
        b"\0other\0SAS_KEY_VALUE",
        b"\0RootManageSharedAccessKey\0SAS_KEY_VALUE\0",
        b"",
    ] {
        assert!(access.redeem_plain(wrong).is_err());
    }
}
