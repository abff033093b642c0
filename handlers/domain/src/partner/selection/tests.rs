use proptest::prelude::*;
use time::macros::datetime;

use super::{super::match_fields::MatchFields, *};
use crate::{product_body::FieldError, product_events::tests::any_event};

fn parse(value: Value) -> Result<Selection, SelectionError> {
    Selection::parse(value.as_object().expect("an object"))
}

fn id(text: &str) -> ProductId {
    text.to_owned().try_into().expect("an id")
}

fn matches_product(selection: &Selection, product: &str) -> bool {
    let fields = MatchFields { product: CaseKey::of(&id(product)), ..selection.sample_match().fields };
    selection.matches(CHANGED, product, &fields)
}

#[test]
fn a_prefix_takes_what_begins_so_and_a_list_what_it_names() {
    let prefix = parse(json!({ "productPrefix": "tent-1" })).expect("a selection");
    let list = parse(json!({ "products": ["tent-1"] })).expect("a selection");
    for (product, by_prefix, by_list) in
        [("tent-1", true, true), ("tent-10", true, false), ("TENT-1", false, false), ("Tent-1", false, false)]
    {
        assert_eq!(matches_product(&prefix, product), by_prefix, "{product} by prefix");
        assert_eq!(matches_product(&list, product), by_list, "{product} by list");
    }
}

#[test]
fn the_budget_of_25_values_is_checked_at_the_door() {
    let names = |count: usize| (0..count).map(|index| format!("c{index}")).collect::<Vec<_>>();
    for (body, used) in [
        (json!({}), 3),
        (json!({ "categories": names(21), "priceDropPercent": 5 }), 25),
        (json!({ "categories": names(22) }), 25),
        (json!({ "products": names(22) }), 25),
        (json!({ "categories": names(11), "products": names(10), "priceDropPercent": 5 }), 25),
        (json!({ "categories": names(22), "productPrefix": "tent-" }), 25),
        // Named twice, or in two spellings that Event Grid does not tell apart.
        (json!({ "categories": ["Tents", "tents", "Tents"], "products": ["a", "A", "a"] }), 6),
    ] {
        assert_eq!(parse(body.clone()).expect("fits").values(), used, "{body}");
    }
    for (body, used) in [
        (json!({ "categories": names(22), "priceDropPercent": 5 }), 26),
        (json!({ "categories": names(23) }), 26),
        (json!({ "products": names(23) }), 26),
        (json!({ "categories": names(11), "products": names(12) }), 26),
    ] {
        let refusal = parse(body.clone()).expect_err("does not fit");
        assert_eq!(refusal, SelectionError::TooManyValues { used }, "{body}");
        let text = refusal.to_string();
        assert!(text.contains("26") && text.contains("25") && text.contains("make two subscriptions"), "{text}");
    }
}

#[test]
fn each_field_that_is_wrong_is_named() {
    for (body, field) in [
        (json!({ "eventTypes": [] }), "eventTypes"),
        (json!({ "eventTypes": "com.contoso.product.changed.v1" }), "eventTypes"),
        (json!({ "eventTypes": [CHANGED, "com.contoso.click.recorded.v1"] }), "eventTypes[1]"),
        (json!({ "products": [] }), "products"),
        (json!({ "products": ["a/b"] }), "products[0]"),
        (json!({ "products": ["a"], "productPrefix": "a" }), "products"),
        (json!({ "productPrefix": "" }), "productPrefix"),
        (json!({ "productPrefix": "a b" }), "productPrefix"),
        (json!({ "productPrefix": ".".repeat(64) }), "productPrefix"),
        (json!({ "categories": [1] }), "categories[0]"),
        (json!({ "categories": ["x".repeat(101)] }), "categories[0]"),
        (json!({ "priceDropPercent": "12.45" }), "priceDropPercent"),
        (json!({ "priceDropPercent": 0 }), "priceDropPercent"),
        (json!({ "priceDropPercent": 12.455 }), "priceDropPercent"),
        (json!({ "priceDropPercent": 5, "eventTypes": [DISCONTINUED] }), "priceDropPercent"),
        (json!({ "eventTypes": [FAILING, CHANGED] }), "eventTypes"),
        (json!({ "eventTypes": [FAILING], "categories": ["Tents"] }), "categories"),
    ] {
        let Err(SelectionError::Fields(errors)) = parse(body.clone()) else { panic!("{body} is taken") };
        assert_eq!(errors.iter().map(|error: &FieldError| error.field.as_str()).collect::<Vec<_>>(), [field], "{body}");
    }
}

