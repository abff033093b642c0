//! Conditional headers against the tables of "Specifying conditional headers for Blob service operations".

use reqwest::Response;

use super::{
    Fixture,
    wire::{call, code},
};

const BLOB: (&str, &str) = ("x-ms-blob-type", "BlockBlob");
const PAST: &str = "Mon, 01 Jan 2001 00:00:00 GMT";
const FUTURE: &str = "Fri, 01 Jan 2038 00:00:00 GMT";

fn header(answer: &Response, name: &str) -> String {
    answer.headers()[name].to_str().expect("text").to_owned()
}

/// Every combination of the four headers, each absent, holding or failing.
fn combinations() -> impl Iterator<Item = [Option<bool>; 4]> {
    (0..81_u32).map(|n| [1, 3, 9, 27].map(|place| [None, Some(true), Some(false)][(n / place % 3) as usize]))
}

/// The headers of a combination, for a blob of this tag.
fn headers(combination: [Option<bool>; 4], etag: &str) -> Vec<(&'static str, String)> {
    let [is, is_not, after, before] = combination;
    let tag = |same: bool| if same { etag.to_owned() } else { "\"0x1\"".to_owned() };
    let all = [
        is.map(|holds| ("if-match", tag(holds))),
        is_not.map(|holds| ("if-none-match", tag(!holds))),
        after.map(|holds| ("if-modified-since", if holds { PAST } else { FUTURE }.to_owned())),
        before.map(|holds| ("if-unmodified-since", if holds { FUTURE } else { PAST }.to_owned())),
    ];
    all.into_iter().flatten().collect()
}

async fn ask(fixture: &Fixture, method: &str, path: &str, given: &[(&str, String)]) -> Response {
    let given: Vec<_> = given.iter().map(|(name, value)| (*name, value.as_str())).chain([BLOB]).collect();
    call(fixture, method, path, &given, "").await
}

#[tokio::test]
async fn reads_combine_all_conditions() {
    let fixture = Fixture::start().await;
    let etag = fixture.blobs.put("files", "a", "x".into(), Default::default()).expect("stored").etag;
    for combination in combinations() {
        let [is, is_not, after, before] = combination;
        let changed = match (is_not, after) {
            (None, None) => true,
            (is_not, after) => is_not == Some(true) || after == Some(true),
        };
        let expected = match (is != Some(false) && before != Some(false), changed) {
            (false, _) => 412,
            (true, false) => 304,
            (true, true) => 200,
        };
        let given = headers(combination, &etag);
        for (method, path) in [("GET", "files/a"), ("HEAD", "files/a"), ("GET", "files/a?comp=metadata")] {
            let answer = ask(&fixture, method, path, &given).await;
            assert_eq!(answer.status(), expected, "{method} {path} {given:?}");
        }
    }
    let list = format!("\"0x1\", {etag}");
    for (name, value, expected) in [
        ("if-match", list.as_str(), 200),
        ("if-match", "\"0x1\", \"0x2\"", 412),
        ("if-match", "*", 200),
        ("if-none-match", &list, 304),
        ("if-none-match", "\"0x1\",\"0x2\"", 200),
        ("if-none-match", "*", 400),
        ("if-match", etag.trim_matches('"'), 200),
        ("if-modified-since", "tomorrow", 200),
        ("if-unmodified-since", "2001-01-01", 200),
        ("if-modified-since", &format!("{PAST}, {PAST}"), 400),
    ] {
        let answer = ask(&fixture, "GET", "files/a", &[(name, value.to_owned())]).await;
        assert_eq!(answer.status(), expected, "{name}: {value}");
    }
    let twice = [("if-match", "\"0x1\"".to_owned()), ("if-match", etag.clone())];
    assert_eq!(ask(&fixture, "GET", "files/a", &twice).await.status(), 200, "lines of one header are a list");
}

#[tokio::test]
async fn writes_take_one_condition_or_a_tag_with_its_date() {
    let fixture = Fixture::start().await;
    let mut etag = fixture.blobs.put("files", "a", "x".into(), Default::default()).expect("stored").etag;
    let empty_list = "<BlockList></BlockList>";
    for (method, path, body, done) in [
        ("PUT", "files/a", "", 201),
        ("PUT", "files/a?comp=blocklist", empty_list, 201),
        ("PUT", "files/a?comp=metadata", "", 200),
        ("PUT", "files/a?comp=properties", "", 200),
        ("PUT", "files/a?comp=lease", "", 202),
        ("DELETE", "files/a", "", 202),
    ] {
        for combination in combinations() {
            let [is, is_not, after, before] = combination;
            let given_twice = [is, before].iter().any(Option::is_some) && [is_not, after].iter().any(Option::is_some);
            let decides = is.or(is_not).or(after).or(before).unwrap_or(true);
            let expected = match (given_twice, decides) {
                (true, _) => (400, "MultipleConditionHeadersNotSupported"),
                (false, false) => (412, "ConditionNotMet"),
                (false, true) => (done, ""),
            };
            let mut given = headers(combination, &etag);
            if path.ends_with("lease") {
                // What has no lease cannot be broken: the conditions held.
                given.push(("x-ms-lease-action", "Break".to_owned()));
            }
            let given: Vec<_> = given.iter().map(|(name, value)| (*name, value.as_str())).chain([BLOB]).collect();
            let answer = call(&fixture, method, path, &given, body).await;
            let seen = match (answer.status().as_u16(), code(&answer)) {
                (409, "LeaseNotPresentWithLeaseOperation") => (202, ""),
                seen => seen,
            };
            assert_eq!(seen, expected, "{method} {path} {given:?}");
            if seen == (202, "") && method == "DELETE" {
                etag = fixture.blobs.put("files", "a", "x".into(), Default::default()).expect("stored").etag;
            } else if answer.headers().contains_key("etag") {
                etag = header(&answer, "etag");
            }
        }
    }
    for (name, value, expected) in [
        ("if-match", format!("\"0x1\", {etag}"), (400, "MultipleConditionHeadersNotSupported")),
        ("if-none-match", "\"0x1\", \"0x2\"".to_owned(), (400, "MultipleConditionHeadersNotSupported")),
        ("if-none-match", "*".to_owned(), (409, "BlobAlreadyExists")),
        ("if-unmodified-since", "yesterday".to_owned(), (201, "")),
    ] {
        let answer = ask(&fixture, "PUT", "files/a", &[(name, value.clone())]).await;
        assert_eq!((answer.status().as_u16(), code(&answer)), expected, "{name}: {value}");
    }
    let new = [("if-none-match", "*".to_owned())];
    assert_eq!(ask(&fixture, "PUT", "files/new", &new).await.status(), 201);
    for (name, expected) in [("if-match", 412), ("if-none-match", 201)] {
        let answer = ask(&fixture, "PUT", &format!("files/other-{name}"), &[(name, "\"0x1\"".to_owned())]).await;
        assert_eq!(answer.status(), expected, "{name} of no blob");
    }
}

