//! Packaging the definitions of this checkout, as they are and broken, with a stand-in for the handler.

use std::{io::Read, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::output;

/// A copy of this checkout's definitions, to break at will.
struct Checkout {
    directory: TempDir,
    project: Project,
}

impl Checkout {
    fn new() -> Self {
        let real = Project::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("this checkout");
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        std::fs::copy(real.host_json(), root.join("host.json")).expect("host.json");
        let settings = r#"{"Values":{"SSL_CERT_FILE":"/absolute/path/of/.contoso/ca.pem"}}"#;
        std::fs::write(root.join("local.settings.json.example"), settings).expect("written");
        std::fs::write(root.join("built"), "\x7fELF stand-in").expect("written");
        for function in registry::functions() {
            let folder = root.join("function-definitions").join(function.name);
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::copy(real.definitions().join(function.name).join("function.json"), folder.join("function.json"))
                .expect("a definition");
        }
        let project = Project::find(root).expect("a checkout");
        Self { directory, project }
    }

    fn request(&self) -> Request {
        Request {
            functions: Vec::new(),
            changes: Vec::new(),
            handler: self.directory.path().join("built"),
            out: self.directory.path().join("target/app"),
        }
    }

    fn definition(&self, function: &str) -> PathBuf {
        self.project.definitions().join(function).join("function.json")
    }

    /// Rewrites a definition, then says in one line why it is refused.
    fn refusal(&self, function: &str, change: impl FnOnce(&mut Value)) -> String {
        let file = self.definition(function);
        let mut content = json_of(&file);
        change(&mut content);
        std::fs::write(&file, content.to_string()).expect("written");
        self.staging_refusal(&self.request())
    }

    fn staging_refusal(&self, request: &Request) -> String {
        let line = output::chain(&stage(&self.project, request).expect_err("refused"));
        assert!(!line.contains('\n') && !request.out.exists(), "{line}");
        line
    }
}

fn json_of(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).expect("readable")).expect("JSON")
}

fn some_stream() -> &'static str {
    let stream = |function: &Function| matches!(function.trigger, contoso_handlers::function::Trigger::EventHub { .. });
    registry::functions().into_iter().find(stream).expect("a function with an Event Hubs trigger").name
}

#[test]
fn the_staged_app_is_what_the_host_and_core_tools_look_for() {
    let checkout = Checkout::new();
    let staged = stage(&checkout.project, &checkout.request()).expect("staged");
    let app = staged.directory();
    let host = json_of(&app.join("host.json"));
    assert_eq!(host["extensionBundle"]["version"], "[4.28.0, 5.0.0)");
    let handler = host["customHandler"]["description"]["defaultExecutablePath"].clone();
    assert!(app.join(handler.as_str().expect("a name")).is_file());
    let settings = std::fs::read_to_string(app.join("local.settings.json")).expect("staged");
    let authority =
        format!("{}/.contoso/ca.pem", std::path::absolute(checkout.project.root()).expect("a path").display());
    assert!(settings.contains(&authority), "{settings}");
    assert_eq!(staged.functions().len(), registry::functions().len());
    for function in staged.functions() {
        assert_eq!(json_of(&app.join(function).join("function.json")), json_of(&checkout.definition(function)));
    }
}

