//! Names: of blobs, in addresses and listings, and of metadata, in headers and listings.

use quick_xml::{Reader, events::Event};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Fixture,
    wire::{call, code},
};

const BLOB: (&str, &str) = ("x-ms-blob-type", "BlockBlob");

/// What the service answers to these bytes: head and body as they come.
async fn raw(fixture: &Fixture, request: &[u8]) -> String {
    let mut client = TcpStream::connect(fixture.blobs.address()).await.expect("connected");
    client.write_all(request).await.expect("sent");
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(fixture: &Fixture, method: &str, path: &str, headers: &str) -> Vec<u8> {
    let url = fixture.signed(path);
    let path = url.strip_prefix(&format!("http://{}", fixture.blobs.address())).expect("an address");
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: 0\r\n\r\n")
        .into_bytes()
}

#[tokio::test]
async fn metadata_keeps_the_case_of_its_names() {
    let fixture = Fixture::start().await;
    let mixed = "X-MS-Blob-Type: BlockBlob\r\nX-Ms-Meta-customerId: 7\r\nx-ms-meta-plain: y\r\n";
    for (set, get) in [
        ("files/m", "files/m"),
        ("files/m?comp=metadata", "files/m?comp=metadata"),
        ("mixed?restype=container", "mixed?restype=container"),
        ("files?restype=container&comp=metadata", "files?restype=container"),
    ] {
        let stored = raw(&fixture, &head(&fixture, "PUT", set, mixed)).await;
        assert!(stored.starts_with("HTTP/1.1 20"), "{stored}");
        for method in ["GET", "HEAD"] {
            let read = raw(&fixture, &head(&fixture, method, get, "")).await;
            let lines: Vec<_> = read.lines().collect();
            assert!(lines.contains(&"x-ms-meta-customerId: 7"), "{method} {get}: {read}");
            assert!(lines.contains(&"x-ms-meta-plain: y") && lines.contains(&"x-ms-version: 2026-04-06"), "{read}");
        }
    }
    for path in ["files?restype=container&comp=list&include=Metadata", "?comp=LIST&Include=METADATA"] {
        let listed = raw(&fixture, &head(&fixture, "GET", path, "")).await;
        assert!(listed.contains("<customerId>7</customerId><plain>y</plain>"), "{listed}");
    }
    let fixture = fixture.restart().await;
    let kept = fixture.blobs.properties("files", "m").expect("a store").expect("it is there");
    assert_eq!(kept.metadata.keys().collect::<Vec<_>>(), ["customerId", "plain"]);

    for refused in [
        "x-ms-meta-a: 1\r\nX-MS-META-A: 2\r\n",
        "x-ms-meta-a: \u{e4}\r\n",
        "x-ms-meta-a-b: 1\r\n",
        "x-ms-meta-1a: 1\r\n",
        "x-ms-meta-a: 1\t2\r\n",
    ] {
        let answer = raw(&fixture, &head(&fixture, "PUT", "files/m?comp=metadata", refused)).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("InvalidMetadata"), "{refused:?}: {answer}");
    }
    let large = format!("x-ms-meta-a: {}\r\n", "x".repeat(8192));
    let answer = raw(&fixture, &head(&fixture, "PUT", "files/m?comp=metadata", &large)).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("MetadataTooLarge"), "{answer}");
}

