//! Functions of strings. Characters are Unicode's; other types than asked for make the result undefined.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::Value;

use super::{Function, argument, flag_of, function, number_of, text_of, whole_of};
use crate::{
    evaluate::{Evaluator, meter::searching, patterns},
    value::{Item, boolean, finite, text},
};

/// Characters that REPLICATE may make.
const LONGEST: usize = 10_000;
/// Bytes of a short text in a list.
const PART: u64 = 64;

pub(super) const FUNCTIONS: &[Function] = &[
    function("CONCAT", 2, usize::MAX, |evaluator, all| {
        let texts: Option<Vec<_>> = (0..all.len()).map(|index| text_of(all, index)).collect();
        let texts = texts?;
        evaluator.room(texts.iter().map(|text| text.len() as u64).sum())?;
        text(texts.concat())
    }),
    function("CONTAINS", 2, 3, |evaluator, all| compared(evaluator, all, |text, part| text.contains(part))),
    function("ENDSWITH", 2, 3, |evaluator, all| compared(evaluator, all, |text, part| text.ends_with(part))),
    function("STARTSWITH", 2, 3, |evaluator, all| compared(evaluator, all, |text, part| text.starts_with(part))),
    function("STRINGEQUALS", 2, 3, |evaluator, all| compared(evaluator, all, |left, right| left == right)),
    function("INDEX_OF", 2, 3, |_, all| index_of(all)),
    function("LEFT", 2, 2, |_, all| slice(text_of(all, 0)?, 0.0, whole_of(all, 1)?)),
    function("RIGHT", 2, 2, |_, all| {
        let (whole, count) = (text_of(all, 0)?, whole_of(all, 1)?);
        slice(whole, (whole.chars().count() as f64 - count).max(0.0), count)
    }),
    function("LENGTH", 1, 1, |_, all| finite(text_of(all, 0)?.chars().count() as f64)),
    function("LOWER", 1, 1, |evaluator, all| {
        let whole = text_of(all, 0)?;
        evaluator.room(cased(whole))?;
        text(whole.to_lowercase())
    }),
    function("UPPER", 1, 1, |evaluator, all| {
        let whole = text_of(all, 0)?;
        evaluator.room(cased(whole))?;
        text(whole.to_uppercase())
    }),
    function("LTRIM", 1, 2, |evaluator, all| trimmed(evaluator, all, true, false)),
    function("RTRIM", 1, 2, |evaluator, all| trimmed(evaluator, all, false, true)),
    function("TRIM", 1, 2, |evaluator, all| trimmed(evaluator, all, true, true)),
    function("REGEXMATCH", 2, 3, regex_match),
    function("REPLACE", 3, 3, |evaluator, all| {
        let (whole, part, by) = (text_of(all, 0)?, text_of(all, 1)?, text_of(all, 2)?);
        if part.is_empty() { None } else { replaced(evaluator, whole, part, by) }
    }),
    function("REPLICATE", 2, 2, |_, all| {
        let (part, count) = (text_of(all, 0)?, number_of(all, 1)?);
        let fits = count >= 0.0 && count * part.chars().count() as f64 <= LONGEST as f64 && count <= LONGEST as f64;
        if fits { text(part.repeat(count as usize)) } else { None }
    }),
    function("REVERSE", 1, 1, |_, all| text(text_of(all, 0)?.chars().rev().collect::<String>())),
    function("SUBSTRING", 3, 3, |_, all| slice(text_of(all, 0)?, whole_of(all, 1)?, whole_of(all, 2)?)),
    function("StringJoin", 2, 2, |evaluator, all| {
        let parts = argument(all, 0)?.as_array()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
        let separator = text_of(all, 1)?;
        evaluator.room(parts.iter().map(|part| (part.len() as u64).saturating_add(separator.len() as u64)).sum())?;
        text(parts.join(separator))
    }),
    function("StringSplit", 2, 2, |evaluator, all| {
        let (whole, separator) = (text_of(all, 0)?, text_of(all, 1)?);
        if !separator.is_empty() {
            evaluator.room(PART * whole.matches(separator).count() as u64)?;
        }
        let parts: Vec<Value> = match separator {
            "" => vec![Value::from(whole)],
            _ => whole.split(separator).map(Value::from).collect(),
        };
        Some(Cow::Owned(Value::Array(parts)))
    }),
    function("FullTextContains", 2, 2, |evaluator, all| full_text(evaluator, all, true)),
    function("FullTextContainsAll", 2, usize::MAX, |evaluator, all| full_text(evaluator, all, true)),
    function("FullTextContainsAny", 2, usize::MAX, |evaluator, all| full_text(evaluator, all, false)),
];

