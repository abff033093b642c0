//! `contoso schemas bindings`: strict compilers take what it writes, and it takes what the app sends and refuses what is none of it.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use contoso_cli::{
    contracts::{
        avro::{Definition, Schema, Type},
        sources::Sources,
    },
    project::Project,
};
use serde_json::{Value, json};

use crate::support::{Shop, contoso, javascript, python};

const AWKWARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/awkward.avsc");
const SIGNAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/signal.avsc");
const ROWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/rows.avsc");

/// Writes bindings and returns the file.
fn written(folder: &Path, lang: &str, name: &str, arguments: &[&str]) -> String {
    let file = folder.join(name);
    let mut command = contoso();
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    run(command.args(["schemas", "bindings", "--lang", lang, "--out"]).arg(&file).args(arguments));
    file.to_str().expect("UTF-8").to_owned()
}

fn run(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Both languages by their strictest checks, then the cases.
fn hold(arguments: &[&str], cases: &[Value]) {
    let folder = tempfile::tempdir().expect("a folder");
    // Read by the compiler, too.
    fs::write(folder.path().join("package.json"), r#"{"type":"module"}"#).expect("written");
    let typescript = written(folder.path(), "typescript", "events.ts", arguments);
    run(javascript::compiler()
        .args([
            "--strict",
            "--exactOptionalPropertyTypes",
            "--noUncheckedIndexedAccess",
            "--noUnusedLocals",
            "--target",
            "es2022",
            "--module",
            "nodenext",
            "--types",
            "",
            "--outDir",
        ])
        .arg(folder.path())
        .arg(&typescript));
    let javascript_file = folder.path().join("events.js");
    println!(
        "{}",
        javascript::contracts(
            "bindings.mjs",
            &[],
            &json!({ "module": javascript_file, "cases": in_style(cases, camel) }).to_string()
        )
    );
    let module = written(folder.path(), "python", "events.py", arguments);
    run(python::contracts("mypy").args(["--strict", "--no-incremental", "--cache-dir=/dev/null"]).arg(&module));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/bindings.py");
    let mut command = python::contracts("python");
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(script);
    println!(
        "{}",
        python::fed(&mut command, &json!({ "module": module, "cases": in_style(cases, snake) }).to_string())
    );
}

fn in_style(cases: &[Value], style: fn(&str) -> String) -> Vec<Value> {
    let mut cases = cases.to_vec();
    for case in &mut cases {
        case["parse"] = style(case["parse"].as_str().expect("a name")).into();
    }
    cases
}

fn camel(name: &str) -> String {
    format!("parse{name}")
}

fn snake(name: &str) -> String {
    let mut snake = "parse".to_owned();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn case(parse: &str, data: &Value, valid: bool, says: &str) -> Value {
    json!({ "parse": parse, "text": data.to_string(), "valid": valid, "says": says })
}

/// Every valid example of every event comes through as it is; without any one of its required members, and with a member of another
/// kind in its place, it is refused by that member's path; and so is each invalid example that breaks the schema.
#[test]
fn every_valid_example_comes_through_and_every_invalid_one_is_refused() {
    let project = Project::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the checkout");
    let sources = Sources::read(&project).expect("the sources");
    let mut cases = Vec::new();
    for source in &sources.events {
        let name = source.contract.name.rsplit('.').next().expect("a name");
        for example in &source.valid {
            let data = source.travelling(example).expect("valid");
            cases.push(case(name, &data, true, ""));
            let envelope = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": source.contract.event_type, "data": data });
            cases.push(case("Event", &envelope, true, ""));
            broken(&source.schema, &source.schema.root, &data, "", &mut |path, changed| {
                cases.push(case(name, &put(&data, path, changed), false, path));
            });
        }
        for example in &source.invalid {
            if source.schema.to_json(&example.data).is_err() {
                cases.push(case(name, &example.data, false, ""));
            }
        }
    }
    for (data, is_valid) in [
        (json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "com.contoso.later.v9" }), true),
        (json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "com.contoso.product.changed.v1" }), false),
        (json!({ "specversion": "0.3", "id": "1", "source": "/s", "type": "t" }), false),
        (json!({ "specversion": "1.0", "id": "", "source": "/s", "type": "t" }), false),
        (json!([]), false),
    ] {
        cases.push(case("Event", &data, is_valid, ""));
    }
    assert!(cases.len() > 60, "{}", cases.len());
    hold(&["--all"], &cases);
}

