//! Pairs of schemas, and what readers do with them.

mod pairs;
mod texts;

use crate::{Direction, Old, Report, Severity, Verdict, check};

/// A record with these fields.
fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"Event","namespace":"n","fields":[{fields}]}}"#)
}

/// Judges the last of the texts against the others.
fn judged(versions: &[&str]) -> Report {
    let labels: Vec<String> = (1..=versions.len()).map(|number| format!("v{number}")).collect();
    let (new, old) = versions.split_last().expect("a new one");
    let old: Vec<Old<'_>> = old.iter().zip(&labels).map(|(text, label)| Old { label, text }).collect();
    check(&old, &labels[old.len()], new).expect("JSON")
}

/// The same for the fields of one record.
fn fields(versions: &[&str]) -> Report {
    let records: Vec<String> = versions.iter().map(|fields| record(fields)).collect();
    judged(&records.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What was found: code, severity, direction, path.
fn found(report: &Report) -> Vec<(&'static str, Severity, Direction, &str)> {
    let each = report.findings.iter();
    each.map(|finding| (finding.code, finding.severity, finding.direction, finding.path.as_str())).collect()
}

#[test]
fn a_finding_says_where_for_whom_and_what_mends_it() {
    let before = r#"{"name":"state","type":{"type":"record","name":"State","fields":[{"name":"id","type":"string"}]}}"#;
    let after = before.replace(r#""string"}"#, r#""string"},{"name":"brand","type":["null","string"]}"#);
    let report = fields(&[before, &after]);
    assert_eq!(report.verdict, Verdict::Refused);
    let line = report.findings[0].line("product.changed", "v2");
    let wanted =
        "product.changed v2: state.brand: added without default; readers of v2 cannot read v1; add \"default\": null";
    assert_eq!(line, wanted);
    let json = report.to_json("product.changed", "v2");
    let finding = &json["findings"][0];
    assert_eq!((&finding["path"], &finding["old"]), (&"state.brand".into(), &serde_json::Value::Null));
    assert_eq!(finding["new"], serde_json::json!({ "name": "brand", "type": ["null", "string"] }));
    assert_eq!((&json["verdict"], &finding["readers"][2]), (&"refused".into(), &"rust".into()));
}

#[test]
fn one_finding_about_several_versions_is_said_once() {
    let base = r#"{"name":"a","type":"string"}"#;
    let second = r#"{"name":"a","type":"string"},{"name":"b","type":"int","default":0}"#;
    let third = r#"{"name":"a","type":"int"},{"name":"b","type":"int","default":0}"#;
    let report = fields(&[base, second, third]);
    assert_eq!(found(&report), [("type-changed", Severity::Break, Direction::Both, "a")]);
    assert_eq!(report.findings[0].versions, ["v1", "v2"]);
    let told = report.findings[0].consequence("v3").expect("somebody is hit");
    assert_eq!(told, "readers of v3 cannot read v1 and v2, and readers of v1 and v2 cannot read v3");
}

#[test]
fn what_is_not_json_is_no_verdict() {
    let old = Old { label: "v1", text: "{" };
    assert_eq!(check(&[old], "v2", r#""int""#).expect_err("unreadable").label, "v1");
    // Types within each other, each in the one after it: a text of little depth for a schema of much.
    let chain: Vec<String> = (1..5_000)
        .map(|number| format!(r#"{{"name":"f{number}","type":{{"type":"record","name":"R{number}","fields":[{{"name":"x","type":"R{}"}}]}}}}"#, number - 1))
        .collect();
    let chain = format!(r#"{{"name":"f0","type":{{"type":"record","name":"R0","fields":[]}}}},{}"#, chain.join(","));
    assert_eq!(fields(&[&chain, &chain]).breaks().count(), 0, "they are compared in the order of their definition");
    let deep = "[".repeat(20_000);
    assert_eq!(check(&[], "v1", &deep).expect_err("unreadable").label, "v1");
}

/// A stored text that no parser of today would take must not keep its event from ever changing again.
#[test]
fn faults_of_old_texts_are_passed_over() {
    let old = r#"{"name":"a","type":"string","default":null},{"name":"b","type":["string","null"],"default":null},{"name":"c-d","type":"int"}"#;
    let new = r#"{"name":"a","type":"string"},{"name":"b","type":["null","string"],"default":null},{"name":"c-d","type":"int"}"#;
    let report = fields(&[old, new]);
    let breaks: Vec<_> = report.breaks().map(|finding| (finding.code, finding.path.as_str())).collect();
    assert_eq!(breaks, [("invalid-name", "c-d")], "the new text has this fault itself");
    let mended = r#"{"name":"a","type":"string"},{"name":"b","type":["null","string"],"default":null}"#;
    let strange = r#"{"name":"a","type":"string"},{"name":"b","type":["null","string"],"default":null},{"name":"x","type":"Nowhere","default":1}"#;
    let report = fields(&[strange, mended]);
    assert_eq!(report.breaks().count(), 0, "{:?}", report.findings);
}
