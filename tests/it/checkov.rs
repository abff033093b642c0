//! checkov's rules for Azure, over the plain form of `bicep/` as production has it: its own parser reads none of the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use contoso_bicep::plain::{Context, plain, resources};
use serde_json::Value;

use crate::support::python;

/// Files that checkov cannot read even so, each with its reason; `contoso_bicep::policy` must cover what is in them.
const UNREAD: [(&str, &str); 0] = [];

/// Findings that stay: rule, resource, and why.
const SKIPPED: [(&str, &str, &str); 18] = [
    (
        "CKV_AZURE_13",
        "modules/functionApp.bicep:Microsoft.Web/sites/config.settings",
        "a rule for the site's own properties, asked of its app settings; shoppers and browsers call without an account",
    ),
    (
        "CKV_AZURE_17",
        "modules/functionApp.bicep:Microsoft.Web/sites.site",
        "browsers of shoppers have no client certificates",
    ),
    (
        "CKV_AZURE_212",
        "modules/functionApp.bicep:Microsoft.Web/sites.site",
        "Flex Consumption has no number of workers; instances that are kept ready are alwaysReady",
    ),
    (
        "CKV_AZURE_213",
        "modules/functionApp.bicep:Microsoft.Web/sites.site",
        "Flex Consumption watches instances itself; an alert watches the heartbeat",
    ),
    (
        "CKV_AZURE_222",
        "modules/functionApp.bicep:Microsoft.Web/sites.site",
        "shoppers and Event Grid come by the public address; with private networking a list says who may call",
    ),
    (
        "CKV_AZURE_222",
        "modules/functionApp.bicep:Microsoft.Web/sites/config.settings",
        "a rule for the site's own properties, asked of its app settings",
    ),
    (
        "CKV_AZURE_35",
        "modules/web.bicep:Microsoft.Storage/storageAccounts.account",
        "the static site is public by nature, and the account has nothing else",
    ),
    (
        "CKV_AZURE_43",
        "modules/storage.bicep:Microsoft.Storage/storageAccounts.account",
        "Azure computes the name (uniqueString); that it fits is a rule of contoso_bicep::policy",
    ),
    (
        "CKV_AZURE_43",
        "modules/web.bicep:Microsoft.Storage/storageAccounts.account",
        "Azure computes the name (uniqueString); that it fits is a rule of contoso_bicep::policy",
    ),
    (
        "CKV_AZURE_59",
        "modules/storage.bicep:Microsoft.Storage/storageAccounts.account",
        "Capture and the dead letters of Event Grid come as trusted services by the public address; all others are denied",
    ),
    (
        "CKV_AZURE_59",
        "modules/web.bicep:Microsoft.Storage/storageAccounts.account",
        "the static site is public by nature, and the account has nothing else",
    ),
    (
        "CKV_AZURE_63",
        "modules/functionApp.bicep:Microsoft.Web/sites/config.settings",
        "logs of a web server that Flex Consumption does not have; telemetry goes to Application Insights",
    ),
    (
        "CKV_AZURE_65",
        "modules/functionApp.bicep:Microsoft.Web/sites/config.settings",
        "error pages of a web server that Flex Consumption does not have",
    ),
    (
        "CKV_AZURE_66",
        "modules/functionApp.bicep:Microsoft.Web/sites/config.settings",
        "traces of a web server that Flex Consumption does not have; telemetry goes to Application Insights",
    ),
    (
        "CKV_AZURE_78",
        "modules/functionApp.bicep:Microsoft.Web/sites.site",
        "Flex Consumption has no FTP, and refuses a site that sets ftpsState",
    ),
    (
        "CKV_AZURE_80",
        "modules/functionApp.bicep:Microsoft.Web/sites/config.settings",
        "the handler is not written in .NET",
    ),
    (
        "CKV_AZURE_88",
        "modules/functionApp.bicep:Microsoft.Web/sites/config.settings",
        "the package lies in a blob container that the app's identity reads; file shares would need the account's key",
    ),
    (
        "CKV_AZURE_99",
        "modules/cosmos.bicep:Microsoft.DocumentDB/databaseAccounts.account",
        "one region writes, and the account is closed to the public network, which CKV_AZURE_101 asks for",
    ),
];