/// Calls `say` with the path of each member that the schema requires, gone or of another kind.
fn broken(schema: &Schema, kind: &Type, data: &Value, path: &str, say: &mut dyn FnMut(&str, Option<Value>)) {
    let Type::Named(name) = kind else { return };
    let Some(Definition::Record(fields)) = schema.named(name).map(|named| &named.definition) else { return };
    for field in fields {
        let at = if path.is_empty() { field.name.clone() } else { format!("{path}.{}", field.name) };
        let Some(value) = data.get(&field.name) else { continue };
        if field.default.is_none() && !field.kind.is_nullable() {
            say(&at, None);
        }
        // No schema here takes a list in a list.
        if matches!(field.kind, Type::Named(_)) || !value.is_object() {
            say(&at, Some(json!([[true]])));
        }
        broken(schema, &field.kind, value, &at, say);
    }
}

/// The data with another value at a path, or with none.
fn put(data: &Value, path: &str, value: Option<Value>) -> Value {
    let mut changed = data.clone();
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let pointer: String = parent.split('.').filter(|step| !step.is_empty()).map(|step| format!("/{step}")).collect();
    let parent = changed.pointer_mut(&pointer).and_then(Value::as_object_mut).expect("an object");
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
    changed
}

/// What makes generators stumble: keywords, names of built-in types, unions in lists in maps, comments that end early.
#[test]
fn an_awkward_schema_is_bound_as_well() {
    let good = json!({
        "from": "a", "import": 1, "class": { "def": "x" }, "keys": [null, "a", 7], "items": { "x": [1.5, 2], "y": null }, "__proto__": "p",
        "constructor": "c", "colour": "ULTRAVIOLET", "hash": "AAECAw==", "raw": "", "big": 9_007_199_254_740_991_i64, "ratio": null,
        "price": { "amount": "19.99", "currency": "USD" }, "at": "2026-01-05T10:00:00.123Z", "on": "2026-01-05", "exact": "-12.34",
        "choice": { "right": null, "kind": "k" }, "str": {}, "other": { "cents": 3 }, "pattern": { "source": "x" }, "table": { "size": 1 }, "unheardOf": [1],
    });
    // serde_json would take this name for one of the object's own, as it should.
    let without = |name: &str| {
        let mut data = good.clone();
        data.as_object_mut().expect("an object").remove(name);
        data
    };
    let with = |name: &str, value: Value| {
        let mut data = good.clone();
        data[name] = value;
        data
    };
    let mut cases = vec![
        case("Awkward", &good, true, ""),
        case("Awkward", &without("ratio"), true, ""),
        case("Awkward", &with("choice", json!({ "left": 1 })), true, ""),
    ];
    for name in ["from", "import", "class", "__proto__", "constructor", "at", "str"] {
        cases.push(case("Awkward", &without(name), false, &format!("{name}: is missing")));
    }
    for (name, value) in [
        ("from", json!(1)),
        ("import", json!(1.5)),
        ("import", json!(3_000_000_000_i64)),
        ("yield", json!("yes")),
        ("keys", json!([true])),
        ("keys", json!([[]])),
        ("items", json!({ "x": 1 })),
        ("items", json!([])),
        ("colour", json!(1)),
        ("hash", json!("%")),
        ("big", json!("1")),
        ("ratio", json!("x")),
        ("price", json!({ "minorUnits": 1999, "currency": "USD" })),
        ("price", json!({ "amount": 19.99, "currency": "USD" })),
        ("price", json!({ "amount": "1e3", "currency": "USD" })),
        ("at", json!(1_767_607_200_000_i64)),
        ("at", json!("2026-01-05 10:00")),
        ("at", json!("2026-01-05T10:00:00Z\n")),
        ("on", json!("2026-13-01")),
        ("exact", json!("1.")),
        ("choice", json!({ "middle": 1 })),
        ("str", json!([])),
        ("class", json!({})),
    ] {
        cases.push(case("Awkward", &with(name, value), false, name));
    }
    cases.push(case("Signal", &json!("GO"), true, ""));
    cases.push(case("Signal", &json!("LATER"), true, ""));
    cases.push(case("Signal", &json!(1), false, ""));
    cases.push(case("Rows", &json!([[1, "a"], null]), true, ""));
    cases.push(case("Rows", &json!([[null]]), false, "0.0"));
    hold(&[AWKWARD, SIGNAL, ROWS], &cases);
    // Beyond what a double holds: exact in Python, refused where it would be rounded.
    let folder = tempfile::tempdir().expect("a folder");
    let module = written(folder.path(), "python", "big.py", &[AWKWARD]);
    let big = [case("parse_awkward", &with("big", json!(9_007_199_254_740_993_i64)), true, "")];
    let mut command = python::contracts("python");
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/bindings.py"));
    python::fed(&mut command, &json!({ "module": module, "cases": big }).to_string());
    fs::write(folder.path().join("package.json"), r#"{"type":"module"}"#).expect("written");
    let typescript = written(folder.path(), "typescript", "big.ts", &[AWKWARD]);
    run(javascript::compiler()
        .args(["--strict", "--target", "es2022", "--module", "nodenext", "--types", "", "--outDir"])
        .arg(folder.path())
        .arg(typescript));
    let big = [case("parseAwkward", &with("big", json!(9_007_199_254_740_993_i64)), false, "big: is beyond 2^53")];
    javascript::contracts(
        "bindings.mjs",
        &[],
        &json!({ "module": folder.path().join("big.js"), "cases": big }).to_string(),
    );
}

/// What the stack has registered is what lies in the checkout, so its bindings are the same. The examples' own copies are those, too.
#[tokio::test]
async fn bindings_of_the_registry_are_those_of_the_checkout() {
    let shop = Shop::empty().await;
    let endpoints = shop.endpoints_file().to_str().expect("UTF-8").to_owned();
    tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().expect("a folder");
        let mut texts = BTreeMap::new();
        for (lang, name, copy) in
            [("typescript", "events.ts", "typescript/events.ts"), ("python", "events.py", "python/contoso_events.py")]
        {
            let read = |file: &str| fs::read_to_string(file).expect("written");
            let offline = read(&written(folder.path(), lang, name, &[]));
            let registered = read(&written(folder.path(), lang, name, &["--stack", "--endpoints", &endpoints]));
            assert!(offline == registered, "{lang}: the registry has other schemas than the checkout");
            let copy = format!("{}/../examples/typed/{copy}", env!("CARGO_MANIFEST_DIR"));
            assert!(read(&copy) == offline, "{copy}: run `contoso schemas bindings --lang {lang} --out` once");
            texts.insert(lang, offline);
        }
        assert_eq!(texts.len(), 2);
    })
    .await
    .expect("no panic");
}

