use std::path::Path;

use crate::{
    diagnostic::line_and_column,
    syntax::{
        FileKind,
        ast::{
            ArrayItem, BinaryOperator, DirectiveKind, ExpressionKind, ObjectItem, StatementKind, StringPart, TypeKind,
        },
        parse_file, parse_params,
    },
};

/// The value of the only variable of a text.
fn value(text: &str) -> ExpressionKind {
    let parsed = parse_file(text);
    assert_eq!(parsed.diagnostics, [], "{text}");
    match parsed.file.statements.into_iter().next().unwrap().kind {
        StatementKind::Variable { value, .. } => value.kind,
        other => panic!("no variable: {other:?}"),
    }
}

#[test]
fn operators_bind_as_in_the_compiler() {
    let ExpressionKind::Binary { operator, right, .. } = value("var a = b ?? c || d && e == f + g * -h") else {
        panic!("no operator");
    };
    assert_eq!(operator, BinaryOperator::Coalesce);
    let ExpressionKind::Binary { operator, right, .. } = right.kind else { panic!("no operator") };
    assert_eq!(operator, BinaryOperator::Or);
    assert!(matches!(right.kind, ExpressionKind::Binary { operator: BinaryOperator::And, .. }));
    let ExpressionKind::Binary { left, .. } = value("var a = b - c - d") else { panic!("no operator") };
    assert!(matches!(left.kind, ExpressionKind::Binary { .. }), "equal ones bind to the left");
}

#[test]
fn strings_have_their_values() {
    let text = |source: &str| match value(&format!("var a = {source}")) {
        ExpressionKind::String(string) => string,
        other => panic!("no string: {other:?}"),
    };
    assert_eq!(text("'it\\'s \\u{1F600}\\t\\${x}'").literal(), Some("it's \u{1F600}\t${x}"));
    assert_eq!(text("'''\nraw \\n ${x}\n'''").literal(), Some("raw \\n ${x}\n"));
    assert_eq!(text("''").literal(), Some(""));
    assert_eq!(text("''''quoted''''").literal(), Some("'quoted'"));
    let string = text("$'''a ${b} $$'''");
    assert!(string.multiline);
    assert!(
        matches!(&string.parts[..], [StringPart::Text { .. }, StringPart::Expression(_), StringPart::Text { value, .. }] if value == " $$")
    );
    let string = text("$$'''a ${b} $${c}'''");
    assert!(
        matches!(&string.parts[..], [StringPart::Text { value, .. }, StringPart::Expression(_)] if value == "a ${b} ")
    );
}

#[test]
fn places_are_those_of_the_text() {
    let text = "// é\n#disable-next-line BCP037 no-unused-vars // why\nvar a = { b: c.?d[?^1], ...e }\n";
    let file = parse_file(text).file;
    assert_eq!(file.directives[0].kind, DirectiveKind::DisableNextLine);
    let codes: Vec<&str> = file.directives[0].codes.iter().map(|code| code.span.text(text)).collect();
    assert_eq!(codes, ["BCP037", "no-unused-vars"]);
    let comments: Vec<&str> = file.comments.iter().map(|comment| comment.span.text(text)).collect();
    assert_eq!(comments, ["// é", "// why"]);
    let StatementKind::Variable { value, .. } = &file.statements[0].kind else { panic!("no variable") };
    assert_eq!(value.span.text(text), "{ b: c.?d[?^1], ...e }");
    let ObjectItem::Property(property) = &value.body().unwrap().items[0] else { panic!("no property") };
    assert_eq!(property.span.text(text), "b: c.?d[?^1]");
    let ExpressionKind::Index { base, safe: true, from_end: true, .. } = &property.value.kind else {
        panic!("no index");
    };
    assert_eq!(base.span.text(text), "c.?d");
    let ObjectItem::Spread(_, span) = &value.body().unwrap().items[1] else { panic!("no spread") };
    assert_eq!(span.text(text), "...e");
    assert_eq!(line_and_column("\u{feff}a😀b", "\u{feff}a😀".len()), (1, 4), "UTF-16 units, without the mark");
}

#[test]
fn types_and_loops_have_their_shapes() {
    let file = parse_file("type a = ('b' | 'c')[]?\nvar d = [for (e, f) in g: [e, ...f]]\n").file;
    let StatementKind::Type { value, .. } = &file.statements[0].kind else { panic!("no type") };
    let TypeKind::Nullable(array) = &value.kind else { panic!("not nullable") };
    let TypeKind::Array(items) = &array.kind else { panic!("no array") };
    assert!(matches!(&items.kind, TypeKind::Parenthesized(union) if matches!(union.kind, TypeKind::Union(_))));
    let StatementKind::Variable { value, .. } = &file.statements[1].kind else { panic!("no variable") };
    let ExpressionKind::For(each) = &value.kind else { panic!("no loop") };
    assert_eq!(each.index.as_ref().unwrap().text, "f");
    assert!(matches!(&each.body.kind, ExpressionKind::Array(items) if matches!(items[1], ArrayItem::Spread(..))));
}

#[test]
fn kinds_of_files_go_by_their_ending() {
    assert_eq!(FileKind::of(Path::new("a/dev.bicepparam")), FileKind::Parameters);
    assert_eq!(FileKind::of(Path::new("main.bicep")), FileKind::Bicep);
    assert_eq!(parse_params("using none\nparam a = 1\n").diagnostics, []);
}
