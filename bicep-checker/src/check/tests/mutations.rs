//! A good file is spoiled in many ways, and most are noticed.
//!
//! What is not noticed: a property that may be missing, and one that takes any value.

use super::{check, with_types};

/// A namespace, hub, account, container, database and alert, as a deployment has them.
const GOOD: &str = "param location string
param workspace string

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' = {
  name: 'evhns-contoso-${uniqueString(resourceGroup().id)}'
  location: location
  sku: {
    name: 'Standard'
    tier: 'Standard'
    capacity: 1
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = {
  parent: namespace
  name: 'clicks'
  properties: {
    partitionCount: 4
    retentionDescription: {
      cleanupPolicy: 'Delete'
      retentionTimeInHours: 72
    }
  }
}

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: 'st${uniqueString(resourceGroup().id)}'
  location: location
  kind: 'StorageV2'
  sku: {
    name: 'Standard_ZRS'
  }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: 'cosmos-${uniqueString(resourceGroup().id)}'
  location: location
  properties: {
    databaseAccountOfferType: 'Standard'
    disableLocalAuth: true
    locations: [
      {
        locationName: location
        failoverPriority: 0
        isZoneRedundant: true
      }
    ]
  }
}

resource diagnostics 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-contoso'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace
    DisableLocalAuth: true
  }
}
";

/// A kind of change, and what it makes of a line; `None` where it does not apply.
type Mutation = (&'static str, fn(&str) -> Option<String>);

const MUTATIONS: [Mutation; 5] = [
    ("renamed", |line| property(line).map(|(indent, name, value)| format!("{indent}{name}x: {value}"))),
    ("dropped", |line| property(line).filter(|(_, _, value)| *value != "{" && *value != "[").map(|_| String::new())),
    ("of another kind", |line| {
        let (indent, name, value) = property(line)?;
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        let other = match value {
            "true" | "false" => "'yes'",
            _ if is_number => "'many'",
            _ if value.starts_with('\'') => "1",
            _ => return None,
        };
        Some(format!("{indent}{name}: {other}"))
    }),
    ("of no such value", |line| {
        let (indent, name, value) = property(line)?;
        let is_name = name == "name" && indent.len() == 2;
        (value.starts_with('\'') && !is_name).then(|| format!("{indent}{name}: 'NoSuchValue'"))
    }),
    ("of an unknown version", |line| {
        let (before, after) = line.split_once('@')?;
        let (_, rest) = after.split_once('\'')?;
        Some(format!("{before}@2025-12-24'{rest}"))
    }),
];

fn property(line: &str) -> Option<(&str, &str, &str)> {
    let inner = line.trim_start();
    let (name, value) = inner.split_once(": ")?;
    (line.starts_with(' ') && !name.contains('\'')).then(|| (&line[..line.len() - inner.len()], name, value))
}

/// The rates are those measured when this was written; a lower one means that a check was lost.
#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn most_mutations_are_caught() {
    let options = with_types();
    let findings = |text: &str| check(text, &options).lines().filter(|line| !is_style(line)).collect::<Vec<_>>();
    assert_eq!(findings(GOOD), Vec::<String>::new());
    for ((kind, change), least) in MUTATIONS.into_iter().zip([95, 20, 90, 50, 95]) {
        let lines: Vec<&str> = GOOD.lines().collect();
        let (mut made, mut caught, mut missed) = (0, 0, Vec::new());
        for (at, line) in lines.iter().enumerate() {
            let Some(changed) = change(line) else { continue };
            let mut text: Vec<&str> = lines.clone();
            text[at] = &changed;
            made += 1;
            match findings(&(text.join("\n") + "\n")).is_empty() {
                true => missed.push(line.trim()),
                false => caught += 1,
            }
        }
        let rate = 100 * caught / made;
        println!("{kind}: {caught} of {made} caught, {rate} %; not: {missed:?}");
        assert!(rate >= least, "{kind}: {caught} of {made} caught, not: {missed:?}");
    }
}

/// Findings that the good file has too: it is short, not well described.
fn is_style(line: &str) -> bool {
    ["use-description-", "no-unused-", "use-recent-api-versions"].iter().any(|rule| line.contains(rule))
}
