//! Computed properties, and what a container's indexes are asked.

use serde_json::json;

use crate::{ComputedBudget, ComputedProperty, OrderBy, PageLimits, Query};

#[test]
fn a_computed_property_has_a_value_for_a_document() {
    let budget = ComputedBudget::new(PageLimits::default());
    let document = json!({"name": "ÄB", "n": 2, "parents": [{"familyName": "X"}]});
    let cases = [
        ("SELECT VALUE LOWER(c.name) FROM c", json!(["äb"])),
        ("SELECT VALUE root.n * 2 FROM root", json!([4])),
        ("SELECT VALUE LOWER(IS_DEFINED(p.last) ? p.last : p.parents[0].familyName) FROM People p", json!(["x"])),
        ("SELECT VALUE c.none FROM c", json!([])),
        ("SELECT VALUE null FROM c", json!([null])),
    ];
    for (text, wanted) in cases {
        let property = ComputedProperty::parse(text).expect(text);
        let value = property.evaluate(&document, &budget).expect(text);
        assert_eq!(json!(value.as_slice()), wanted, "{text}");
    }
    let replicated = ComputedProperty::parse("SELECT VALUE REPLICATE(c.name, 1000) FROM c").expect("a query");
    let small = ComputedBudget::new(PageLimits { work: 20_000, ..PageLimits::default() });
    let refused = (0..100).find_map(|_| replicated.evaluate(&document, &small).err());
    assert_eq!(refused.map(|error| error.code), Some("SC3020"), "the budget is one for all documents");
}

#[test]
fn what_is_not_computed_of_one_item_is_refused() {
    let refused = [
        ("SELECT * FROM c", "SELECT VALUE"),
        ("SELECT c.a FROM c", "SELECT VALUE"),
        ("SELECT VALUE 1", "FROM"),
        ("SELECT VALUE i FROM i IN c.items", "FROM"),
        ("SELECT VALUE i FROM c.items i", "FROM"),
        ("SELECT VALUE i FROM c JOIN i IN c.items", "JOIN"),
        ("SELECT VALUE c.a FROM c WHERE c.b", "WHERE"),
        ("SELECT VALUE c.a FROM c GROUP BY c.a", "GROUP BY"),
        ("SELECT VALUE c.a FROM c ORDER BY c.a", "ORDER BY"),
        ("SELECT TOP 1 VALUE c.a FROM c", "TOP"),
        ("SELECT DISTINCT VALUE c.a FROM c", "DISTINCT"),
        ("SELECT VALUE c.a FROM c OFFSET 0 LIMIT 1", "OFFSET LIMIT"),
        ("SELECT VALUE [EXISTS(SELECT VALUE i FROM i IN c.items)] FROM c", "subquery"),
        ("SELECT VALUE COUNT(1) FROM c", "aggregate"),
        ("SELECT VALUE [st_distance(c.a, c.b)] FROM c", "spatial"),
        ("SELECT VALUE getcurrenttimestampstatic() - c._ts FROM c", "nondeterministic"),
        ("SELECT VALUE c.a + RAND() FROM c", "nondeterministic"),
        ("SELECT VALUE udf.f(c.a) FROM c", "user-defined"),
        ("SELECT VALUE c.a = @a FROM c", "parameter"),
        ("SELECT VALUE d.a FROM c", "resolved"),
    ];
    for (text, wanted) in refused {
        let error = ComputedProperty::parse(text).map(|_| ()).expect_err(text);
        assert!(error.to_string().contains(wanted), "{text}: {error}");
    }
}

#[test]
fn order_by_tells_its_paths() {
    let paths = |text: &str| {
        let query = Query::parse(text).expect(text);
        let one = |OrderBy { path, descending }: OrderBy| {
            format!("{}{}", path.map_or("?".into(), |path| path.join("/")), if descending { " DESC" } else { "" })
        };
        query.order_by_paths().into_iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let cases = [
        ("SELECT * FROM c", ""),
        ("SELECT * FROM c ORDER BY c.a, c['b'].c[1] DESC", "a, b/c/[] DESC"),
        ("SELECT c._rid, [{'item': c.a}] AS orderByItems, c AS payload FROM c ORDER BY c.a DESC", "a DESC"),
        ("SELECT VALUE t FROM c JOIN t IN c.tags ORDER BY t.x, c.a", "tags/[]/x, a"),
        ("SELECT VALUE r0.id FROM (SELECT VALUE root FROM root WHERE root.n > 2) AS r0 ORDER BY r0.n", "n"),
        ("SELECT VALUE s FROM (SELECT c.a.b AS x, {'z': c.d} AS y FROM c) AS s ORDER BY s.x.e, s.y.z", "a/b/e, d"),
        ("SELECT TOP 1 * FROM c ORDER BY VectorDistance(c.v, [1])", "? DESC"),
        ("SELECT COUNT(1) AS n FROM c ORDER BY c.a", ""),
    ];
    for (text, wanted) in cases {
        assert_eq!(paths(text), wanted, "{text}");
    }
}
