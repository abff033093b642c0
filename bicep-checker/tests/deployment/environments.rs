//! Every environment keeps every rule.

use contoso_bicep::{
    policy::{Checked, Environment, check_project, environments, one_way},
    syntax::{
        ast::{ExpressionKind, StatementKind},
        parse_file, parse_params,
    },
};

use crate::support::root;

#[test]
fn every_environment_keeps_every_rule() {
    assert_eq!(environments(&root().join("bicep")).expect("a folder"), ["dev", "prod", "test"]);
    let Checked { faults, not_evaluated, .. } = check_project(&root()).unwrap_or_else(|error| panic!("{error}"));
    let report: String = faults.iter().chain(&not_evaluated).map(|fault| format!("{fault}\n")).collect();
    assert!(report.is_empty(), "{report}");
}

#[test]
fn a_second_deployment_changes_nothing_that_cannot_be_changed() {
    let bicep = root().join("bicep");
    let main = |name| Environment::read(&bicep, name, &[]).unwrap_or_else(|error| panic!("{error}")).main;
    let dev = main("dev");
    assert_eq!(one_way(&dev, &dev), []);
    let mut other = dev.clone();
    for hub in other.resources.iter_mut().filter(|it| it.kind.ends_with("/eventhubs")) {
        hub.body["properties"]["partitionCount"] = 8.into();
    }
    other.resources.retain(|it| !it.name.ends_with("/site/visitors"));
    let found: Vec<_> = one_way(&dev, &other).into_iter().map(|finding| finding.message).collect();
    assert_eq!(found.iter().filter(|it| it.contains("cannot become 8")).count(), 3, "{found:?}");
    assert_eq!(found.iter().filter(|it| it.contains("its data with it")).count(), 1, "{found:?}");
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
