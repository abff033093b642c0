use std::{fs, path::Path};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{Plain, RESERVED, UniqueError, from_slice, from_str, parts, plain, unique};

/// Text that `serde_json` reads as a value of 125 levels for each of `layers`.
fn bottomless(layers: usize) -> String {
    (0..layers).fold("1".to_owned(), |core, _| {
        let inner = format!("{}{core}{}", "[".repeat(125), "]".repeat(125));
        let text = inner.replace('\\', "\\u005c").replace('"', "\\u0022");
        format!("{{\"{}\":\"{text}\"}}", RESERVED[0])
    })
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Event { data: Value },
}

#[derive(Debug, Deserialize)]
struct Flat {
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

#[test]
fn a_text_in_a_text_is_no_way_down() {
    let text = bottomless(100);
    assert!(from_str::<Value>(&text).expect_err("refused").to_string().contains(RESERVED[0]));
    let inside = format!("{{\"data\":{text}}}");
    assert!(from_slice::<Value>(inside.as_bytes()).is_err());
    assert!(unique(inside.as_bytes()).is_err());
    assert!(from_str::<Untagged>(&inside).is_err());
    assert!(from_str::<Flat>(&inside).is_err());
    // Whoever parses it, as a client does.
    let Plain(value) = serde_json::from_str(&inside).expect("plain data");
    assert!(value["data"][RESERVED[0]].is_string());
    assert!(plain(inside.as_bytes()).expect("plain data") == value);
    let Untagged::Event { data } = from_str(r#"{"data":1.5}"#).expect("an event");
    assert_eq!(data, json!(1.5));
    assert_eq!(from_str::<Flat>(r#"{"a":[1.25]}"#).expect("an object").rest["a"], json!([1.25]));
}

#[test]
fn reserved_names_are_known_however_they_are_written() {
    let escaped: String = RESERVED[0].bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    for name in [
        RESERVED[0],
        RESERVED[1],
        &RESERVED[0].replace('$', "\\u0024"),
        &escaped,
        &escaped.to_uppercase().replace("\\U", "\\u"),
    ] {
        for text in [
            format!("{{\"{name}\":\"1\"}}"),
            format!("[{{\"a\":{{\"{name}\"\n\t : \"1\"}}}}]"),
            format!("{{\"a\":1,\"{name}\":\"1\"}}"),
        ] {
            assert!(from_str::<Value>(&text).is_err(), "{text}");
        }
    }
}

#[test]
fn what_only_looks_like_them_passes() {
    let name = RESERVED[0];
    for value in [
        json!(name),
        json!([name, "$", "\"$", ":"]),
        json!({ "a": name }),
        json!({ "$": 1, "$ref": "#/a", "$serde": 2, format!("{name}s"): 3 }),
        json!({ "quoted": json!({ name: "[1]" }).to_string() }),
        json!(1.25),
        json!(u64::MAX),
        json!(i64::MIN),
        json!([null, true, "\u{1f389}"]),
    ] {
        let text = value.to_string();
        assert_eq!(from_str::<Value>(&text).expect(&text), value);
        assert_eq!(unique(text.as_bytes()).expect(&text), value);
        assert_eq!(from_str::<Plain>(&text).expect(&text), Plain(value));
    }
    // Quadratic, this would take minutes.
    let many = serde_json::to_string(&r#""$"#.repeat(1 << 20)).expect("a string");
    assert!(from_str::<Value>(&many).is_ok());
}

#[test]
fn depth_has_a_bound() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(from_str::<Value>(&nested(127)).is_ok());
    for levels in [128, 100_000] {
        assert!(from_str::<Value>(&nested(levels)).is_err());
        assert!(unique(nested(levels).as_bytes()).is_err());
        assert!(parts::<&RawValue>(&nested(levels)).is_ok(), "taken apart, not read");
    }
}

#[test]
fn a_name_that_comes_twice_is_refused_where_asked() {
    let text = br#"{"a":1,"b":{"c":1,"c":2}}"#;
    assert_eq!(from_slice::<Value>(text).expect("the last one"), json!({ "a": 1, "b": { "c": 2 } }));
    let twice = |text: &[u8]| match unique(text) {
        Err(UniqueError::Twice(name)) => Some(name),
        _ => None,
    };
    assert_eq!(twice(text).as_deref(), Some("c"));
    assert_eq!(twice(br#"{"a":1,"\u0061":1}"#).as_deref(), Some("a"));
    assert!(unique(b"{} {}").is_err());
}

/// Everything outside of tests reads through this package: what `serde_json` reads itself, or lets a library read, may have no bottom.
/// A line that has to differ ends in `// json: <why>`.
#[test]
fn nothing_is_read_past_this_package() {
    const READERS: [&str; 8] = [
        "serde_json::from_str",
        "serde_json::from_slice",
        "serde_json::from_reader",
        "serde_json::Deserializer",
        ".json().await",
        ".json::<",
        "axum::Json::<",
        "Json(body): Json<",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut past = Vec::new();
    for package in ["handlers", "local/src", "cli/src"] {
        sources(&root.join(package), &mut |file, text| {
            let mut is_test = false;
            for (number, line) in text.lines().enumerate() {
                // Their module stands at the end of a file.
                if is_test && line.contains("mod ") && line.ends_with('{') {
                    break;
                }
                is_test = line == "#[cfg(test)]";
                let is_read = READERS.iter().any(|reader| line.contains(reader));
                if is_read && !line.contains("// json: ") && !line.trim_start().starts_with("//") {
                    past.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
                }
            }
        });
    }
    assert!(past.is_empty(), "read these with contoso_json:\n{}", past.join("\n"));
}

/// Each source file of the program below `folder`, with its text.
fn sources(folder: &Path, each: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        // Modules that their parents declare `#[cfg(test)]`.
        let is_test = ["tests", "fuzz", "recorded", "interop", "examples", "model", "properties"].contains(&name);
        if is_test {
            continue;
        }
        if path.is_dir() {
            sources(&path, each);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            each(&path, &fs::read_to_string(&path).expect("UTF-8"));
        }
    }
}
