//! Random filters on random events against the service's table, written down once more as plainly as it is documented.

use proptest::{prelude::*, sample::select};
use serde_json::{json, value::RawValue};

use super::*;
use crate::event_grid::event::Schema;

const NUMBERS: [&str; 6] = [
    "NumberIn",
    "NumberNotIn",
    "NumberLessThan",
    "NumberLessThanOrEquals",
    "NumberGreaterThan",
    "NumberGreaterThanOrEquals",
];
const RANGES: [&str; 2] = ["NumberInRange", "NumberNotInRange"];
const TEXTS: [&str; 8] = [
    "StringIn",
    "StringNotIn",
    "StringBeginsWith",
    "StringNotBeginsWith",
    "StringEndsWith",
    "StringNotEndsWith",
    "StringContains",
    "StringNotContains",
];

/// An advanced filter: its operator and what it compares with.
#[derive(Clone, Debug)]
struct Wanted {
    operator: &'static str,
    key: &'static str,
    arguments: Vec<Value>,
}

impl Wanted {
    fn body(&self) -> Value {
        let mut body = json!({ "operatorType": self.operator, "key": self.key });
        match self.operator {
            "IsNullOrUndefined" | "IsNotNull" => {}
            operator if operator.contains("Than") || operator == "BoolEquals" => {
                body["value"] = self.arguments[0].clone()
            }
            _ => body["values"] = self.arguments.clone().into(),
        }
        body
    }

    /// The table.
    fn holds(&self, value: Option<&Value>, on_arrays: bool) -> bool {
        let missing = value.is_none_or(Value::is_null);
        match self.operator {
            "IsNullOrUndefined" => return missing,
            "IsNotNull" => return !missing,
            _ => {}
        }
        let Some(value) = value.filter(|_| !missing) else {
            return ["NumberNotIn", "NumberNotInRange", "StringNotIn"].contains(&self.operator);
        };
        let negated = self.operator.contains("Not");
        match value {
            Value::Array(elements) if on_arrays => {
                elements.iter().any(|element| self.hits(element) == Some(true)) != negated
            }
            value => self.hits(value).is_some_and(|hit| hit != negated),
        }
    }

    /// The operator without its "Not"; `None` for a value of another type.
    fn hits(&self, value: &Value) -> Option<bool> {
        let operator = self.operator.replace("Not", "");
        if operator == "BoolEquals" {
            return value.as_bool().map(|flag| self.arguments[0] == flag);
        }
        if let Some(comparison) = operator.strip_prefix("Number") {
            // Quarters are exact in binary.
            let number = value.as_number()?.as_f64()?;
            let with = |index: usize| self.arguments[index].as_f64().expect("a number");
            return Some(match comparison {
                "In" => self.arguments.iter().any(|argument| argument.as_f64() == Some(number)),
                "InRange" => self
                    .arguments
                    .iter()
                    .any(|range| range[0].as_f64() <= Some(number) && Some(number) <= range[1].as_f64()),
                "LessThan" => number < with(0),
                "LessThanOrEquals" => number <= with(0),
                "GreaterThan" => number > with(0),
                _ => number >= with(0),
            });
        }
        let text = value.as_str()?.to_ascii_uppercase();
        Some(self.arguments.iter().any(|argument| {
            let argument = argument.as_str().expect("a string").to_ascii_uppercase();
            match operator.as_str() {
                "StringIn" => text == argument,
                "StringBeginsWith" => text.starts_with(&argument),
                "StringEndsWith" => text.ends_with(&argument),
                _ => text.contains(&argument),
            }
        }))
    }
}

fn number() -> impl Strategy<Value = Value> {
    (-8..8_i32).prop_map(|quarters| json!(f64::from(quarters) / 4.0))
}

fn text() -> impl Strategy<Value = Value> {
    "[aAbB]{0,3}".prop_map(Value::from)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text(), Just(json!({ "a": 1 }))]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let key = || select(vec!["data.x", "Data.X", "data.deep.y", "data.DEEP.y", "tenant", "TENANT", "data.none"]);
    let some = |values: BoxedStrategy<Value>| proptest::collection::vec(values, 1..4);
    let range = (number(), number()).prop_map(|(low, high)| json!([low, high]));
    prop_oneof![
        (select(NUMBERS.to_vec()), key(), some(number().boxed())),
        (select(RANGES.to_vec()), key(), some(range.boxed())),
        (select(TEXTS.to_vec()), key(), some(text().boxed())),
        (Just("BoolEquals"), key(), some(any::<bool>().prop_map(Value::from).boxed())),
        (select(vec!["IsNullOrUndefined", "IsNotNull"]), key(), some(Just(Value::Null).boxed())),
    ]
    .prop_map(|(operator, key, arguments)| Wanted { operator, key, arguments })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_filter_is_its_parts_together(
        advanced in proptest::collection::vec(wanted(), 0..4),
        on_arrays: bool,
        (types, ends, case_sensitive) in (
            proptest::option::of(proptest::collection::vec("[pPqQ]", 1..3)),
            ("[aA]{0,2}", "[bB]{0,2}"),
            any::<bool>(),
        ),
        (x, y) in (
            proptest::option::of(prop_oneof![3 => scalar(), 1 => proptest::collection::vec(scalar(), 0..4).prop_map(Value::from)]),
            proptest::option::of(scalar()),
        ),
        (tenant, event_type, subject) in (proptest::option::of("[aAbB]{0,3}"), "[pPqQ]", "[aAbB]{1,5}"),
    ) {
        let mut event = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": event_type, "subject": subject, "data": { "deep": {} } });
        if let Some(x) = &x {
            event["data"]["x"] = x.clone();
        }
        if let Some(y) = &y {
            event["data"]["deep"]["y"] = y.clone();
        }
        if let Some(tenant) = &tenant {
            event["tenant"] = json!(tenant);
        }
        let body = json!({
            "includedEventTypes": types, "subjectBeginsWith": ends.0, "subjectEndsWith": ends.1,
            "isSubjectCaseSensitive": case_sensitive, "enableAdvancedFilteringOnArrays": on_arrays,
            "advancedFilters": advanced.iter().map(Wanted::body).collect::<Vec<_>>(),
        });
        let text = RawValue::from_string(event.to_string()).expect("JSON");
        let published = Event::published(Schema::CloudEvents, "/t", &text).expect("valid");
        let filter = Filter::try_from(serde_json::from_value::<FilterBody>(body).expect("a body")).expect("a filter");

        let value = |key: &str| match key.to_ascii_lowercase().as_str() {
            "data.x" => x.as_ref(),
            "data.deep.y" => y.as_ref(),
            "tenant" => event.get("tenant"),
            _ => None,
        };
        let cased = |text: &str| if case_sensitive { text.to_owned() } else { text.to_ascii_lowercase() };
        let expected = types.is_none_or(|types| types.iter().any(|name| name.eq_ignore_ascii_case(&event_type)))
            && cased(&subject).starts_with(&cased(&ends.0))
            && cased(&subject).ends_with(&cased(&ends.1))
            && advanced.iter().all(|wanted| wanted.holds(value(wanted.key), on_arrays));
        prop_assert_eq!(filter.matches(&published), expected, "{}", event);
    }
}