/// Two strings, with or, on request, without regard to case.
fn compared<'a>(evaluator: &Evaluator<'_>, all: &[Item<'a>], compare: fn(&str, &str) -> bool) -> Item<'a> {
    let (left, right) = (text_of(all, 0)?, text_of(all, 1)?);
    if !flag_of(all, 2)? {
        return boolean(compare(left, right));
    }
    evaluator.room(cased(left).saturating_add(cased(right)))?;
    boolean(compare(&left.to_lowercase(), &right.to_lowercase()))
}

/// Bytes of a text in another case, at most; a character of two may become one of six.
fn cased(text: &str) -> u64 {
    3 * text.len() as u64
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

/// Characters from a start, as far as there are some; none from a start before the text.
fn slice<'a>(whole: &str, start: f64, count: f64) -> Item<'a> {
    let count = if start < 0.0 { 0.0 } else { count.max(0.0) };
    text(whole.chars().skip(start as usize).take(count as usize).collect::<String>())
}

fn trimmed<'a>(evaluator: &Evaluator<'_>, all: &[Item<'a>], left: bool, right: bool) -> Item<'a> {
    let mut whole = text_of(all, 0)?;
    let set: Option<BTreeSet<char>> = if all.len() > 1 {
        let set = text_of(all, 1)?;
        evaluator.room(8 * set.len() as u64)?;
        evaluator.pay(searching((whole.len() + set.len()) as u64, set.len()))?;
        Some(set.chars().collect())
    } else {
        None
    };
    let goes = |character: char| set.as_ref().map_or(character.is_whitespace(), |set| set.contains(&character));
    if left {
        whole = whole.trim_start_matches(goes);
    }
    if right {
        whole = whole.trim_end_matches(goes);
    }
    text(whole)
}

/// The result may grow by a factor; what grows beyond a document is undefined.
fn replaced<'a>(evaluator: &Evaluator<'_>, whole: &str, part: &str, by: &str) -> Item<'a> {
    let grown = whole.matches(part).count().saturating_mul(by.len()).saturating_add(whole.len());
    evaluator.room(grown as u64)?;
    if grown <= 4 << 20 { text(whole.replace(part, by)) } else { None }
}

fn regex_match<'a>(evaluator: &Evaluator<'_>, all: &[Item<'a>]) -> Item<'a> {
    let (whole, pattern) = (text_of(all, 0)?, text_of(all, 1)?);
    let modifiers = if all.len() > 2 { text_of(all, 2)? } else { "" };
    boolean(evaluator.is_match(&patterns::modified(pattern, modifiers)?, whole)?)
}

/// Words of a text, without regard to case. The service also brings words to their stems; that is not done.
fn full_text<'a>(evaluator: &Evaluator<'_>, all: &[Item<'a>], every: bool) -> Item<'a> {
    let whole = words(evaluator, text_of(all, 0)?)?;
    let terms: Option<Vec<&str>> = (1..all.len()).map(|index| text_of(all, index)).collect();
    for term in terms? {
        if has_phrase(evaluator, &whole, &words(evaluator, term)?)? != every {
            return boolean(!every);
        }
    }
    boolean(every)
}

fn words(evaluator: &Evaluator<'_>, text: &str) -> Option<Vec<String>> {
    let parts = || text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    evaluator.room(cased(text).saturating_add(PART * parts().count() as u64))?;
    Some(parts().map(str::to_lowercase).collect())
}

/// Whether the words of a phrase stand somewhere one behind the other.
fn has_phrase(evaluator: &Evaluator<'_>, whole: &[String], phrase: &[String]) -> Option<bool> {
    if phrase.is_empty() {
        return Some(false);
    }
    for window in whole.windows(phrase.len()) {
        let same = window.iter().zip(phrase).take_while(|(word, wanted)| word == wanted).count();
        evaluator.pay(window.iter().take(same + 1).map(|word| 8 + word.len() as u64).sum())?;
        if same == phrase.len() {
            return Some(true);
        }
    }
    Some(false)
}
