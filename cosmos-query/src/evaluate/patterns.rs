//! Patterns of `REGEXMATCH`.

use regex::{Error, Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

use crate::QueryError;

/// Bytes that a compiled pattern may take.
const SIZE: usize = 1 << 20;
/// Bytes of a pattern's text: each `\w` is a table of several kilobytes before its size is known.
const LONGEST: usize = 8 << 10;
/// What compiling a pattern counts as, and each of its classes, which is more where case does not matter.
const COMPILING: u64 = 64 << 10;
const CLASS: u64 = 128 << 10;
const CLASS_WITHOUT_CASE: u64 = 1 << 20;

/// What going through a place counts as.
const PLACE: u64 = 16;
/// Places of which all states of a search can be kept: it has one for each set of places at most.
const FEW: u64 = 8;

/// Faults that make a pattern none in any dialect, as the regex package begins its sentences for them. Others, such as look-around and
/// references back, are of what the service reads and that package does not.
const FAULTS: [&str; 7] = [
    "unclosed group",
    "unopened group",
    "unclosed character class",
    "invalid character class range",
    "incomplete escape sequence",
    "invalid repetition count range",
    "repetition operator missing expression",
];

/// A pattern that is ready to be looked for.
pub(crate) struct Pattern {
    regex: Regex,
    /// Places in the pattern where a search may be at a time, repetitions counted as often as they repeat.
    places: u64,
}

impl Pattern {
    /// What looking for it counts as: where a search has more states than are kept, it goes through all places for each byte.
    pub(super) fn searching(&self, text: &str) -> u64 {
        let places = if self.places <= FEW { 1 } else { self.places };
        (text.len() as u64).saturating_mul(PLACE).saturating_mul(places)
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// A pattern with its modifiers in it; `None` where one of these is none.
pub(crate) fn modified(pattern: &str, modifiers: &str) -> Option<String> {
    let is_known = modifiers.chars().all(|modifier| "imsx".contains(modifier));
    is_known.then(|| if modifiers.is_empty() { pattern.to_owned() } else { format!("(?{modifiers}){pattern}") })
}

/// What making a pattern ready counts as.
pub(crate) fn compiling(pattern: &str) -> u64 {
    if pattern.len() > LONGEST {
        return 0;
    }
    let classes = pattern.bytes().filter(|byte| matches!(byte, b'[' | b'\\' | b'.')).count() as u64;
    let class = if pattern.contains("(?") { CLASS_WITHOUT_CASE } else { CLASS };
    COMPILING + classes * class
}

/// Makes a pattern ready to be looked for.
///
/// # Errors
/// `SC2071` for what is no regular expression, `SC2990` for one that is not served here. The service's own codes for them are not known.
pub(crate) fn compile(pattern: &str) -> Result<Pattern, QueryError> {
    if pattern.len() > LONGEST {
        let message = format!("A pattern of REGEXMATCH that is longer than {LONGEST} bytes is not served here.");
        return Err(QueryError::whole("SC2990", message));
    }
    let regex = RegexBuilder::new(pattern).size_limit(SIZE).dfa_size_limit(SIZE).build();
    let regex = regex.map_err(|error| refusal(pattern, &error))?;
    // What the one package has read, the other has read for it.
    let places = regex_syntax::parse(pattern).map_or(u64::MAX, |parsed| places(&parsed));
    Ok(Pattern { regex, places })
}

fn places(of: &Hir) -> u64 {
    match of.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or_else(|| repetition.min.saturating_add(1));
            places(&repetition.sub).saturating_mul(u64::from(times))
        }
        HirKind::Capture(capture) => places(&capture.sub),
        HirKind::Concat(all) | HirKind::Alternation(all) => all.iter().map(places).fold(0, u64::saturating_add),
    }
}

fn refusal(pattern: &str, error: &Error) -> QueryError {
    // The pattern itself stands above the last line.
    let told = error.to_string();
    let last = told.lines().last().unwrap_or_default();
    let reason = last.strip_prefix("error: ").unwrap_or(last);
    let near: String = pattern.chars().take(64).collect();
    if matches!(error, Error::Syntax(_)) && FAULTS.iter().any(|fault| reason.starts_with(fault)) {
        let message = format!("The pattern '{near}' of REGEXMATCH is not a valid regular expression: {reason}.");
        return QueryError::whole("SC2071", message);
    }
    QueryError::whole("SC2990", format!("The pattern '{near}' of REGEXMATCH is not served here: {reason}"))
}
