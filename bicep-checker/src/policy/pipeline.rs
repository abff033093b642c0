//! The identity that a pipeline deploys as: whom GitHub vouches for, and what it may do.

use std::collections::BTreeSet;

use super::{
    Deployment, Findings,
    query::{ROLE, at, items, last, text},
    role_table::ACCESS_ADMINISTRATOR,
};

const CREDENTIAL: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";

pub(super) fn check(deployment: &Deployment<'_>, findings: &mut Findings) {
    for it in deployment.main.of(CREDENTIAL) {
        let subject = text(it, "/properties/subject");
        let repository = subject.strip_prefix("repo:").and_then(|rest| rest.split_once(':'));
        let ends = format!("environment:{}", deployment.environment);
        // GitHub puts the environment in the place of the branch, and Azure compares letter by letter.
        let fits = repository.is_some_and(|(name, rest)| name.matches('/').count() == 1 && rest == ends);
        if !fits || subject.contains('*') {
            findings.of("federated-subject", it, format!("{subject} is not one repository in this environment"));
        }
        findings.expect("federated-subject", it, "/properties/issuer", "https://token.actions.githubusercontent.com");
        let audiences: Vec<_> = items(at(it, "/properties/audiences")).collect();
        if audiences != ["api://AzureADTokenExchange"] {
            findings.of("federated-subject", it, "Azure takes another audience");
        }
    }
    let given: BTreeSet<&str> = deployment
        .main
        .of(ROLE)
        .filter(|it| it.scope.matches('/').count() > 2)
        .map(|it| last(text(it, "/properties/roleDefinitionId")))
        .collect();
    let administrators =
        deployment.main.of(ROLE).filter(|it| text(it, "/properties/roleDefinitionId").ends_with(ACCESS_ADMINISTRATOR));
    for it in administrators {
        let condition = text(it, "/properties/condition");
        let listed: BTreeSet<&str> = condition.split(['{', '}', ',', ' ']).filter(|part| part.len() == 36).collect();
        let both = ["roleAssignments/write", "roleAssignments/delete"].iter().all(|action| condition.contains(action));
        if !both || text(it, "/properties/conditionVersion") != "2.0" {
            findings.of("pipeline-condition", it, "may give any role, its own ones and Owner among them");
        }
        for role in given.difference(&listed) {
            findings.of("pipeline-condition", it, format!("may not give the role {role}, which the templates give"));
        }
        if listed.contains(ACCESS_ADMINISTRATOR) || listed.contains("8e3af657-a8ff-443c-a75c-2fe8c4bcb635") {
            findings.of("pipeline-condition", it, "may make others what it is, or owners");
        }
    }
}
