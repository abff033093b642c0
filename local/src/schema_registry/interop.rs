//! Apache Avro's own cases of canonical forms and fingerprints, against what the registry makes of schemas: which texts
//! are one version, and which schemas read each other.

use apache_avro::{Schema, rabin::Rabin};

use super::{compatibility, definition::Definition};
use crate::topology::Compatibility;

/// One case of `schema-tests.txt`.
struct Case {
    input: String,
    canonical: String,
    /// CRC-64-AVRO.
    fingerprint: Option<i64>,
}

fn cases() -> Vec<Case> {
    let file = concat!(env!("REAL_DATA"), "/avro-interop/apache-avro/schema-tests.txt");
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut cases: Vec<Case> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(input) = line.strip_prefix("<<INPUT") {
            let input = match input.trim() {
                // What follows, up to the word alone on a line.
                "" => lines.by_ref().take_while(|line| *line != "INPUT").collect::<Vec<_>>().join("\n"),
                input => input.to_owned(),
            };
            cases.push(Case { input, canonical: String::new(), fingerprint: None });
        } else if let Some(canonical) = line.strip_prefix("<<canonical ") {
            cases.last_mut().expect("an input").canonical = canonical.to_owned();
        } else if let Some(fingerprint) = line.strip_prefix("<<fingerprint ") {
            cases.last_mut().expect("an input").fingerprint = Some(fingerprint.parse().expect("a number"));
        }
    }
    cases
}

/// The parser's canonical form and fingerprint are Avro's, so it understands a schema as Avro means it. One thing is
/// not: the parser keeps the sort order of a field, which the canonical form leaves out. Nothing here asks for either,
/// since ids follow from the registered text, and sort orders do not matter to readers.
#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn schemas_are_understood_as_avro_means_them() {
    let cases = cases();
    assert_eq!(cases.len(), 34);
    let mut differing = Vec::new();
    for Case { input, canonical, fingerprint } in &cases {
        let schema = Schema::parse_str(input).unwrap_or_else(|error| panic!("{input}: {error}"));
        let ours = schema.fingerprint::<Rabin>().bytes;
        let is_same = fingerprint.is_none_or(|fingerprint| ours == fingerprint.to_le_bytes());
        if !is_same || schema.canonical_form() != *canonical {
            differing.push(schema.canonical_form());
        }
    }
    let kept = r#"{"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"},{"name":"f2","type":"int","order":"descending"}]}"#;
    assert_eq!(differing, [kept]);
}

/// Schemas of one canonical form read each other's data, in both modes. They are one version only where the texts are
/// the same JSON: what the canonical form drops (defaults, aliases, documentation) is what readers are given.
#[test]
#[cfg_attr(not(real_data), ignore = "the real data set is not here")]
fn schemas_of_one_canonical_form_are_compatible_and_distinct() {
    for Case { input, canonical, .. } in cases() {
        let [given, canonical] = [&input, &canonical].map(|text| Definition::parse(text).expect("valid"));
        for mode in [Compatibility::Backward, Compatibility::Forward] {
            for (new, old) in [(&given, &canonical), (&canonical, &given)] {
                let verdict = compatibility::check(mode, &new.schema, [(1, &old.schema)]);
                assert!(verdict.is_ok(), "{input}: {verdict:?}");
            }
        }
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        let is_same = json(&given.text) == json(&canonical.text);
        assert_eq!(given.id("g", "n") == canonical.id("g", "n"), is_same, "{input}");
    }
}
