mod hostile;
mod tree;

use super::{FileKind, ast::StatementKind, parse, parse_file};
use crate::diagnostic::line_and_column;

/// Code, line and column of what is wrong.
fn faults(text: &str, kind: FileKind) -> Vec<(&'static str, usize, usize)> {
    let place = |found: crate::Diagnostic| {
        let (line, column) = line_and_column(text, found.span.start);
        (found.code, line, column)
    };
    parse(text, kind).0.diagnostics.into_iter().map(place).collect()
}

#[test]
fn every_syntax_code_has_its_place() {
    let cases = [
        ("BCP001", "var a = #", 1, 9),
        ("BCP002", "var a = 1 /* no end", 1, 11),
        ("BCP003", "var a = 'no end", 1, 9),
        ("BCP004", "var a = 'no\nend'", 1, 9),
        ("BCP006", "var a = 'a\\sb'", 1, 11),
        ("BCP007", "wrong a = 1", 1, 1),
        ("BCP008", "param a string: 1", 1, 15),
        ("BCP009", "var a = ", 1, 9),
        ("BCP009", "var a = 1 +\n  2", 1, 12),
        ("BCP010", "var a = 99999999999999999999", 1, 9),
        ("BCP012", "var a = [for x of y: x]", 1, 16),
        ("BCP013", "param", 1, 6),
        ("BCP015", "var", 1, 4),
        ("BCP016", "output", 1, 7),
        ("BCP017", "resource", 1, 9),
        ("BCP018", "var a b", 1, 8),
        ("BCP018", "var a = { b 1 }", 1, 13),
        ("BCP018", "var a = [\n  1\n", 3, 1),
        ("BCP019", "var a = 1 var b = 2", 1, 11),
        ("BCP019", "@secure() param a string", 1, 11),
        ("BCP020", "var a = b.", 1, 11),
        ("BCP022", "var a = { 1: 2 }", 1, 11),
        ("BCP064", "var a = '${b c}'", 1, 14),
        ("BCP068", "resource a = {}", 1, 12),
        ("BCP087", "var a = '${[]}'", 1, 12),
        ("BCP096", "module", 1, 7),
        ("BCP097", "module a = {}", 1, 10),
        ("BCP103", "var a = \"b\"", 1, 9),
        ("BCP117", "var a = b[]", 1, 11),
        ("BCP118", "resource a 'b@c' = 1", 1, 20),
        ("BCP123", "@\nparam a string", 1, 2),
        ("BCP132", "@secure()\n", 1, 1),
        ("BCP133", "var a = '\\u{110000}'", 1, 10),
        ("BCP162", "var a = [for : x]", 1, 14),
        ("BCP140", "var a = '''no end", 1, 9),
        ("BCP167", "resource a 'b@c' = [for x in y: 1]", 1, 33),
        ("BCP202", "extension k as", 1, 15),
        ("BCP226", "#disable-next-line\nvar a = 1", 1, 19),
        ("BCP236", "var a = { b: 1 c: 2 }", 1, 16),
        ("BCP237", "var a = f(1\n  2)", 1, 12),
        ("BCP238", "var a = [\n  1,\n  2\n]", 2, 5),
        ("BCP243", "var a = ()", 1, 10),
        ("BCP249", "var a = [for (x) in y: x]", 1, 14),
        ("BCP266", "metadata", 1, 9),
        ("BCP279", "param a", 1, 8),
        ("BCP009", "var a string[ = 1", 1, 15),
        ("BCP300", "type a = 'b' |\n", 1, 15),
        ("BCP305", "extension k to x", 1, 13),
        ("BCP317", "type a = { 1: int }", 1, 12),
        ("BCP322", "var a = b.?c()", 1, 11),
        ("BCP325", "type", 1, 5),
        ("BCP344", "assert", 1, 7),
        ("BCP354", "import a from 'b.bicep'", 1, 8),
        ("BCP355", "import { 1 } from 'b.bicep'", 1, 10),
        ("BCP356", "import * as 1 from 'b.bicep'", 1, 13),
        ("BCP375", "import { 'a' } from 'b.bicep'", 1, 10),
    ];
    let mut wrong = Vec::new();
    for (code, text, line, column) in cases {
        let found = faults(text, FileKind::Bicep);
        if found.first() != Some(&(code, line, column)) {
            wrong.push(format!("{text:?}: {code} at {line}:{column} is wanted, found {found:?}"));
        }
    }
    let cases =
        [("BCP337", "resource a 'b@c' = {}"), ("BCP257", "using"), ("BCP404", "extends"), ("BCP436", "using 'a' b")];
    for (code, text) in cases {
        let found = faults(text, FileKind::Parameters);
        if found.first().map(|found| found.0) != Some(code) {
            wrong.push(format!("{text:?}: {code} is wanted, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_shows_all_its_faults() {
    let text = "param a\nvar b = \nvar good = 1\nresource c 'd@e' = {\n  f 1\n  g: [\n    1,\n    2\n  ]\n}\noutput h string =\n";
    let found = faults(text, FileKind::Bicep);
    assert_eq!(
        found,
        [("BCP279", 1, 8), ("BCP009", 2, 9), ("BCP018", 5, 5), ("BCP009", 5, 6), ("BCP238", 7, 7), ("BCP009", 11, 18)]
    );
    let statements = parse_file(text).file.statements;
    assert_eq!(statements.len(), 5, "the statement without fault is there, and those with some");
    assert!(matches!(&statements[2].kind, StatementKind::Variable { name, .. } if name.text == "good"));
}

#[test]
fn one_missing_part_is_one_fault() {
    for text in ["param", "var", "output", "resource", "module", "metadata", "type", "func"] {
        assert_eq!(faults(text, FileKind::Bicep).len(), 1, "{text}");
    }
}

#[test]
fn what_people_write_is_read() {
    let text = include_str!("../../../tests/samples/everything.bicep");
    assert_eq!(faults(text, FileKind::Bicep), []);
    let text = include_str!("../../../tests/samples/everything.bicepparam");
    assert_eq!(faults(text, FileKind::Parameters), []);
}
