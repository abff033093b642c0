//! Every environment keeps every rule.

use std::{fs, path::Path};

use contoso_bicep::{
    policy::{Checked, check_changes, check_project},
    syntax::{
        ast::{ExpressionKind, StatementKind},
        parse_file, parse_params,
    },
};

use crate::{
    changes::{COSMOS, HUBS},
    support::{copy, root},
};

#[test]
fn every_environment_keeps_every_rule() {
    let Checked { environments, faults, not_evaluated } =
        check_project(&root()).unwrap_or_else(|error| panic!("{error}"));
    let report: String = faults.iter().chain(&not_evaluated).map(|fault| format!("{fault}\n")).collect();
    assert!(report.is_empty(), "{report}");
    assert_eq!(environments, ["dev", "prod", "test"]);
}

#[test]
fn a_later_deployment_changes_nothing_that_azure_would_not_change() {
    let bicep = root().join("bicep");
    let faults = |before: &Path, after: &Path| {
        let checked = check_changes(before, after).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((checked.environments.len(), checked.not_evaluated), (3, Vec::new()));
        checked.faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(faults(&bicep, &bicep), Vec::<String>::new());
    let folder = tempfile::tempdir().expect("a folder");
    copy(&bicep, folder.path());
    for (file, from, to) in [
        (HUBS, "tier: 'Standard'", "tier: 'Premium'"),
        (COSMOS, "paths: [container.partitionKey]", "paths: ['/other']"),
        ("topology.json", "\"visitors\"", "\"guests\""),
    ] {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).expect("readable");
        assert!(text.contains(from), "{file}: {from}");
        fs::write(&path, text.replacen(from, to, 1)).expect("writable");
    }
    let found = faults(&bicep, folder.path());
    for (file, message) in [
        (HUBS, "\"Standard\" and cannot become \"Premium\" [dev, prod, test]"),
        (COSMOS, "and cannot become {\"kind\":\"Hash\",\"paths\":[\"/other\"],\"version\":2} [dev, prod, test]"),
        (
            COSMOS,
            "/site/visitors: is no longer deployed; Azure keeps it, with its data, until somebody deletes it [dev, prod, test]",
        ),
    ] {
        assert!(found.iter().any(|line| line.contains(file) && line.ends_with(message)), "{message}: {found:#?}");
    }
}

/// The list that the policy on tags admits, and the type that parameters keep to, are written side by side.
#[test]
fn teams_are_the_same_as_type_and_as_list() {
    let text = std::fs::read_to_string(root().join("bicep/types.bicep")).expect("readable");
    let names = |keyword: &str| {
        let statements = parse_file(&text).file.statements;
        let texts = statements.iter().map(|statement| statement.span.text(&text));
        let found = texts.filter(|text| text.starts_with(keyword)).map(str::to_owned).next().expect("it is declared");
        let names: Vec<String> = found.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
        names
    };
    assert_eq!(names("type team ="), names("var teams ="));
}

/// Azure refuses another start of a budget than the first one, so it is written down and not computed.
#[test]
fn the_start_of_a_budget_is_a_literal() {
    for name in ["dev", "test", "prod"] {
        let path = root().join(format!("bicep/environments/{name}.bicepparam"));
        let statements = parse_params(&std::fs::read_to_string(path).expect("readable")).file.statements;
        let is_literal = statements.iter().any(|statement| match &statement.kind {
            StatementKind::ParameterAssignment { name, value } if name.text == "budgetStartDate" => {
                matches!(&value.kind, ExpressionKind::String(text) if text.literal().is_some())
            }
            _ => false,
        });
        assert!(is_literal, "{name}");
    }
}
