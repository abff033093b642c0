//! Every environment keeps every rule.

use contoso_bicep::policy::one_way;

use crate::support::{ENVIRONMENTS, Environment, lines, project, root};

#[test]
fn every_environment_keeps_every_rule() {
    let (project, mut report) = (project(), String::new());
    // As a pipeline deploys it, and as a person does who prepares the pipeline.
    for variables in [&[][..], &[("CONTOSO_REPOSITORY", "Contoso/events")]] {
        for name in ENVIRONMENTS {
            let environment = Environment::with(&root().join("bicep"), name, variables);
            let environment = environment.unwrap_or_else(|error| panic!("{error}"));
            let findings = environment.findings(&project);
            if !findings.is_empty() {
                report.push_str(&format!("{name} {variables:?}:\n{}", lines(&findings)));
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn a_second_deployment_changes_nothing_that_cannot_be_changed() {
    let bicep = root().join("bicep");
    let main = |name| Environment::of(&bicep, name).unwrap_or_else(|error| panic!("{error}")).main;
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
