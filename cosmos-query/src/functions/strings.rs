//! Functions of strings. Characters are Unicode's; other types than asked for make the result undefined.

use std::borrow::Cow;

use serde_json::Value;

use super::{Function, argument, flag_of, function, number_of, text_of};
use crate::{
    evaluate::{Evaluator, patterns},
    value::{Item, boolean, finite, text},
};

/// Characters that REPLICATE may make.
const LONGEST: usize = 10_000;

pub(super) const FUNCTIONS: &[Function] = &[
    function("CONCAT", 2, usize::MAX, |_, all| {
        let texts: Option<Vec<_>> = (0..all.len()).map(|index| text_of(all, index)).collect();
        text(texts?.concat())
    }),
    function("CONTAINS", 2, 3, |_, all| compared(all, |text, part| text.contains(part))),
    function("ENDSWITH", 2, 3, |_, all| compared(all, |text, part| text.ends_with(part))),
    function("STARTSWITH", 2, 3, |_, all| compared(all, |text, part| text.starts_with(part))),
    function("STRINGEQUALS", 2, 3, |_, all| compared(all, |left, right| left == right)),
    function("INDEX_OF", 2, 3, |_, all| index_of(all)),
    function("LEFT", 2, 2, |_, all| slice(text_of(all, 0)?, 0.0, number_of(all, 1)?)),
    function("RIGHT", 2, 2, |_, all| {
        let (whole, count) = (text_of(all, 0)?, number_of(all, 1)?.max(0.0));
        let start = (whole.chars().count() as f64 - count.trunc()).max(0.0);
        slice(whole, start, count)
    }),
    function("LENGTH", 1, 1, |_, all| finite(text_of(all, 0)?.chars().count() as f64)),
    function("LOWER", 1, 1, |_, all| text(text_of(all, 0)?.to_lowercase())),
    function("UPPER", 1, 1, |_, all| text(text_of(all, 0)?.to_uppercase())),
    function("LTRIM", 1, 2, |_, all| trimmed(all, true, false)),
    function("RTRIM", 1, 2, |_, all| trimmed(all, false, true)),
    function("TRIM", 1, 2, |_, all| trimmed(all, true, true)),
    function("REGEXMATCH", 2, 3, regex_match),
    function("REPLACE", 3, 3, |_, all| {
        let (whole, part, by) = (text_of(all, 0)?, text_of(all, 1)?, text_of(all, 2)?);
        if part.is_empty() { text(whole) } else { replaced(whole, part, by) }
    }),
    function("REPLICATE", 2, 2, |_, all| {
        let (part, count) = (text_of(all, 0)?, number_of(all, 1)?);
        let fits = count >= 0.0 && count * part.chars().count() as f64 <= LONGEST as f64 && count <= LONGEST as f64;
        if fits { text(part.repeat(count as usize)) } else { None }
    }),
    function("REVERSE", 1, 1, |_, all| text(text_of(all, 0)?.chars().rev().collect::<String>())),
    function("SUBSTRING", 3, 3, |_, all| slice(text_of(all, 0)?, number_of(all, 1)?, number_of(all, 2)?)),
    function("StringJoin", 2, 2, |_, all| {
        let parts = argument(all, 0)?.as_array()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
        text(parts.join(text_of(all, 1)?))
    }),
    function("StringSplit", 2, 2, |_, all| {
        let (whole, separator) = (text_of(all, 0)?, text_of(all, 1)?);
        let parts: Vec<Value> = match separator {
            "" => vec![Value::from(whole)],
            _ => whole.split(separator).map(Value::from).collect(),
        };
        Some(Cow::Owned(Value::Array(parts)))
    }),
    function("FullTextContains", 2, 2, |_, all| full_text(all, true)),
    function("FullTextContainsAll", 2, usize::MAX, |_, all| full_text(all, true)),
    function("FullTextContainsAny", 2, usize::MAX, |_, all| full_text(all, false)),
];

/// Two strings, with or, on request, without regard to case.
fn compared<'a>(all: &[Item<'a>], compare: fn(&str, &str) -> bool) -> Item<'a> {
    let (left, right) = (text_of(all, 0)?, text_of(all, 1)?);
    match flag_of(all, 2)? {
        true => boolean(compare(&left.to_lowercase(), &right.to_lowercase())),
        false => boolean(compare(left, right)),
    }
}

fn index_of<'a>(all: &[Item<'a>]) -> Item<'a> {
    let (whole, part) = (text_of(all, 0)?, text_of(all, 1)?);
    let from = if all.len() > 2 { number_of(all, 2)?.max(0.0) as usize } else { 0 };
    let start = match whole.char_indices().nth(from) {
        Some((at, _)) => at,
        None => whole.len(),
    };
    let found = whole.get(start..)?.find(part).map(|at| whole.get(..start + at).unwrap_or("").chars().count());
    finite(found.map_or(-1.0, |found| found as f64))
}

/// Characters from a start, as far as there are some.
fn slice<'a>(whole: &str, start: f64, count: f64) -> Item<'a> {
    let start = start.trunc();
    // What is before the text counts, though there is nothing.
    let count = (count.trunc() + start.min(0.0)).max(0.0);
    text(whole.chars().skip(start.max(0.0) as usize).take(count as usize).collect::<String>())
}

fn trimmed<'a>(all: &[Item<'a>], left: bool, right: bool) -> Item<'a> {
    let mut whole = text_of(all, 0)?;
    let set = if all.len() > 1 { Some(text_of(all, 1)?) } else { None };
    let goes = |character: char| set.map_or(character.is_whitespace(), |set| set.contains(character));
    if left {
        whole = whole.trim_start_matches(goes);
    }
    if right {
        whole = whole.trim_end_matches(goes);
    }
    text(whole)
}

/// The result may grow by a factor; what grows beyond a document is undefined.
fn replaced<'a>(whole: &str, part: &str, by: &str) -> Item<'a> {
    let grown = whole.matches(part).count().saturating_mul(by.len()).saturating_add(whole.len());
    if grown <= 4 << 20 { text(whole.replace(part, by)) } else { None }
}

fn regex_match<'a>(evaluator: &Evaluator<'_>, all: &[Item<'a>]) -> Item<'a> {
    let (whole, pattern) = (text_of(all, 0)?, text_of(all, 1)?);
    let modifiers = if all.len() > 2 { text_of(all, 2)? } else { "" };
    boolean(evaluator.is_match(&patterns::modified(pattern, modifiers)?, whole)?)
}

/// Words of a text, without regard to case. The service also brings words to their stems; that is not done.
fn full_text<'a>(all: &[Item<'a>], every: bool) -> Item<'a> {
    let words = |text: &str| -> Vec<String> {
        let parts = text.split(|character: char| !character.is_alphanumeric());
        parts.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let whole = words(text_of(all, 0)?);
    let terms: Option<Vec<&str>> = (1..all.len()).map(|index| text_of(all, index)).collect();
    let has = |term: &str| {
        let phrase = words(term);
        !phrase.is_empty() && whole.windows(phrase.len()).any(|window| window == phrase)
    };
    let mut terms = terms?.into_iter();
    boolean(if every { terms.all(has) } else { terms.any(has) })
}
