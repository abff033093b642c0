//! `#disable-next-line CODE // reason`: findings that a file silences, and how it must do so.

use super::model::Source;
use crate::{
    Diagnostic, Severity,
    diagnostic::line_and_column,
    syntax::ast::{Directive, DirectiveKind},
};

/// A line that silences findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// The file, by its path from the folder.
    pub file: String,
    /// The line of the directive.
    pub line: usize,
    /// The codes it names.
    pub codes: Vec<String>,
    /// Why, as the comment behind it says.
    pub reason: Option<String>,
    /// Whether there was something to silence.
    pub used: bool,
}

/// What is wrong with the directives of a file. The codes are ours: the compiler takes them all.
pub(super) fn check(source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for directive in &source.file.directives {
        let mut report = |code, message: &str| found.push(Diagnostic::error(code, directive.span, message));
        match directive.kind {
            DirectiveKind::DisableNextLine => {
                if directive.codes.is_empty() {
                    report("disable-without-code", "A directive names the code it silences.");
                }
                if reason(source, directive).is_none() {
                    report(
                        "disable-without-reason",
                        "A directive gives its reason: `#disable-next-line CODE // reason`.",
                    );
                }
            }
            DirectiveKind::DisableDiagnostics | DirectiveKind::RestoreDiagnostics => {
                report("no-disable-diagnostics", "Findings are silenced line by line, with `#disable-next-line`.");
            }
        }
    }
    found
}

fn reason(source: &Source, directive: &Directive) -> Option<String> {
    let after = source.text.get(directive.span.end..)?;
    let line = after.lines().next().unwrap_or_default().trim();
    let text = line.strip_prefix("//")?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Leaves out what directives silence: warnings and linter rules, as the compiler does; its errors stay.
pub(super) fn apply(source: &Source, diagnostics: Vec<Diagnostic>) -> (Vec<Diagnostic>, Vec<Disabled>) {
    let line = |offset| line_and_column(&source.text, offset).0;
    let next = source.file.directives.iter().filter(|one| one.kind == DirectiveKind::DisableNextLine);
    let mut disabled: Vec<Disabled> = next
        .map(|directive| Disabled {
            file: source.name.clone(),
            line: line(directive.span.start),
            codes: directive.codes.iter().map(|code| code.text.clone()).collect(),
            reason: reason(source, directive),
            used: false,
        })
        .collect();
    let is_kept = |one: &Diagnostic| {
        if one.severity == Severity::Error && one.code.starts_with("BCP") {
            return true;
        }
        let at = line(one.span.start);
        let by = disabled.iter_mut().find(|directive| {
            directive.line + 1 == at && directive.codes.iter().any(|code| code.eq_ignore_ascii_case(one.code))
        });
        by.map(|directive| directive.used = true).is_none()
    };
    let mut is_kept = is_kept;
    let kept = diagnostics.into_iter().filter(|one| is_kept(one)).collect();
    (kept, disabled)
}