/// The typed examples under the strictest checks, and what they say to deliveries.
#[test]
fn the_examples_are_typed_and_read_deliveries() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/typed");
    let out = tempfile::tempdir().expect("a folder");
    let types = javascript::contracts_home().join("node_modules/@types");
    let mut compiler = javascript::compiler();
    compiler.args([
        "--strict",
        "--exactOptionalPropertyTypes",
        "--noUncheckedIndexedAccess",
        "--target",
        "es2022",
        "--module",
        "nodenext",
    ]);
    compiler.args(["--types", "node", "--typeRoots"]).arg(types).arg("--outDir").arg(out.path());
    // As a module, which the folder of the copy says.
    for file in ["events.ts", "price_watch.ts"] {
        fs::copy(examples.join("typescript").join(file), out.path().join(file)).expect("copied");
    }
    fs::write(out.path().join("package.json"), r#"{"type":"module"}"#).expect("written");
    run(compiler.arg(out.path().join("price_watch.ts")));
    let python = examples.join("python");
    run(python::contracts("mypy")
        .args(["--strict", "--no-incremental", "--cache-dir=/dev/null"])
        .current_dir(&python)
        .arg("price_watch.py"));

    let project = Project::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the checkout");
    let sources = Sources::read(&project).expect("the sources");
    let bodies = sources.events.iter().filter(|source| source.is_for_partners()).map(|source| {
        let events = source.valid.iter().map(|example| {
            let data = source.travelling(example).expect("valid");
            json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": source.contract.event_type, "data": data })
        });
        format!("{}\n", events.collect::<Value>())
    });
    let deliveries = format!(
        "{}{{}}\n{}\n",
        bodies.collect::<String>(),
        json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "later" })
    );
    let mut command = python::contracts("python");
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(python.join("price_watch.py"));
    let of_python = python::fed(&mut command, &deliveries);
    let of_typescript = javascript::node(&out.path().join("price_watch.js"), &deliveries);
    assert!(
        of_python.contains("is gone: out of season") && of_python.contains("refused: type: is missing"),
        "{of_python}"
    );
    assert!(of_python.lines().any(|line| line.ends_with("changed") || line.contains("cheaper")), "{of_python}");
    let without_refusals =
        |said: &str| said.lines().filter(|line| !line.starts_with("refused")).collect::<Vec<_>>().join("\n");
    assert_eq!(without_refusals(&of_python), without_refusals(&of_typescript));
}