#[test]
fn event_grid_is_told_everything_at_once() {
    let selection = parse(json!({
        "eventTypes": [CHANGED], "products": ["tent-1", "TENT-1"], "categories": ["Tents"], "priceDropPercent": 12.45,
    }))
    .expect("a selection");
    let (partner, name) =
        ("acme".to_owned().try_into().expect("a name"), "prices".to_owned().try_into().expect("a name"));
    assert_eq!(
        selection.event_grid_filter(&partner, &name),
        json!({
            "includedEventTypes": [CHANGED, WELCOME, TEST],
            "isSubjectCaseSensitive": true,
            "enableAdvancedFilteringOnArrays": true,
            "advancedFilters": [
                { "operatorType": "StringIn", "key": "audience", "values": ["all", "acme", "acme/prices"] },
                { "operatorType": "StringIn", "key": "data.match.categories", "values": ["Tents"] },
                { "operatorType": "StringIn", "key": "data.match.product", "values": ["tent-1", "^t^e^n^t-1"] },
                { "operatorType": "NumberGreaterThanOrEquals", "key": "data.match.priceDropPercent", "value": 12.45 },
            ],
        })
    );
    let by_prefix = parse(json!({ "productPrefix": "tent-" })).expect("a selection");
    assert_eq!(by_prefix.event_grid_filter(&partner, &name)["subjectBeginsWith"], "tent-");
}

#[test]
fn notices_are_of_no_product() {
    let notices = parse(json!({ "eventTypes": NOTICE_TYPES })).expect("a selection");
    assert!(notices.is_of_notices() && notices.tells(HealthKind::Paused));
    let some = parse(json!({ "eventTypes": [FAILING] })).expect("a selection");
    assert!(some.tells(HealthKind::Failing) && !some.tells(HealthKind::Paused));
    assert!(!Selection::default().is_of_notices() && !Selection::default().tells(HealthKind::Failing));
    let fields = notices.sample_match().fields;
    assert!(!notices.matches(CHANGED, "tent-1", &fields) && !notices.matches(DISCONTINUED, "tent-1", &fields));
    assert!(notices.matches(TEST, "tent-1", &fields), "it can be tried");
    assert_eq!(notices.example(EventType::Notice(HealthKind::Failing), datetime!(2027-03-04 10:00 UTC)), None);
    let text = serde_json::to_string(&notices).expect("JSON");
    assert_eq!(serde_json::from_str::<Selection>(&text).expect("its own"), notices);
}

#[test]
fn an_end_of_sale_and_a_change_of_category_reach_whom_they_should() {
    let tents = parse(json!({ "categories": ["Tents"] })).expect("a selection");
    let fields = |categories: &[&str]| MatchFields {
        categories: categories.iter().map(|name| (*name).to_owned().try_into().expect("a category")).collect(),
        price_drop_percent: None,
        product: CaseKey::of(&id("tent-1")),
    };
    assert!(tents.matches(CHANGED, "tent-1", &fields(&["Tents"])));
    assert!(tents.matches(CHANGED, "tent-1", &fields(&["TENTS"])), "Event Grid compares without case");
    assert!(tents.matches(DISCONTINUED, "tent-1", &fields(&["Tents"])));
    assert!(tents.matches(CHANGED, "tent-1", &fields(&["Tents", "Sale"])), "it leaves the category");
    assert!(tents.matches(CHANGED, "tent-1", &fields(&["Sale", "Tents"])), "it enters the category");
    assert!(!tents.matches(CHANGED, "tent-1", &fields(&["Sale"])));
    assert!(!tents.matches("com.contoso.analytics.anomaly-detected.v1", "tent-1", &fields(&["Tents"])));
}

fn any_selection() -> impl Strategy<Value = Selection> {
    let types = prop::sample::select(vec![vec![CHANGED], vec![DISCONTINUED], vec![CHANGED, DISCONTINUED]]);
    let products = prop_oneof![
        2 => Just(json!({})),
        1 => "[a-zA-Z._-]{1,3}|p|p-|p-1|P-1".prop_map(|prefix| json!({ "productPrefix": prefix })),
        1 => prop::collection::vec("p-[0-2]|P-[0-2]", 1..4).prop_map(|ids| json!({ "products": ids })),
    ];
    let categories = prop::option::of(prop::collection::vec("[ABCabc]", 1..3));
    let percent = prop::option::of((1..=10_000_u16).prop_filter_map("in range", Percent::from_hundredths));
    (types, products, categories, percent).prop_map(|(types, mut body, categories, percent)| {
        body["eventTypes"] = json!(types);
        body["categories"] = json!(categories);
        body["priceDropPercent"] = if types == [DISCONTINUED] { Value::Null } else { json!(percent) };
        parse(body).expect("a selection")
    })
}

