//! Assignability: whether a value of one type may stand where another is expected, before looking into objects.

use super::Type;

/// Whether values of `from` can be assigned to `to`. Objects are assignable to objects: their properties are compared where
/// the value stands (`crate::check::narrow`).
pub(crate) fn assignable(from: &Type, to: &Type) -> bool {
    let (from, to) = (from.now(), to.now());
    match (&from, &to) {
        (Type::Any | Type::Never, _) | (_, Type::Any) => true,
        (Type::Union(members), _) => members.iter().all(|one| assignable(one, &to)),
        (_, Type::Union(members)) => members.iter().any(|one| assignable(&from, one)),
        (Type::Resource(resource), _) => assignable(&resource.body, &to),
        (Type::Module(_) | Type::Scope(..), Type::Object(_)) => true,
        (Type::TextIs(a), Type::TextIs(b)) => a == b,
        (Type::IntIs(a), Type::IntIs(b)) => a == b,
        (Type::BoolIs(a), Type::BoolIs(b)) => a == b,
        (Type::Text(text), Type::TextIs(_)) => text.loose,
        (Type::Int(number), Type::IntIs(_)) => number.loose,
        // A parameter `bool` passes for `true`; other bools do too rarely to be told apart.
        (Type::Bool, Type::BoolIs(_)) => true,
        (Type::TextIs(_) | Type::Text(_), Type::Text(_)) => true,
        (Type::IntIs(_) | Type::Int(_), Type::Int(_)) => true,
        (Type::BoolIs(_) | Type::Bool, Type::Bool) => true,
        (Type::Null, Type::Null) => true,
        (Type::List(_) | Type::Tuple(_), Type::List(_) | Type::Tuple(_)) => true,
        (Type::Object(_) | Type::Tagged(_), Type::Object(_) | Type::Tagged(_)) => true,
        (Type::Lambda(have, result), Type::Lambda(want, wanted)) => have <= want && assignable(result, wanted),
        (Type::Scope(..), Type::Scope(..)) => true,
        _ => false,
    }
}

/// The type without null, where it is assignable only so.
pub(crate) fn assignable_without_null(from: &Type, to: &Type) -> Option<Type> {
    from.without_null().filter(|left| !matches!(left, Type::Never) && assignable(left, to))
}

/// The name among `candidates` that was probably meant: equal but for the case of letters, or a few letters away.
pub(crate) fn suggestion<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.to_uppercase().chars().collect();
    // One change for every three letters: as the compiler does, since the code of a finding depends on it.
    let third = name.chars().count() * 34 / 100;
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.to_uppercase().chars().collect();
        if letters.is_empty() || letters.len().abs_diff(wanted.len()) > third.min(2) {
            continue;
        }
        if letters == wanted {
            return Some(candidate);
        }
        if letters.len() < 3 || best.is_some_and(|(distance, _)| distance < 2) {
            continue;
        }
        let limit = best.map_or(third, |(distance, _)| distance - 1);
        let distance = distance(&wanted, &letters);
        if distance <= limit {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Whether two names are the same but for two letters and the case.
pub(crate) fn is_near(a: &str, b: &str) -> bool {
    let letters = |name: &str| name.to_lowercase().chars().collect::<Vec<char>>();
    a.len().abs_diff(b.len()) <= 2 && distance(&letters(a), &letters(b)) <= 2
}

/// Insertions, deletions and replacements between two words.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, one) in a.iter().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = before + usize::from(one != other);
            before = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()]
}
