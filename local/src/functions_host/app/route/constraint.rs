//! Inline constraints of route parameters, such as `int` in `{id:int}`: all that ASP.NET knows by itself.

use regex::Regex;

use super::number::{self, Style};

/// A constraint the host knows.
#[derive(Clone, Debug)]
pub(super) enum Constraint {
    Int,
    Long,
    Bool,
    Guid,
    Alpha,
    Decimal,
    Real,
    DateTime,
    Required,
    File,
    NonFile,
    Pattern(Regex),
    Length { min: usize, max: usize },
    Range { min: i64, max: i64 },
}

impl Constraint {
    /// Parses `int`, `length(1,5)` and so on.
    ///
    /// # Errors
    /// One sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, arguments) = match text.split_once('(') {
            Some((name, rest)) => {
                (name, Some(rest.strip_suffix(')').ok_or_else(|| format!("constraint '{text}' is not closed"))?))
            }
            None => (text, None),
        };
        let name = name.to_lowercase();
        if let ("regex", Some(pattern)) = (name.as_str(), arguments) {
            // Without regard to case, and anywhere in the value unless it says otherwise.
            let read = regex::RegexBuilder::new(pattern).case_insensitive(true).build();
            return read.map(Self::Pattern).map_err(|_| {
                format!("constraint '{text}' is no regular expression, or one with look-around or back references, which this host does not serve")
            });
        }
        let unknown = || format!("constraint '{text}' is not known");
        let listed = arguments
            .filter(|arguments| !arguments.trim().is_empty())
            .map(|arguments| arguments.split(',').map(|number| number.trim().parse()).collect::<Result<Vec<i64>, _>>());
        let numbers = listed.transpose().map_err(|_| unknown())?.unwrap_or_default();
        let size = |number: i64| usize::try_from(number).map_err(|_| format!("constraint '{text}' is negative"));
        Ok(match (name.as_str(), &numbers[..]) {
            ("int", []) => Self::Int,
            ("long", []) => Self::Long,
            ("bool", []) => Self::Bool,
            ("guid", []) => Self::Guid,
            ("alpha", []) => Self::Alpha,
            ("decimal", []) => Self::Decimal,
            ("double" | "float", []) => Self::Real,
            ("datetime", []) => Self::DateTime,
            ("required", []) => Self::Required,
            ("file", []) => Self::File,
            ("nonfile", []) => Self::NonFile,
            ("length", [exact]) => Self::Length { min: size(*exact)?, max: size(*exact)? },
            ("length", [min, max]) => Self::Length { min: size(*min)?, max: size(*max)? },
            ("minlength", [min]) => Self::Length { min: size(*min)?, max: usize::MAX },
            ("maxlength", [max]) => Self::Length { min: 0, max: size(*max)? },
            ("min", [min]) => Self::Range { min: *min, max: i64::MAX },
            ("max", [max]) => Self::Range { min: i64::MIN, max: *max },
            ("range", [min, max]) => Self::Range { min: *min, max: *max },
            _ => return Err(unknown()),
        })
    }

    pub(super) fn accepts(&self, value: &str) -> bool {
        let trimmed = number::trimmed(value);
        match self {
            Self::Int => trimmed.parse::<i32>().is_ok(),
            Self::Long => trimmed.parse::<i64>().is_ok(),
            Self::Bool => trimmed.eq_ignore_ascii_case("true") || trimmed.eq_ignore_ascii_case("false"),
            Self::Guid => is_guid(trimmed),
            Self::Alpha => value.chars().all(|character| character.is_ascii_alphabetic()),
            Self::Decimal => number::is_number(value, Style::Number),
            Self::Real => number::is_number(value, Style::Float),
            Self::DateTime => number::is_date_time(value),
            Self::Required => !value.is_empty(),
            Self::File => is_file(value),
            Self::NonFile => !is_file(value),
            Self::Pattern(pattern) => pattern.is_match(value),
            // .NET counts UTF-16 units.
            Self::Length { min, max } => (*min..=*max).contains(&value.encode_utf16().count()),
            Self::Range { min, max } => trimmed.parse::<i64>().is_ok_and(|number| (*min..=*max).contains(&number)),
        }
    }

    /// Whether a parameter that is absent, and not optional, passes.
    pub(super) fn accepts_nothing(&self) -> bool {
        matches!(self, Self::NonFile)
    }
}

/// A GUID with hyphens, in braces or parentheses, or without any of these.
fn is_guid(text: &str) -> bool {
    let enclosed = |open, close| text.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
    let (text, lengths) = match enclosed('{', '}').or_else(|| enclosed('(', ')')) {
        Some(inner) => (inner, &[36][..]),
        None => (text, &[32, 36][..]),
    };
    lengths.contains(&text.len()) && uuid::Uuid::try_parse(text).is_ok()
}

/// Whether the last segment has a full stop with more than full stops behind it.
fn is_file(value: &str) -> bool {
    let last = value.rsplit('/').next().unwrap_or(value);
    last.split_once('.').is_some_and(|(_, after)| after.contains(|character| character != '.'))
}
