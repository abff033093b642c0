//! The catalogue: as a folder of files, with text that would be markup, and in headless Chromium.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    pages::passes,
    support::{Shop, contoso},
};

/// A checkout with another description, in which a schema says what would be markup.
#[test]
fn what_a_schema_says_is_text() {
    let checkout = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for part in ["host.json", "topology.json"] {
        fs::copy(root.join(part), checkout.path().join(part)).expect("copied");
    }
    fs::create_dir(checkout.path().join("function-definitions")).expect("made");
    copy(&root.join("schemas"), &checkout.path().join("schemas"));
    for file in files(&checkout.path().join("schemas")) {
        if file.extension().is_some_and(|extension| extension == "avsc") {
            let mut schema: Value = serde_json::from_slice(&fs::read(&file).expect("read")).expect("JSON");
            let doc = "</script><img src=x onerror=alert(1)> {{x}}\nsecond line";
            schema["doc"] = doc.into();
            schema["fields"][0]["doc"] = doc.into();
            fs::write(&file, schema.to_string()).expect("written");
        }
        // Stored versions that were changed are none; this checkout has the files alone.
    }
    for versions in folders(&checkout.path().join("schemas")).into_iter().filter(|folder| folder.ends_with("versions"))
    {
        fs::remove_dir_all(versions).expect("removed");
    }
    let out = checkout.path().join("out");
    let output = contoso()
        .args(["--project"])
        .arg(checkout.path())
        .args(["schemas", "docs", "--out"])
        .arg(&out)
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{output:?}");
    let events: Value = serde_json::from_slice(&fs::read(out.join("events.json")).expect("events.json")).expect("JSON");
    for event in events["events"].as_array().expect("a list") {
        let page = fs::read_to_string(out.join(event["page"].as_str().expect("a file"))).expect("its page");
        assert!(page.contains("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; {{x}}\nsecond line"), "{page}");
        assert!(!page.contains("<img"), "{page}");
        assert!(page.contains(&format!("contoso schemas usage {}", event["type"].as_str().expect("a type"))), "{page}");
        for member in ["owner", "hub", "partitionKey", "producers", "versions", "examples", "schema"] {
            assert!(!event[member].is_null(), "{member}: {event}");
        }
    }
    assert!(!fs::read_to_string(out.join("index.html")).expect("the list").contains("<img"));
    // What is no catalogue is left alone.
    fs::remove_file(out.join("events.json")).expect("removed");
    let output = contoso()
        .args(["--project"])
        .arg(checkout.path())
        .args(["schemas", "docs", "--out"])
        .arg(&out)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

fn folders(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let below: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    below.iter().flat_map(|path| folders(path)).chain(below.clone()).collect()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let copied = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            fs::copy(&path, copied).expect("copied");
        }
    }
}

/// Search by keys, every page of it in both schemes on both sizes, from the operations page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue_in_a_browser() {
    let shop = Shop::empty().await;
    passes("catalogue.js", &shop, json!({})).await;
}
