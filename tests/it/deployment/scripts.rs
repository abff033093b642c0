//! The scripts of `deploy/`, with stand-ins for the compiler and for Azure's command line.

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, path::Path, process::Command};

use contoso_handlers::events::contracts::{ALL, CLICK_RECORDED};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    checkout, files, run, said,
    stand_ins::{StandIns, azure},
    succeed, text,
};
use crate::support::python;

#[test]
fn scripts_are_clean_and_executable() {
    let scripts = files("deploy", ".sh");
    // As `shellcheck -x` finds the file that all of them source.
    succeed(python::tool("shellcheck").args(["--external-sources", "--source-path"]).arg(checkout("")).args(&scripts));
    for script in scripts.iter().chain(&files("deploy", ".py")) {
        let mode = std::fs::metadata(script).expect("there").permissions().mode() & 0o777;
        let is_sourced = script.ends_with("lib.sh");
        assert_eq!(mode & 0o111 != 0, !is_sourced, "{}: {mode:o}", script.display());
        let first = text(script).lines().next().unwrap_or_default().to_owned();
        assert!(first.starts_with("#!/usr/bin/env ") || is_sourced, "{}: {first}", script.display());
        if script.extension().is_some_and(|ending| ending == "sh") {
            succeed(Command::new("bash").arg("-n").arg(script));
        }
    }
}

/// The compiler ends with 0 where it only warns.
#[test]
fn the_bicep_check_fails_on_a_warning_and_on_a_file_to_format() {
    let sources = TempDir::new().expect("a temporary folder");
    std::fs::create_dir_all(sources.path().join("environments")).expect("created");
    for name in ["main.bicep", "environments/dev.bicepparam", "environments/dev.subscriptions.bicepparam"] {
        std::fs::write(sources.path().join(name), "// as it is formatted\n").expect("written");
    }
    let snapshot = r#"[ "$1" != snapshot ] || echo '{}' > "${2%.bicepparam}.snapshot.json""#;
    let check = |compiler: &str| {
        let programs = StandIns::new().program("bicep", &format!("{snapshot}\n{compiler}"));
        run(programs.script("bicep-check.sh").arg(sources.path()))
    };
    let clean = check("exit 0");
    assert!(clean.status.success(), "{}", said(&clean));

    let warning = "/x/main.bicep(1,7) : Warning no-unused-params: Parameter \"a\" is declared but never used.";
    let warned = check(&format!("case $1 in build | lint) echo '{warning}' >&2 ;; esac"));
    assert!(!warned.status.success(), "{}", said(&warned));
    assert!(said(&warned).contains("1 diagnostics, 0 failed commands"), "{}", said(&warned));

    let failed = check("[ \"$1\" != build-params ]");
    assert!(!failed.status.success() && said(&failed).contains("2 failed commands"), "{}", said(&failed));

    let formatted = check("[ \"$1\" != format ] || echo '// otherwise' > bicep/main.bicep");
    assert!(!formatted.status.success() && said(&formatted).contains("main.bicep"), "{}", said(&formatted));
    assert_eq!(text(&sources.path().join("main.bicep")), "// as it is formatted\n", "sources stay as they are");
}

/// What the gate says to one change: whether it passes, and its words.
fn gate(change: &Value, accepted: &str) -> (bool, String) {
    let folder = TempDir::new().expect("a temporary folder");
    let (changes, allowed) = (folder.path().join("changes.json"), folder.path().join("accepted.txt"));
    std::fs::write(&changes, json!({"status": "Succeeded", "changes": [change]}).to_string()).expect("written");
    std::fs::write(&allowed, accepted).expect("written");
    let output = run(Command::new("python3").arg(checkout("deploy/what-if-gate.py")).args([&changes, &allowed]));
    (output.status.success(), said(&output))
}

