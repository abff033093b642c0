//! Patterns of `REGEXMATCH`.

use regex::{Error, Regex, RegexBuilder};

use crate::QueryError;

/// Bytes that a compiled pattern may take.
const SIZE: usize = 1 << 20;

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

/// A pattern with its modifiers in it; `None` where one of these is none.
pub(crate) fn modified(pattern: &str, modifiers: &str) -> Option<String> {
    let is_known = modifiers.chars().all(|modifier| "imsx".contains(modifier));
    is_known.then(|| if modifiers.is_empty() { pattern.to_owned() } else { format!("(?{modifiers}){pattern}") })
}

/// Makes a pattern ready to be looked for.
///
/// # Errors
/// `SC2071` for what is no regular expression, `SC2990` for one that is not served here. The service's own codes for them are not known.
pub(crate) fn compile(pattern: &str) -> Result<Regex, QueryError> {
    RegexBuilder::new(pattern).size_limit(SIZE).dfa_size_limit(SIZE).build().map_err(|error| refusal(pattern, &error))
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
