//! Findings: what a change breaks, for whom, and what mends it.

use serde_json::{Value, json};

/// Whether a finding refuses a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Some reader fails, or misreads.
    Break,
    /// Every reader reads, but somebody should look.
    Warn,
}

/// Who is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The new text itself is faulty, whatever came before.
    Schema,
    /// Readers of the new version, of data that an old one wrote.
    NewReaders,
    /// Readers of an old version, of data that the new one writes.
    OldReaders,
    /// Both of them.
    Both,
}

/// The programs that read events: the official Python client, that for JavaScript, and ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reader {
    /// Apache's `avro`, below the official encoder.
    Python,
    /// `avsc`, below the official encoder.
    JavaScript,
    /// `apache-avro`.
    Rust,
}

/// What readers do with the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// They fail on some of it.
    Fails,
    /// They read it and get other values than were written.
    Misreads,
    /// Parsers refuse the schema, or some do.
    Refused,
    /// Nothing; see what is said.
    None,
}

/// One thing that is wrong with a change, at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Stable, for scripts.
    pub code: &'static str,
    /// Whether it refuses the change.
    pub severity: Severity,
    /// Who is affected.
    pub direction: Direction,
    /// What happens to them.
    pub effect: Effect,
    /// Where: names of fields joined by dots, `[]` for items, `{}` for values of a map; empty for the whole.
    pub path: String,
    /// The part of the old text, without documentation.
    pub old: Option<Value>,
    /// The part of the new text.
    pub new: Option<Value>,
    /// Which programs are affected.
    pub readers: Vec<Reader>,
    /// Labels of the old versions that it is about, such as `v1`; none if the new text alone is faulty.
    pub versions: Vec<String>,
    /// What is found, in words.
    pub what: String,
    /// What mends it.
    pub mend: String,
}

/// Every reader.
pub(crate) const EVERY: &[Reader] = &[Reader::Python, Reader::JavaScript, Reader::Rust];

impl Severity {
    /// As JSON says it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Break => "break",
            Self::Warn => "warn",
        }
    }
}

impl Direction {
    /// As JSON says it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::NewReaders => "new-readers",
            Self::OldReaders => "old-readers",
            Self::Both => "both",
        }
    }
}

impl Reader {
    /// Its language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::Rust => "rust",
        }
    }

    fn shown(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::Rust => "Rust",
        }
    }
}

impl Finding {
    /// Whom it hits, in words: `readers of v2 cannot read v1`. `new` is the label of the new version.
    #[must_use]
    pub fn consequence(&self, new: &str) -> Option<String> {
        let old = listed(self.versions.iter().map(String::as_str));
        let verb = match self.effect {
            Effect::Fails => "cannot read",
            Effect::Misreads => "misread",
            Effect::Refused => return Some(format!("{} of {new} refuse it", self.parsers())),
            Effect::None => return None,
        };
        let said = match self.direction {
            Direction::Schema => return None,
            Direction::NewReaders => format!("readers of {new} {verb} {old}"),
            Direction::OldReaders => format!("readers of {old} {verb} {new}"),
            Direction::Both => format!("readers of {new} {verb} {old}, and readers of {old} {verb} {new}"),
        };
        Some(if self.readers.len() < EVERY.len() { format!("{said} in {}", self.languages()) } else { said })
    }

    /// One line: path, what, consequence, mend. `label` is the schema's name and new version.
    #[must_use]
    pub fn line(&self, schema: &str, new: &str) -> String {
        let path = if self.path.is_empty() { "the whole" } else { &self.path };
        let parts: Vec<String> =
            [Some(self.what.clone()), self.consequence(new), Some(self.mend.clone()).filter(|mend| !mend.is_empty())]
                .into_iter()
                .flatten()
                .collect();
        format!("{schema} {new}: {path}: {}", parts.join("; "))
    }

    /// For scripts.
    #[must_use]
    pub fn to_json(&self, schema: &str, new: &str) -> Value {
        json!({
            "code": self.code,
            "severity": self.severity.word(),
            "direction": self.direction.word(),
            "path": self.path,
            "old": self.old,
            "new": self.new,
            "versions": self.versions,
            "readers": self.readers.iter().map(|reader| reader.word()).collect::<Vec<_>>(),
            "what": self.what,
            "consequence": self.consequence(new),
            "mend": self.mend,
            "message": self.line(schema, new),
        })
    }

    fn languages(&self) -> String {
        listed(self.readers.iter().map(|reader| reader.shown()))
    }

    fn parsers(&self) -> String {
        if self.readers.len() < EVERY.len() { format!("parsers in {}", self.languages()) } else { "parsers".to_owned() }
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
