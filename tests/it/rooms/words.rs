//! Words of this project's own, each of which stood for several of the field's terms: high-water mark, merge, position,
//! cache, lease, listener, ownership …

use std::collections::BTreeMap;

use super::package::Named;

/// In every form in which one may be a word of a name.
const OWN_WORDS: [&str; 32] = [
    "mark", "marks", "marked", "marking", "fold", "folds", "folded", "folding", "place", "places", "placed", "placing",
    "hold", "holds", "held", "holding", "known", "shelf", "shelves", "shelved", "door", "doors", "seat", "seats",
    "seated", "late", "later", "timely", "bury", "buries", "buried", "burial",
];

/// Types that stood for different things in several modules of one package.
const ONE_MEANING: [&str; 2] = ["Outcome", "Fact"];

/// The first of those words that a name has as one of its own: `HeldWindows`, `lease_door`.
pub(crate) fn own_word(name: &str) -> Option<&'static str> {
    words(name).iter().find_map(|word| OWN_WORDS.into_iter().find(|own| own == word))
}

/// Types of a name that is to have one meaning, where they are several: their files.
pub(crate) fn several_meanings(types: &[Named]) -> BTreeMap<&'static str, Vec<&str>> {
    let files = |name: &'static str| {
        let files = types.iter().filter(|named| named.name == name).map(|named| named.file.as_str());
        (name, files.collect::<Vec<_>>())
    };
    ONE_MEANING.into_iter().map(files).filter(|(_, files)| files.len() > 1).collect()
}

/// A name's words, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter != '_') {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[test]
fn a_word_counts_only_where_it_is_a_whole_one() {
    for name in ["HeldWindows", "lease_door", "held", "RingMarks"] {
        assert!(own_word(name).is_some(), "{name}");
    }
    for name in ["Marker", "Unknown", "Replacement", "Relateable", "benchmark", "Folder"] {
        assert_eq!(own_word(name), None, "{name}");
    }
}
