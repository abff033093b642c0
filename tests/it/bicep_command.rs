//! `contoso bicep check` and `format` on copies of the templates, as people run them.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use tempfile::TempDir;

use crate::support::contoso;

/// What the templates are compared with.
const BESIDE: [&str; 5] = ["bicep", "function-definitions", "host.json", "settings.json", "topology.json"];

#[test]
fn check_says_what_is_wrong_and_format_puts_right_what_it_can() {
    let copy = Copy::new();
    let sound = copy.bicep(&["check"]);
    assert!(sound.status.success() && sound.stdout.is_empty(), "{sound:?}");
    let said = String::from_utf8_lossy(&sound.stderr);
    assert!(said.contains("\n0 findings") && said.contains("types were not checked"), "{said}");

    copy.change("modules/storage.bicep", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion:   'TLS1_2'");
    copy.change("modules/web.bicep", "param sku ", "param unused string = ''\nparam sku ");
    copy.change("modules/functionApp.bicep", "    Site__origins: origins\n", "");
    copy.change("topology.json", "\"products\"", "\"wares\"");
    let worse = copy.bicep(&["check"]);
    assert_eq!(worse.status.code(), Some(1), "{worse:?}");
    let lines = String::from_utf8_lossy(&worse.stdout).into_owned();
    for (what, link) in [
        ("bicep/modules/storage.bicep : is not as the formatter writes it", ""),
        (" : Error no-unused-params: ", "[https://aka.ms/bicep/linter-diagnostics#no-unused-params]"),
        ("bicep/modules/functionApp.bicep(", "/appsettings: lacks Site__origins [dev, prod, test]"),
        ("bicep/topology.json : is not that of topology.json", ""),
    ] {
        let found = lines.lines().any(|line| line.contains(what) && line.ends_with(link));
        assert!(found, "no line with {what}…{link}:\n{lines}");
    }

    copy.change("modules/web.bicep", "sku: { name: sku }", "sku: { name: skew }");
    let undefined = copy.bicep(&["check"]);
    let lines = String::from_utf8_lossy(&undefined.stdout).into_owned();
    let is_it = |line: &str| line.starts_with("bicep/modules/web.bicep(") && line.ends_with("core-diagnostics#BCP057]");
    assert!(lines.lines().any(is_it), "{lines}");

    let unformatted = copy.bicep(&["format", "--check"]);
    assert_eq!(unformatted.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&unformatted.stdout), "bicep/modules/storage.bicep\n");
    assert!(copy.bicep(&["format"]).status.success());
    assert!(copy.bicep(&["format", "--check"]).status.success());
}

#[test]
fn check_says_what_azure_would_not_change_of_another_commit() {
    let (before, after) = (Copy::new(), Copy::new());
    let folder = before.folder.path().join("bicep");
    let arguments = ["check", "--before", folder.to_str().expect("text")];
    let same = after.bicep(&arguments);
    assert!(same.status.success() && same.stdout.is_empty(), "{same:?}");

    before.change("modules/eventHubs.bicep", "tier: 'Standard'", "tier: 'Basic'");
    let other = after.bicep(&arguments);
    assert_eq!(other.status.code(), Some(1), "{other:?}");
    let lines = String::from_utf8_lossy(&other.stdout).into_owned();
    let is_it = |line: &str| {
        line.starts_with("bicep/modules/eventHubs.bicep(")
            && line.contains(" : Error one-way: namespaces ")
            && line.ends_with(": /sku/tier was \"Basic\" and cannot become \"Standard\" [dev, prod, test]")
    };
    assert!(lines.lines().count() == 1 && lines.lines().all(is_it), "{lines}");

    let nowhere = after.bicep(&["check", "--before", "nowhere"]);
    assert!(!nowhere.status.success(), "{nowhere:?}");
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("cannot compare with nowhere"), "{nowhere:?}");
}

/// A part of the checkout, to be changed.
struct Copy {
    folder: TempDir,
}

impl Copy {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for name in BESIDE {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
            copy(&from, &folder.path().join(name));
        }
        Self { folder }
    }

    fn change(&self, file: &str, what: &str, instead: &str) {
        let file: PathBuf = self.folder.path().join("bicep").join(file);
        let text = std::fs::read_to_string(&file).expect("readable");
        assert!(text.contains(what), "{}: {what}", file.display());
        std::fs::write(&file, text.replacen(what, instead, 1)).expect("written");
    }

    fn bicep(&self, arguments: &[&str]) -> Output {
        contoso().arg("--project").arg(self.folder.path()).arg("bicep").args(arguments).output().expect("it starts")
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        std::fs::copy(from, to).expect("copied");
        return;
    }
    std::fs::create_dir(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        copy(&from.join(&name), &to.join(&name));
    }
}
