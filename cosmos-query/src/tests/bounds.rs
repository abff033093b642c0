//! What one page may do and hold: each of these would run for minutes, or take gigabytes, with larger documents or in larger numbers. They
//! are run with small limits, so that what is not counted shows as an answer.

use serde_json::{Value, json};

use super::support::{context, page, stored, values};
use crate::{Context, Page, PageLimits, Parameters, Query, QueryError};

const MIB: usize = 1 << 20;

/// Ten documents: keys that differ at their end only, lists, and objects with long names.
fn documents() -> Vec<Value> {
    let numbers: Vec<u32> = (0..1000).collect();
    let one = |index: u32| {
        let name = "n".repeat(20_000);
        json!({
            "id": index, "g": index, "n": numbers, "k": format!("{}{index:02}", "k".repeat(200_000)),
            "o": {(format!("{name}1")): 1, (format!("{name}2")): 2}, "l": ["a", {"b": "k".repeat(200_000)}],
            "m": (0..50_000).collect::<Vec<u32>>(),
        })
    };
    (0..10).map(one).collect()
}

fn polygon(points: usize) -> Value {
    let at = |index: usize| {
        let angle = std::f64::consts::TAU * (index % points) as f64 / points as f64;
        json!([angle.cos() * 10.0, angle.sin() * 10.0])
    };
    json!({"type": "Polygon", "coordinates": [(0..=points).map(at).collect::<Vec<_>>()]})
}

