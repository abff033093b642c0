use super::format;
use crate::syntax::FileKind;

/// Checks that each text becomes the other, which then stays as it is.
fn becomes(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, wanted) in cases {
        let formatted = format(text, FileKind::Bicep).unwrap();
        if formatted != *wanted {
            wrong.push(format!("from:\n{text}\nwanted:\n{wanted}\nfound:\n{formatted}"));
        }
        assert_eq!(format(&formatted, FileKind::Bicep), Ok(formatted.clone()), "formatted twice");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// That many letters.
fn long(length: usize) -> String {
    "x".repeat(length)
}

#[test]
fn samples_stay_as_they_are() {
    let text = include_str!("../../tests/samples/everything.bicep");
    assert_eq!(format(text, FileKind::Bicep).as_deref(), Ok(text));
    let text = include_str!("../../tests/samples/everything.bicepparam");
    assert_eq!(format(text, FileKind::Parameters).as_deref(), Ok(text));
}

#[test]
fn brackets_are_expanded_as_the_author_began() {
    becomes(&[
        ("var a = {b:1,c:2}", "var a = { b: 1, c: 2 }\n"),
        ("var a = {\nb: 1, c: 2 }", "var a = {\n  b: 1\n  c: 2\n}\n"),
        ("var a = { b: 1\nc: 2 }", "var a = { b: 1, c: 2 }\n"),
        ("var a = [ 1, 2, ]", "var a = [1, 2]\n"),
        ("var a = [\n1,2\n]", "var a = [\n  1\n  2\n]\n"),
        ("var a = {\n\n}\nvar b = [\n]", "var a = {}\nvar b = []\n"),
        ("var a = {\n\n\n  b: 1\n\n\n  c: 2\n\n}", "var a = {\n  b: 1\n\n  c: 2\n}\n"),
        ("var a = { b: 1\n\nc: 2 }", "var a = {\n  b: 1\n\n  c: 2\n}\n"),
        ("type a = {\nb: int, *: bool }", "type a = {\n  b: int\n  *: bool\n}\n"),
        ("type a = [\nint\nbool\n]", "type a = [int, bool]\n"),
        ("import {\na\nb as c\n} from 'd'", "import {\n  a\n  b as c\n} from 'd'\n"),
        ("@allowed([\n'a'\n])\nparam a string", "@allowed([\n  'a'\n])\nparam a string\n"),
    ]);
    let (item, wide) = (long(60), format!("var a = ['{0}', '{0}']\n", long(60)));
    becomes(&[(wide.as_str(), format!("var a = [\n  '{item}'\n  '{item}'\n]\n").as_str())]);
}

#[test]
fn comments_keep_their_place() {
    becomes(&[
        ("var a = 1    //   why\n//last", "var a = 1 //   why\n//last\n"),
        ("var a = { // why\nb: 1 /* c */ // d\n// e\n}", "var a = {\n  // why\n  b: 1 /* c */ // d\n  // e\n}\n"),
        ("var a = [\n1 // one\n]", "var a = [\n  1 // one\n]\n"),
        ("var a = { b: 1 // why\n}", "var a = {\n  b: 1 // why\n}\n"),
        ("var a = { /* none */ }", "var a = {\n  /* none */\n}\n"),
        ("  #disable-next-line   BCP037   x   // why\nvar a = 1", "#disable-next-line BCP037 x // why\nvar a = 1\n"),
        ("@a()\n// why\n  \n\n@b()\n \n\nparam c string", "@a()\n// why\n@b()\nparam c string\n"),
        ("var a = b(\n1, // one\n2)", "var a = b(\n  1,\n  // one\n  2\n)\n"),
    ]);
}

#[test]
fn calls_break_where_they_must() {
    let argument = long(51);
    let broken = format!("var a = f(\n  '{argument}',\n  '{argument}',\n  'b'\n)\n");
    let (wide, wide_broken) = (
        format!("var a = f(\n  '{argument}',\n  '{argument}',\n  {{ b: 1 }}\n)\n"),
        format!("var a = f('{0}', '{0}', {{\n  b: 1\n}})\n", long(50)),
    );
    let lambda = format!("var a = map({argument}, x => {argument}{argument}.y)\n");
    let lambda_broken = format!("var a = map(\n  {argument},\n  x => {argument}{argument}.y\n)\n");
    becomes(&[
        (format!("var a = f('{argument}', '{argument}', 'b')").as_str(), broken.as_str()),
        (wide.as_str(), wide.as_str()),
        (wide_broken.as_str(), wide_broken.as_str()),
        (lambda.as_str(), lambda_broken.as_str()),
        ("var a = f(\n1\n)", "var a = f(1)\n"),
        ("var a = f(\n1,\n2\n)", "var a = f(1, 2)\n"),
        ("var a = f(b, {\nc: 1 })", "var a = f(b, {\n  c: 1\n})\n"),
        ("var a = f({\nc: 1 }, b)", "var a = f(\n  {\n    c: 1\n  },\n  b\n)\n"),
        ("var a = map(b, x => {\nc: x })", "var a = map(b, x => {\n  c: x\n})\n"),
        ("var a = map(b, x =>\n{ c: x })", "var a = map(b, x => { c: x })\n"),
        ("var a = map(b, (x,y)=>x+y)", "var a = map(b, (x, y) => x + y)\n"),
        ("var a = f({\nc: 1 })", "var a = f({\n  c: 1\n})\n"),
    ]);
}

#[test]
fn branches_break_together() {
    let wide = format!("var a = b ? '{0}' : '{0}'\n", long(60));
    let broken = format!("var a = b\n  ? '{0}'\n  : '{0}'\n", long(60));
    becomes(&[
        ("var a = b\n? c\n: d", "var a = b ? c : d\n"),
        (wide.as_str(), broken.as_str()),
        ("var a = b ? {\nc: 1\n} : {}", "var a = b\n  ? {\n      c: 1\n    }\n  : {}\n"),
    ]);
}

#[test]
fn loops_types_and_functions_are_set() {
    let members: Vec<String> = ["a", "b", "c"].iter().map(|letter| format!("'{letter}{}'", long(40))).collect();
    let wide = format!("type a = {}\n", members.join(" | "));
    let broken = format!("type a =\n  | {}\n", members.join("\n  | "));
    let (name, body) = (long(50), long(60));
    let function = format!("func {name}(a string) string => {body}\n");
    let function_broken = format!("func {name}(a string) string =>\n  {body}\n");
    becomes(&[
        ("var a = [for b in c : b]", "var a = [for b in c: b]\n"),
        ("var a = [\nfor (b,\ti) in c: b\n]", "var a = [for (b, i) in c: b]\n"),
        ("var a = [for b in c: {\nd: b\n}]", "var a = [\n  for b in c: {\n    d: b\n  }\n]\n"),
        ("resource a 'b@c' = if(d){\nname: 'e'\n}", "resource a 'b@c' = if (d) {\n  name: 'e'\n}\n"),
        ("resource a 'b@c' =\n\nif (d) {}", "resource a 'b@c' = if (d) {}\n"),
        ("type a = \n| 'b'\n| 'c'", "type a = 'b' | 'c'\n"),
        (wide.as_str(), broken.as_str()),
        (function.as_str(), function_broken.as_str()),
        ("func a ( b string ,c int)int => 1", "func a(b string, c int) int => 1\n"),
        ("var a=b[ 0 ] .c . ? d :: e ! [ ? ^ 1 ]", "var a = b[0].c.?d::e![?^1]\n"),
        ("var a = ( 1+2 )*-3", "var a = (1 + 2) * -3\n"),
        (
            "var a = '''\r\nkeeps  its  \r\nspaces'''\r\n\r\n\r\n\r\nvar b = 1\r\n",
            "var a = '''\nkeeps  its  \nspaces'''\n\nvar b = 1\n",
        ),
        ("param a resourceInput< 'b@c' >.d", "param a resourceInput<'b@c'>.d\n"),
        ("\u{feff}var a = 1", "var a = 1\n"),
        ("", "\n"),
    ]);
}

#[test]
fn a_broken_text_is_left_alone() {
    let found = format("var a = [\n  1,\n]\n", FileKind::Bicep).unwrap_err();
    assert_eq!(found[0].code, "BCP238");
    let tuple = "type a = [\n  @description('b')\n  string\n]\n";
    assert_eq!(format(tuple, FileKind::Bicep).unwrap_err()[0].code, "format", "the compiler would set it on one line");
    assert_eq!(found[0].render("a.bicep", "var a = [\n  1,\n]\n").split(": ").next(), Some("a.bicep(2,5) "));
}
