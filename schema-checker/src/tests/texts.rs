//! New texts that some parser would refuse, whatever came before.

use super::{judged, record};

#[test]
fn a_new_text_pleases_every_parser() {
    let of = |of: &str| record(&format!(r#"{{"name":"f","type":{of}}}"#));
    let with_default = |of: &str, default: &str| record(&format!(r#"{{"name":"f","type":{of},"default":{default}}}"#));
    let inner =
        r#"{"type":"record","name":"I","fields":[{"name":"x","type":"int"},{"name":"y","type":"int","default":0}]}"#;
    for (text, code) in [
        (of(r#""nothing""#), "invalid-schema"),
        (of(r#"{"type":"array"}"#), "invalid-schema"),
        (of(r#"{"type":{"type":"string"}}"#), "invalid-schema"),
        (of(r#"["null","null"]"#), "invalid-schema"),
        (of(r#"["null",["int"]]"#), "invalid-schema"),
        (of("[]"), "invalid-schema"),
        (of("7"), "invalid-schema"),
        (of(r#"{"type":"enum","name":"E","symbols":[]}"#), "invalid-schema"),
        (of(r#"{"type":"enum","name":"E","symbols":["a-b"]}"#), "invalid-name"),
        (of(r#"{"type":"enum","name":"E","symbols":["A","A"]}"#), "duplicate-name"),
        (of(r#"{"type":"fixed","name":"F","size":0}"#), "invalid-schema"),
        (of(r#"{"type":"record","name":"R-1","fields":[]}"#), "invalid-name"),
        (of(r#"{"type":"record","name":"string","fields":[]}"#), "invalid-name"),
        (of(r#"{"type":"record","name":"Event","fields":[]}"#), "duplicate-name"),
        (of("\"Event\""), "endless-record"),
        (record(r#"{"name":"unit-price","type":"int"}"#), "invalid-name"),
        (record(r#"{"name":"1st","type":"int"}"#), "invalid-name"),
        (record(r#"{"name":"a","type":"int"},{"name":"a","type":"int"}"#), "duplicate-name"),
        (
            record(r#"{"name":"a","type":"Later"},{"name":"b","type":{"type":"fixed","name":"Later","size":2}}"#),
            "invalid-schema",
        ),
        (record(r#"{"name":"a","name":"b","type":"int"}"#), "invalid-schema"),
        (with_default(r#""int""#, "3000000000"), "invalid-default"),
        (with_default(r#""int""#, "1.5"), "invalid-default"),
        (with_default(r#""int""#, "\"1\""), "invalid-default"),
        (with_default(r#""long""#, "9007199254740993"), "invalid-default"),
        (with_default(r#""boolean""#, "0"), "invalid-default"),
        (with_default(r#""bytes""#, "\"\u{141}\""), "invalid-default"),
        (with_default(r#"{"type":"array","items":"int"}"#, r#"["a"]"#), "invalid-default"),
        (with_default(r#"{"type":"array","items":"int"}"#, "null"), "invalid-default"),
        (with_default(inner, r#"{"y":1}"#), "invalid-default"),
        (with_default(inner, r#"{"x":1,"z":1}"#), "invalid-default"),
        (with_default(r#"{"type":"enum","name":"E","symbols":["A"]}"#, "\"B\""), "invalid-default"),
        (with_default(r#"{"type":"fixed","name":"F","size":2}"#, "\"abc\""), "invalid-default"),
        (of(r#"{"type":"bytes","logicalType":"decimal","precision":2,"scale":4}"#), "invalid-logical-type"),
        (of(r#"{"type":"string","logicalType":"timestamp-millis"}"#), "invalid-logical-type"),
        (of(r#"{"type":"fixed","name":"D","size":2,"logicalType":"decimal","precision":9}"#), "invalid-logical-type"),
    ] {
        let report = judged(&[&text]);
        let breaks: Vec<_> = report.breaks().map(|finding| finding.code).collect();
        assert_eq!(breaks, [code], "{text}: {:#?}", report.findings);
    }
    for good in [
        with_default(inner, r#"{"x":1}"#),
        with_default(r#"{"type":"map","values":["null","int"]}"#, r#"{"a":null}"#),
        with_default(r#""double""#, "1.0"),
        with_default(r#"["float","null"]"#, "1e2"),
        with_default(r#""bytes""#, "\"~\""),
        of(r#"["null","Event"]"#),
        of(r#"{"type":"array","items":"Event"}"#),
        of(r#"{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":9}"#),
    ] {
        let report = judged(&[&good]);
        assert!(report.findings.is_empty(), "{good}: {:#?}", report.findings);
    }
}

/// Seen with avro 1.12.2 for Python and avsc 5.7.9.
#[test]
fn a_default_that_one_library_cannot_use_is_refused_for_that_one() {
    use crate::Reader::{self, JavaScript, Python};
    let with_default = |of: &str, default: &str| record(&format!(r#"{{"name":"f","type":{of},"default":{default}}}"#));
    let inner = |of: &str, default: &str| {
        format!(
            r#"{{"type":"record","name":"I","fields":[{{"name":"x","type":"int"}},{{"name":"y","type":{of},"default":{default}}}]}}"#
        )
    };
    let refused = |text: &str, reader: Option<Reader>, mend: &str| {
        let report = judged(&[text]);
        let found: Vec<_> = report.findings.iter().map(|found| (found.code, found.readers.clone())).collect();
        let wanted: Vec<_> = reader.into_iter().map(|reader| ("default-not-portable", vec![reader])).collect();
        assert_eq!(found, wanted, "{text}: {:#?}", report.findings);
        assert!(report.findings.iter().all(|found| found.mend.contains(mend)), "{:#?}", report.findings);
    };
    let float_or_int = r#"["float","int"]"#;
    for (of, default, reader, mend) in [
        (r#""double""#, "2", Python, "write 2.0"),
        (r#"["float","null"]"#, "-1", Python, "write -1.0"),
        (r#"{"type":"array","items":"double"}"#, "[0.5,1]", Python, "write 1.0"),
        (r#"{"type":"map","values":"float"}"#, r#"{"a":1}"#, Python, "write 1.0"),
        (inner(r#""double""#, "0.5").as_str(), r#"{"x":1,"y":1}"#, Python, "write 1.0"),
        (r#""bytes""#, "\"\u{ff}\"", Python, "below 0x80"),
        (r#"{"type":"fixed","name":"F","size":1}"#, "\"\u{80}\"", Python, "below 0x80"),
        (inner(r#""bytes""#, "\"a\"").as_str(), r#"{"x":1}"#, JavaScript, r#"write it out: "y": "a""#),
        (inner(float_or_int, "1.5").as_str(), r#"{"x":1}"#, JavaScript, r#"write it out: "y": 1.5"#),
        (
            inner(r#"{"type":"array","items":["float","int"]}"#, "[1.5]").as_str(),
            r#"{"x":1}"#,
            JavaScript,
            "write it out",
        ),
    ] {
        refused(&with_default(of, default), Some(reader), mend);
    }
    for (of, default) in [
        (inner(r#""bytes""#, "\"a\""), r#"{"x":1,"y":"a"}"#),
        (inner(float_or_int, "1.5"), r#"{"x":1,"y":1.5}"#),
        (inner(r#"["null","int","long"]"#, "null"), r#"{"x":1}"#),
        (inner(r#"["string","bytes"]"#, "\"a\""), r#"{"x":1}"#),
        (inner(r#"{"type":"array","items":["float","int"]}"#, "[]"), r#"{"x":1}"#),
    ] {
        refused(&with_default(&of, default), None, "");
    }
    // A default that leads to itself, twice, comes to an end.
    let list = r#"{"type":"record","name":"L","fields":[{"name":"of","type":{"type":"array","items":"L"},"default":[{},{}]}]}"#;
    assert!(judged(&[&with_default(list, "{}")]).findings.len() < 4);
    // The mend makes a version, though the value is the same; and a field goes only if Python can read its default.
    let double = |default: &str| {
        format!(r#"{{"name":"id","type":"string"}},{{"name":"f","type":"double","default":{default}}}"#)
    };
    let mended = judged(&[&record(&double("0")), &record(&double("0.0"))]);
    assert_eq!((mended.verdict, mended.findings.len()), (crate::Verdict::Compatible, 0), "{:#?}", mended.findings);
    let gone = judged(&[&record(&double("0")), &record(r#"{"name":"id","type":"string"}"#)]);
    assert_eq!((gone.findings[0].code, gone.findings[0].readers.as_slice()), ("field-removed", &[Python][..]));
    assert!(judged(&[&record(&double("0.0")), &record(r#"{"name":"id","type":"string"}"#)]).findings.is_empty());
}

/// Whatever JSON there is for a schema, it is judged, and is no change of itself that breaks anybody.
#[test]
fn any_json_is_judged() {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    let word = prop::sample::select(vec![
        "record", "enum", "array", "map", "union", "fixed", "int", "null", "string", "A", "n.B", "", "decimal", "date",
    ]);
    let leaf = prop_oneof![
        word.prop_map(|word| json!(word)),
        Just(Value::Null),
        any::<i64>().prop_map(|number| json!(number))
    ];
    let member = prop::sample::select(vec![
        "type",
        "name",
        "fields",
        "items",
        "values",
        "symbols",
        "size",
        "default",
        "logicalType",
        "precision",
        "aliases",
        "namespace",
    ]);
    let json = leaf.prop_recursive(5, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::hash_map(member.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    proptest!(|(json in json)| {
        let text = json.to_string();
        let report = judged(&[&text, &text]);
        prop_assert!(report.breaks().all(|finding| finding.direction == crate::Direction::Schema), "{text}: {:#?}", report.findings);
    });
}

#[test]
fn a_text_that_is_not_read_is_told_why() {
    let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(200), "}".repeat(200));
    for (text, why) in [
        ("\u{feff}\"int\"", "byte order mark"),
        (deep.as_str(), "128 levels"),
        ("{", "EOF while parsing an object at line 1 column 1"),
    ] {
        let error = crate::strict(text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(crate::tolerant(text).unwrap_err().to_string(), error);
    }
}
