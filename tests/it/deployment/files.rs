//! Files that other tools read, against their JSON schemas.

use std::path::{Path, PathBuf};

use super::{checkout, files, succeed, text};
use crate::support::{data, python};

/// Checks files against a schema, which `with` names.
fn is_valid(with: &[&str], files: &[PathBuf]) {
    assert!(!files.is_empty(), "{with:?}: no files");
    succeed(python::tool("check-jsonschema").args(with).args(files));
}

#[test]
fn workflows_pipelines_and_dependabot_keep_to_their_schemas() {
    is_valid(&["--builtin-schema", "vendor.github-workflows"], &files(".github/workflows", ".yml"));
    is_valid(&["--builtin-schema", "vendor.dependabot"], &[checkout(".github/dependabot.yml")]);
    let mut pipelines = files("deploy/azure-pipelines", ".yml");
    pipelines.push(checkout("azure-pipelines.yml"));
    // Its patterns are not Unicode's.
    is_valid(&["--builtin-schema", "vendor.azure-pipelines", "--regex-variant", "nonunicode"], &pipelines);
}

/// The published schema refuses valid bindings; this one also refuses what the host ignores in silence.
#[test]
fn function_definitions_keep_to_the_strict_schema() {
    let folders = std::fs::read_dir(checkout("function-definitions")).expect("definitions");
    let definitions: Vec<_> = folders.map(|folder| folder.expect("an entry").path().join("function.json")).collect();
    let schema = checkout("tests/tools/function.strict.json");
    is_valid(&["--schemafile", &schema.display().to_string()], &definitions);
}

#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn files_of_host_and_azd_keep_to_the_published_schemas() {
    let schema = |name: &str| data::real("json-schemas").join(name).display().to_string();
    is_valid(&["--schemafile", &schema("azure.yaml.json")], &[checkout("azure.yaml")]);
    is_valid(&["--schemafile", &schema("host.json")], &[checkout("host.json")]);
    let settings = checkout("local.settings.json.example");
    is_valid(&["--schemafile", &schema("local.settings.json"), "--default-filetype", "json"], &[settings]);
}

/// The compiler that pipelines install is the one that developers have: other releases have other rules.
#[test]
fn the_compiler_has_one_version() {
    let version = |file: &str, before: &str| {
        let text = text(&checkout(file));
        let after = text.split_once(before).unwrap_or_else(|| panic!("{file}: {before}")).1;
        after.chars().take_while(|letter| letter.is_ascii_digit() || *letter == '.').collect::<String>()
    };
    let installed = version("deploy/install-bicep.sh", "\nversion=");
    assert_eq!(version(".devcontainer/devcontainer.json", "\"bicepVersion\": \"v"), installed);
    assert_eq!(installed.split('.').count(), 3, "{installed}");
    let container: serde_json::Value =
        serde_json::from_str(&text(Path::new(&checkout(".devcontainer/devcontainer.json")))).expect("JSON");
    assert_eq!(container["postCreateCommand"], "./contoso setup");
}
