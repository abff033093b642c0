use proptest::prelude::*;

use crate::syntax::{FileKind, parse, parse_file};

/// Texts that would overflow the stack of a parser that follows them down. A test's thread has 2 MiB.
#[test]
fn hostile_texts_are_refused() {
    let many = 30_000;
    let codes =
        |text: &str| -> Vec<&str> { parse_file(text).diagnostics.into_iter().map(|found| found.code).collect() };
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{ a: ", " }"),
        ("f(", ")"),
        ("a[", "]"),
        ("x => ", ""),
        ("a ? ", ""),
        ("'${", "}'"),
        ("[for a in b: ", "]"),
    ] {
        for close in ["", close] {
            let text = format!("var a = {}1{}\nvar b = 1\n", open.repeat(many), close.repeat(many));
            assert!(!codes(&text).is_empty(), "{open}");
            assert!(crate::format::format(&text, FileKind::Bicep).is_err(), "{open}");
        }
    }
    for (first, link) in [("a", ".b"), ("a", "!"), ("a", "[0]"), ("a", " + b"), ("a", "::b"), ("a", ".b()")] {
        let text = format!("var a = {first}{}\n", link.repeat(many));
        assert!(codes(&text).contains(&"nesting"), "{link}");
    }
    for (open, close) in
        [("[", ""), ("(", ""), ("{ a: ", ""), ("-", ""), ("a<", ""), ("a", "[]"), ("a", "?"), ("a", ".b")]
    {
        let text = format!("type a = {}a{}\n", open.repeat(many), close.repeat(many));
        assert!(!codes(&text).is_empty(), "{open}");
    }
    let nested = "resource a 'b@c' = {\n".repeat(many);
    assert!(!codes(&nested).is_empty());
    assert!(codes(&"\n// comment".repeat(many)).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        for kind in [FileKind::Bicep, FileKind::Parameters] {
            let (parsed, _) = parse(&text, kind);
            for found in parsed.diagnostics {
                prop_assert!(text.get(found.span.start..found.span.end).is_some());
            }
        }
    }

    #[test]
    fn no_tokens_panic(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40)) {
        let text = words.concat();
        for kind in [FileKind::Bicep, FileKind::Parameters] {
            let (parsed, _) = parse(&text, kind);
            for found in &parsed.diagnostics {
                prop_assert!(text.get(found.span.start..found.span.end).is_some());
            }
            if let Ok(formatted) = crate::format::format(&text, kind) {
                prop_assert_eq!(crate::format::format(&formatted, kind), Ok(formatted.clone()), "{}", text);
            }
        }
    }
}

const WORDS: &[&str] = &[
    "param ",
    "var ",
    "resource ",
    "module ",
    "output ",
    "type ",
    "func ",
    "import ",
    "using ",
    "extension ",
    "existing ",
    "for ",
    "in ",
    "if ",
    "as ",
    "from ",
    "with ",
    "none ",
    "null ",
    "true ",
    "a ",
    "b",
    "x",
    "string ",
    "12",
    "'s'",
    "'a${",
    "}b'",
    "$'''",
    "'''",
    "{",
    "}",
    "{\n",
    "\n}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    ",",
    ", ",
    ".",
    ".?",
    "::",
    "...",
    "?",
    "??",
    ":",
    ": ",
    "=",
    " = ",
    "=>",
    "==",
    "+",
    "-",
    "*",
    "/",
    "!",
    "&&",
    "||",
    "|",
    "^",
    "@",
    "#disable-next-line X",
    "\\",
    "'",
    "$",
    "\"",
    "\n",
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "// c\n",
    "/* c */",
    "é",
    ";",
];
