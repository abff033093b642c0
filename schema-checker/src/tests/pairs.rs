//! Changes of one record, field by field: what each breaks, and for whom.

use super::{Verdict, fields, found, judged, record};
use crate::{
    Direction::{self, Both, NewReaders, OldReaders, Schema},
    Severity::{self, Break, Warn},
};

type Found<'a> = (&'a str, Severity, Direction, &'a str);

const ID: &str = r#"{"name":"id","type":"string"}"#;

fn with(field: &str) -> String {
    format!("{ID},{field}")
}

/// Old and new fields, and what is found.
fn expect(old: &str, new: &str, wanted: &[Found<'_>]) {
    let report = fields(&[old, new]);
    assert_eq!(found(&report), wanted, "{old} -> {new}: {:#?}", report.findings);
}

fn of_type(old: &str, new: &str, wanted: &[Found<'_>]) {
    let field = |of: &str| format!(r#"{{"name":"f","type":{of}}}"#);
    expect(&field(old), &field(new), wanted);
}

#[test]
fn a_new_field_needs_a_default_that_every_parser_takes() {
    let added = |field: &str, wanted: &[Found<'_>]| expect(ID, &with(field), wanted);
    added(r#"{"name":"g","type":["null","string"]}"#, &[("field-without-default", Break, NewReaders, "g")]);
    added(r#"{"name":"g","type":"string"}"#, &[("field-without-default", Break, NewReaders, "g")]);
    added(
        r#"{"name":"g","type":["string","null"],"default":null}"#,
        &[("default-not-first-branch", Break, Schema, "g")],
    );
    added(r#"{"name":"g","type":"string","default":null}"#, &[("invalid-default", Break, Schema, "g")]);
    for text in ["null", "None", "NULL", "nil", "undefined"] {
        for order in [r#"["null","string"]"#, r#"["string","null"]"#] {
            let field = format!(r#"{{"name":"g","type":{order},"default":"{text}"}}"#);
            added(&field, &[("default-text-null", Break, Schema, "g")]);
        }
    }
    added(r#"{"name":"g","type":["null","string"],"default":null}"#, &[]);
    added(r#"{"name":"g","type":["string","null"],"default":""}"#, &[]);
    added(r#"{"name":"g","type":"null","default":null}"#, &[]);
    let ordered = fields(&[ID, &with(r#"{"name":"g","type":["string","null"],"default":null}"#)]);
    assert!(ordered.findings[0].mend.contains("put null first"));
    assert!(ordered.findings[0].consequence("v2").expect("whom").contains("Python and JavaScript"));
}

#[test]
fn a_field_goes_only_if_old_readers_have_a_default_for_it() {
    expect(&with(r#"{"name":"a","type":"int"}"#), ID, &[("field-removed", Break, OldReaders, "a")]);
    expect(&with(r#"{"name":"a","type":"int","default":0}"#), ID, &[]);
    expect(&with(r#"{"name":"a","type":["null","int"],"default":null}"#), ID, &[]);
    expect(&with(r#"{"name":"a","type":"string","default":null}"#), ID, &[("field-removed", Break, OldReaders, "a")]);
    // Faults of a stored text are passed over, and not what comes of them.
    let inner = r#"{"type":"record","name":"I","fields":[{"name":"x","type":{"type":"array","items":"double"},"default":[1]}]}"#;
    for field in [
        r#"["string","null"],"default":null"#,
        r#"["int","string"],"default":"x""#,
        &format!(r#"{inner},"default":{{}}"#),
    ] {
        let report = fields(&[&with(&format!(r#"{{"name":"a","type":{field}}}"#)), ID]);
        assert_eq!(found(&report), [("field-removed", Break, OldReaders, "a")], "{field}");
        assert_eq!(report.findings[0].readers, [crate::Reader::Python], "{field}");
    }
    expect(&with(r#"{"name":"a","type":"int"}"#), &format!(r#"{{"name":"a","type":"int"}},{ID}"#), &[]);
}

#[test]
fn all_versions_count_and_not_the_newest_alone() {
    let v1 = with(r#"{"name":"a","type":"string"}"#);
    let v3 = with(r#"{"name":"a","type":"int","default":0}"#);
    let report = fields(&[&v1, ID, &v3]);
    assert_eq!(found(&report), [("type-changed", Break, Both, "a")]);
    assert_eq!(report.findings[0].versions, ["v1"]);
    let without =
        fields(&[&with(r#"{"name":"a","type":"int","default":0}"#), ID, &with(r#"{"name":"a","type":"int"}"#)]);
    let wanted = [("field-without-default", Break, NewReaders, "a"), ("default-removed", Warn, Both, "a")];
    assert_eq!(found(&without), wanted);
}

#[test]
fn enumerations_are_closed() {
    let of = |symbols: &str, more: &str| format!(r#"{{"type":"enum","name":"E","symbols":[{symbols}]{more}}}"#);
    let (ab, abc) = (r#""A","B""#, r#""A","B","C""#);
    let gained = [("enum-symbol-added", Break, OldReaders, "f")];
    of_type(&of(ab, ""), &of(abc, ""), &gained);
    of_type(&of(ab, ""), &of(abc, r#","default":"A""#), &gained);
    of_type(&of(ab, r#","default":"A""#), &of(abc, r#","default":"A""#), &gained);
    of_type(&of(abc, ""), &of(ab, ""), &[("enum-symbol-removed", Break, NewReaders, "f")]);
    of_type(&of(ab, ""), &of(r#""B","A""#, ""), &[]);
    of_type(&of(ab, r#","default":"A""#), &of(ab, r#","default":"B""#), &[("enum-default-changed", Warn, Both, "f")]);
    let field = |symbols: &str| format!(r#"{{"name":"f","type":{},"default":"A"}}"#, of(symbols, ""));
    expect(&field(ab), &field(abc), &gained);
    let python = fields(&[
        &format!(r#"{{"name":"f","type":{}}}"#, of(ab, r#","default":"A""#)),
        &format!(r#"{{"name":"f","type":{}}}"#, of(abc, r#","default":"A""#)),
    ]);
    assert_eq!(python.findings[0].readers, [crate::Reader::Python]);
    of_type(&of(ab, ""), r#""string""#, &[("type-changed", Break, Both, "f")]);
    of_type(&of(ab, ""), &of(ab, r#","default":"C""#), &[("invalid-enum-default", Break, Schema, "f")]);
}

#[test]
fn unions_may_not_gain_or_lose_what_is_written() {
    of_type(r#"["null","string"]"#, r#"["null","string","long"]"#, &[("union-branch-added", Break, OldReaders, "f")]);
    of_type(r#"["null","string","long"]"#, r#"["null","string"]"#, &[("union-branch-removed", Break, NewReaders, "f")]);
    of_type(r#""string""#, r#"["null","string"]"#, &[("union-introduced", Break, OldReaders, "f")]);
    of_type(r#"["null","string"]"#, r#""string""#, &[("union-removed", Break, NewReaders, "f")]);
    of_type(r#"["null","string"]"#, r#"["string","null"]"#, &[]);
    of_type(r#"["null","int"]"#, r#"["null","long"]"#, &[("union-branch-added", Break, OldReaders, "f")]);
    of_type(r#"["int","double"]"#, r#"["double","int"]"#, &[("union-order", Warn, NewReaders, "f")]);
    of_type(
        r#"["null","string","bytes"]"#,
        r#"["null","bytes","string"]"#,
        &[("union-order", Break, NewReaders, "f"), ("union-order", Break, OldReaders, "f")],
    );
    of_type(r#"["bytes","string"]"#, r#"["bytes","string","null"]"#, &[("union-branch-added", Break, OldReaders, "f")]);
    of_type(
        r#"["null","string"]"#,
        r#"["null","int"]"#,
        &[("union-branch-removed", Break, NewReaders, "f"), ("union-branch-added", Break, OldReaders, "f")],
    );
}

#[test]
fn what_is_inside_of_unions_arrays_and_maps_counts_too() {
    let inner = |fields: &str| format!(r#"{{"type":"record","name":"Inner","fields":[{fields}]}}"#);
    let (before, after) = (inner(ID), inner(&with(r#"{"name":"x","type":"int"}"#)));
    for (around, path) in [
        (r#"["null",INNER]"#, "f.x"),
        (r#"{"type":"array","items":INNER}"#, "f[].x"),
        (r#"{"type":"map","values":INNER}"#, "f{}.x"),
        (r#"{"type":"map","values":["null",{"type":"array","items":INNER}]}"#, "f{}[].x"),
        (r#"["null",INNER,{"type":"record","name":"Other","fields":[]}]"#, "f<Inner>.x"),
    ] {
        let put = |inner: &str| around.replace("INNER", inner);
        of_type(&put(&before), &put(&after), &[("field-without-default", Break, NewReaders, path)]);
    }
    // A list of itself, whose next one has the new field too.
    let list = |more: &str| {
        format!(
            r#"{{"name":"f","type":{{"type":"record","name":"List","fields":[{ID},{{"name":"next","type":["null","List"],"default":null}}{more}]}}}}"#
        )
    };
    expect(&list(""), &list(r#",{"name":"x","type":"int"}"#), &[("field-without-default", Break, NewReaders, "f.x")]);
    expect(&list(""), &list(r#",{"name":"x","type":"int","default":1}"#), &[]);
}

#[test]
fn numbers_widen_for_new_readers_only_and_not_inside_of_containers() {
    of_type(r#""int""#, r#""long""#, &[("type-widened", Break, OldReaders, "f")]);
    of_type(r#""long""#, r#""int""#, &[("type-narrowed", Break, NewReaders, "f")]);
    of_type(r#""long""#, r#""double""#, &[("type-widened", Break, OldReaders, "f"), ("digits-lost", Warn, Both, "f")]);
    of_type(r#""string""#, r#""bytes""#, &[("string-and-bytes", Break, Both, "f")]);
    for (container, path) in [(r#"{"type":"map","values":"T"}"#, "f{}"), (r#"{"type":"array","items":"T"}"#, "f[]")] {
        let put = |of: &str| container.replace("\"T\"", of);
        of_type(
            &put(r#""int""#),
            &put(r#""long""#),
            &[("promotion-in-container", Break, NewReaders, path), ("type-widened", Break, OldReaders, path)],
        );
        of_type(
            &put(r#""int""#),
            &put(r#"["null","int"]"#),
            &[("promotion-in-container", Break, NewReaders, path), ("union-introduced", Break, OldReaders, path)],
        );
        let python = fields(&[
            &format!(r#"{{"name":"f","type":{}}}"#, put(r#""int""#)),
            &format!(r#"{{"name":"f","type":{}}}"#, put(r#""long""#)),
        ]);
        assert_eq!(python.findings[0].readers, [crate::Reader::Python]);
    }
}

#[test]
fn what_resolves_and_is_misread_is_refused() {
    let logical = |of: &str, name: &str| format!(r#"{{"type":"{of}","logicalType":"{name}"}}"#);
    let changed = [("logical-type-changed", Break, Both, "f")];
    of_type(&logical("long", "timestamp-millis"), &logical("long", "timestamp-micros"), &changed);
    of_type(&logical("long", "timestamp-millis"), &logical("long", "local-timestamp-millis"), &changed);
    of_type(r#""long""#, &logical("long", "timestamp-millis"), &[("logical-type-changed", Warn, Both, "f")]);
    of_type(r#""string""#, &logical("string", "uuid"), &[("logical-type-changed", Break, NewReaders, "f")]);
    let decimal = |digits: u8, scale: u8| {
        format!(r#"{{"type":"bytes","logicalType":"decimal","precision":{digits},"scale":{scale}}}"#)
    };
    of_type(&decimal(9, 2), &decimal(9, 4), &[("decimal-scale-changed", Break, Both, "f")]);
    of_type(&decimal(9, 2), &decimal(12, 2), &[("decimal-precision-changed", Break, NewReaders, "f")]);
    of_type(&decimal(9, 0), r#"{"type":"bytes","logicalType":"decimal","precision":9}"#, &[]);
    let items = |of: &str| format!(r#"{{"type":"array","items":["null",{of}]}}"#);
    let nested = [("decimal-scale-changed", Break, Both, "f[]")];
    of_type(&items(&decimal(9, 2)), &items(&decimal(9, 3)), &nested);
    let default = |default: u8| format!(r#"{{"name":"f","type":"int","default":{default}}}"#);
    expect(&default(0), &default(1), &[("default-changed", Warn, Both, "f")]);
    expect(r#"{"name":"f","type":"double","default":0}"#, r#"{"name":"f","type":"double","default":0.0}"#, &[]);
}

#[test]
fn names_are_for_good() {
    let of = |name: &str, more: &str| format!(r#"{{"type":"record","name":"{name}","fields":[]{more}}}"#);
    let renamed = [("type-renamed", Break, Both, "f")];
    of_type(&of("A", ""), &of("B", ""), &renamed);
    of_type(&of("A", ""), &of("m.A", ""), &[("namespace-changed", Break, Both, "f")]);
    let aliased = fields(&[
        &format!(r#"{{"name":"f","type":{}}}"#, of("A", "")),
        &format!(r#"{{"name":"f","type":{}}}"#, of("B", r#","aliases":["A"]"#)),
    ]);
    assert_eq!(aliased.verdict, Verdict::Refused, "Python knows no aliases, and old readers do not have this one");
    of_type(&format!(r#"["null",{}]"#, of("A", "")), &format!(r#"["null",{}]"#, of("B", "")), &renamed);
    let fixed = |size: u8| format!(r#"{{"type":"fixed","name":"H","size":{size}}}"#);
    of_type(&fixed(16), &fixed(20), &[("fixed-size-changed", Break, Both, "f")]);
    let field = |name: &str, more: &str| format!(r#"{{"name":"{name}","type":"string"{more}}}"#);
    expect(
        &field("a", ""),
        &field("b", r#","aliases":["a"]"#),
        &[("field-renamed", Break, NewReaders, "b"), ("field-removed", Break, OldReaders, "a")],
    );
    let both = |name: &str, more: &str| field(name, &format!(r#","default":""{more}"#));
    expect(&both("a", ""), &both("b", r#","aliases":["a"]"#), &[("field-renamed", Break, Both, "b")]);

    // Two equal enumerations merged into one: one of the two fields has another name now.
    let kind = |name: &str| format!(r#"{{"type":"enum","name":"{name}","symbols":["X","Y"]}}"#);
    let old = format!(r#"{{"name":"a","type":{}}},{{"name":"b","type":{}}}"#, kind("First"), kind("Second"));
    let new = format!(r#"{{"name":"a","type":{}}},{{"name":"b","type":"First"}}"#, kind("First"));
    expect(&old, &new, &[("type-renamed", Break, Both, "b")]);
    // The same type, defined at another field first, is the same type.
    let moved = format!(r#"{{"name":"b","type":{}}},{{"name":"a","type":"n.First"}}"#, kind("First"));
    expect(&new, &moved, &[]);
}

/// Seen with avsc 5.7.9; others go by names alone.
#[test]
fn aliases_that_javascript_takes_for_other_fields_are_refused() {
    use crate::{Effect, Reader::JavaScript};
    let field = |name: &str, more: &str| format!(r#"{{"name":"{name}","type":"string"{more}}}"#);
    let (a, b) = (field("a", ""), field("b", ""));
    let b_as_a = field("b", r#","default":"","aliases":["a"]"#);
    let long = |name: &str| format!(r#"{{"name":"{name}","type":"long","default":0,"aliases":["a"]}}"#);
    let misread = ("alias-misread", Break, NewReaders, "b");
    let ambiguous = |direction| ("ambiguous-alias", Break, direction, "b");
    let inner = |fields: &str| format!(r#"{{"name":"f","type":{{"type":"record","name":"I","fields":[{fields}]}}}}"#);
    for (old, new, wanted, effect) in [
        // Beside the field that stays.
        (a.clone(), format!("{a},{b_as_a}"), vec![ambiguous(Schema), misread], Effect::Misreads),
        (a.clone(), format!("{a},{}", long("b")), vec![ambiguous(Schema), misread], Effect::Fails),
        // Data has both.
        (format!("{a},{b}"), format!("{a},{b_as_a}"), vec![ambiguous(Schema)], Effect::Refused),
        (format!("{b_as_a},{a}"), b.clone(), vec![("field-removed", Break, OldReaders, "a")], Effect::Fails),
        (format!("{b},{}", field("a", r#","default":"""#)), b_as_a.clone(), vec![ambiguous(NewReaders)], Effect::Fails),
        (
            inner(&format!("{b},{}", field("a", r#","default":"""#))),
            inner(&b_as_a),
            vec![("ambiguous-alias", Break, NewReaders, "f.b")],
            Effect::Fails,
        ),
        // The alias was there first.
        (
            b_as_a.clone(),
            field("a", r#","default":"""#),
            vec![("alias-misread", Break, OldReaders, "b")],
            Effect::Misreads,
        ),
        // Another type under another name.
        (field("a", r#","default":"""#), long("b"), vec![misread, ("field-renamed", Break, Both, "b")], Effect::Fails),
    ] {
        let report = fields(&[&old, &new]);
        let breaks: Vec<_> = found(&report).into_iter().filter(|found| found.1 == Break).collect();
        assert_eq!(breaks, wanted, "{old} -> {new}: {:#?}", report.findings);
        let of_aliases = report.breaks().filter(|finding| finding.code.contains("alias")).last();
        if let Some(finding) = of_aliases {
            assert_eq!((finding.readers.as_slice(), finding.effect), (&[JavaScript][..], effect), "{old} -> {new}");
        }
    }
    // In unions the first branch counts that takes a value.
    let of = |name: &str, of: &str, aliases: &str| {
        format!(r#"{{"type":"record","name":"{name}","fields":[{{"name":"x","type":"{of}"}}]{aliases}}}"#)
    };
    let (one, other, alias) = (of("A", "string", ""), of("B", "string", ""), r#","aliases":["A"]"#);
    let aliased = format!("[{},{one}]", of("B", "string", alias));
    of_type(&format!("[{one},{other}]"), &aliased, &[("union-order", Break, NewReaders, "f<A>")]);
    of_type(&format!("[{other},{one}]"), &aliased, &[("union-order", Break, NewReaders, "f<A>")]);
    of_type(&format!("[{one},{other}]"), &format!("[{one},{}]", of("B", "string", alias)), &[]);
    of_type(&aliased, &aliased.replace(r#""x","#, r#""x","doc":"","#), &[]);
    let strange = of("B", "int", "");
    of_type(&format!("[{one},{strange}]"), &format!("[{},{one}]", of("B", "int", alias)), &[]);
    // Without the alias both are there, as the mend of a renamed field says.
    expect(&a, &format!("{a},{}", field("b", r#","default":"""#)), &[]);
    expect(&a, &field("a", r#","aliases":["a","z"]"#), &[]);
    let renamed = fields(&[&a, &b_as_a]);
    assert!(renamed.findings[0].mend.contains("without the alias"), "{}", renamed.findings[0].mend);
}

#[test]
fn documentation_and_the_order_of_members_make_no_version() {
    let old = record(r#"{"name":"a","type":["null","string"],"default":null}"#);
    let new = r#"{"fields":[{"default":null,"doc":"What.","type":["null",{"type":"string"}],"name":"a","order":"ascending"}],
        "doc":"More.","name":"n.Event","type":"record"}"#;
    assert_eq!(judged(&[&old, new]).verdict, Verdict::Unchanged);
    let other = [
        record(r#"{"name":"a","type":["null","string"],"default":null,"aliases":["z"]}"#),
        record(r#"{"name":"a","type":["null","string"],"default":null,"pii":true}"#),
        record(r#"{"name":"a","type":["null","string"]}"#),
        record(r#"{"name":"a","type":["null","string"],"default":null},{"name":"b","type":"int","default":0}"#),
    ];
    for other in other {
        assert_ne!(judged(&[&old, &other]).verdict, Verdict::Unchanged, "{other}");
    }
}
