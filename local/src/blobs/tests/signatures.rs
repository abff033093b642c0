//! Who may do what.

use std::time::Duration;

use azure_core::http::{RequestContent, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{ACCOUNT, Fixture, sign};

#[tokio::test]
async fn a_wrong_key_is_refused_before_anything_is_stored() {
    let fixture = Fixture::start().await;
    let stranger = fixture.client_with_key("bm90IHRoZSBrZXk=").blob_container_client("files").blob_client("stolen");
    let body = RequestContent::from(vec![0; 6_000_000]);
    let refused = stranger.upload(body, None).await.expect_err("the key is wrong");
    assert_eq!(refused.http_status(), Some(StatusCode::Forbidden));
    assert_eq!(fixture.blobs.list("files", "").expect("a list"), []);

    let anonymous = reqwest::get(fixture.url("files/stolen")).await.expect("an answer");
    assert_eq!(anonymous.status(), 401);
    assert_eq!(anonymous.headers()["x-ms-error-code"], "NoAuthenticationInformation");
}

#[tokio::test]
async fn an_account_signature_allows_what_it_says_until_it_ends() {
    let fixture = Fixture::start().await;
    let http = reqwest::Client::new();
    let expiry = crate::clock::machine_now() + Duration::from_secs(3600);
    let put = |url: String| http.put(url).header("x-ms-blob-type", "BlockBlob").body("x").send();

    let writer = fixture.signed_until("files/note", expiry, "cw");
    assert_eq!(put(writer.clone()).await.expect("an answer").status(), 201);
    let read = http.get(&writer).send().await.expect("an answer");
    assert_eq!(
        (read.status().as_u16(), &read.headers()["x-ms-error-code"]),
        (403, &"AuthorizationPermissionMismatch".parse().expect("a value"))
    );

    let creator = fixture.signed_until("files/note", expiry, "c");
    assert_eq!(put(creator).await.expect("an answer").status(), 403, "it is there already");

    let tampered = writer.replace("sp=cw", "sp=rcw");
    let refused = http.get(tampered).send().await.expect("an answer");
    assert_eq!(refused.headers()["x-ms-error-code"], "AuthenticationFailed");

    fixture.clock.advance(Duration::from_secs(3601));
    assert_eq!(put(writer).await.expect("an answer").status(), 403);
}

#[tokio::test]
async fn a_blob_signature_reaches_that_blob_only() {
    let fixture = Fixture::start().await;
    for name in ["mine", "other"] {
        fixture.blobs.put("files", name, "text".into(), Default::default()).expect("stored");
    }
    let end = "2099-01-01";
    let text = format!("r\n\n{end}\n/blob/{ACCOUNT}/files/mine\n\n\n\n2022-11-02\nb\n\n\n\n\n\n\ntext/csv");
    let query = |name: &str| {
        let mut url = azure_core::http::Url::parse(&fixture.url(&format!("files/{name}"))).expect("a valid address");
        url.query_pairs_mut()
            .extend_pairs([("sv", "2022-11-02"), ("sr", "b"), ("sp", "r"), ("se", end), ("rsct", "text/csv")])
            .append_pair("sig", &sign(&text, fixture.blobs.key()));
        url
    };
    let mine = reqwest::get(query("mine")).await.expect("an answer");
    assert_eq!((mine.status().as_u16(), mine.headers()["content-type"].as_bytes()), (200, b"text/csv".as_slice()));
    let head = reqwest::Client::new().head(query("mine")).send().await.expect("an answer");
    assert_eq!((head.status().as_u16(), head.headers()["content-type"].as_bytes()), (200, b"text/csv".as_slice()));
    let other = reqwest::get(query("other")).await.expect("an answer");
    assert_eq!(other.status(), 403);
}

/// A blob's name is the rest of the path, decoded once, and nothing resolves it on the way: what a signature is judged by is
/// what the client wrote, and what is stored differs from that in backslashes only, which are slashes.
#[tokio::test]
async fn dots_are_part_of_a_name() {
    let fixture = Fixture::start().await;
    fixture.blobs.put("files", "other", "secret".into(), Default::default()).expect("stored");
    let end = "2099-01-01";
    let signed = |name: &str| {
        let text = format!("rcw\n\n{end}\n/blob/{ACCOUNT}/files/{name}\n\n\n\n2022-11-02\nb\n\n\n\n\n\n\n");
        let signature = sign(&text, fixture.blobs.key());
        let signature: String = azure_core::http::Url::parse_with_params("http://x", [("sig", signature)])
            .expect("a URL")
            .query()
            .expect("a query")
            .to_owned();
        format!("sv=2022-11-02&sr=b&sp=rcw&se={end}&{signature}")
    };
    let raw = async |method: &str, path: &str, query: &str| {
        let mut connection = tokio::net::TcpStream::connect(fixture.blobs.address()).await.expect("connected");
        let request = format!(
            "{method} /{ACCOUNT}/{path}?{query} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\
             x-ms-blob-type: BlockBlob\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("read");
        answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse::<u16>().ok()).expect("a status")
    };
    let names = [("a/../other", "a/../other"), ("a\\..\\other", "a\\..\\other"), ("%2e%2e%2Fother", "../other")];
    for (path, name) in names {
        assert_eq!(raw("GET", &format!("files/{path}"), &signed("other")).await, 403, "{path}");
        assert_eq!(raw("PUT", &format!("files/{path}"), &signed(name)).await, 201, "{path}");
        assert_eq!(raw("GET", "files/other", &signed(name)).await, 403, "{path}");
        assert!(fixture.blobs.get("files", name).expect("read").is_some(), "{path}");
    }
    let listed: Vec<_> = fixture.blobs.list("files", "").expect("a list").into_iter().map(|(name, _)| name).collect();
    assert_eq!(listed, ["../other", "a/../other", "other"]);
    assert_eq!(fixture.blobs.get("files", "other").expect("read").expect("there").body.as_ref(), b"secret");
    assert_eq!(raw("GET", "files/../other/x", &signed("other")).await, 403);
    assert_eq!(raw("GET", "x/../files/other", &signed("other")).await, 400, "no container has such a name");
}

#[tokio::test]
async fn a_token_opens_over_https_what_its_roles_allow() {
    let fixture = Fixture::start().await;
    fixture.blobs.put("files", "note", "text".into(), Default::default()).expect("stored");
    let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
    let secure = fixture.url("files/note").replace("http://", "https://");
    let ask = async |url: &str, name: &str, audience: &str| {
        let token = fixture.identity.token(name, audience).expect("a token");
        let answer = http.get(url).bearer_auth(token).send().await.expect("an answer");
        let code = answer.headers().get("x-ms-error-code").map(|code| code.to_str().expect("text").to_owned());
        (answer.status().as_u16(), code.unwrap_or_default(), answer.headers().contains_key("www-authenticate"))
    };
    let plain = |status: u16, code: &str, challenge| (status, code.to_owned(), challenge);
    for audience in ["https://storage.azure.com", "https://storage.azure.com/"] {
        assert_eq!(ask(&secure, "owner", audience).await, plain(200, "", false));
    }
    let storage = "https://storage.azure.com";
    assert_eq!(ask(&secure, "stranger", storage).await, plain(403, "AuthorizationPermissionMismatch", false));
    let other = ask(&secure, "owner", "https://eventhubs.azure.net").await;
    assert_eq!(other, plain(401, "InvalidAuthenticationInfo", true));
    assert_eq!(ask(&fixture.url("files/note"), "owner", storage).await, plain(403, "AuthenticationFailed", false));
    let anonymous = http.get(&secure).send().await.expect("an answer");
    let challenge = anonymous.headers()["www-authenticate"].to_str().expect("text");
    assert!(challenge.starts_with("Bearer authorization_uri=") && challenge.ends_with(storage), "{challenge}");
}