#[test]
fn a_plan_that_cannot_be_undone_is_refused() {
    let group = "/subscriptions/0/resourceGroups/rg-contoso-events-dev/providers";
    let container = format!("{group}/Microsoft.DocumentDB/databaseAccounts/a/sqlDatabases/site/containers/products");
    let modify = |resource: &str, delta: Value| json!({"changeType": "Modify", "resourceId": resource, "delta": delta});
    let change = |path: &str| json!([{"path": path, "propertyChangeType": "Modify", "before": 1, "after": 2}]);

    for harmless in [
        json!({"changeType": "Create", "resourceId": container}),
        json!({"changeType": "Ignore", "resourceId": container}),
        modify(&container, change("properties.resource.defaultTtl")),
        modify(&container, json!([{"path": "sku.name", "propertyChangeType": "NoEffect"}])),
    ] {
        let (passes, words) = gate(&harmless, "");
        assert!(passes, "{words}");
    }
    let nested = json!([{"path": "properties", "propertyChangeType": "Modify", "children": [
        {"path": "virtualNetworkSubnetId", "propertyChangeType": "Delete"}]}]);
    let refused = [
        json!({"changeType": "Delete", "resourceId": container}),
        modify(&container, change("properties.resource.partitionKey.paths")),
        modify(&format!("{group}/Microsoft.EventHub/namespaces/n"), change("sku.name")),
        modify(&format!("{group}/Microsoft.Storage/storageAccounts/s"), change("properties.networkAcls.defaultAction")),
        modify(&format!("{group}/Microsoft.Storage/storageAccounts/s"), change("properties.publicNetworkAccess")),
        modify(&format!("{group}/Microsoft.Web/sites/f"), nested),
    ];
    for change in &refused {
        let (passes, words) = gate(change, "");
        assert!(!passes && words.contains("REFUSED"), "{change}: {words}");
    }
    // By name, for review.
    let named = "Delete Microsoft.DocumentDB/databaseAccounts/a/sqlDatabases/site/containers/products";
    let (passes, words) = gate(&refused[0], &format!("# moved\n{named}\n"));
    assert!(passes && words.contains(&format!("accepted: {named}")), "{words}");

    let nothing = run(Command::new("python3").arg(checkout("deploy/what-if-gate.py")).arg(checkout("host.json")));
    assert!(!nothing.status.success(), "no plan is no reason to go on: {}", said(&nothing));
}

/// A registry that holds these versions of clicks and nothing else, and takes every schema.
fn registry(clicks: &[&str]) -> StandIns {
    let list: Vec<usize> = (1..=clicks.len()).collect();
    let programs = azure(&[
        ("properties.outputs.eventHubsNamespace.value", "ns.servicebus.windows.net"),
        ("properties.outputs.schemaGroup.value", "contoso"),
    ]);
    for (number, text) in list.iter().zip(clicks) {
        std::fs::write(programs.file(&format!("version-{number}")), text).expect("written");
    }
    std::fs::write(programs.file("versions"), json!({ "schemaVersions": list }).to_string()).expect("written");
    let program = r#"here=$(dirname "$0"); echo "$*" >> "$here/all"; put=; out=/dev/null
        while [ $# -gt 1 ]; do
            case $1 in --output) out=$2 ;; --request) [ "$2" != PUT ] || put=1 ;; esac
            shift
        done
        case $1 in
        *ClickRecorded/versions\?*) file=versions ;;
        *ClickRecorded/versions/*) file=${1##*/versions/} file=version-${file%%\?*} ;;
        *) file= ;;
        esac
        if [ -n "$put" ]; then echo "$1" >> "$here/put"; printf 204
        elif [ -n "$file" ] && [ -s "$here/version-1" ]; then cp "$here/$file" "$out"; printf 200
        else printf 404; fi"#;
    programs.program("curl", program)
}

#[test]
fn every_contract_is_registered_by_its_name() {
    let programs = registry(&[]);
    succeed(programs.script("register-schemas.sh").arg("dev"));
    let put: BTreeSet<_> = text(&programs.file("put")).lines().map(str::to_owned).collect();
    let wanted: BTreeSet<_> = ALL
        .iter()
        .map(|contract| {
            let path = format!("$schemaGroups/contoso/schemas/{}", contract.name);
            format!("https://ns.servicebus.windows.net/{path}?api-version=2023-07-01")
        })
        .collect();
    assert_eq!(put, wanted);
    assert!(!text(&programs.file("all")).contains("a-token"), "a list of processes would show the token");
}

