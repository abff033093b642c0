//! Every environment keeps every rule.

use crate::support::{ENVIRONMENTS, Environment, lines, project, root};

#[test]
fn every_environment_keeps_every_rule() {
    let (project, mut report) = (project(), String::new());
    for name in ENVIRONMENTS {
        let environment = Environment::of(&root().join("bicep"), name).unwrap_or_else(|error| panic!("{error}"));
        let findings = environment.findings(&project);
        if !findings.is_empty() {
            report.push_str(&format!("{name}:\n{}", lines(&findings)));
        }
    }
    assert!(report.is_empty(), "{report}");
}