fn parameters() -> Parameters {
    let long = |index: usize| json!(format!("{}{index}", "s".repeat(1000)));
    let all = [
        ("@a", json!("a".repeat(MIB))),
        ("@b", json!("a".repeat(MIB - 1) + "b")),
        ("@commas", json!(",".repeat(MIB))),
        ("@braces", json!(format!("[{}{{}}]", r#"{"a":1},"#.repeat(100_000)))),
        ("@controls", json!(["\u{1}".repeat(MIB)])),
        ("@words", json!("a ".repeat(MIB / 2))),
        ("@phrase", json!("a ".repeat(2000) + "b")),
        ("@like", json!(format!("%{}b", "a".repeat(2000)))),
        ("@set", json!(format!("%{}[{}]", "_".repeat(50), "bcd".repeat(50)))),
        ("@longs", json!((0..2000).map(long).collect::<Vec<_>>())),
        ("@objects", json!(vec![json!({"a": {"b": {"c": 1}}}); 20_000])),
        ("@polygon", polygon(3000)),
        ("@wide", polygon(20_000)),
        ("@opposite", json!({"type": "Point", "coordinates": [179.7, 0.1]})),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

struct Hostile {
    documents: Vec<(crate::Position, Value)>,
    context: Context,
}

impl Hostile {
    fn new() -> Hostile {
        Hostile { documents: stored(&documents()), context: Context { parameters: parameters(), ..context() } }
    }

    fn run(&self, text: &str, limits: PageLimits) -> Result<Page, QueryError> {
        page(&Query::parse(text)?, &self.context, &self.documents, limits, None)
    }

    /// Queries that are not refused so.
    fn wrong(&self, queries: &[String], limits: PageLimits, code: &str) -> Vec<String> {
        let told = |text: &String| match self.run(text, limits) {
            Err(error) if error.code == code => None,
            Err(error) => Some(format!("{}: {error}", text.chars().take(90).collect::<String>())),
            Ok(page) => Some(format!("{}: {} rows", text.chars().take(90).collect::<String>(), page.rows.len())),
        };
        queries.iter().filter_map(told).collect()
    }
}

/// Queries with much work. `FROM n IN c.n` goes a thousand times over what one row takes.
fn laborious() -> Vec<String> {
    let many = |one: &str, times: usize, between: &str| vec![one; times].join(between);
    let once = [
        "@a LIKE @like",
        "@a LIKE @set",
        "REGEXMATCH(@a, '[ab]*a[ab]{500}c')",
        "REGEXMATCH(@a, '(x+x+)+y|(a|aa)+[^a]|a{900}b')",
        "FullTextContains(@words, @phrase)",
        "FullTextContainsAny(@words, 'b', @phrase)",
        "ST_INTERSECTS(@polygon, @polygon)",
        "ST_WITHIN(@polygon, @polygon)",
        "ST_DISTANCE(@polygon, @polygon)",
        "ST_DISTANCE(@wide, @opposite)",
        "SetUnion(@longs, @longs)",
        "SetEqual(@longs, @longs)",
        "SetIntersect(@longs, @longs)",
        "SetDifference(@longs, @longs)",
        "ARRAY_CONTAINS_ANY(@longs, @a, @b)",
        "ARRAY_CONTAINS(@objects, {'a': {'b': {'c': 2}}}, true)",
        "TRIM(@a, CONCAT(@b, 'c'))",
        "LTRIM(@a, @b)",
        "RTRIM(@a, @b)",
        "StringToArray(@braces)",
    ];
    let each = [
        "@a = @b",
        "@a < @b",
        "@a != @b",
        "@a BETWEEN @b AND @b",
        "@b IN (1, @a, @a)",
        "{'a': @a} = {'a': @b}",
        "[@a] = [@b]",
        "c.l = c.l",
        "ARRAY_CONTAINS(c.l, {'b': 1})",
        "LENGTH(@a)",
        "UPPER(@a)",
        "CONTAINS(@a, 'B', true)",
        "INDEX_OF(@a, 'b')",
        "REVERSE(@a)",
        "SUBSTRING(@a, 5, 10)",
        "StringSplit(@a, 'b')",
        "REPLACE(@a, 'b', 'c')",
        "ToString(@longs)",
        "StringToNumber(@a)",
        "ARRAY_SLICE(@longs, 1)",
        "IS_STRING(@longs)",
        "VectorDistance(c.n, c.n)",
        "@a || @b",
        "[@longs]",
        "{'a': @longs}",
        "(SELECT VALUE COUNT(1) FROM t IN c.n)",
        "ARRAY(SELECT DISTINCT VALUE t FROM t IN c.n)",
        "REGEXMATCH('x', CONCAT('(?i)[a-z]', ToString(n)))",
    ];
    let of_each = |select: &str, one: &str| format!("SELECT {select} FROM c JOIN n IN c.n WHERE IS_DEFINED({one})");
    let mut all: Vec<String> = once.iter().map(|one| format!("SELECT VALUE {one} FROM c")).collect();
    all.extend(each.iter().map(|one| of_each("VALUE COUNT(1)", one)));
    all.extend([
        format!("SELECT VALUE {} FROM c", many("@a = @b", 100, " OR ")),
        format!("SELECT VALUE COUNT(1) FROM c JOIN n IN c.n WHERE {}", many("n = -1", 100, " OR ")),
        format!("SELECT VALUE COUNT(1) FROM c JOIN n IN c.n WHERE n IN ({})", many("-1", 300, ",")),
        format!("SELECT VALUE COUNT(1) FROM c JOIN n IN c.n WHERE IS_ARRAY([{}])", many("1", 300, ",")),
        format!("SELECT VALUE COUNT(1) FROM c JOIN n IN c.n WHERE c.o['{}1'] = n", "n".repeat(20_000)),
        format!("SELECT {} FROM c JOIN n IN c.n", many("COUNT(1)", 100, ",")),
        format!("SELECT VALUE {} FROM (SELECT VALUE CONCAT(@a, 'x')) AS x", many("x = x", 100, " AND ")),
        format!("SELECT VALUE {} FROM (SELECT VALUE {{'a': CONCAT(@a, 'x')}}) AS x", many("x.a = 1", 100, " OR ")),
        "SELECT VALUE COUNT(1) FROM c JOIN a IN c.n JOIN b IN c.n JOIN d IN c.n".to_owned(),
        "SELECT VALUE n FROM c JOIN n IN c.n ORDER BY c.k".to_owned(),
        "SELECT DISTINCT VALUE c.k FROM c JOIN n IN c.n".to_owned(),
        "SELECT DISTINCT VALUE c.k FROM c JOIN n IN c.n ORDER BY c.k".to_owned(),
        "SELECT c.k, COUNT(1) FROM c JOIN n IN c.n GROUP BY c.k".to_owned(),
        "SELECT VALUE COUNT(1) FROM (SELECT DISTINCT VALUE c.k FROM c JOIN n IN c.n)".to_owned(),
        "SELECT VALUE MAX(c.k) FROM c JOIN n IN c.n".to_owned(),
        "SELECT VALUE MAKESET(c.k) FROM c JOIN n IN c.n".to_owned(),
    ]);
    all
}

#[test]
fn work_is_counted() {
    let hostile = Hostile::new();
    let limits = PageLimits { rows: usize::MAX, bytes: usize::MAX, work: 10 << 20, ..PageLimits::default() };
    let wrong = hostile.wrong(&laborious(), limits, "SC3020");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Queries whose values take much memory.
fn greedy() -> Vec<String> {
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(100), close.repeat(100));
    let once = [
        "ARRAY(SELECT VALUE @a FROM n IN c.n)".to_owned(),
        "ARRAY(SELECT DISTINCT VALUE CONCAT(@a, ToString(n)) FROM n IN c.n)".to_owned(),
        "ARRAY(SELECT n, COUNT(1) AS many FROM n IN c.n GROUP BY n, CONCAT(@a, ToString(n)))".to_owned(),
        "ARRAY(SELECT VALUE MAX(CONCAT(@a, ToString(n))) FROM n IN c.n GROUP BY n)".to_owned(),
        "(SELECT VALUE COUNT(1) FROM n IN (SELECT VALUE CONCAT(@a, ToString(n)) FROM n IN c.n))".to_owned(),
        "(SELECT VALUE COUNT(1) FROM (SELECT VALUE CONCAT(@a, ToString(n)) FROM n IN c.n) AS n)".to_owned(),
        "(SELECT VALUE MAKELIST(@a) FROM n IN c.n)".to_owned(),
        "(SELECT VALUE MAKESET(CONCAT(@a, ToString(n))) FROM n IN c.n)".to_owned(),
        format!("ObjectToArray(c.o, @a, {})", ["@b"; 2].join(" || ")),
        format!("[{}]", vec!["@a"; 20].join(",")),
        format!("{{{}}}", (0..20).map(|index| format!("'{index}': @a")).collect::<Vec<_>>().join(",")),
        format!("CONCAT({})", vec!["@a"; 20].join(",")),
        vec!["@a"; 20].join(" || "),
        format!("CHOOSE(1, {})", vec!["CONCAT(@a, 'x')"; 20].join(",")),
        nested("[@a, ", "]"),
        nested("CONCAT(@a, '') = (", ")"),
        nested("CHOOSE(1, CONCAT(@a, ''), ", ")"),
        format!("ARRAY_CONCAT({})", vec!["c.m"; 100].join(",")),
        "REPLACE(@a, 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')".to_owned(),
        "StringJoin(StringSplit(@a, 'b'), 'b') || StringJoin(c.o, @a) || REPLICATE(@a, 2)".to_owned()
            + " || @a".repeat(20).as_str(),
        "StringSplit(@commas, ',')".to_owned(),
        "StringToArray(@braces)".to_owned(),
        "ToString([@controls, @controls, @controls])".to_owned(),
        "@a LIKE @b".to_owned(),
    ];
    let mut all: Vec<String> = once.iter().map(|one| format!("SELECT VALUE {one} FROM c")).collect();
    all.extend([
        "SELECT c.g, MAKELIST(@a) FROM c JOIN n IN c.n GROUP BY c.g".to_owned(),
        "SELECT c.g, MAX(CONCAT(@a, c.k)) FROM c GROUP BY c.g".to_owned(),
        "SELECT c.g, MIN(CONCAT(@a, c.k)) FROM c GROUP BY c.g".to_owned(),
        "SELECT VALUE [c.g, @a] FROM c GROUP BY c.g".to_owned(),
        "SELECT VALUE COUNT(1) FROM (SELECT DISTINCT VALUE [n, m] FROM c JOIN n IN c.n JOIN m IN c.n)".to_owned(),
        "SELECT DISTINCT VALUE COUNT(1) FROM c JOIN m IN c.m GROUP BY m".to_owned(),
    ]);
    all
}

#[test]
fn memory_is_counted() {
    let hostile = Hostile::new();
    let wrong = hostile.wrong(&greedy(), PageLimits { memory: 6 << 20, ..PageLimits::default() }, "SC3021");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rows_that_are_sorted_take_no_more_than_a_page_may_hold() {
    let key = |index: usize| format!("{}{index:03}", "k".repeat(4000));
    let documents: Vec<Value> = (0..100).map(|index| json!({"id": index, "k": key(index)})).collect();
    let stored = stored(&documents);
    let limits = PageLimits { memory: 256 << 10, ..PageLimits::default() };
    for (text, least) in [
        ("SELECT * FROM c ORDER BY c.k", 20),
        ("SELECT VALUE c.id FROM c ORDER BY c.k", 20),
        ("SELECT DISTINCT VALUE c.id FROM c ORDER BY c.k", 10),
    ] {
        let query = Query::parse(text).expect(text);
        let (mut rows, mut resume) = (Vec::new(), None);
        loop {
            let page = page(&query, &context(), &stored, limits, resume.as_ref()).expect(text);
            assert!((least..=least * 2).contains(&page.rows.len()) || page.next.is_none(), "{}", page.rows.len());
            rows.extend(values(page.rows, &stored));
            resume = page.next;
            if resume.is_none() {
                break;
            }
        }
        assert_eq!(rows.len(), 100, "{text}");
    }
}

#[test]
fn values_that_no_client_could_carry_end_no_page() {
    let long = |index: u32| json!({"id": index, "k": format!("{}{index}", "k".repeat(40_000))});
    let deep = |index: u32| json!({"id": index, "k": (0..110).fold(json!(index), |value, _| json!([value]))});
    let run = |documents: &[Value], text: &str, rows| {
        let limits = PageLimits { rows, ..PageLimits::default() };
        page(&Query::parse(text).expect(text), &context(), &stored(documents), limits, None)
    };
    for documents in [(0..3).map(long).collect::<Vec<_>>(), (0..3).map(deep).collect()] {
        let text = "SELECT VALUE c.id FROM c ORDER BY c.k";
        assert_eq!(run(&documents, text, 2).map(|page| page.rows.len()).map_err(|error| error.code), Err("SC3022"));
        assert_eq!(run(&documents, text, 3).map(|page| page.rows.len()), Ok(3), "one page has them all");
        assert_eq!(
            run(&documents, "SELECT TOP 2 VALUE c.id FROM c ORDER BY c.k", 2).map(|page| page.rows.len()),
            Ok(2)
        );
    }
}

#[test]
fn a_plain_page_ends_before_its_work_does() {
    let documents: Vec<Value> = (0..200).map(|index| json!({"id": index, "t": "a".repeat(10_000)})).collect();
    let stored = stored(&documents);
    let query = Query::parse("SELECT VALUE c.id FROM c WHERE NOT CONTAINS(c.t, 'b', true)").expect("a query");
    let limits = PageLimits { work: 2 << 20, ..PageLimits::default() };
    let (mut rows, mut pages, mut resume) = (0, 0, None);
    loop {
        let page = page(&query, &context(), &stored, limits, resume.as_ref()).expect("a page");
        (rows, pages, resume) = (rows + page.rows.len(), pages + 1, page.next);
        if resume.is_none() {
            break;
        }
    }
    assert_eq!(rows, 200);
    assert!((5..20).contains(&pages), "{pages}");
}