/// The texts of the elements `name`, and whether they say that they are encoded.
fn elements(document: &str, name: &str) -> Vec<(String, bool)> {
    let mut reader = Reader::from_str(document);
    let mut found = Vec::new();
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(start) if start.name().as_ref() == name.as_bytes() => {
                let encoded = start.try_get_attribute("Encoded").expect("attributes").is_some();
                found.push((reader.read_text(start.name()).expect("text").into_owned(), encoded));
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_xml_cannot_hold_is_encoded_wherever_a_listing_says_it() {
    let fixture = Fixture::start().await;
    for name in ["y%EF%BF%BF/a", "y%EF%BF%BF/b%EF%BF%BEc", "y%EF%BF%BF/b%EF%BF%BEd"] {
        assert_eq!(call(&fixture, "PUT", &format!("files/{name}"), &[BLOB], "").await.status(), 201);
    }
    let list = "files?restype=container&comp=list&prefix=y%EF%BF%BF&delimiter=%EF%BF%BE&maxresults=2";
    let listed = call(&fixture, "GET", list, &[], "").await.text().await.expect("a body");
    let yes = |text: &str| (text.to_owned(), true);
    assert_eq!(elements(&listed, "Prefix"), [yes("y%EF%BF%BF")]);
    assert_eq!(elements(&listed, "Delimiter"), [yes("%EF%BF%BE")]);
    assert_eq!(elements(&listed, "Name"), [yes("y%EF%BF%BF%2Fa"), yes("y%EF%BF%BF%2Fb%EF%BF%BE")]);
    let first = call(&fixture, "GET", &list.replace("maxresults=2", "maxresults=1"), &[], "").await;
    let first = first.text().await.expect("a body");
    let [(marker, false)] = &elements(&first, "NextMarker")[..] else { panic!("{first}") };
    let next = call(&fixture, "GET", &format!("{list}&marker={marker}"), &[], "").await.text().await.expect("a body");
    assert_eq!(elements(&next, "Name"), [yes("y%EF%BF%BF%2Fb%EF%BF%BE")]);
    let odd = call(&fixture, "GET", "files?restype=container&comp=list&prefix=a%01%0D", &[], "").await;
    assert_eq!(elements(&odd.text().await.expect("a body"), "Prefix"), [yes("a%01%0D")]);
}

#[tokio::test]
async fn names_are_those_that_the_service_takes() {
    let fixture = Fixture::start().await;
    assert_eq!(call(&fixture, "PUT", "files/a%5Cb", &[BLOB], "").await.status(), 201);
    assert_eq!(call(&fixture, "GET", "files/a/b", &[], "").await.status(), 200);
    let names: Vec<_> = fixture.blobs.list("files", "").expect("listed").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a/b"]);
    let (long, deep) = ("x".repeat(1025), vec!["x"; 255].join("/"));
    for (name, expected) in [
        ("a%01b", "InvalidUri"),
        ("a%00", "InvalidUri"),
        ("a%0Ab", "InvalidUri"),
        ("a%7F", "InvalidUri"),
        ("a%C2%81", "InvalidUri"),
        ("a%FF", "InvalidUri"),
        (&long, "InvalidResourceName"),
        (&deep, "InvalidResourceName"),
    ] {
        let answer = call(&fixture, "PUT", &format!("files/{name}"), &[BLOB], "").await;
        assert_eq!((answer.status().as_u16(), code(&answer)), (400, expected), "{name}");
    }
}

#[tokio::test]
async fn blobs_of_the_root_container_need_not_name_it() {
    let fixture = Fixture::start().await;
    let missing = call(&fixture, "GET", "robots.txt", &[], "").await;
    assert_eq!((missing.status().as_u16(), code(&missing)), (404, "ContainerNotFound"));
    let source = fixture.signed("robots.txt");
    let copy = [("x-ms-copy-source", source.as_str())];
    for (method, path, headers, expected) in [
        ("PUT", "$root?restype=container", &[][..], (201, "")),
        ("PUT", "robots.txt", &[BLOB], (201, "")),
        ("GET", "$root/robots.txt", &[], (200, "")),
        ("HEAD", "robots.txt", &[], (200, "")),
        ("PUT", "Copy of robots.txt", &copy, (202, "")),
        ("GET", "robots.txt?restype=container", &[], (400, "InvalidResourceName")),
        ("PUT", "$root/a/b", &[BLOB], (400, "InvalidResourceName")),
        ("PUT", "$web?restype=container", &[], (201, "")),
        ("PUT", "$web/img/a.png", &[BLOB], (201, "")),
        ("PUT", "$other?restype=container", &[], (400, "InvalidResourceName")),
        ("DELETE", "robots.txt", &[], (202, "")),
    ] {
        let answer = call(&fixture, method, path, headers, "").await;
        assert_eq!((answer.status().as_u16(), code(&answer)), expected, "{method} {path}");
    }
    let text = call(&fixture, "GET", "?comp=list&prefix=$", &[], "").await.text().await.expect("a body");
    assert_eq!(elements(&text, "Name"), [("$root".to_owned(), false), ("$web".to_owned(), false)]);
    let list = call(&fixture, "GET", "$root?restype=container&comp=list", &[], "").await.text().await.expect("a body");
    assert_eq!(elements(&list, "Name"), [("Copy of robots.txt".to_owned(), false)]);
}

/// A blob that has nothing but staged blocks is in a listing that asks for it, at its place among the others.
#[tokio::test]
async fn blobs_without_a_committed_block_are_listed_where_asked_for() {
    let fixture = Fixture::start().await;
    for name in ["b", "d/2"] {
        fixture.blobs.put("files", name, "x".into(), Default::default()).expect("stored");
    }
    for name in ["a", "b", "b-", "d/1", "d/3", "e"] {
        for id in ["MDE=", "MDI="] {
            let path = format!("files/{name}?comp=block&blockid={id}");
            assert_eq!(call(&fixture, "PUT", &path, &[], "xyz").await.status(), 201);
        }
    }
    let list = "files?restype=container&comp=list";
    for (options, expected) in [
        ("", vec!["b", "d/2"]),
        ("&include=uncommittedblobs", vec!["a", "b", "b-", "d/1", "d/2", "d/3", "e"]),
        ("&include=metadata,uncommittedblobs&delimiter=/", vec!["a", "b", "b-", "e", "d/"]),
        ("&include=uncommittedblobs&prefix=d", vec!["d/1", "d/2", "d/3"]),
    ] {
        for limit in [1, 2, 3, 100] {
            let (mut found, mut folded, mut marker) = (Vec::new(), Vec::new(), String::new());
            loop {
                let path = format!("{list}{options}&maxresults={limit}&marker={marker}");
                let page = call(&fixture, "GET", &path, &[], "").await.text().await.expect("a body");
                let (blobs, prefixes): (Vec<_>, Vec<_>) =
                    elements(&page, "Name").into_iter().map(|(name, _)| name).partition(|name| !name.ends_with('/'));
                found.extend(blobs);
                folded.extend(prefixes);
                marker = elements(&page, "NextMarker").into_iter().map(|(text, _)| text).collect();
                if marker.is_empty() {
                    break;
                }
            }
            found.extend(folded);
            assert_eq!(found, expected, "{options}, {limit} at a time");
        }
    }
    let text = call(&fixture, "GET", &format!("{list}&include=uncommittedblobs&prefix=a"), &[], "").await;
    let text = text.text().await.expect("a body");
    assert_eq!(elements(&text, "Content-Length"), [("0".to_owned(), false)]);
    assert_eq!(elements(&text, "Etag"), []);
    assert_eq!(fixture.blobs.list("files", "").expect("listed").len(), 2);
}

#[tokio::test]
async fn options_have_no_case_and_unknown_ones_are_refused() {
    let fixture = Fixture::start().await;
    fixture.blobs.put("files", "a", "x".into(), Default::default()).expect("stored");
    let all = "Metadata,Copy,Snapshots,Deleted,Versions,Tags,ImmutabilityPolicy,LegalHold,DeletedWithVersions";
    for (path, status) in [
        (format!("files?ResType=Container&Comp=List&Include={all}"), 200),
        ("files?restype=container&comp=list&include=uncommittedBLOBS".to_owned(), 200),
        ("files?restype=container&comp=list&include=everything".to_owned(), 400),
        ("?comp=List&include=Metadata,Deleted,System".to_owned(), 200),
        ("?comp=list&include=snapshots".to_owned(), 400),
        ("files/a?Comp=MetaData".to_owned(), 200),
        ("files/a?comp=BlockList&BlockListType=All".to_owned(), 200),
        ("?RESTYPE=SERVICE&COMP=PROPERTIES".to_owned(), 200),
    ] {
        let answer = call(&fixture, "GET", &path, &[], "").await;
        let (seen, text) = (answer.status(), answer.text().await.expect("a body"));
        assert_eq!(seen, status, "{path}: {text}");
    }
}
