//! Links as clients write and sign them, over the wire: by resource ids, and of ids that not every client escapes.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::*;

/// A date, which is not compared with the clock.
pub(super) const DATE: &str = "sun, 29 nov 2026 12:00:00 gmt";

/// The header `authorization` of a request whose signature covers `payload`, with `<date>` for the date.
pub(super) fn authorization(payload: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(EMULATOR_KEY).unwrap()).unwrap();
    let mac = mac.chain_update(payload.replace("<date>", DATE)).finalize().into_bytes();
    let token = format!("type=master&ver=1.0&sig={}", STANDARD.encode(mac));
    percent_encoding::utf8_percent_encode(&token, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// What `GET path` is answered, signed as of a resource of this kind with this link.
async fn get(cosmos: &Cosmos, path: &str, kind: &str, link: &str) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .get(format!("{}{path}", cosmos.endpoint()))
        .header("x-ms-date", DATE)
        .header("x-ms-documentdb-partitionkey", "[\"p\"]")
        .header("authorization", authorization(&format!("get\n{kind}\n{link}\n<date>\n\n")));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn a_self_link_is_followed_and_signed_by_its_last_id_alone() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let database = body(&send(&cosmos, Method::GET, "/dbs/shop", &[], &Value::Null).await);
    let container = body(&send(&cosmos, Method::GET, "/dbs/shop/colls/items", &[], &Value::Null).await);
    let ranges = body(&send(&cosmos, Method::GET, "/dbs/shop/colls/items/pkranges", &[], &Value::Null).await);
    let range = &ranges["PartitionKeyRanges"][0];
    for (resource, kind) in [(&database, "dbs"), (&container, "colls"), (range, "pkranges")] {
        let link = resource["_self"].as_str().unwrap();
        let id = link.trim_end_matches('/').rsplit('/').next().unwrap();
        for signed in [id.to_lowercase(), id.to_owned()] {
            let (status, read) = get(&cosmos, &format!("/{link}"), kind, &signed).await;
            assert_eq!((status, &read["_rid"]), (200, &resource["_rid"]), "{link}: {read}");
        }
        assert_eq!(get(&cosmos, &format!("/{link}"), kind, link.trim_matches('/')).await.0, 401, "{link}");
    }
    let (database, container) = (database["_rid"].as_str().unwrap(), container["_rid"].as_str().unwrap());
    let (status, read) =
        get(&cosmos, &format!("/dbs/{database}/colls/{container}/docs"), "docs", &container.to_lowercase()).await;
    assert_eq!((status, &read["_rid"]), (200, &json!(container)), "{read}");
    let gone = format!("/dbs/{database}/colls/AAAAAYAAAGM=/pkranges");
    assert_eq!(get(&cosmos, &gone, "pkranges", "aaaaayaaagm=").await.0, 404);
}

/// As the Java client names ranges.
#[tokio::test]
async fn a_range_is_named_with_its_container_too() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let container = body(&send(&cosmos, Method::GET, "/dbs/shop/colls/items", &[], &Value::Null).await);
    let named = format!("{},0", container["_rid"].as_str().unwrap());
    for (range, status, substatus) in [(named.as_str(), 200, None), ("AAAAAYAAAGM=,0", 410, Some("1000"))] {
        let headers = [("x-ms-documentdb-partitionkeyrangeid", range)];
        let read = send(&cosmos, Method::GET, DOCS, &headers, &Value::Null).await;
        assert_eq!(read.status(), status, "{range}");
        assert_eq!(read.headers().get("x-ms-substatus").map(|value| value.to_str().unwrap()), substatus, "{range}");
    }
}

#[tokio::test]
async fn an_id_is_found_as_clients_spell_it_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    let longest = "i".repeat(1023);
    for id in ["a?b", "a b", "a%20b", "a#b", "ä", &longest] {
        assert_eq!(send(&cosmos, Method::POST, DOCS, &UPSERT, &item(id, "p", 1)).await.status(), 201, "{id}");
    }
    let link = |id: &str| format!("dbs/shop/colls/items/docs/{id}");
    // JavaScript and .NET leave what could be an escape or a query as it is; Python escapes it.
    for (sent, signed, found) in [
        ("a?b", "a?b", "a?b"),
        ("a%3Fb", "a?b", "a?b"),
        ("a%20b", "a b", "a b"),
        ("a%20b", "a%20b", "a%20b"),
        ("a%2520b", "a%20b", "a%20b"),
        ("%C3%A4", "ä", "ä"),
        (&longest, &longest, &longest),
    ] {
        let (status, read) = get(&cosmos, &format!("{DOCS}/{sent}"), "docs", &link(signed)).await;
        assert_eq!((status, &read["id"]), (200, &json!(found)), "{sent}: {read}");
    }
    let items = items(&cosmos).await;
    for id in ["a b", "a%20b", "ä"] {
        assert_eq!(number(&items, id, "p").await, 1, "the Rust client finds {id}");
    }
    let too_long = format!("{longest}i");
    for id in ["a\\b", "a\nb", "a\tb", "\u{7f}", ".", "..", "", &too_long] {
        assert_eq!(send(&cosmos, Method::POST, DOCS, &UPSERT, &item(id, "p", 1)).await.status(), 400, "{id:?}");
    }
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_told_as_the_gateway_tells_it() {
    let directory = tempfile::tempdir().unwrap();
    let cosmos = start(&storage(&directory)).await;
    for path in ["/dbs/shop/colls/items/docs/none", "/dbs/shop/colls/none/docs/none", "/dbs/none/colls/none/docs/none"]
    {
        let missing = send(&cosmos, Method::GET, path, &keyed("[\"p\"]"), &Value::Null).await;
        assert_eq!(missing.status(), 404, "{path}");
        assert!(missing.headers().get("x-ms-substatus").is_none_or(|substatus| substatus == "0"), "{path}");
        let message = body(&missing)["message"].as_str().unwrap().to_owned();
        assert!(message.contains("Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found"), "{message}");
    }
    let headers = [UPSERT[0], UPSERT[1], ("if-match", "\"other\"")];
    send(&cosmos, Method::POST, DOCS, &UPSERT, &item("a", "p", 1)).await;
    let stale = send(&cosmos, Method::POST, DOCS, &headers, &item("a", "p", 2)).await;
    let message = body(&stale)["message"].as_str().unwrap().to_owned();
    assert!(stale.status() == 412 && message.contains("One of the specified pre-condition is not met."), "{message}");
    let two = json!({ "id": "two", "partitionKey": { "paths": ["/a", "/b"], "kind": "Hash" } });
    assert_eq!(send(&cosmos, Method::POST, "/dbs/shop/colls", &[], &two).await.status(), 400);
    let page = [("x-ms-max-item-count", "abc")];
    assert_eq!(send(&cosmos, Method::GET, DOCS, &page, &Value::Null).await.status(), 400);
}