proptest! {
    #[test]
    fn a_sample_passes_the_filter_that_it_is_to_try(selection in any_selection()) {
        let sample = selection.sample_match();
        for event_type in [WELCOME, TEST, selection.event_types()[0].as_str()] {
            prop_assert!(selection.matches(event_type, &sample.subject, &sample.fields));
        }
    }

    #[test]
    fn an_example_of_each_type_passes_a_filter_that_takes_the_type(selection in any_selection()) {
        for kind in [EventType::Changed, EventType::Discontinued] {
            let Example { event, before } = selection.example(kind, datetime!(2026-03-01 12:00 UTC)).expect("examples are valid");
            prop_assert_eq!(event.product.is_discontinued(), kind == EventType::Discontinued);
            let fields = MatchFields::of(&event);
            prop_assert_eq!(
                selection.matches(kind.as_str(), event.product.id.as_str(), &fields),
                selection.event_types().contains(&kind) && (kind == EventType::Changed || selection.price_drop_percent().is_none())
            );
            prop_assert!(before.id == event.product.id && event.revision == 1);
        }
    }

    #[test]
    fn a_selection_survives_its_json(selection in any_selection()) {
        let text = serde_json::to_string(&selection).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Selection>(&text).expect("its own"), selection);
    }

    #[test]
    fn what_selects_nothing_away_wants_every_product_event(event in any_event()) {
        let event_type = if event.product.is_discontinued() { DISCONTINUED } else { CHANGED };
        prop_assert!(Selection::default().matches(event_type, event.product.id.as_str(), &MatchFields::of(&event)));
    }
}

/// Event Grid's rules for the parts of a filter that selections use, on an event as it is published.
fn event_grid_takes(filter: &Value, event: &Value) -> bool {
    let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let types = filter["includedEventTypes"].as_array().expect("a list");
    let of_type = types.iter().any(|name| same(name.as_str().expect("text"), event["type"].as_str().expect("text")));
    let prefix = filter["subjectBeginsWith"].as_str().unwrap_or_default();
    assert_eq!(
        (&filter["isSubjectCaseSensitive"], &filter["enableAdvancedFilteringOnArrays"]),
        (&json!(true), &json!(true))
    );
    let advanced = filter["advancedFilters"].as_array().expect("a list");
    let taken = advanced.iter().all(|filter| {
        let path = format!("/{}", filter["key"].as_str().expect("text").replace('.', "/"));
        let Some(value) = event.pointer(&path) else { return false };
        match filter["operatorType"].as_str().expect("text") {
            "StringIn" => {
                let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                let wanted = filter["values"].as_array().expect("a list");
                let is_wanted = |value: &Value| {
                    wanted.iter().any(|wanted| same(wanted.as_str().expect("text"), value.as_str().expect("text")))
                };
                values.iter().any(is_wanted)
            }
            "NumberGreaterThanOrEquals" => value.as_f64() >= filter["value"].as_f64(),
            other => panic!("{other} is not used"),
        }
    });
    of_type && event["subject"].as_str().expect("text").starts_with(prefix) && taken
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn matches_says_what_event_grid_does(
        selection in any_selection(),
        event in any_event(),
        product in "p-[0-2]|P-[0-2]|p-10|q",
        audience in prop::sample::select(vec!["all", "ALL", "acme", "acme/prices", "acme/stock", "other", "operations"]),
    ) {
        let (partner, name) = ("acme".to_owned().try_into().expect("a name"), "prices".to_owned().try_into().expect("a name"));
        let mut event = event;
        event.product.id = id(&product);
        let event_type = if event.product.is_discontinued() { DISCONTINUED } else { CHANGED };
        let fields = MatchFields::of(&event);
        let data = crate::product_events_json::to_notification(event).expect("JSON");
        let notification = json!({ "type": event_type, "subject": product, "audience": audience, "data": data });
        let is_for_it = ["all", "acme", "acme/prices"].contains(&audience.to_lowercase().as_str());
        prop_assert_eq!(
            event_grid_takes(&selection.event_grid_filter(&partner, &name), &notification),
            is_for_it && selection.matches(event_type, &product, &fields)
        );
    }
}
