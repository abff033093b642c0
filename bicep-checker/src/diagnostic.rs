//! Findings and where they stand in the text.

use std::fmt;

/// A range of bytes in the text of one file: `start` is in it, `end` is not.
///
/// An empty range (`start == end`) stands between two characters, where something is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Span {
    /// The range from `start` up to, and without, `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest range that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty range at the start.
    pub fn before(self) -> Span {
        Span { start: self.start, end: self.start }
    }

    /// The empty range at the end.
    pub fn after(self) -> Span {
        Span { start: self.end, end: self.end }
    }

    /// The text in the range; empty where the range does not fit the text.
    pub fn text(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or_default()
    }
}

/// How bad a finding is, in the compiler's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// The compiler goes on and exits with 0.
    Warning,
    /// The compiler writes no template.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Info => "Info",
            Severity::Warning => "Warning",
            Severity::Error => "Error",
        })
    }
}

/// One finding in one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Diagnostic {
    /// Where it stands.
    pub span: Span,
    /// The compiler's code (`BCP037`) or the name of a linter rule (`no-unused-params`).
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, for a person.
    pub message: String,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { span, code, severity: Severity::Error, message: message.into() }
    }

    /// A warning.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { span, code, severity: Severity::Warning, message: message.into() }
    }

    /// The line as the compiler prints it: `main.bicep(3,7) : Error BCP018: …`.
    pub fn render(&self, path: &str, source: &str) -> String {
        let (line, column) = line_and_column(source, self.span.start);
        format!("{path}({line},{column}) : {} {}: {}", self.severity, self.code, self.message)
    }
}

/// Line and column of an offset, both counted from 1; columns count UTF-16 units, as .NET does.
///
/// A byte-order mark is no column. A line ends at `\n`, `\r\n` or a lone `\r`. An offset after the end is taken as the end.
pub(crate) fn line_and_column(source: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(source.len());
    while !source.is_char_boundary(end) {
        end -= 1;
    }
    let before = &source[..end];
    let bytes = source.as_bytes();
    let (mut line, mut start) = (1, 0);
    for (at, byte) in before.bytes().enumerate() {
        if byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
            line += 1;
            start = at + 1;
        }
    }
    (line, before[start..].trim_start_matches('\u{feff}').encode_utf16().count() + 1)
}