#[test]
fn checkov_reads_every_file_and_finds_nothing_that_is_not_explained() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bicep");
    let context = Context::read(&sources, Some("environments/prod.bicepparam")).expect("bicep/");
    let target = tempfile::TempDir::new().expect("a temporary folder");
    let mut ours = BTreeSet::new();
    for path in context.paths() {
        write(&target.path().join(path), &plain(path, &context));
        let declared = resources(context.file(path).expect("a file"));
        let deployed = declared.iter().filter(|resource| !resource.existing);
        ours.extend(deployed.map(|resource| format!("{path}:{}.{}", resource.ty, resource.symbol)));
    }
    assert!(ours.len() > 50, "{ours:?}");

    let report = scan(target.path());
    let unread: BTreeSet<String> = UNREAD.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(words(&report["unread"]), unread, "files that checkov cannot read");
    let seen = words(&report["resources"]);
    let missed = ours.difference(&seen).filter(|name| !unread.contains(name.split(':').next().unwrap_or_default()));
    assert_eq!(missed.collect::<Vec<_>>(), Vec::<&String>::new(), "resources that checkov did not see");

    let mut skipped: BTreeMap<(&str, &str), &str> = SKIPPED.map(|(rule, resource, why)| ((rule, resource), why)).into();
    let mut unexplained = Vec::new();
    for found in report["found"].as_array().expect("a list") {
        let (rule, resource) = (found["rule"].as_str().expect("a rule"), found["resource"].as_str().expect("a name"));
        if skipped.remove(&(rule, resource)).is_none() {
            unexplained.push(found);
        }
    }
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert!(skipped.is_empty(), "no longer found, so no longer to be skipped: {skipped:?}");
    println!("{} resources, {} rules kept, {} findings explained", ours.len(), report["passed"], SKIPPED.len());
}

/// A change for the worse in a source is one in its plain form: what checkov would say of it is seen.
#[test]
fn checkov_notices_what_gets_worse() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bicep");
    let mut folder = Vec::new();
    copy(&sources, &PathBuf::new(), &mut folder);
    let planted = [
        ("modules/storage.bicep", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS1_0'", "CKV_AZURE_44"),
        ("modules/hostStorage.bicep", "privateNetworking ? 'Deny' : 'Allow'", "'Allow'", "CKV_AZURE_35"),
        ("modules/cosmos.bicep", "disableLocalAuth: true", "disableLocalAuth: false", "CKV_AZURE_140"),
        ("modules/functionApp.bicep", "httpsOnly: true", "httpsOnly: false", "CKV_AZURE_14"),
        ("modules/eventGrid.bicep", "disableLocalAuth: true", "disableLocalAuth: false", "CKV_AZURE_192"),
    ];
    let changed = tempfile::TempDir::new().expect("a temporary folder");
    for (path, text) in &folder {
        let mut text = text.clone();
        for (_, what, instead, _) in planted.iter().filter(|(file, ..)| Path::new(file) == path) {
            assert!(text.contains(what), "{}: {what}", path.display());
            text = text.replacen(what, instead, 1);
        }
        write(&changed.path().join(path), &text);
    }
    let context = Context::read(changed.path(), Some("environments/prod.bicepparam")).expect("a copy");
    let target = tempfile::TempDir::new().expect("a temporary folder");
    for path in context.paths() {
        write(&target.path().join(path), &plain(path, &context));
    }
    let report = scan(target.path());
    for (file, _, instead, rule) in planted {
        let noticed = report["found"].as_array().expect("a list").iter().any(|found| {
            found["rule"] == rule && found["resource"].as_str().is_some_and(|name| name.starts_with(file))
        });
        assert!(noticed, "{file} with {instead}: {rule} is silent");
    }
}

fn scan(folder: &Path) -> Value {
    let printed = python::checkov(folder);
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

fn words(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|word| word.as_str().expect("a word").to_owned()).collect()
}

fn write(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(file, text).expect("written");
}

fn copy(folder: &Path, below: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder.join(below)).expect("a folder") {
        let path = below.join(entry.expect("an entry").file_name());
        if folder.join(&path).is_dir() {
            copy(folder, &path, found);
        } else {
            found.push((path.clone(), std::fs::read_to_string(folder.join(&path)).expect("readable")));
        }
    }
}
