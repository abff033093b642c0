//! Judges changes of Avro schemas by what readers in Python, JavaScript and Rust really do, and proposes schemas for JSON.
//!
//! [`check`] takes a new text and every old version that somebody may still read or write by. The new text is judged strictly, as the
//! strictest parser would; old ones are there already, so their faults are passed over. Then each old version is compared with the new one
//! both ways (`compare`). [`infer`] looks at events in JSON and writes down a schema that they would fit.
//!
//! Nothing here reads files, registries or the clock.

mod compare;
mod defaults;
mod finding;
pub mod infer;
mod model;
mod parse;
mod same;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

pub use self::{
    finding::{Direction, Effect, Finding, Reader, Severity},
    model::Schema,
    parse::{NotJson, strict, tolerant},
};

/// An old version.
#[derive(Clone, Debug)]
pub struct Old<'a> {
    /// What messages call it, such as `v1`.
    pub label: &'a str,
    /// The schema, which may be none that today's parsers would take.
    pub text: &'a str,
}

/// A text is not JSON, so nothing can be said of it.
#[derive(Debug, thiserror::Error)]
#[error("{label} is not JSON")]
pub struct Unreadable {
    /// Which of them.
    pub label: String,
    source: NotJson,
}

/// What becomes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Readers could not tell it from the newest old version: there is no new one.
    Unchanged,
    /// Every reader reads every version.
    Compatible,
    /// The same, and somebody should look.
    Warned,
    /// Some reader fails, or reads something else than was written.
    Refused,
}

/// All that was found about one new text.
#[derive(Clone, Debug)]
pub struct Report {
    /// Full name of the record, if the text is one.
    pub name: Option<String>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What is wrong, breaks first.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// As JSON says it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Compatible => "compatible",
            Self::Warned => "warned",
            Self::Refused => "refused",
        }
    }
}

/// Judges `new` against every version of `old`, oldest first; `label` is what messages call the new one.
///
/// # Errors
/// If one of the texts is not JSON.
pub fn check(old: &[Old<'_>], label: &str, new: &str) -> Result<Report, Unreadable> {
    let unreadable = |label: &str| {
        let label = label.to_owned();
        move |source| Unreadable { label, source }
    };
    let (schema, mut findings) = parse::strict(new).map_err(unreadable(label))?;
    let mut newest = None;
    for version in old {
        let before = parse::tolerant(version.text).map_err(unreadable(version.label))?;
        for finding in compare::compare(&before, &schema, version.label) {
            merge(&mut findings, finding);
        }
        newest = Some(before);
    }
    if schema.name().is_none() && !findings.iter().any(|finding| finding.direction == Direction::Schema) {
        findings.push(root(&schema));
    }
    findings.sort_by_key(|finding| finding.severity);
    let has = |severity| findings.iter().any(|finding: &Finding| finding.severity == severity);
    let verdict = if has(Severity::Break) {
        Verdict::Refused
    } else if newest.is_some_and(|newest| same::is_same(&newest, &schema)) {
        Verdict::Unchanged
    } else if has(Severity::Warn) {
        Verdict::Warned
    } else {
        Verdict::Compatible
    };
    Ok(Report { name: schema.name().map(str::to_owned), verdict, findings })
}

/// Whether readers can tell the two texts apart; documentation and the order of members in JSON do not count.
///
/// # Errors
/// If one of them is not JSON.
pub fn is_same(one: &str, other: &str) -> Result<bool, NotJson> {
    Ok(same::is_same(&parse::tolerant(one)?, &parse::tolerant(other)?))
}

impl Report {
    /// For scripts. `schema` is what messages call it, `new` its version.
    #[must_use]
    pub fn to_json(&self, schema: &str, new: &str) -> Value {
        json!({
            "schema": schema,
            "name": self.name,
            "version": new,
            "verdict": self.verdict.word(),
            "newVersion": self.verdict != Verdict::Unchanged,
            "findings": self.findings.iter().map(|finding| finding.to_json(schema, new)).collect::<Vec<_>>(),
        })
    }

    /// What refuses the change.
    pub fn breaks(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Break)
    }
}

/// One finding about several old versions is one.
fn merge(findings: &mut Vec<Finding>, finding: Finding) {
    let same = findings.iter_mut().find(|other| {
        !other.versions.is_empty()
            && (other.code, &other.path, other.direction, &other.readers, &other.what)
                == (finding.code, &finding.path, finding.direction, &finding.readers, &finding.what)
    });
    match same {
        Some(other) => other.versions.extend(finding.versions),
        None => findings.push(finding),
    }
}

fn root(schema: &Schema) -> Finding {
    Finding {
        code: "root-not-record",
        severity: Severity::Warn,
        direction: Direction::Schema,
        effect: Effect::None,
        path: String::new(),
        old: None,
        new: Some(schema.fragment(&schema.root, true)),
        readers: finding::EVERY.to_vec(),
        versions: Vec::new(),
        what: "an event's schema is a record; the official encoders take nothing else".to_owned(),
        mend: "put it into a record".to_owned(),
    }
}
