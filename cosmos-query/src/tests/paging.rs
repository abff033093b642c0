//! Pages: whatever their size, and whatever is deleted between them, no row is missed or told twice.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{answer, context, page, stored, values};
use crate::{PageLimits, Position, Query, Resume, effective_partition_key::PartitionKeyDefinition};

const QUERIES: &[&str] = &[
    "SELECT * FROM c",
    "SELECT VALUE c.id FROM c WHERE c.n > 2",
    "SELECT TOP 7 VALUE c.id FROM c",
    "SELECT VALUE c.id FROM c OFFSET 3 LIMIT 9",
    "SELECT c.id, t FROM c JOIN t IN c.tags",
    "SELECT TOP 11 c.id, t FROM c JOIN t IN c.tags ORDER BY c.n DESC",
    "SELECT * FROM c ORDER BY c.n",
    "SELECT * FROM c ORDER BY c.n DESC",
    "SELECT VALUE c.id FROM c ORDER BY c.m, c.n DESC",
    "SELECT VALUE c.id FROM c ORDER BY c.n OFFSET 4 LIMIT 9",
    "SELECT DISTINCT VALUE c.m FROM c ORDER BY c.m",
    "SELECT DISTINCT VALUE c.n % 3 FROM c ORDER BY c.m DESC",
    "SELECT DISTINCT VALUE c.n FROM c",
    "SELECT DISTINCT TOP 3 c.m FROM c",
    "SELECT c.m, COUNT(1) AS many, SUM(c.n) AS sum FROM c GROUP BY c.m",
    "SELECT VALUE c.n FROM c GROUP BY c.n OFFSET 1 LIMIT 3",
    "SELECT VALUE COUNT(1) FROM c",
    "SELECT DISTINCT VALUE COUNT(1) FROM c GROUP BY c.n",
];

type Stored = Vec<(Position, Value)>;

/// All rows, by pages of so many. What happens between pages is told how many rows there were.
fn paged(text: &str, stored: &mut Stored, rows: usize, mut between: impl FnMut(&mut Stored, &[Value])) -> Vec<Value> {
    let query = Query::parse(text).expect(text);
    let limits = PageLimits { rows, documents: 5, ..PageLimits::default() };
    let (mut all, mut resume) = (Vec::new(), None::<Resume>);
    for _ in 0..1000 {
        let page = page(&query, &context(), stored, limits, resume.as_ref()).expect(text);
        let rows = values(page.rows, stored);
        between(stored, &rows);
        all.extend(rows);
        // As a client hands it back.
        let Some(next) = page.next else { return all };
        let token = serde_json::to_string(&next).expect("JSON");
        resume = Some(contoso_json::from_str(&token).expect("JSON"));
        assert_eq!(resume.as_ref(), Some(&next));
    }
    panic!("{text}: the pages have no end");
}

fn documents() -> impl Strategy<Value = Vec<Value>> {
    let n = prop_oneof![
        (0..6).prop_map(|n| json!(n)),
        Just(json!("x")),
        Just(json!(null)),
        Just(json!({"a": 1})),
        Just(json!([2]))
    ];
    let tags = proptest::collection::vec("[ab]", 0..4);
    let one = (n, 0..3, tags, any::<bool>()).prop_map(|(n, m, tags, has)| {
        if has { json!({"n": n, "m": m, "tags": tags}) } else { json!({"m": m, "tags": tags}) }
    });
    proptest::collection::vec(one, 0..30).prop_map(|mut all| {
        all.iter_mut().enumerate().for_each(|(index, one)| one["id"] = json!(format!("{index:02}")));
        all
    })
}

fn sorted(mut rows: Vec<Value>) -> Vec<String> {
    let mut texts: Vec<String> = rows.drain(..).map(|row| row.to_string()).collect();
    texts.sort_unstable();
    texts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_of_any_size_have_the_same_rows(documents in documents(), size in 1_usize..9) {
        for text in QUERIES {
            let whole = paged(text, &mut stored(&documents), 1000, |_, _| ());
            let parts = paged(text, &mut stored(&documents), size, |_, _| ());
            if text.contains("GROUP BY") || (text.contains("DISTINCT") && !text.contains("ORDER BY")) {
                // Which groups TOP lets through is nobody's promise.
                if text.contains("TOP") {
                    prop_assert_eq!(parts.len(), whole.len(), "{}", text);
                } else {
                    prop_assert_eq!(sorted(parts), sorted(whole), "{}", text);
                }
            } else {
                prop_assert_eq!(parts, whole, "{}", text);
            }
        }
    }

    #[test]
    fn what_is_deleted_after_it_was_told_hides_nothing(documents in documents(), size in 1_usize..9) {
        for text in ["SELECT * FROM c", "SELECT * FROM c ORDER BY c.n", "SELECT * FROM c ORDER BY c.m DESC, c.n"] {
            let whole = answer(text, &documents);
            let told = paged(text, &mut stored(&documents), size, |stored, rows| {
                stored.retain(|(_, value)| !rows.iter().any(|row| row["id"] == value["id"]));
            });
            prop_assert_eq!(told, whole, "{}", text);
        }
    }
}

