//! Blob Batch on the wire.

use reqwest::Response;

use super::{
    Fixture,
    wire::{call, code},
};

const TYPE: (&str, &str) = ("content-type", "multipart/mixed; boundary=batch_1");

fn batch(requests: &[String]) -> String {
    let parts = requests.iter().enumerate().map(|(n, request)| {
        format!(
            "--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {n}\r\n\r\n\
             {request}\r\n\r\n"
        )
    });
    parts.collect::<String>() + "--batch_1--\r\n"
}

/// A request for `path` of the account, signed and without a host.
fn request(fixture: &Fixture, method: &str, path: &str) -> String {
    let url = fixture.signed(path);
    let path = url.strip_prefix(&format!("http://{}", fixture.blobs.address())).expect("an address").to_owned();
    format!("{method} {path} HTTP/1.1\r\nContent-Length: 0")
}

async fn answers(answer: Response) -> Vec<(u16, String)> {
    assert_eq!(answer.status(), 202);
    let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
    let boundary = kind.strip_prefix("multipart/mixed; boundary=").expect("a boundary").to_owned();
    let text = answer.text().await.expect("a body");
    let mut parts: Vec<_> = text.split(&format!("--{boundary}")).skip(1).collect();
    assert_eq!(parts.pop(), Some("--\r\n"));
    let read = |(n, part): (usize, &str)| {
        assert!(part.contains(&format!("\r\nContent-ID: {n}\r\n")), "{part}");
        let line = part.split("HTTP/1.1 ").nth(1).expect("a status");
        let code = part.split("x-ms-error-code: ").nth(1).map_or("", |rest| rest.lines().next().unwrap_or_default());
        (line[..3].parse().expect("a status"), code.to_owned())
    };
    parts.into_iter().enumerate().map(read).collect()
}

#[tokio::test]
async fn each_request_of_a_batch_is_answered_by_itself() {
    let fixture = Fixture::start().await;
    fixture.blobs.create_container("more").expect("created");
    for (container, name) in [("files", "a"), ("files", "dir/b c"), ("files", "kept"), ("more", "d"), ("files", "e")] {
        fixture.blobs.put(container, name, "x".into(), Default::default()).expect("stored");
    }
    let until = crate::clock::machine_now() + std::time::Duration::from_secs(60);
    let unsigned = "DELETE /devstoreaccount1/files/kept HTTP/1.1".to_owned();
    let reads = fixture.signed_until("files/kept", until, "r");
    let reads = reads.split_once("/devstoreaccount1/").expect("a path").1.to_owned();
    let requests = [
        request(&fixture, "DELETE", "files/a"),
        // As clients write it that have the account in the host.
        request(&fixture, "DELETE", "files/dir/b%20c").replace("/devstoreaccount1/", "/"),
        request(&fixture, "DELETE", "more/d"),
        request(&fixture, "DELETE", "files/missing"),
        request(&fixture, "DELETE", "files/kept") + "\r\nIf-Match: \"0x1\"",
        unsigned,
        format!("DELETE /devstoreaccount1/{reads} HTTP/1.1"),
        request(&fixture, "PUT", "files/kept?comp=tier") + "\r\nx-ms-access-tier: Cool",
        request(&fixture, "GET", "files/kept"),
        "DELETE".to_owned(),
    ];
    let expected = [
        (202, ""),
        (202, ""),
        (202, ""),
        (404, "BlobNotFound"),
        (412, "ConditionNotMet"),
        (401, "NoAuthenticationInformation"),
        (403, "AuthorizationPermissionMismatch"),
        (501, "NotImplemented"),
        (400, "InvalidInput"),
        (400, "InvalidInput"),
    ];
    let answer = call(&fixture, "POST", "?comp=batch", &[TYPE], &batch(&requests)).await;
    let seen = answers(answer).await;
    assert_eq!(seen.iter().map(|(status, code)| (*status, code.as_str())).collect::<Vec<_>>(), expected);
    let left: Vec<_> = fixture.blobs.list("files", "").expect("listed").into_iter().map(|(name, _)| name).collect();
    assert_eq!(left, ["e", "kept"]);

    let requests = [request(&fixture, "DELETE", "files/e"), request(&fixture, "DELETE", "more/x")];
    let within = call(&fixture, "POST", "files?restype=container&comp=batch", &[TYPE], &batch(&requests)).await;
    assert_eq!(answers(within).await, [(202, String::new()), (400, "InvalidInput".to_owned())]);
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_whole() {
    let fixture = Fixture::start().await;
    fixture.blobs.put("files", "a", "x".into(), Default::default()).expect("stored");
    let one = request(&fixture, "DELETE", "files/a");
    let many = vec![request(&fixture, "DELETE", "files/a"); 257];
    let large = batch(&[one.clone() + &"\r\nx: y".repeat(1_000_000)]);
    for (kind, body, expected) in [
        (TYPE, batch(&[]), (400, "InvalidInput")),
        (TYPE, batch(&many), (400, "ExceedsMaxBatchRequestCount")),
        (TYPE, large, (413, "RequestBodyTooLarge")),
        (TYPE, batch(std::slice::from_ref(&one)).replace("--batch_1--", ""), (400, "InvalidInput")),
        (("content-type", "text/plain"), batch(&[one]), (400, "InvalidHeaderValue")),
    ] {
        let refused = call(&fixture, "POST", "?comp=batch", &[kind], &body).await;
        assert_eq!((refused.status().as_u16(), code(&refused)), expected);
    }
    let unsigned = reqwest::Client::new().post(fixture.url("?comp=batch")).header(TYPE.0, TYPE.1).body("").send().await;
    assert_eq!(unsigned.expect("an answer").status(), 401);
    assert!(fixture.blobs.get("files", "a").expect("a store").is_some());
}
