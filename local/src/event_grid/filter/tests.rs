//! The operator table of the service, row by row.

use serde_json::{json, value::RawValue};

use super::*;
use crate::event_grid::event::Schema;

fn event(data: &str, extensions: &str) -> Event {
    let text = format!(
        r#"{{"specversion":"1.0","id":"1","source":"/shop","type":"com.example.Placed","subject":"Orders/7731"{extensions},"data":{data}}}"#
    );
    Event::published(Schema::CloudEvents, "/t", &RawValue::from_string(text).expect("JSON")).expect("valid")
}

fn filter(body: Value) -> Result<Filter, String> {
    serde_json::from_value::<FilterBody>(body).map_err(|error| error.to_string())?.try_into()
}

fn advanced(operator: &str, values: Value, on_arrays: bool) -> Filter {
    let single = operator.contains("Than") || operator == "BoolEquals";
    let mut body = json!({ "operatorType": operator, "key": "data.x" });
    if !values.is_null() {
        body[if single { "value" } else { "values" }] = values;
    }
    filter(json!({ "advancedFilters": [body], "enableAdvancedFilteringOnArrays": on_arrays })).expect("valid filter")
}

#[test]
fn every_operator_with_hit_miss_missing_key_and_other_type() {
    // operator, values, a value that matches, one that does not, whether a missing key matches, a value of another type
    let table = [
        ("NumberIn", json!([1, 2.5]), "2.50", "3", false, "\"1\""),
        ("NumberNotIn", json!([1, 2.5]), "3", "2.50", true, "\"3\""),
        ("NumberLessThan", json!(10), "9.99", "10", false, "\"9\""),
        ("NumberLessThanOrEquals", json!(10), "10.0", "10.01", false, "\"9\""),
        ("NumberGreaterThan", json!(10), "11", "10", false, "\"11\""),
        ("NumberGreaterThanOrEquals", json!(10), "10", "9.9", false, "true"),
        ("NumberInRange", json!([[1, 2], [5, 6]]), "5", "3", false, "\"5\""),
        ("NumberNotInRange", json!([[1, 2], [5, 6]]), "3", "6", true, "\"3\""),
        ("BoolEquals", json!(true), "true", "false", false, "\"true\""),
        ("StringIn", json!(["Acme"]), "\"aCME\"", "\"acm\"", false, "5"),
        ("StringNotIn", json!(["Acme"]), "\"acm\"", "\"ACME\"", true, "5"),
        ("StringBeginsWith", json!(["Ab"]), "\"aBc\"", "\"cab\"", false, "5"),
        ("StringNotBeginsWith", json!(["Ab"]), "\"cab\"", "\"aBc\"", false, "5"),
        ("StringEndsWith", json!(["Bc"]), "\"aBC\"", "\"bca\"", false, "5"),
        ("StringNotEndsWith", json!(["Bc"]), "\"bca\"", "\"aBC\"", false, "5"),
        ("StringContains", json!(["b", "q"]), "\"aBc\"", "\"xyz\"", false, "5"),
        ("StringNotContains", json!(["b", "q"]), "\"xyz\"", "\"aBc\"", false, "5"),
    ];
    for (operator, values, hit, miss, missing, other_type) in table {
        let filter = advanced(operator, values, false);
        let matches = |x: &str| filter.matches(&event(&format!(r#"{{"x":{x}}}"#), ""));
        assert!(matches(hit), "{operator} should match {hit}");
        assert!(!matches(miss), "{operator} should not match {miss}");
        assert!(!matches(other_type), "{operator} should not match {other_type}");
        assert_eq!(filter.matches(&event("{}", "")), missing, "{operator} on a missing key");
        assert_eq!(matches("null"), missing, "{operator} on null");
        assert!(!matches(&format!("[{hit}]")), "{operator} on an array without the switch");
    }
}

#[test]
fn null_operators() {
    let null = advanced("IsNullOrUndefined", Value::Null, false);
    let not_null = advanced("IsNotNull", Value::Null, false);
    for (data, is_null) in [("{}", true), (r#"{"x":null}"#, true), (r#"{"x":0}"#, false), (r#"{"x":[]}"#, false)] {
        let event = event(data, "");
        assert_eq!(null.matches(&event), is_null, "{data}");
        assert_eq!(not_null.matches(&event), !is_null, "{data}");
    }
}

#[test]
fn arrays_match_by_element_when_switched_on() {
    let any = advanced("StringContains", json!(["red"]), true);
    let none = advanced("StringNotContains", json!(["red"]), true);
    for (x, positive, negative) in [
        (r#"["blue","dark red"]"#, true, false),
        (r#"["blue"]"#, false, true),
        (r#"[5,{"a":1}]"#, false, true),
        ("[]", false, true),
        (r#""red""#, true, false),
    ] {
        let event = event(&format!(r#"{{"x":{x}}}"#), "");
        assert_eq!(any.matches(&event), positive, "{x}");
        assert_eq!(none.matches(&event), negative, "{x}");
    }
}

#[test]
fn decimals_are_compared_as_written() {
    let filter = advanced("NumberIn", json!([0.3]), false);
    assert!(filter.matches(&event(r#"{"x":0.30}"#, "")));
    assert!(!filter.matches(&event(r#"{"x":0.30000000000000004}"#, "")));
    let thousand = advanced("NumberGreaterThan", json!(1e3), false);
    assert!(thousand.matches(&event(r#"{"x":1.001E3}"#, "")));
    // A decimal ends near 7.9e28; what it cannot hold matches nothing.
    assert!(!thousand.matches(&event(r#"{"x":1e400}"#, "")));
}

#[test]
fn types_subjects_and_extensions() {
    let event = event(r#"{"Order":{"total":3,"Total":4}}"#, r#","audience":"ALL""#);
    for (body, expected) in [
        (json!({}), true),
        (json!({ "includedEventTypes": ["com.example.placed"] }), true),
        (json!({ "includedEventTypes": ["com.example.Shipped"] }), false),
        (json!({ "subjectBeginsWith": "orders/", "subjectEndsWith": "31" }), true),
        (json!({ "subjectBeginsWith": "orders/", "isSubjectCaseSensitive": true }), false),
        (json!({ "subjectEndsWith": "/" }), false),
        (
            json!({ "advancedFilters": [{ "operatorType": "StringIn", "key": "audience", "values": ["all", "acme"] }] }),
            true,
        ),
        (json!({ "advancedFilters": [{ "operatorType": "StringIn", "key": "Audience", "values": ["all"] }] }), true),
        (
            json!({ "advancedFilters": [{ "operatorType": "NumberIn", "key": "Data.ORDER.total", "values": [3] }] }),
            true,
        ),
        // What is spelt as the key comes first.
        (
            json!({ "advancedFilters": [{ "operatorType": "NumberIn", "key": "data.order.Total", "values": [4] }] }),
            true,
        ),
        // Older pages name it so; such an attribute does not exist in a cloud event.
        (
            json!({ "advancedFilters": [{ "operatorType": "StringIn", "key": "EventType", "values": ["com.example.Placed"] }] }),
            false,
        ),
    ] {
        assert_eq!(filter(body.clone()).expect("valid").matches(&event), expected, "{body}");
    }
}

#[test]
fn limits_and_mistakes_are_refused() {
    let string_in = |values: Vec<String>| json!({ "operatorType": "StringIn", "key": "k", "values": values });
    let many: Vec<_> = (0..26).map(|_| json!({ "operatorType": "IsNotNull", "key": "k" })).collect();
    for (body, named) in [
        (json!({ "advancedFilters": many }), "25 advanced"),
        (json!({ "advancedFilters": [string_in(vec!["v".into(); 13]), string_in(vec!["v".into(); 13])] }), "25 values"),
        (json!({ "advancedFilters": [string_in(vec!["v".repeat(513)])] }), "512"),
        (json!({ "advancedFilters": [{ "operatorType": "StringLike", "key": "k", "values": ["a"] }] }), "StringLike"),
        (json!({ "advancedFilters": [{ "operatorType": "NumberIn", "key": "k", "values": ["1"] }] }), "NumberIn"),
        (json!({ "advancedFilters": [{ "operatorType": "NumberLessThan", "key": "k", "values": [1] }] }), "`value`"),
        (json!({ "subjectBeginWith": "x" }), "subjectBeginWith"),
    ] {
        let refusal = filter(body.clone()).expect_err("refused");
        assert!(refusal.contains(named), "{body}: {refusal}");
    }
}