#[test]
fn a_part_replaces_the_whole_and_leaves_other_files_alone() {
    let checkout = Checkout::new();
    stage(&checkout.project, &checkout.request()).expect("staged");
    let own = checkout.directory.path().join("target/app/notes.txt");
    std::fs::write(&own, "mine").expect("written");
    let one = some_stream();
    let staged =
        stage(&checkout.project, &Request { functions: vec![one.to_owned()], ..checkout.request() }).expect("staged");
    let folders: Vec<_> = std::fs::read_dir(staged.directory())
        .expect("readable")
        .map(|entry| entry.expect("readable"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(folders, [one]);
    assert!(own.is_file());
}

#[test]
fn the_zip_runs_its_handler_and_is_the_same_each_time() {
    let checkout = Checkout::new();
    let staged = stage(&checkout.project, &checkout.request()).expect("staged");
    let first = std::fs::read(staged.zip().expect("zipped")).expect("readable");
    assert_eq!(std::fs::read(staged.zip().expect("zipped")).expect("readable"), first);
    // Staged again, elsewhere and at another time.
    let request = Request { out: checkout.directory.path().join("elsewhere"), ..checkout.request() };
    let again = stage(&checkout.project, &request).expect("staged");
    assert_eq!(std::fs::read(again.zip().expect("zipped")).expect("readable"), first);

    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(first)).expect("a zip");
    let mut executable = Vec::new();
    for index in 0..zip.len() {
        let entry = zip.by_index(index).expect("an entry");
        // As the central directory has it, which is what hosts and tools read.
        let mode = entry.unix_mode().expect("a mode") & 0o777;
        assert!(mode == 0o755 || mode == 0o644, "{} has {mode:o}", entry.name());
        if mode == 0o755 {
            executable.push(PathBuf::from(entry.name()));
        }
        assert_ne!(entry.name(), "local.settings.json", "settings of one machine are not deployed");
    }
    assert_eq!(executable, std::slice::from_ref(&staged.handler));
    let mut content = String::new();
    zip.by_name(&executable[0].to_string_lossy()).expect("the handler").read_to_string(&mut content).expect("text");
    assert_eq!(content, "\x7fELF stand-in");
}

#[test]
fn a_change_is_made_in_the_staged_copy_only() {
    let checkout = Checkout::new();
    let stream = some_stream();
    let change: Change = format!("{stream}.connection=Elsewhere").parse().expect("a change");
    let staged = stage(&checkout.project, &Request { changes: vec![change], ..checkout.request() }).expect("staged");
    assert_eq!(
        json_of(&staged.directory().join(stream).join("function.json"))["bindings"][0]["connection"],
        "Elsewhere"
    );
    assert_ne!(json_of(&checkout.definition(stream))["bindings"][0]["connection"], "Elsewhere");

    for (change, reason) in [
        (format!("{stream}.conection=x"), "eventHubTrigger has no property conection"),
        (format!("{stream}.eventHubName=other"), "eventHubName is \"other\", but"),
        (format!("{stream}.cardinality=one"), "eventHubTrigger.cardinality is \"one\", not many"),
        ("Nobody.connection=x".to_owned(), "the function Nobody is not packaged"),
    ] {
        let checkout = Checkout::new();
        let request = Request { changes: vec![change.parse().expect("a change")], ..checkout.request() };
        let line = checkout.staging_refusal(&request);
        assert!(line.starts_with(&format!("--set {change}: {reason}")), "{line}");
    }
}

#[test]
fn a_bad_definition_stops_with_one_line_that_names_it() {
    let stream = some_stream();
    type Break = fn(&mut Value);
    let cases: [(Break, &str); 7] = [
        (|it| it["bindings"][0]["type"] = json!("timerTrigger"), "timerTrigger.schedule is missing"),
        (|it| it["bindings"][0]["type"] = json!("kafkaTrigger"), "a binding of type \"kafkaTrigger\""),
        (|it| it["bindings"][0]["eventHubsName"] = json!("x"), "unknown property eventHubTrigger.eventHubsName"),
        (|it| it["retry"] = json!(null), "retry.maxRetryCount must be -1"),
        (|it| it["retry"]["maxRetryCount"] = json!(5), "retry.maxRetryCount must be -1"),
        (|it| it["bindings"] = json!([]), "0 triggers"),
        (|it| it["binding"] = json!([]), "unknown property binding"),
    ];
    for (change, reason) in cases {
        let checkout = Checkout::new();
        let line = checkout.refusal(stream, change);
        let file = checkout.definition(stream).display().to_string();
        assert!(line.starts_with(&format!("{file}: {reason}")), "{line}");
    }
    let checkout = Checkout::new();
    std::fs::write(checkout.definition(stream), "{").expect("written");
    let line = checkout.staging_refusal(&checkout.request());
    assert!(line.contains(&format!("{stream}/function.json: EOF")), "{line}");
}

#[test]
fn names_must_agree() {
    let checkout = Checkout::new();
    let line = checkout.staging_refusal(&Request { functions: vec!["Nobody".to_owned()], ..checkout.request() });
    assert!(line.starts_with("--functions Nobody: no such function; there are "), "{line}");

    let stray = checkout.definition("Stray");
    std::fs::create_dir_all(stray.parent().expect("a folder")).expect("created");
    std::fs::write(&stray, "{}").expect("written");
    let line = checkout.staging_refusal(&checkout.request());
    assert!(line.starts_with(&format!("{}: no function Stray", stray.display())), "{line}");
}

#[test]
fn the_checkout_itself_is_no_target() {
    let checkout = Checkout::new();
    let request = Request { out: checkout.directory.path().to_owned(), ..checkout.request() };
    assert!(matches!(stage(&checkout.project, &request), Err(PackageError::Out { .. })));
}