/// The checker's word decides about versions that nobody stored; nothing is registered before.
#[test]
fn versions_that_only_the_registry_holds_are_compared_before() {
    let strange = CLICK_RECORDED.schema.replace("sessionId", "session");
    for (held, verdict, registers) in [
        (CLICK_RECORDED.schema, "exit 9", true),
        (strange.as_str(), "exit 0", true),
        (strange.as_str(), "echo \"$*\" >&2; exit 1", false),
    ] {
        let programs = registry(&[held]).program("contoso", verdict);
        let mut script = programs.script("register-schemas.sh");
        let ran = run(script.arg("dev").env("CONTOSO_COMMAND", programs.file("contoso")));
        assert_eq!(ran.status.success(), registers, "{held} {verdict}: {}", said(&ran));
        assert_eq!(programs.file("put").exists(), registers);
        if !registers {
            let words = said(&ran);
            assert!(words.contains("breaks readers of version 1") && words.contains("schemas check --old"), "{words}");
        }
    }
}

#[test]
fn the_package_goes_to_every_app_and_the_pages_to_the_site() {
    let programs = azure(&[
        ("properties.outputs.resourceGroupName.value", "rg"),
        ("properties.outputs.apps.value[].functionApp", "func-one\nfunc-two"),
        ("hostName", "func-one.azurewebsites.net"),
        ("properties.outputs.webAccountName.value", "stweb"),
        ("properties.outputs.webOrigin.value", "https://stweb.z1.web.core.windows.net"),
    ]);
    let package = programs.file("app.zip");
    std::fs::write(&package, "a package").expect("written");
    succeed(programs.script("app.sh").arg("dev").arg(&package));
    succeed(programs.script("web.sh").arg("dev"));
    let asked = text(&programs.file("asked"));
    for app in ["func-one", "func-two"] {
        let wanted = format!(
            "functionapp deployment source config-zip --resource-group rg --name {app} --src {}",
            package.display()
        );
        assert!(asked.contains(&wanted), "{asked}");
    }
    assert!(
        asked.contains("storage blob upload-batch --auth-mode login --account-name stweb --destination $web"),
        "{asked}"
    );

    let count = succeed(programs.script("apps.sh").arg("dev"));
    assert_eq!(count, "count=2\nfirst=func-one\n");
    let none = run(programs.script("app.sh").arg("dev").arg("/nowhere/app.zip"));
    assert!(!none.status.success() && said(&none).contains("contoso package --azure"), "{}", said(&none));
    let unsaid = run(&mut programs.script("app.sh"));
    assert!(!unsaid.status.success() && said(&unsaid).contains("say the stage"), "{}", said(&unsaid));
}

/// azd reads one file of parameters, beside the template.
#[test]
fn azd_gets_the_parameters_of_its_stage() {
    let programs = azure(&[("ad signed-in-user show", "a-person")]);
    let parameters = |deployer: &str| {
        let file = programs.file("main.bicepparam");
        let mut script = programs.script("azd-parameters.sh");
        succeed(
            script.env("AZURE_LOCATION", "northeurope").env("CONTOSO_DEPLOYER_ID", deployer).arg("test").arg(&file),
        );
        text(&file)
    };
    let of_a_person = parameters("");
    for line in [
        "using 'main.bicep'",
        "param environmentName = 'test'",
        "param location = 'northeurope'",
        "param deployerPrincipalId = 'a-person'",
        "param deployerPrincipalType = 'User'",
    ] {
        assert!(of_a_person.lines().any(|found| found == line), "{line}: {of_a_person}");
    }
    let of_a_pipeline = parameters("a-pipeline");
    assert!(of_a_pipeline.contains("param deployerPrincipalId = 'a-pipeline'\n"), "{of_a_pipeline}");
    assert!(of_a_pipeline.contains("param deployerPrincipalType = 'ServicePrincipal'\n"), "{of_a_pipeline}");
    let lines = |content: &str| content.lines().count();
    assert_eq!(lines(&of_a_person), lines(&text(&checkout("bicep/environments/test.bicepparam"))));
}

