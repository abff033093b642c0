//! What the command line and the host refuse, and how.

use std::process::Output;

use crate::support::{contoso, package, staged_app};

fn up(app: &std::path::Path) -> Output {
    let data = tempfile::TempDir::new().expect("a temporary folder");
    contoso()
        .args(["up", "--ports", "auto", "--no-catalogue", "--app"])
        .arg(app)
        .arg("--data-dir")
        .arg(data.path())
        .output()
        .expect("contoso runs")
}

fn last_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned()
}

/// A copy of the shared app to break.
fn copy_of_the_app() -> tempfile::TempDir {
    let copy = tempfile::TempDir::new().expect("a temporary folder");
    let status = std::process::Command::new("cp")
        .arg("-a")
        .arg(staged_app().join("."))
        .arg(copy.path())
        .status()
        .expect("cp runs");
    assert!(status.success());
    copy
}

#[test]
fn a_function_that_the_handler_does_not_know_is_named_with_its_file() {
    let app = copy_of_the_app();
    std::fs::create_dir(app.path().join("Prodcuts")).expect("a folder");
    std::fs::copy(app.path().join("SiteApi/function.json"), app.path().join("Prodcuts/function.json")).expect("a copy");
    let output = up(app.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    assert!(said.starts_with("error: ") && said.contains("Prodcuts/function.json"), "{said}");
}

#[test]
fn a_bad_function_json_is_named() {
    for (name, text) in [
        ("not JSON", "{"),
        ("no trigger", r#"{"bindings": []}"#),
        ("an unknown trigger", r#"{"bindings": [{"type": "pigeonTrigger", "direction": "in", "name": "bird"}]}"#),
    ] {
        let app = copy_of_the_app();
        std::fs::write(app.path().join("SiteApi/function.json"), text).expect("written");
        let output = up(app.path());
        assert_eq!(output.status.code(), Some(1), "{name}: {output:?}");
        let line = last_line(&output);
        assert!(line.starts_with("error: ") && line.contains("SiteApi/function.json"), "{name}: {line}");
    }
}

#[test]
fn packaging_stages_a_part_and_refuses_unknown_names() {
    let part = package(&["--functions", "SiteApi,Products"]);
    let mut folders: Vec<String> = std::fs::read_dir(part.path())
        .expect("a folder")
        .filter_map(|entry| {
            let entry = entry.ok()?;
            entry.path().join("function.json").exists().then(|| entry.file_name().to_string_lossy().into_owned())
        })
        .collect();
    folders.sort();
    assert_eq!(folders, ["Products", "SiteApi"]);

    let output = contoso().args(["package", "--functions", "SiteAp"]).output().expect("contoso runs");
    assert!(!output.status.success());
    assert!(last_line(&output).contains("SiteAp"), "{}", last_line(&output));
}
