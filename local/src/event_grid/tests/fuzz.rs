//! Hostile Resource Manager bodies and events: each is taken or refused in a sentence.

use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Map, Value, json, value::RawValue};

use crate::event_grid::{
    event::{Event, Schema},
    subscription,
};

/// Every member that a subscription may have, each as it should be.
fn whole() -> Value {
    json!({
        "destination": { "endpointType": "WebHook", "properties": {
            "endpointUrl": "https://partner.example/hooks?k=v", "maxEventsPerBatch": 10, "preferredBatchSizeInKilobytes": 64,
            "deliveryAttributeMappings": [
                { "name": "X-Key", "type": "Static", "properties": { "value": "abc", "isSecret": true } },
                { "name": "X-Type", "type": "Dynamic", "properties": { "sourceField": "type" } } ] } },
        "eventDeliverySchema": "CloudEventSchemaV1_0",
        "filter": {
            "includedEventTypes": ["a"], "subjectBeginsWith": "x", "subjectEndsWith": "y", "isSubjectCaseSensitive": true,
            "enableAdvancedFilteringOnArrays": true,
            "advancedFilters": [
                { "operatorType": "NumberInRange", "key": "data.x", "values": [[1, 2.5]] },
                { "operatorType": "BoolEquals", "key": "data.y", "value": true },
                { "operatorType": "StringNotContains", "key": "tenant", "values": ["a"] } ] },
        "retryPolicy": { "maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440 },
        "deadLetterDestination": { "endpointType": "StorageBlob", "properties": { "resourceId": "/a", "blobContainerName": "dead" } },
        "labels": ["l"],
        "expirationTimeUtc": "2099-01-01T00:00:00Z",
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![
            "",
            "WebHook",
            "AzureFunction",
            "StringIn",
            "1.0",
            "http://[::1]:80/",
            "9999-99-99",
            "\u{0}",
            "Hidden"
        ])
        .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let name = prop_oneof![
            select(vec![
                "properties",
                "endpointType",
                "value",
                "values",
                "key",
                "operatorType",
                "id",
                "data",
                "specversion"
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..5).prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

/// Every place inside `value`, as a JSON pointer.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), out));
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), out));
        }
        _ => {}
    }
}

fn changed(mut whole: Value, changes: &[(Index, Value)]) -> Value {
    for (at, value) in changes {
        let mut all = Vec::new();
        places(&whole, "", &mut all);
        if let Some(place) = whole.pointer_mut(&all[at.index(all.len())]) {
            *place = value.clone();
        }
    }
    whole
}

fn schema() -> impl Strategy<Value = Schema> {
    select(vec![Schema::CloudEvents, Schema::EventGrid])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_subscription_is_taken_or_refused_in_a_sentence(
        changes in proptest::collection::vec((any::<Index>(), any_json()), 0..4),
        patch in proptest::collection::btree_map(
            select(vec!["destination", "filter", "retryPolicy", "deadLetterDestination", "labels", "other"]), any_json(), 0..3),
        input in schema(),
    ) {
        let properties = changed(whole(), &changes);
        let now = Some(time::OffsetDateTime::UNIX_EPOCH);
        if let Err(reason) = subscription::parse(&properties, input, now) {
            prop_assert!(reason.ends_with('.') && reason.len() < 20_000, "{reason}");
        } else {
            // What was taken once is taken again at the next start.
            prop_assert!(subscription::parse(&properties, input, None).is_ok());
        }
        let patch: Map<String, Value> = patch.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let merged = subscription::merge_patch(&properties, &patch);
        let _taken_or_refused = subscription::parse(&merged, input, now);
    }

    #[test]
    fn an_event_is_taken_as_it_is_or_refused_in_a_sentence(
        schema in schema(),
        changes in proptest::collection::vec((any::<Index>(), any_json()), 0..3),
        key in "[a-z.]{0,12}",
    ) {
        let whole = match schema {
            Schema::CloudEvents => json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "subject": "x",
                "time": "2026-03-04T10:11:12Z", "datacontenttype": "application/json", "tenant": "acme", "data": { "a": [1] } }),
            Schema::EventGrid => json!({ "id": "1", "subject": "s", "eventType": "t", "eventTime": "2026-03-04T10:11:12Z",
                "dataVersion": "1", "data": { "a": [1] } }),
        };
        let event = changed(whole, &changes);
        let text = RawValue::from_string(event.to_string()).expect("JSON");
        match Event::published(schema, "/topics/t", &text) {
            Ok(published) => {
                let delivered: Value = serde_json::from_str(&published.in_schema(schema)).expect("JSON");
                for name in ["id", "subject", "data"] {
                    prop_assert_eq!(&delivered[name], &event[name]);
                }
                prop_assert!(published.lookup(&key).is_none_or(|found| found.is_object() || !key.is_empty()));
                let as_cloud_event: Value = serde_json::from_str(&published.in_schema(Schema::CloudEvents)).expect("JSON");
                prop_assert_eq!(&as_cloud_event["specversion"], "1.0");
            }
            Err(reason) => prop_assert!(reason.ends_with('.'), "{reason}"),
        }
    }
}
