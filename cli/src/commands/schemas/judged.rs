//! The judgement of one schema, as lines for people and as JSON for scripts.

use std::io::Write;

use contoso_schema_checker::{Finding, Report, Severity, Verdict};
use serde_json::{Value, json};

use crate::output::{Paint, counted};

/// Longest part of a schema that people are shown.
const MAX_FRAGMENT: usize = 160;

/// A schema, judged against its old versions.
pub(super) struct Judged {
    /// What messages call it.
    pub(super) label: String,
    /// What messages call the new version.
    pub(super) version: String,
    /// What it was compared with.
    pub(super) against: Vec<String>,
    pub(super) report: Report,
    /// Whether breaks are meant.
    pub(super) allowed: bool,
}

impl Judged {
    /// Whether it may not be landed. A text that is no schema never may.
    pub(super) fn is_refused(&self) -> bool {
        let breaks = self.report.breaks();
        if self.allowed { breaks.into_iter().any(|finding| finding.versions.is_empty()) } else { breaks.count() > 0 }
    }

    pub(super) fn to_json(&self) -> Value {
        let mut json = self.report.to_json(&self.label, &self.version);
        json["against"] = json!(self.against);
        json["refused"] = json!(self.is_refused());
        json["allowed"] = json!(self.allowed);
        json
    }

    /// One line a finding, with both fragments below it, and one for the whole.
    pub(super) fn write(&self, out: &mut impl Write, paint: Paint) -> std::io::Result<()> {
        for finding in &self.report.findings {
            let word = match finding.severity {
                Severity::Break if self.allowed && !finding.versions.is_empty() => paint.name("allowed"),
                Severity::Break => paint.bad("break"),
                Severity::Warn => paint.name("warn"),
            };
            let line = finding.line(&self.label, &self.version);
            writeln!(out, "{word}  {line}  {}", paint.faint(&format!("[{}]", finding.code)))?;
            self.fragments(out, finding, paint)?;
        }
        let against = match self.against.as_slice() {
            [] => "no version is stored yet".to_owned(),
            [one] => format!("compared with {one}"),
            [first, .., last] => format!("compared with {first} to {last}"),
        };
        let said = match (self.report.verdict, self.is_refused()) {
            (_, true) => paint.bad("refused"),
            (Verdict::Unchanged, _) => {
                let newest = self.against.last().map_or("", String::as_str);
                let plain = if self.report.findings.is_empty() { "unchanged, no new version" } else { "unchanged" };
                return writeln!(out, "{} {newest}: {plain} ({against})", paint.strong(&self.label));
            }
            (Verdict::Refused, false) => paint.name("breaks readers on purpose"),
            (Verdict::Warned, _) => paint.name("compatible, with warnings"),
            (Verdict::Compatible, _) => "compatible".to_owned(),
        };
        writeln!(out, "{} {}: {said} ({against})", paint.strong(&self.label), self.version)
    }

    fn fragments(&self, out: &mut impl Write, finding: &Finding, paint: Paint) -> std::io::Result<()> {
        let old = finding.versions.join(", ");
        let sides = [(old.as_str(), &finding.old), (self.version.as_str(), &finding.new)];
        for (label, fragment) in sides.into_iter().filter(|(label, _)| !label.is_empty()) {
            let shown = fragment.as_ref().map_or_else(|| "not there".to_owned(), |fragment| cut(&fragment.to_string()));
            writeln!(out, "{}", paint.faint(&format!("         {label}: {shown}")))?;
        }
        Ok(())
    }
}

/// All of them as one object.
pub(super) fn to_json(judged: &[Judged]) -> Value {
    let has = |severity| {
        let all = judged.iter().flat_map(|judged| &judged.report.findings);
        all.filter(|finding| finding.severity == severity).count()
    };
    json!({
        "refused": judged.iter().any(Judged::is_refused),
        "breaks": has(Severity::Break),
        "warnings": has(Severity::Warn),
        "schemas": judged.iter().map(Judged::to_json).collect::<Vec<_>>(),
    })
}

/// How many of them are refused.
pub(super) fn summary(judged: &[Judged]) -> String {
    let refused = judged.iter().filter(|judged| judged.is_refused()).count();
    format!("{} checked, {refused} refused", counted(judged.len(), "schema"))
}

fn cut(text: &str) -> String {
    // Texts of strangers must not command the terminal.
    let plain: String =
        text.chars().map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }).collect();
    match plain.char_indices().nth(MAX_FRAGMENT) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}