/// Writes of containers take fewer conditions than those of blobs, and say so of the others.
#[tokio::test]
async fn each_write_of_a_container_takes_its_own_conditions() {
    let fixture = Fixture::start().await;
    let unsupported = (400, "ConditionHeadersNotSupported");
    let failed = (412, "ConditionNotMet");
    for (method, path, date_before) in [
        ("PUT", "files?restype=container&comp=metadata", false),
        ("PUT", "files?restype=container&comp=lease", true),
        ("DELETE", "files?restype=container", true),
    ] {
        let before = |expected| if date_before { expected } else { unsupported };
        for (name, value, expected) in [
            ("if-match", "*", unsupported),
            ("if-none-match", "\"0x1\"", unsupported),
            ("if-unmodified-since", FUTURE, before((0, ""))),
            ("if-unmodified-since", PAST, before(failed)),
            ("if-modified-since", FUTURE, failed),
            ("if-modified-since", PAST, (0, "")),
        ] {
            let given = [(name, value), ("x-ms-lease-action", "break")];
            let answer = call(&fixture, method, path, &given, "").await;
            // Whatever else is said, the condition let it pass.
            let seen = match (answer.status().as_u16(), code(&answer)) {
                (200..300 | 409, _) => (0, ""),
                seen => seen,
            };
            assert_eq!(seen, expected, "{method} {path} {name}: {value}");
            if method == "DELETE" && answer.status() == 202 {
                fixture.blobs.create_container("files").expect("made again");
            }
        }
    }
}

#[tokio::test]
async fn a_lease_is_asked_for_before_the_condition_that_there_is_no_blob() {
    let fixture = Fixture::start().await;
    fixture.blobs.put("files", "lock", "0".into(), Default::default()).expect("stored");
    let acquire = [("x-ms-lease-action", "Acquire"), ("x-ms-lease-duration", "60")];
    let held = call(&fixture, "PUT", "files/lock?comp=lease", &acquire, "").await;
    let id = header(&held, "x-ms-lease-id");
    let new = ("if-none-match", "*");
    let wrong = ("x-ms-lease-id", "00000000-0000-0000-0000-000000000001");
    let right = ("x-ms-lease-id", id.as_str());
    for (path, body) in [("files/lock", "x"), ("files/lock?comp=blocklist", "<BlockList/>")] {
        for (given, expected) in [
            (vec![BLOB, new], (412, "LeaseIdMissing")),
            (vec![BLOB], (412, "LeaseIdMissing")),
            (vec![BLOB, new, wrong], (412, "LeaseIdMismatchWithBlobOperation")),
            (vec![BLOB, new, right], (201, "")),
            (vec![BLOB, right], (201, "")),
        ] {
            let answer = call(&fixture, "PUT", path, &given, body).await;
            assert_eq!((answer.status().as_u16(), code(&answer)), expected, "{path} {given:?}");
        }
    }
    let unleased = call(&fixture, "PUT", "files/free", &[BLOB, right], "").await;
    assert_eq!((unleased.status().as_u16(), code(&unleased)), (412, "LeaseNotPresentWithBlobOperation"));

    let container = "files?restype=container";
    let held = call(&fixture, "PUT", &format!("{container}&comp=lease"), &acquire, "").await;
    let id = header(&held, "x-ms-lease-id");
    for (method, path, given, expected) in [
        ("DELETE", container, vec![], (412, "LeaseIdMissing")),
        ("DELETE", container, vec![wrong], (412, "LeaseIdMismatchWithContainerOperation")),
        ("GET", container, vec![wrong], (412, "LeaseIdMismatchWithContainerOperation")),
        ("GET", container, vec![], (200, "")),
        ("PUT", "files/free", vec![BLOB], (201, "")),
        ("DELETE", container, vec![("x-ms-lease-id", id.as_str())], (202, "")),
    ] {
        let answer = call(&fixture, method, path, &given, "").await;
        assert_eq!((answer.status().as_u16(), code(&answer)), expected, "{method} {path} {given:?}");
    }
}