#[test]
fn notes_of_a_release_are_its_section_of_the_changelog() {
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("deploy")).expect("created");
    for script in ["lib.sh", "release-notes.sh"] {
        std::fs::copy(checkout("deploy").join(script), folder.path().join("deploy").join(script)).expect("copied");
    }
    let changelog =
        "# Changelog\n\n## Unreleased\n\nsoon\n\n## 1.2.0 (2026-12-01)\n\n### Mended\n\n- this\n\n## 1.1.0\n\n- that\n";
    std::fs::write(folder.path().join("CHANGELOG.md"), changelog).expect("written");
    let notes =
        |version: &str| run(Command::new(Path::new(folder.path()).join("deploy/release-notes.sh")).arg(version));
    let printed = said(&notes("v1.2.0"));
    assert_eq!(printed.trim(), "### Mended\n\n- this");
    for unknown in ["v1.2", "v2.0.0"] {
        assert!(!notes(unknown).status.success(), "{unknown}: {}", said(&notes(unknown)));
    }
}

/// Runs of pull requests, of strangers among them, keep artifacts too.
#[test]
fn rolling_back_takes_a_package_of_main_only() {
    let roll_back = |origin: &str, number: &str| {
        let programs = azure(&[
            ("properties.outputs.resourceGroupName.value", "rg"),
            ("properties.outputs.apps.value[].functionApp", "func-one"),
        ])
        .program(
            "gh",
            &format!(
                "case \"$*\" in *'run list'*) echo 41 ;; *'run view'*) echo '{origin}' ;;\n*'run download'*)\n\
                 for last; do :; done\ncd \"$last\" && echo package > app.zip && sha256sum app.zip > app.zip.sha256 ;;\nesac"
            ),
        );
        run(programs.script("roll-back.sh").args(["dev", number]))
    };
    for (origin, number, wanted) in [("Deploy main push", "", "41"), ("Deploy main workflow_dispatch", "7", "7")] {
        let output = roll_back(origin, number);
        let words = said(&output);
        assert!(output.status.success() && words.contains(&format!("the package of run {wanted}\n")), "{words}");
    }
    for origin in ["Pull request main pull_request", "Deploy main pull_request", "Deploy a-branch push"] {
        let output = roll_back(origin, "7");
        assert!(!output.status.success() && said(&output).contains("no run of deploy.yml"), "{}", said(&output));
    }
    let option = roll_back("Deploy main push", "--repo=somebody/else");
    assert!(!option.status.success() && said(&option).contains("no number"), "{}", said(&option));
}

#[test]
fn a_pull_request_says_what_would_become_of_each_environment() {
    let folders = TempDir::new().expect("a temporary folder");
    let resource = |name: &str, sku: &str| {
        let id = format!("/subscriptions/0/resourceGroups/rg/providers/Microsoft.EventHub/namespaces/{name}");
        json!({"id": id, "sku": {"name": sku}})
    };
    for (folder, resources) in [
        ("before", json!([resource("kept", "Standard"), resource("old", "Standard")])),
        ("after", json!([resource("kept", "Premium"), resource("added", "Standard")])),
    ] {
        let folder = folders.path().join(folder);
        std::fs::create_dir(&folder).expect("created");
        let snapshot = json!({"predictedResources": resources}).to_string();
        std::fs::write(folder.join("dev.snapshot.json"), snapshot).expect("written");
    }
    let changes = |before: &str, after: &str| {
        let mut script = Command::new("python3");
        script.arg(checkout("deploy/snapshot-changes.py"));
        run(script.arg(folders.path().join(before)).arg(folders.path().join(after)))
    };
    let words = said(&changes("before", "after"));
    for line in [
        "### dev",
        "- gone: `Microsoft.EventHub/namespaces/old`",
        "- new: `Microsoft.EventHub/namespaces/added`",
        "- other: `Microsoft.EventHub/namespaces/kept`",
        "  - `sku.name`: `\"Standard\"`, now `\"Premium\"`",
    ] {
        assert!(words.lines().any(|found| found == line), "{line}: {words}");
    }
    assert!(said(&changes("after", "after")).contains("Nothing changes."));
    assert!(!changes("nowhere", "nowhere").status.success(), "no snapshots are no answer");
}
