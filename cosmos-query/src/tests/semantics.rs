//! What expressions and clauses mean.

use serde_json::{Value, json};

use super::support::{answer, answer_with, value};
use crate::value::equal;

/// Expressions over `{"a": [1, 2], "n": 5, "s": "x", "o": {"p": null}}`, with their values; `-` is undefined.
const EXPRESSIONS: &[(&str, &str)] = &[
    // Three values of logic: what is undefined decides nothing, and is decided by what it stands beside.
    ("c.none AND false", "false"),
    ("c.none AND true", "-"),
    ("c.none OR true", "true"),
    ("c.none OR false", "-"),
    ("NOT c.none", "-"),
    ("1 AND true", "-"),
    ("NOT c.n = 5", "false"),
    // Values of different types are not equal, but have no order.
    ("c.n = '5'", "false"),
    ("c.n != null", "true"),
    ("c.n < 'a'", "-"),
    ("c.none = c.none", "-"),
    ("c.none != 1", "-"),
    ("null = null", "true"),
    ("null < 1", "-"),
    ("false < true", "true"),
    ("[1, 2] = c.a", "true"),
    ("{'x': 1, 'y': 2} = {'y': 2.0, 'x': 1}", "true"),
    ("c.a < [2]", "-"),
    ("'a' < 'b'", "true"),
    ("c.n BETWEEN 5 AND 6", "true"),
    ("c.n NOT BETWEEN 1 AND 4", "true"),
    ("c.n BETWEEN 'a' AND 6", "-"),
    ("c.n IN (1, 5)", "true"),
    ("c.n NOT IN (1, 2)", "true"),
    ("c.none IN (1)", "-"),
    ("c.none ?? 'else'", "\"else\""),
    ("c.o.p ?? 1", "null"),
    ("c.n > 3 ? 'many' : 'few'", "\"many\""),
    ("c.none ? 1 : 2", "-"),
    ("IIF(c.none, 1, 2)", "2"),
    // Numbers.
    ("1 + 2 * 3", "7"),
    ("7 % 4", "3"),
    ("-7 % 4", "-3"),
    ("1 / 4", "0.25"),
    ("1 / 0", "-"),
    ("0.1 + 0.2", "0.30000000000000004"),
    ("-9223372036854775808", "-9.223372036854776e18"),
    ("9007199254740992", "9007199254740992"),
    ("1 + '1'", "-"),
    ("5 & 3", "1"),
    ("5 | 3", "7"),
    ("5 ^ 3", "6"),
    ("~5", "-6"),
    ("1 << 4", "16"),
    ("-1 >>> 28", "15"),
    // Paths.
    ("c['s']", "\"x\""),
    ("0x1F + 0XfF", "286"),
    ("-0x10", "-16"),
    ("c.a[0x1]", "2"),
    ("c.a[1]", "2"),
    ("c.a[2]", "-"),
    ("c.s.length", "-"),
    ("c.o['p']", "null"),
    ("{'k': c.none, 'l': [c.none, 1]}", "{\"l\": [1]}"),
    ("{n: c.n, \"m\": 1, value: [{select: 2}], _x1: {}}", r#"{"n": 5, "m": 1, "value": [{"select": 2}], "_x1": {}}"#),
    ("{group: {by: 'x'}}['group']['by']", "\"x\""),
    ("NaN", "-"),
    ("{n: -Infinity, m: 1}", "{\"m\": 1}"),
    // Strings, in either quotes.
    (r"'O\'Brien'", r#""O'Brien""#),
    (r#""say \"hi\"""#, r#""say \"hi\"""#),
    (r"'\u00e9\n\\'", r#""é\n\\""#),
    (r"'\ud83d\ude00'", "\"\u{1f600}\""),
    ("'a' || 'b' || 'c'", "\"abc\""),
    ("'a' || 1", "-"),
    ("'50% off' LIKE '%off'", "true"),
    ("'50% off' LIKE '50!% %' ESCAPE '!'", "true"),
    ("'abc' LIKE 'a_c'", "true"),
    ("'abc' LIKE '[a-b]%[^x-z]'", "true"),
    ("'abc' NOT LIKE 'b%'", "true"),
    ("'a\nb' LIKE 'a%b'", "true"),
    ("1 LIKE '1'", "-"),
];

/// Functions, as [`EXPRESSIONS`].
const FUNCTIONS: &[(&str, &str)] = &[
    ("CONTAINS('Hello', 'ELL', true)", "true"),
    ("startswith('Hello', 'hell')", "false"),
    ("ENDSWITH('Hello', 'o')", "true"),
    ("STRINGEQUALS('a', 'A', true)", "true"),
    ("STRINGEQUALS('a', 1)", "-"),
    ("INDEX_OF('abc', 'b')", "1"),
    ("INDEX_OF('abcb', 'b', 2)", "3"),
    ("INDEX_OF('abc', 'z')", "-1"),
    ("CONCAT('a', 'b', 'c')", "\"abc\""),
    ("CONCAT('a', c.none)", "-"),
    ("LEFT('abc', 2)", "\"ab\""),
    ("RIGHT('abc', 2)", "\"bc\""),
    ("LENGTH('äb')", "2"),
    ("UPPER('ä')", "\"Ä\""),
    ("LTRIM('  a ')", "\"a \""),
    ("TRIM('  a ')", "\"a\""),
    ("REPLACE('aXbX', 'X', '-')", "\"a-b-\""),
    ("REPLICATE('ab', 3)", "\"ababab\""),
    ("REVERSE('abc')", "\"cba\""),
    ("SUBSTRING('abcdef', 2, 3)", "\"cde\""),
    ("SUBSTRING('abc', 5, 1)", "\"\""),
    ("SUBSTRING('abcdef', -2, 4)", "\"\""),
    ("SUBSTRING('abcdef', 2, -1)", "\"\""),
    ("SUBSTRING('abc', 0.5, 1)", "-"),
    ("SUBSTRING('abc', 0, 1.5)", "-"),
    ("LEFT('abc', 1.5)", "-"),
    ("RIGHT('abc', 1.5)", "-"),
    ("RIGHT('abc', -1)", "\"\""),
    ("REPLACE('abc', '', 'X')", "-"),
    ("REGEXMATCH('Abc', '^a.c$', 'i')", "true"),
    ("REGEXMATCH('abc', 'a', 'q')", "-"),
    ("REGEXMATCH(1, c.s)", "-"),
    ("ToString(1.50)", "\"1.5\""),
    ("ToString([1, 'a'])", "\"[1,\\\"a\\\"]\""),
    ("ToString(c.none)", "-"),
    ("[ToString(NaN), ToString(Infinity), ToString(-Infinity)]", r#"["NaN", "Infinity", "-Infinity"]"#),
    ("StringToNumber(Infinity)", "-"),
    ("StringToNumber(' 1e2 ')", "100.0"),
    ("StringToArray('[1,{}]')", "[1, {}]"),
    ("StringToBoolean('yes')", "-"),
    ("StringJoin(['a', 'b'], '+')", "\"a+b\""),
    ("StringSplit('a,b', ',')", "[\"a\", \"b\"]"),
    ("ABS(-3)", "3"),
    ("ABS('a')", "-"),
    ("CEILING(1.2)", "2"),
    ("FLOOR(-1.2)", "-2"),
    ("ROUND(2.5)", "3"),
    ("ROUND(1.2345, 2)", "1.23"),
    ("TRUNC(-1.9)", "-1"),
    ("SIGN(-5)", "-1"),
    ("POWER(2, 10)", "1024"),
    ("SQUARE(4)", "16"),
    ("SQRT(-1)", "-"),
    ("LOG(8, 2)", "3"),
    ("ToString(LOG(2, 10))", "\"0.3010299956639812\""),
    ("PI() > 3.14", "true"),
    ("RAND() < 1", "true"),
    ("IntDiv(7, 2)", "3"),
    ("IntDiv(7, 0)", "-"),
    ("NumberBin(37, 10)", "30"),
    ("IS_DEFINED(c.none)", "false"),
    ("IS_NULL(c.o.p)", "true"),
    ("IS_INTEGER(1.0)", "true"),
    ("IS_INTEGER(1.5)", "false"),
    ("IS_PRIMITIVE(c.a)", "false"),
    ("IS_STRING(c.none)", "false"),
    (
        "[IS_DATETIME('2024-12-12'), IS_DATETIME('2024-12-12Z'), IS_DATETIME('2024-12-12 20:21:25.123Z')]",
        "[true, true, true]",
    ),
    (
        "[IS_DATETIME('2024-12-12T20Z'), IS_DATETIME('2024-12-12 20:21:25.'), IS_DATETIME('2024-12-12T20:21')]",
        "[false, false, false]",
    ),
    ("[IS_DATETIME('2024-13-12'), IS_DATETIME('2024-12-12T20:21:25ZZ'), IS_DATETIME(c.none)]", "[false, false, false]"),
    ("ARRAY_LENGTH(c.a)", "2"),
    ("ARRAY_CONTAINS(c.a, 2.0)", "true"),
    ("ARRAY_CONTAINS([{'sku': 'a', 'n': 2}], {'sku': 'a'})", "false"),
    ("ARRAY_CONTAINS([{'sku': 'a', 'n': 2}], {'sku': 'a'}, true)", "true"),
    ("ARRAY_CONTAINS(c.s, 'x')", "-"),
    ("ARRAY_CONTAINS_ANY(c.a, 7, 2)", "true"),
    ("ARRAY_CONTAINS_ALL(c.a, 1, 3)", "false"),
    ("ARRAY_CONTAINS([{sku: 'a', n: 2}], {sku: 'a'}, undefined)", "false"),
    // As OR and AND: what is undefined decides nothing.
    ("ARRAY_CONTAINS_ANY([1, 2], 5, c.none)", "-"),
    ("ARRAY_CONTAINS_ANY([1, 2], 1, c.none)", "true"),
    ("ARRAY_CONTAINS_ALL([1, 2], 1, c.none)", "-"),
    ("ARRAY_CONTAINS_ALL([1, 2], 5, c.none)", "false"),
    ("ARRAY_SLICE([1, 2, 3], 1.5)", "-"),
    ("ARRAY_SLICE([1, 2, 3], 0, 1.5)", "-"),
    ("ARRAY_CONCAT(c.a, [3])", "[1, 2, 3]"),
    ("ARRAY_SLICE([1, 2, 3, 4], -3, 2)", "[2, 3]"),
    ("SetUnion([1, 2], [2, 3])", "[1, 2, 3]"),
    ("SetIntersect([1, 2, 'A'], ['A', 3, 1, 1])", "[\"A\", 1]"),
    ("ObjectToArray({'a': 1})", "[{\"k\": \"a\", \"v\": 1}]"),
    ("CHOOSE(2, 'a', 'b')", "\"b\""),
    ("GetCurrentDateTime()", "\"2024-05-06T07:08:09.1230000Z\""),
    ("GetCurrentTimestamp()", "1714979289123"),
    ("GetCurrentTicks()", "17149792891230000"),
    ("DateTimeAdd('mm', 1, '2024-01-31T12:00:00Z')", "\"2024-02-29T12:00:00.0000000Z\""),
    ("DateTimeAdd('hour', -1, '2024-01-01')", "\"2023-12-31T23:00:00.0000000Z\""),
    ("DateTimeDiff('year', '2023-12-31T23:59:59Z', '2024-01-01T00:00:00Z')", "1"),
    ("DateTimeDiff('day', '2024-03-01', '2024-02-28')", "-2"),
    ("DateTimePart('mi', '2024-01-01T10:42:00.1234567Z')", "42"),
    ("DateTimePart('ns', '2024-01-01T10:42:00.1234567Z')", "123456700"),
    ("DateTimeBin('2024-05-06T07:08:09Z', 'hh', 6)", "\"2024-05-06T06:00:00.0000000Z\""),
    ("DateTimeBin('2024-05-06T07:08:09Z', 'month')", "\"2024-05-01T00:00:00.0000000Z\""),
    ("DateTimeFromParts(2024, 2, 29, 1)", "\"2024-02-29T01:00:00.0000000Z\""),
    ("DateTimeFromParts(2023, 2, 29)", "-"),
    ("DateTimeToTimestamp('2020-07-09T23:20:13.4575530Z')", "1594336813457"),
    ("TimestampToDateTime(1594227912345)", "\"2020-07-08T17:05:12.3450000Z\""),
    ("TicksToDateTime(15943368134575530)", "\"2020-07-09T23:20:13.4575530Z\""),
    ("DateTimeAdd('fortnight', 1, '2024-01-01')", "-"),
    (
        "ROUND(ST_DISTANCE({'type': 'Point', 'coordinates': [0, 0]}, {'type': 'Point', 'coordinates': [0, 1]}))",
        "110574",
    ),
    (
        "ST_WITHIN({'type': 'Point', 'coordinates': [1, 1]}, \
         {'type': 'Polygon', 'coordinates': [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]})",
        "true",
    ),
    ("ST_ISVALID({'type': 'Point', 'coordinates': [31, 132]})", "false"),
    (
        "ST_ISVALIDDETAILED({type: 'Point', coordinates: [133.7, -184.3]}).reason",
        "\"Latitude values must be between -90 and 90 degrees.\"",
    ),
    ("ST_ISVALIDDETAILED({type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]]})", "{\"valid\": true}"),
    (
        "CONTAINS(ST_ISVALIDDETAILED({type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1]]]}).reason, 'ring number 1')",
        "true",
    ),
    ("VectorDistance([1, 0], [0, 1])", "0"),
    ("VectorDistance([0, 0], [3, 4], true, {'distanceFunction': 'euclidean'})", "5"),
    ("FullTextContainsAll('The quick, brown fox', 'QUICK', 'brown fox')", "true"),
];

#[test]
fn expressions_have_the_values_of_the_service() {
    let mut wrong = Vec::new();
    for (expression, wanted) in EXPRESSIONS.iter().chain(FUNCTIONS) {
        let parsed: Option<Value> = (*wanted != "-").then(|| contoso_json::from_str(wanted).expect(wanted));
        let own = value(expression);
        let same = own
            .as_ref()
            .zip(parsed.as_ref())
            .map_or(own.is_none() && parsed.is_none(), |(own, parsed)| equal(own, parsed));
        if !same {
            wrong.push(format!("{expression} is {own:?}, not {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn whole_numbers_are_written_without_a_point_or_an_exponent() {
    let written = [
        ("DateTimeToTicks('2024-01-01T00:00:00Z')", "17040672000000000"),
        ("-17040672000000000 - 2", "-17040672000000002"),
        ("POWER(2, 63)", "9223372036854775808"),
        ("StringToNumber('1.7e16')", "17000000000000000"),
        ("3.0 * 2", "6"),
        ("0.5 * 3", "1.5"),
    ];
    for (expression, wanted) in written {
        assert_eq!(value(expression).map(|value| value.to_string()).as_deref(), Some(wanted), "{expression}");
    }
    let sum = answer("SELECT VALUE SUM(c.n) FROM c", &[json!({"n": 17040672000000000_i64}), json!({"n": 4})]);
    assert_eq!(json!(sum).to_string(), "[17040672000000004]");
}

fn shop() -> Vec<Value> {
    vec![
        json!({"id": "1", "g": "a", "n": 3, "tags": ["x", "y"], "items": [{"sku": "s", "q": 1}, {"sku": "t", "q": 2}]}),
        json!({"id": "2", "g": "b", "n": 1, "tags": []}),
        json!({"id": "3", "g": "a", "n": 2.5, "tags": ["x"], "items": [{"sku": "s", "q": 5}]}),
        json!({"id": "4", "n": null, "tags": "x"}),
        json!({"id": "5", "g": "b"}),
    ]
}

#[track_caller]
fn answers(text: &str, wanted: Value) {
    assert_eq!(Value::Array(answer(text, &shop())), wanted, "{text}");
}

#[test]
fn documents_are_projected_filtered_and_unwound() {
    answers("SELECT * FROM c WHERE c.n = 1", json!([shop()[1]]));
    answers("SELECT VALUE r FROM root r WHERE r.id = '5'", json!([shop()[4]]));
    answers("SELECT c.id, c.g FROM c WHERE c.id > '3'", json!([{"id": "4"}, {"id": "5", "g": "b"}]));
    answers("SELECT c.id AS x, c['g'], 1, 2 FROM c WHERE c.id = '1'", json!([{"x": "1", "g": "a", "$1": 1, "$2": 2}]));
    answers("SELECT VALUE c.g FROM c", json!(["a", "b", "a", "b"]));
    answers("SELECT c.none FROM c WHERE c.id = '1'", json!([{}]));
    answers("SELECT TOP 2 VALUE c.id FROM c", json!(["1", "2"]));
    answers("SELECT VALUE c.id FROM c OFFSET 1 LIMIT 2", json!(["2", "3"]));
    answers("SELECT VALUE t FROM c JOIN t IN c.tags", json!(["x", "y", "x"]));
    answers("SELECT VALUE i.sku FROM i IN c.items", json!(["s", "t", "s"]));
    answers("SELECT * FROM c.items[0].sku", json!(["s", "s"]));
    answers(
        "SELECT c.id, t, i.q FROM c JOIN t IN c.tags JOIN i IN c.items WHERE i.q > 1",
        json!([{"id": "1", "t": "x", "q": 2}, {"id": "1", "t": "y", "q": 2}, {"id": "3", "t": "x", "q": 5}]),
    );
    answers("SELECT VALUE 1", json!([1]));
    answers("SELECT 1 AS one WHERE false", json!([]));
    let with = answer_with("SELECT VALUE c.id FROM c WHERE c.g = @g", &shop(), json!([{"name": "@g", "value": "b"}]));
    assert_eq!(with, Ok(vec![json!("2"), json!("5")]));
    let without = answer_with("SELECT VALUE c.id FROM c WHERE c.g = @g", &shop(), json!([]));
    assert_eq!(without.map_err(|error| error.code), Err("SC2011"), "a parameter without a value");
}

#[test]
fn rows_are_sorted_by_type_then_value_and_the_undefined_comes_first() {
    answers("SELECT VALUE c.id FROM c ORDER BY c.n", json!(["5", "4", "2", "3", "1"]));
    answers("SELECT VALUE c.id FROM c ORDER BY c['n'] DESC", json!(["1", "3", "2", "4", "5"]));
    answers("SELECT VALUE c.id FROM c ORDER BY c.g DESC, c.n ASC", json!(["5", "2", "3", "1", "4"]));
    answers("SELECT VALUE c.id FROM c ORDER BY c.n OFFSET 2 LIMIT 2", json!(["2", "3"]));
    answers("SELECT DISTINCT VALUE c.g FROM c ORDER BY c.g DESC", json!(["b", "a"]));
    // Ties go by the number of the document, in the direction of the first value.
    answers("SELECT VALUE c.id FROM c ORDER BY c.g DESC", json!(["5", "2", "3", "1", "4"]));
}

#[test]
fn rows_become_groups_and_aggregates() {
    answers("SELECT VALUE COUNT(1) FROM c", json!([5]));
    answers("SELECT COUNT(c.n) AS all, SUM(c.items) AS none FROM c", json!([{"all": 4}]));
    answers("SELECT VALUE SUM(c.none) FROM c", json!([0]));
    answers("SELECT VALUE AVG(c.n) FROM c WHERE c.n > 0", json!([6.5 / 3.0]));
    answers("SELECT VALUE AVG(c.none) FROM c", json!([]));
    answers(
        "SELECT MIN(c.n) AS min, MAX(c.n) AS max, MAX(c.id) AS id FROM c",
        json!([{"min": null, "max": 3, "id": "5"}]),
    );
    answers("SELECT VALUE SUM(c.n) FROM c", json!([]));
    answers("SELECT VALUE COUNTIF(c.n > 1) FROM c", json!([2]));
    answers("SELECT VALUE MAKESET(c.g) FROM c", json!([["a", "b"]]));
    answers(
        "SELECT c.g, COUNT(1) AS many, SUM(c.n) AS sum FROM c WHERE IS_DEFINED(c.g) GROUP BY c.g",
        json!([{"g": "a", "many": 2, "sum": 5.5}, {"g": "b", "many": 2, "sum": 1}]),
    );
    // Groups of one property come in the order of its values, others as they are first seen.
    answers("SELECT c.g FROM c GROUP BY c.g", json!([{}, {"g": "a"}, {"g": "b"}]));
    answers("SELECT VALUE c.n FROM c WHERE c.n > 0 GROUP BY c.n, c.id", json!([3, 1, 2.5]));
    let zeros = [json!({"n": 0}), json!({"n": -0.0}), json!({"n": 0.0})];
    assert_eq!(answer("SELECT COUNT(1) AS many FROM c GROUP BY c.n", &zeros), [json!({"many": 3})], "0 is -0");
    for text in ["SELECT DISTINCT VALUE c.n FROM c", "SELECT DISTINCT VALUE c.n FROM c ORDER BY c.n"] {
        assert_eq!(answer(text, &zeros).len(), 1, "{text}: 0 is -0");
    }
    answers(
        "SELECT VALUE {'g': UPPER(c.g), 'n': COUNT(1) * 10} FROM c WHERE c.id < '3' GROUP BY c['g']",
        json!([
            {"g": "A", "n": 10}, {"g": "B", "n": 10}
        ]),
    );
    answers(
        "SELECT i.sku, SUM(i.q) AS q FROM c JOIN i IN c.items GROUP BY i",
        json!([
            {"sku": "s", "q": 1}, {"sku": "t", "q": 2}, {"sku": "s", "q": 5}
        ]),
    );
    answers("SELECT DISTINCT VALUE t FROM c JOIN t IN c.tags", json!(["x", "y"]));
    answers("SELECT DISTINCT c.g FROM c", json!([{"g": "a"}, {"g": "b"}, {}]));
    answers("SELECT VALUE COUNT(1) FROM (SELECT DISTINCT VALUE c.g FROM c)", json!([2]));
    answers("SELECT VALUE COUNT(1) FROM c WHERE false", json!([0]));
}

#[test]
fn subqueries_see_the_document() {
    answers("SELECT VALUE c.id FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 'y')", json!(["1"]));
    answers("SELECT VALUE ARRAY(SELECT VALUE i.q * 2 FROM i IN c.items) FROM c WHERE c.id = '1'", json!([[2, 4]]));
    answers(
        "SELECT c.id, (SELECT VALUE SUM(i.q) FROM i IN c.items) AS q FROM c WHERE c.g = 'a'",
        json!([
            {"id": "1", "q": 3}, {"id": "3", "q": 5}
        ]),
    );
    answers(
        "SELECT c.id, s.q FROM c JOIN (SELECT VALUE i FROM i IN c.items WHERE i.q > 1) AS s",
        json!([
            {"id": "1", "q": 2}, {"id": "3", "q": 5}
        ]),
    );
    answers(
        "SELECT VALUE r0.id FROM (SELECT VALUE root FROM root WHERE root.n > 2) AS r0 ORDER BY r0.n",
        json!(["3", "1"]),
    );
    answers("SELECT VALUE x FROM c JOIN (SELECT VALUE COUNT(1) FROM t IN c.tags) AS x WHERE c.id < '3'", json!([2, 0]));
    answers(
        "SELECT VALUE x.v FROM c JOIN x IN (SELECT VALUE ObjectToArray({'k1': c.id})) WHERE c.id = '2'",
        json!(["2"]),
    );
    answers("SELECT VALUE FIRST(SELECT VALUE t FROM t IN c.tags) FROM c WHERE c.id = '1'", json!(["x"]));
    let several = answer_with("SELECT VALUE (SELECT VALUE t FROM t IN c.tags) FROM c", &shop(), json!([]));
    assert!(several.is_err_and(|error| error.message.contains("cardinality")));
}
