//! `.bicepparam` files: every parameter of the file they name gets a value of its type, and no other.

use super::{infer::Here, narrow::Want};
use crate::{
    Span,
    syntax::ast::{ExpressionKind, StatementKind},
};

/// Checks a params file against the file it is for.
pub(super) fn check(here: &Here<'_, '_>) {
    if !here.source().is_params() {
        return;
    }
    check_environment(here);
    let Some(using) = here.model.using else {
        let message = "The file names no Bicep file: `using 'main.bicep'`.";
        return here.error("BCP261", Span::default(), message);
    };
    if matches!(using.path.kind, ExpressionKind::None) {
        return;
    }
    let Some(there) = using.file.and_then(|file| here.all.file(file)) else { return };
    let takes = there.takes();
    for assignment in &here.model.assignments {
        let name = assignment.name.text.as_str();
        match takes.property(name) {
            Some(parameter) => here.check(assignment.value, &parameter.of, Want::value()),
            None => {
                let message = format!("{} has no parameter `{name}`.", there.source().name);
                here.error("BCP259", assignment.name.span, message);
            }
        }
    }
    let extends = here.model.others.iter().any(|one| matches!(one.kind, StatementKind::Extends { .. }));
    let is_given = |name: &str| here.model.assignments.iter().any(|assignment| assignment.name.text == name);
    let missing = takes.properties.iter().filter(|property| property.flags.required && !is_given(&property.name));
    let missing: Vec<&str> = missing.map(|property| property.name.as_str()).collect();
    if !missing.is_empty() && !extends {
        let message = format!("These parameters have no value: {}.", missing.join(", "));
        here.error("BCP258", using.path.span, message);
    }
}

/// `readEnvironmentVariable('X')` fails wherever X is not set, as on the machine that only builds the file.
fn check_environment(here: &Here<'_, '_>) {
    let assignments = here.model.assignments.iter().map(|one| one.value);
    for value in assignments.chain(here.model.variables.iter().map(|one| one.value)) {
        super::rules::walk::each(value, &mut |one| {
            if let ExpressionKind::Call { name, arguments } = &one.kind
                && name.text == "readEnvironmentVariable"
                && arguments.len() == 1
            {
                let message = "The variable must be set wherever the file is built: give a default, `''`.";
                here.error("BCP427", one.span, message);
            }
        });
    }
}