#[test]
fn a_page_ends_before_the_row_that_it_has_no_bytes_for() {
    let stored = stored(&(0..4).map(|n| json!({"n": n, "t": "x".repeat(1000)})).collect::<Vec<_>>());
    let limits = PageLimits { bytes: 2500, ..PageLimits::default() };
    for text in
        ["SELECT VALUE c.t FROM c", "SELECT VALUE c.t FROM c ORDER BY c.n", "SELECT c.n, c.t FROM c GROUP BY c.n, c.t"]
    {
        let query = Query::parse(text).expect(text);
        let first = page(&query, &context(), &stored, limits, None).expect(text);
        assert_eq!(first.rows.len(), 2, "{text}");
        let second = page(&query, &context(), &stored, limits, first.next.as_ref()).expect(text);
        assert_eq!((second.rows.len(), second.next), (2, None), "{text}");
        let tiny = page(&query, &context(), &stored, PageLimits { bytes: 1, ..limits }, None).expect(text);
        assert_eq!((tiny.rows.len(), tiny.next.is_some()), (1, true), "{text}: one row, however large");
    }
}

#[test]
fn a_resume_of_a_plain_query_says_where_to_begin() {
    let stored = stored(&[json!({"t": [1, 2, 3]}), json!({"t": [4]}), json!({})]);
    let limits = PageLimits { rows: 2, ..PageLimits::default() };
    let query = Query::parse("SELECT VALUE t FROM c JOIN t IN c.t").expect("a query");
    let first = page(&query, &context(), &stored, limits, None).expect("a page");
    let next = first.next.expect("another page");
    let start = next.start().expect("a start");
    assert_eq!((start.position, start.inclusive), (&stored[0].0, true), "a row of the first document is left");
    let second = page(&query, &context(), &stored, limits, Some(&next)).expect("a page");
    assert_eq!(values(second.rows, &stored), [json!(3), json!(4)]);
    assert_eq!(second.next.expect("a document is left").start().map(|start| start.inclusive), Some(false));
}

#[test]
fn an_order_is_resumed_by_the_values_that_a_client_saw() {
    let documents: Vec<Value> = (0..10).map(|index| json!({"id": index, "n": index / 3})).collect();
    let stored = stored(&documents);
    let rid = |index: usize| stored[index].1["_rid"].clone();
    let resumed = |text: &str, filter: Value| {
        let resume = Resume::from_filter(&filter).expect("a filter");
        let page = page(&Query::parse(text).expect(text), &context(), &stored, PageLimits::default(), Some(&resume));
        values(page.expect("a page").rows, &stored)
    };
    let up = "SELECT VALUE c.id FROM c ORDER BY c['n'] ASC";
    assert_eq!(resumed(up, json!({"value": [1], "rid": rid(4), "exclude": false})), [4, 5, 6, 7, 8, 9]);
    assert_eq!(resumed(up, json!({"value": [1], "rid": rid(4), "exclude": true})), [5, 6, 7, 8, 9]);
    assert_eq!(resumed(up, json!({"value": [1], "exclude": true})), [6, 7, 8, 9]);
    assert_eq!(resumed(up, json!({"value": [1], "exclude": false})), [3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(resumed(up, json!({"value": [[]], "exclude": true})).len(), 10, "all are behind the undefined");
    let down = "SELECT VALUE c.id FROM c ORDER BY c.n DESC";
    assert_eq!(resumed(down, json!({"value": [1], "rid": rid(4), "exclude": false})), [4, 3, 2, 1, 0]);
    assert!(Resume::from_filter(&json!({"value": [{"type": "array", "low": 1, "high": 2}]})).is_err());
}

/// Runs a plan as clients do: the rewritten query over each of two ranges.
fn rewritten(text: &str, documents: &[Value]) -> Vec<Value> {
    let definition = json!({"paths": ["/pk"], "kind": "Hash", "version": 2});
    let definition: PartitionKeyDefinition = serde_json::from_value(definition).expect("a definition");
    let plan = Query::parse(text).and_then(|query| query.plan(&Default::default(), &definition)).expect(text);
    let plan = serde_json::to_value(plan).expect("JSON");
    let rewritten = plan["queryInfo"]["rewrittenQuery"].as_str().expect("a text");
    let rewritten = rewritten.replace("{documentdb-formattableorderbyquery-filter}", "true");
    documents.chunks(documents.len().div_ceil(2)).flat_map(|range| answer(&rewritten, range)).collect()
}

#[test]
fn what_plans_rewrite_is_answered() {
    let documents: Vec<Value> = (0..4).map(|index| json!({"id": index, "g": index % 2, "n": index})).collect();
    assert_eq!(rewritten("SELECT VALUE COUNT(1) FROM c", &documents), [json!([{"item": 2}]), json!([{"item": 2}])]);
    assert_eq!(
        rewritten("SELECT VALUE AVG(c.n) FROM c WHERE c.n > 0", &documents),
        [json!([{"item": {"sum": 1, "count": 1}}]), json!([{"item": {"sum": 5, "count": 2}}])]
    );
    assert_eq!(
        rewritten("SELECT MAX(c.none) AS m FROM c", &documents)[0],
        json!({"payload": {"m": {"item2": {"count": 0}}}})
    );
    assert_eq!(
        rewritten("SELECT c.g, SUM(c.n) AS s FROM c GROUP BY c.g", &documents)[1],
        json!({"groupByItems": [{"item": 1}], "payload": {"g": 1, "s": {"item": 1}}})
    );
    let sorted = rewritten("SELECT VALUE c.id FROM c WHERE c.n > 1 ORDER BY c.n DESC, c.none", &documents);
    assert_eq!(sorted[0]["orderByItems"], json!([{"item": 3}, {}]));
    assert_eq!(sorted[0]["payload"], json!(3));
    assert!(sorted[0]["_rid"].is_string());
    assert_eq!(rewritten("SELECT * FROM c OFFSET 1 LIMIT 2", &documents).len(), 4);
}
