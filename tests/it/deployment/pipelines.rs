//! Workflows and pipelines: what zizmor finds in them, and rules of ours that it does not know.

use std::{collections::BTreeSet, path::PathBuf};

use super::{checkout, files, run, said, succeed, text};
use crate::support::python;

/// All that is run by somebody else's machine.
fn pipelines() -> Vec<PathBuf> {
    let mut all = files(".github/workflows", ".yml");
    all.extend(files("deploy/azure-pipelines", ".yml"));
    all.extend(["azure-pipelines.yml", "azure.yaml"].map(checkout));
    all
}

fn zizmor() -> std::process::Command {
    let mut zizmor = python::tool("zizmor");
    zizmor.args(["--offline", "--no-progress", "--no-ignores", "--strict-collection"]);
    zizmor
}

#[test]
fn zizmor_finds_nothing_and_would_find_something() {
    succeed(zizmor().arg("."));

    let planted = tempfile::TempDir::new().expect("a temporary folder");
    let folder = planted.path().join(".github/workflows");
    std::fs::create_dir_all(&folder).expect("created");
    let workflow = text(&checkout(".github/workflows/pull-request.yml"));
    for (name, what, instead) in [
        ("an injection", "deploy/bicep-check.sh\n", "echo ${{ github.event.pull_request.title }}\n"),
        (
            "an action that is not pinned",
            "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 #",
            "actions/checkout@v7 #",
        ),
        ("a token that may write", "\n  contents: read\n", "\n  contents: write\n"),
    ] {
        assert!(workflow.contains(what), "{what}");
        std::fs::write(folder.join("planted.yml"), workflow.replacen(what, instead, 1)).expect("written");
        let output = run(zizmor().arg(planted.path()));
        assert!(!output.status.success(), "{name}: {}", said(&output));
    }
}

#[test]
fn workflows_are_given_little_and_say_who_their_actions_are() {
    for file in files(".github/workflows", ".yml") {
        let (workflow, name) = (text(&file), file.display());
        assert!(workflow.contains("\npermissions:\n  contents: read\n"), "{name}: permissions at the top");
        assert!(!workflow.contains("secrets."), "{name}: signing in is by OpenID Connect, there is no secret");
        for line in workflow.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: ")) {
            let pinned = line.split_once('@').is_some_and(|(_, version)| {
                let (commit, comment) = version.split_once(" # v").unwrap_or_default();
                commit.len() == 40 && commit.chars().all(|digit| digit.is_ascii_hexdigit()) && !comment.is_empty()
            });
            assert!(pinned || line.starts_with("$/"), "{name}: {line}: a commit, and its version as a comment");
        }
    }
    // The subject of a token is its job's environment, so every job that signs in has one.
    let deployment = text(&checkout(".github/workflows/deploy-environment.yml"));
    assert_eq!(deployment.matches("azure/login@").count(), deployment.matches("\n    environment: ").count());
    assert!(deployment.contains("group: deploy-${{ inputs.environment }}"), "one deployment at a time");
}

/// What loses the executable bit, or is refused by Flex Consumption.
#[test]
fn the_package_is_handed_over_as_it_is() {
    let mut all = pipelines();
    all.extend(files("deploy", ".sh"));
    for file in all {
        let (content, name) = (text(&file), file.display());
        for (refused, reason) in [
            ("az functionapp deploy ", "not available on Flex Consumption; config-zip is"),
            ("unzip", "a package that is unpacked may lose the executable bit"),
            ("extract", "a package that is unpacked may lose the executable bit"),
            ("publish-profile", "a profile is a secret"),
            ("scm-do-build-during-deployment", "Flex Consumption refuses it"),
            ("enable-oryx-build", "Flex Consumption refuses it"),
        ] {
            let commands = content.lines().filter(|line| !line.trim_start().starts_with('#'));
            let mut lines = commands.filter(|line| line.contains(refused));
            assert_eq!(lines.next(), None, "{name}: {reason}");
        }
    }
    for file in [".github/workflows/deploy.yml", "azure-pipelines.yml", "azure.yaml"] {
        assert!(text(&checkout(file)).contains("contoso package --azure"), "{file}");
    }
}

/// A script that nobody runs, or that is run and not there.
#[test]
fn every_script_is_there_and_run_by_somebody() {
    let mut all = pipelines();
    all.extend(files("deploy", ".sh"));
    all.extend(files("deploy", ".py"));
    all.push(checkout("docs/deploy.md"));
    let mut mentioned = BTreeSet::new();
    for file in &all {
        let content = text(file);
        for (at, _) in content.match_indices("deploy/") {
            let name: String =
                content[at + 7..].chars().take_while(|c| c.is_alphanumeric() || "-./".contains(*c)).collect();
            if name.ends_with(".sh") || name.ends_with(".py") || name.ends_with(".yml") {
                mentioned.insert(checkout("deploy").join(name));
            }
        }
    }
    let missing: Vec<_> = mentioned.iter().filter(|file| !file.is_file()).collect();
    assert!(missing.is_empty(), "not there: {missing:?}");
    let mut scripts = files("deploy", ".sh");
    scripts.extend(files("deploy", ".py"));
    scripts.retain(|script| !mentioned.contains(script));
    assert!(scripts.is_empty(), "run by nobody: {scripts:?}");
}
