//! Names have the lengths and letters that Azure takes ("Naming rules and restrictions for Azure resources").

use std::collections::BTreeSet;

use super::{Deployment, Findings, query::last};

/// Which characters a name may have. Letters and digits are always among them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    /// Lower-case letters and digits only.
    Lower,
    /// Lower-case letters, digits and hyphens; these neither first nor last, nor two in a row.
    LowerHyphens,
    /// Letters of either case, digits and hyphens; it begins with a letter and does not end in a hyphen.
    Hyphens,
    /// Also hyphens, dots and underscores; it does not end in a dot.
    Dots,
    /// Also hyphens and underscores.
    Underscores,
    /// GUIDs.
    Guid,
    /// Names that Azure gives.
    Fixed,
}

use Letters::{Dots, Fixed, Guid, Hyphens, Lower, LowerHyphens, Underscores};

/// By the end of the type, in lower case: least and most characters.
const LIMITS: [(&str, usize, usize, Letters); 44] = [
    ("microsoft.authorization/locks", 1, 90, Dots),
    ("microsoft.authorization/policyassignments", 1, 64, Dots),
    ("microsoft.authorization/policydefinitions", 1, 64, Dots),
    ("microsoft.authorization/roleassignments", 36, 36, Guid),
    ("microsoft.consumption/budgets", 1, 63, Underscores),
    ("microsoft.documentdb/databaseaccounts", 3, 44, LowerHyphens),
    ("databaseaccounts/sqldatabases", 1, 255, Dots),
    ("sqldatabases/containers", 1, 255, Dots),
    ("databaseaccounts/sqlroleassignments", 36, 36, Guid),
    ("microsoft.eventgrid/topics", 3, 50, Hyphens),
    ("microsoft.eventgrid/systemtopics", 3, 50, Hyphens),
    ("systemtopics/eventsubscriptions", 3, 64, Hyphens),
    ("microsoft.eventhub/namespaces", 8, 50, Hyphens),
    ("namespaces/eventhubs", 1, 256, Dots),
    ("eventhubs/consumergroups", 1, 50, Dots),
    ("namespaces/schemagroups", 1, 50, Dots),
    ("namespaces/networkrulesets", 7, 7, Fixed),
    ("microsoft.insights/actiongroups", 1, 260, Dots),
    ("microsoft.insights/components", 1, 260, Dots),
    ("microsoft.insights/diagnosticsettings", 1, 260, Dots),
    ("microsoft.insights/metricalerts", 1, 260, Dots),
    ("microsoft.insights/scheduledqueryrules", 1, 260, Dots),
    ("microsoft.insights/workbooks", 36, 36, Guid),
    ("microsoft.keyvault/vaults", 3, 24, Hyphens),
    ("microsoft.managedidentity/userassignedidentities", 3, 128, Underscores),
    ("microsoft.network/networksecuritygroups", 1, 80, Dots),
    ("microsoft.network/privatednszones", 1, 63, Dots),
    ("privatednszones/virtualnetworklinks", 1, 80, Dots),
    ("microsoft.network/privateendpoints", 2, 64, Dots),
    ("privateendpoints/privatednszonegroups", 1, 80, Dots),
    ("microsoft.network/virtualnetworks", 2, 64, Dots),
    ("microsoft.operationalinsights/workspaces", 4, 63, Hyphens),
    ("microsoft.resources/resourcegroups", 1, 90, Dots),
    ("microsoft.storage/storageaccounts", 3, 24, Lower),
    ("storageaccounts/blobservices", 7, 7, Fixed),
    ("blobservices/containers", 3, 63, LowerHyphens),
    ("containers/immutabilitypolicies", 7, 7, Fixed),
    ("storageaccounts/managementpolicies", 7, 7, Fixed),
    ("microsoft.web/serverfarms", 1, 40, Hyphens),
    ("microsoft.web/sites", 2, 60, Hyphens),
    ("sites/config", 1, 60, Fixed),
    ("userassignedidentities/federatedidentitycredentials", 3, 120, Underscores),
    ("storageaccounts/tableservices", 7, 7, Fixed),
    ("storageaccounts/queueservices", 7, 7, Fixed),
];

/// Types whose names are the world's, not the group's: they carry what makes them unique.
const UNIQUE: [&str; 5] = [
    "microsoft.documentdb/databaseaccounts",
    "microsoft.eventgrid/topics",
    "microsoft.eventhub/namespaces",
    "microsoft.storage/storageaccounts",
    "microsoft.web/sites",
];

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    let mut ids = BTreeSet::new();
    for it in deployment.main.deployed().chain(deployment.subscriptions.deployed()) {
        let (kind, name) = (it.kind.to_lowercase(), last(&it.name));
        if !ids.insert(it.id.to_lowercase()) {
            findings.of("name-twice", it, "two resources have this id");
        }
        let Some((_, least, most, letters)) = LIMITS.iter().find(|(end, ..)| kind.ends_with(end)) else {
            findings.of("name", it, format!("no limits are known of names of {}", it.kind));
            continue;
        };
        let length = name.chars().count();
        if !(*least..=*most).contains(&length) {
            findings.of("name", it, format!("{length} characters; Azure takes {least} to {most}"));
        }
        if !fits(name, *letters) {
            findings.of("name", it, "has letters that Azure refuses");
        }
        // `uniqueString` gives 13 letters, of which at least 10 must be there.
        if UNIQUE.contains(&kind.as_str()) && !has_token(name) {
            findings.of("name-unique", it, "is unique in the world only by chance");
        }
    }
}

fn fits(name: &str, letters: Letters) -> bool {
    let only = |also: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || also.contains(letter));
    let lower = !name.chars().any(|letter| letter.is_ascii_uppercase());
    let ends = !name.starts_with('-') && !name.ends_with('-');
    match letters {
        Lower => lower && only(""),
        LowerHyphens => lower && only("-") && ends && !name.contains("--"),
        Hyphens => only("-") && ends && name.starts_with(|letter: char| letter.is_ascii_alphabetic()),
        Dots => only("-._") && !name.ends_with('.'),
        Underscores => only("-_"),
        Guid => {
            let parts: Vec<usize> = name.split('-').map(str::len).collect();
            parts == [8, 4, 4, 4, 12] && name.chars().all(|letter| letter == '-' || letter.is_ascii_hexdigit())
        }
        Fixed => name == "default" || name == "appsettings",
    }
}

/// Whether the name ends in what `uniqueString` gives: ten letters and digits or more, and no word.
fn has_token(name: &str) -> bool {
    let token = name.rsplit('-').next().unwrap_or_default();
    token.chars().count() >= 10 && token.chars().any(|letter| letter.is_ascii_digit())
}
