//! Texts that nobody means well with, and refusals.

use proptest::prelude::*;
use serde_json::json;

use super::support::{answer_with, refusal};
use crate::{Query, syntax};

#[test]
fn faults_are_told_by_code_and_place() {
    let cases = [
        ("SELECT * FROM c WHERE", "SC1001", (21, 21)),
        ("SELECT c.value FROM c", "SC1001", (9, 14)),
        ("SELECT * FROM c WHERE c.x == 1", "SC1001", (27, 28)),
        ("SELECT * FROM c WHERE c.name = 'O''Brien'", "SC1001", (34, 41)),
        ("SELECT 1 /*/ + 1", "SC1001", (9, 16)),
        ("SELECT 'é', 'open", "SC1010", (12, 17)),
        (r"SELECT '\q'", "SC1010", (7, 10)),
        ("SELECT 12a", "SC1012", (7, 10)),
        ("SELECT 0x", "SC1012", (7, 9)),
        ("SELECT 0x1G", "SC1012", (7, 11)),
        ("SELECT 0x10000000000000000", "SC1012", (7, 26)),
        ("SELECT NOSUCHFUNC(1) FROM c", "SC2005", (7, 17)),
        ("SELECT ARRAY_SUM(c.a) FROM c", "SC2990", (7, 21)),
        ("SELECT REGEXMATCH(c.s, '(') FROM c", "SC2071", (23, 26)),
        ("SELECT REGEXMATCH(c.s, '(?=a)', 'i') FROM c", "SC2990", (23, 30)),
        ("SELECT REGEXMATCH(c.s, '(((a{1000}){1000}){1000})') FROM c", "SC2990", (23, 50)),
        ("SELECT ABS('a', 2) FROM c", "SC2050", (7, 18)),
        ("SELECT CONCAT('a') FROM c", "SC2050", (7, 18)),
        ("SELECT * FROM Root r WHERE a = 1", "SC2001", (27, 28)),
        ("SELECT x.id FROM c", "SC2001", (7, 8)),
        ("SELECT VALUE t FROM c JOIN t IN tags", "SC2001", (32, 36)),
        ("SELECT * FROM c r WHERE c.id = 'a'", "SC2001", (24, 25)),
        ("SELECT id FROM c ORDER BY id", "SC2001", (7, 9)),
        ("SELECT c.g, COUNT(1) FROM c", "SC2102", (7, 10)),
        ("SELECT c.n FROM c GROUP BY c.g", "SC2102", (7, 10)),
        ("SELECT * FROM c GROUP BY c.g", "SC2041", (7, 8)),
        ("SELECT * FROM c WHERE COUNT(1) > 1", "SC2100", (22, 34)),
        ("SELECT c[c.x] FROM c", "SC2990", (7, 13)),
        ("SELECT * FROM c WHERE RRF(1, 2)", "SC2990", (22, 31)),
        ("SELECT VALUE t FROM c JOIN (SELECT TOP 1 VALUE t FROM t IN c.t) AS t", "SC2203", (35, 40)),
    ];
    let told = cases.map(|(text, ..)| (text, refusal(text)));
    let wrong = cases
        .iter()
        .zip(&told)
        .filter(|((_, code, place), (_, own))| own.code != *code || own.location != Some(*place));
    let wrong: Vec<String> =
        wrong.map(|((text, code, place), (_, own))| format!("{text}: {code} {place:?}, but {own}")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for text in ["SELECT Substringafter('a', 'b')", r"SELECT REGEXMATCH(c.s, '(a)\\1') FROM c"] {
        assert!(refusal(text).message.contains("is not served here"), "{text}");
    }
    assert_eq!(refusal("SELECT x, y FROM c").more.len(), 1, "both names");
    assert_eq!(refusal("SELECT * FROM c ORDER BY LOWER(c.a)").code, "2206");
    let error = refusal("SELECT * FROM c WHERE a = 1");
    assert_eq!(
        error.to_json(),
        json!({"errors": [{
            "severity": "Error", "location": {"start": 22, "end": 23}, "code": "SC2001",
            "message": "Identifier 'a' could not be resolved.",
        }]})
    );
}

#[test]
fn comments_end_where_they_are_closed() {
    for text in ["SELECT VALUE 1 /*/ + 1 /*/ FROM c", "SELECT VALUE 1 /**/ FROM c", "SELECT VALUE 1 /***/ FROM c"] {
        assert_eq!(answer_with(text, &[json!({})], json!([])), Ok(vec![json!(1)]), "{text}");
    }
}

#[test]
fn what_is_nested_has_an_end() {
    for open in
        ["(", "[", "{'a':", "-", "NOT ", "(SELECT VALUE ", "ABS(", "1 ? ", "c.a[", "1 + (", "~", "EXISTS(SELECT "]
    {
        let text = format!("SELECT VALUE {}", open.repeat(100_000 / open.len().min(8)));
        assert!(
            refusal(&text).message.starts_with("Syntax error") || refusal(&text).message.contains("nested"),
            "{open}"
        );
    }
    for step in [".a", "[0]", "['a']"] {
        let text = format!("SELECT VALUE 1 FROM c{}", step.repeat(100_000));
        assert!(refusal(&text).message.contains("nested"), "{step}");
    }
    let deep =
        |count: usize, open: &str, close: &str| format!("SELECT VALUE {}1{}", open.repeat(count), close.repeat(count));
    assert!(Query::parse(&deep(120, "(", ")")).is_ok(), "a hundred and twenty brackets");
    assert!(refusal(&deep(200, "(", ")")).message.contains("nested"));
    // Rows of operators do not nest.
    let all = format!("SELECT VALUE c.id FROM c WHERE {}", vec!["c.n = 1"; 5000].join(" OR "));
    assert_eq!(answer_with(&all, &[json!({"id": "a", "n": 1})], json!([])), Ok(vec![json!("a")]));
    let sum = format!("SELECT VALUE {}", vec!["1"; 100_000].join("+"));
    assert!(refusal(&sum).message.contains("nested"));
    let long = format!("SELECT VALUE '{}'", "x".repeat(600_000));
    assert!(refusal(&long).message.contains("limit"));
}

#[test]
fn work_and_patterns_have_an_end() {
    let array: Vec<u32> = (0..1000).collect();
    let joins = "SELECT VALUE COUNT(1) FROM c JOIN a IN c.a JOIN b IN c.a JOIN d IN c.a JOIN e IN c.a";
    let error = answer_with(joins, &[json!({"a": array})], json!([])).expect_err("a thousand to the fourth");
    assert!(error.message.contains("work"), "{error}");
    let told = [("(((a{1000}){1000}){1000})", "SC2990"), (r"(a)\1", "SC2990"), ("(", "SC2071"), ("*", "SC2071")];
    for (pattern, code) in told {
        let parameters = json!([{"name": "@p", "value": pattern}]);
        let refused = answer_with("SELECT VALUE REGEXMATCH('aaaa', @p) FROM c", &[json!({})], parameters);
        assert_eq!(refused.map_err(|error| error.code), Err(code), "{pattern}");
    }
    let like = "SELECT VALUE @t LIKE @p FROM c";
    let parameters =
        json!([{"name": "@t", "value": "a".repeat(5000)}, {"name": "@p", "value": "%a".repeat(2000) + "b"}]);
    assert_eq!(answer_with(like, &[json!({})], parameters), Ok(vec![json!(false)]));
}

#[test]
fn faults_and_keys_have_an_end() {
    for clause in ["SELECT * FROM c ORDER BY", "SELECT COUNT(1) FROM c GROUP BY"] {
        let many =
            |count| format!("{clause} {}", (0..count).map(|index| format!("c.a{index}")).collect::<Vec<_>>().join(","));
        assert!(Query::parse(&many(100)).is_ok(), "{clause}");
        assert!(refusal(&many(101)).message.contains("100"), "{clause}");
    }
}

/// Pieces that queries are made of.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "SELECT",
        "VALUE",
        "TOP 2",
        "DISTINCT",
        "*",
        "FROM",
        "c",
        "IN",
        "JOIN",
        "WHERE",
        "ORDER BY",
        "GROUP BY",
        "c.a",
        "x",
        "1",
        "'s'",
        "@p",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "=",
        "AND",
        "NOT",
        "??",
        "?",
        ":",
        "||",
        "LIKE",
        "BETWEEN",
        "EXISTS(",
        "ARRAY(",
        "COUNT(1)",
        "ABS(",
        "udf.f(",
        "OFFSET 1 LIMIT 2",
        "AS",
        "-",
        "1e",
        "'",
        "\\",
        "é",
        "\u{1f600}",
        "--",
        "/*",
        "null",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn parsing_never_panics_and_what_is_printed_reads_the_same(text in prop_oneof![pieces(), ".*", pieces().prop_map(|text| format!("SELECT {text} FROM c"))]) {
        let told = Query::parse(&text).map_or_else(|error| error.to_string(), |query| format!("{query:?}"));
        prop_assert!(!told.is_empty());
        if let Ok(select) = syntax::parse(&text) {
            for in_lines in [true, false] {
                let printed = syntax::query(&select, in_lines);
                let again = syntax::parse(&printed).map(|select| syntax::query(&select, in_lines));
                prop_assert_eq!(again.as_ref(), Ok(&printed), "{}", text);
            }
        }
    }
}
