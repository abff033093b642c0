//! LIKE: `%` stands for any text, `_` for one character, `[a-c]` and `[^a-c]` for one of or outside a set.

use super::Meter;
use crate::QueryError;

enum Part {
    Any,
    One,
    Exactly(char),
    Set { outside: bool, ranges: Vec<(char, char)> },
}

impl Part {
    /// What looking whether a character fits counts as.
    fn steps(&self) -> u64 {
        match self {
            Part::Set { ranges, .. } => 1 + ranges.len() as u64,
            _ => 1,
        }
    }
}

/// Steps after which they are counted, and what one counts as.
const STEPS: u64 = 4096;
const STEP: u64 = 4;

/// Bytes that [`matches()`] takes: characters of the text, and parts of the pattern.
pub(super) fn takes(text: &str, pattern: &str) -> u64 {
    4 * text.len() as u64 + size_of::<Part>() as u64 * pattern.len() as u64
}

/// Whether a text is like a pattern. It goes back to the last `%` only, so its time is at most the product of both lengths.
pub(super) fn matches(text: &str, pattern: &str, escape: Option<char>, meter: &Meter) -> Result<bool, QueryError> {
    let parts = parts(pattern, escape);
    let mut steps = 0;
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut part) = (0, 0);
    let mut last_any: Option<(usize, usize)> = None;
    while at < text.len() || part < parts.len() {
        steps += parts.get(part).map_or(1, Part::steps);
        if steps >= STEPS {
            meter.charge(steps * STEP)?;
            steps = 0;
        }
        match (parts.get(part), text.get(at)) {
            (Some(Part::Any), _) => {
                last_any = Some((part, at));
                part += 1;
                continue;
            }
            (Some(here), Some(character)) if fits(here, *character) => {
                at += 1;
                part += 1;
                continue;
            }
            _ => {}
        }
        match &mut last_any {
            Some((any, from)) if *from < text.len() => {
                *from += 1;
                (part, at) = (*any + 1, *from);
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn fits(part: &Part, character: char) -> bool {
    match part {
        Part::Any | Part::One => true,
        Part::Exactly(wanted) => *wanted == character,
        Part::Set { outside, ranges } => {
            ranges.iter().any(|(first, last)| (*first..=*last).contains(&character)) != *outside
        }
    }
}

fn parts(pattern: &str, escape: Option<char>) -> Vec<Part> {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(character) = pattern.get(at).copied() {
        at += 1;
        parts.push(match character {
            _ if Some(character) == escape => {
                let literal = pattern.get(at).copied().unwrap_or(character);
                at += 1;
                Part::Exactly(literal)
            }
            '%' => Part::Any,
            '_' => Part::One,
            '[' => match set(&pattern, at) {
                Some((set, end)) => {
                    at = end;
                    set
                }
                None => Part::Exactly('['),
            },
            _ => Part::Exactly(character),
        });
    }
    parts
}

/// A set from behind its bracket, and the place behind the closing one.
fn set(pattern: &[char], start: usize) -> Option<(Part, usize)> {
    let outside = pattern.get(start) == Some(&'^');
    let mut at = start + usize::from(outside);
    let mut ranges = Vec::new();
    loop {
        let first = *pattern.get(at)?;
        if first == ']' && !ranges.is_empty() {
            return Some((Part::Set { outside, ranges }, at + 1));
        }
        let last = match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some('-'), Some(last)) if *last != ']' => {
                at += 2;
                *last
            }
            _ => first,
        };
        ranges.push((first, last));
        at += 1;
    }
}
