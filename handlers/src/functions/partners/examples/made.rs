//! Data of an event about a product as a partner wishes it: the example with members set, or data of its own, by the rules of real events.

use std::error::Error;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::paths::{make_whole, mismatched, overlap, set, shown, unknown};
use crate::{
    domain::{
        partner::{
            match_fields::MatchFields,
            selection::{EventType, Example, Selection},
        },
        product_body::FieldError,
        product_diff::diff,
        product_events::{ProductEvent, SOURCE},
        product_events_json::to_json,
    },
    events::{Content, Event, EventData},
    http::Problem,
};

/// The most members that are set.
const MOST_SET: usize = 50;
/// What of the data follows from the rest.
const MATCH: &str = "match";
const OF_MATCH: &str = "follows from the rest of the data";

/// The event: the example with what is set, or the data that is given, if the rules of its type allow it.
pub(super) fn product_event(
    selection: &Selection,
    kind: EventType,
    sets: Option<Map<String, Value>>,
    data: Option<Map<String, Value>>,
    now: OffsetDateTime,
) -> Result<ProductEvent, Problem> {
    if let Some(data) = data {
        if sets.is_some() {
            return Err(refused("set", "is for the example, which `data` takes the place of".to_owned()));
        }
        return given(kind, data, now);
    }
    let Some(example) = selection.example(kind, now) else {
        return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The example of this event is not valid."));
    };
    let sets = sets.unwrap_or_default();
    if sets.len() > MOST_SET {
        return Err(refused("set", format!("has more than {MOST_SET} members")));
    }
    if let Some((whole, part)) = overlap(&sets) {
        let message = format!("is a part of {}, which is set too; set one of them", shown(whole));
        return Err(refused(&format!("set.{}", shown(part)), message));
    }
    changed(kind, example, sets, now)
}

/// The example with what is set. What it says of changes follows from the state, but for what of it is set as well.
fn changed(
    kind: EventType,
    example: Example,
    sets: Map<String, Value>,
    now: OffsetDateTime,
) -> Result<ProductEvent, Problem> {
    let Example { mut event, before } = example;
    let is_of_changes = |path: &String| kind == EventType::Changed && path.split('.').next() == Some("changes");
    let (changes, rest): (Map<_, _>, Map<_, _>) = sets.into_iter().partition(|(path, _)| is_of_changes(path));
    if !rest.is_empty() {
        let mut data = with(&event, rest)?;
        if kind == EventType::Changed {
            data["changes"] = json!([]);
        }
        event = checked(kind, data, "set", now)?;
        if kind == EventType::Changed {
            event.changes = diff(Some(&before), &event.product);
            if event.changes.is_empty() {
                let message = "leaves the product as it was before the example, and nobody announces what is no change";
                return Err(refused("set", message.to_owned()));
            }
        }
    }
    if !changes.is_empty() {
        let data = with(&event, changes)?;
        refuse_no_change(&data, "set.changes")?;
        event = checked(kind, data, "set", now)?;
    }
    Ok(event)
}

/// The data of `event` with these members set.
fn with(event: &ProductEvent, sets: Map<String, Value>) -> Result<Value, Problem> {
    let mut data = to_json(event.clone()).map_err(|error| {
        tracing::error!(cause = error.to_string(), "an example could not be written");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The example of this event cannot be written.")
    })?;
    for (path, value) in &sets {
        let is_match = path.strip_prefix("data.").unwrap_or(path).split('.').next() == Some(MATCH);
        let done = if is_match { Err(OF_MATCH.to_owned()) } else { set(&mut data, path, value) };
        done.map_err(|message| refused(&format!("set.{}", shown(path)), message))?;
    }
    Ok(data)
}

/// The event that somebody's own data is. Its `match`, which an event that came has, is none but what the rest makes it.
fn given(kind: EventType, mut data: Map<String, Value>, now: OffsetDateTime) -> Result<ProductEvent, Problem> {
    let given = data.remove(MATCH).map(|mut given| {
        make_whole(&mut given);
        given
    });
    let data = Value::Object(data);
    if kind == EventType::Changed {
        refuse_no_change(&data, "data.changes")?;
    }
    let event = checked(kind, data, "data", now)?;
    let derived = serde_json::to_value(MatchFields::of(&event)).unwrap_or_default();
    match given {
        Some(given) if given != derived => {
            Err(refused("data.match", format!("{OF_MATCH}, which makes it {derived}; leave it out")))
        }
        _ => Ok(event),
    }
}

fn refuse_no_change(data: &Value, field: &str) -> Result<(), Problem> {
    let is_empty = data["changes"].as_array().is_some_and(Vec::is_empty);
    let message = "is empty, and nobody announces what is no change";
    if is_empty { Err(refused(field, message.to_owned())) } else { Ok(()) }
}

/// The event that `data` is, by the same rules that events on the hub are read by.
fn checked(kind: EventType, mut data: Value, field: &str, now: OffsetDateTime) -> Result<ProductEvent, Problem> {
    make_whole(&mut data);
    let event = bare("an example".to_owned(), kind, None, data.clone(), now);
    let content = event.content().map_err(|error| {
        // Its own text names the event, which is not there yet.
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        match mismatched(&cause, &data) {
            Some((path, said)) if path.is_empty() => refused(field, said),
            Some((path, said)) => refused(&format!("{field}.{path}"), said),
            None => refused(field, format!("is not valid: {cause}")),
        }
    })?;
    let Content::Product(event) = content else {
        return Err(refused("event", "is no event about a product".to_owned()));
    };
    let back = to_json((*event).clone()).unwrap_or_default();
    match unknown(&data, &back) {
        Some(path) => Err(refused(field, format!("has {path}, which no such event has"))),
        None => Ok(*event),
    }
}

/// An event about a product without what its envelope has in the end.
pub(super) fn bare(id: String, kind: EventType, subject: Option<String>, data: Value, now: OffsetDateTime) -> Event {
    Event {
        id,
        source: SOURCE.to_owned(),
        r#type: kind.as_str().to_owned(),
        subject,
        time: Some(now),
        dataschema: None,
        extensions: std::collections::BTreeMap::new(),
        trace: None,
        data: EventData::Json(data),
    }
}

pub(super) fn refused(field: &str, message: String) -> Problem {
    Problem::unprocessable(vec![FieldError::new(field, message)])
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-01-05 10:00 UTC);

    fn made(kind: EventType, sets: Option<Value>, data: Option<Value>) -> Result<Value, String> {
        let object = |value: Value| value.as_object().expect("an object").clone();
        let event = product_event(&Selection::default(), kind, sets.map(object), data.map(object), NOW);
        match event {
            Ok(event) => Ok(to_json(event).expect("JSON")),
            Err(problem) => Err(format!("{problem:?}")),
        }
    }

    fn set_in_example(sets: Value) -> Result<Value, String> {
        made(EventType::Changed, Some(sets), None)
    }

    #[test]
    fn changes_follow_from_the_state_but_for_what_of_them_is_set() {
        let price = |amount: &str| json!({ "amount": amount, "currency": "USD" });
        let stock = json!({ "field": "stock", "from": null, "to": 12 });
        let event =
            set_in_example(json!({ "state.price.amount": "17.50", "changes.0.from.amount": "20.00" })).expect("valid");
        let dropped = json!({ "field": "price", "from": price("20.00"), "to": price("17.50") });
        assert_eq!(event["changes"], json!([dropped, stock]), "{event}");
        // What is set first moves the others: the error says which is where.
        let moved = set_in_example(json!({ "state.name": "Boots", "changes.0.from.amount": "20.00" }));
        assert!(moved.as_ref().is_err_and(|error| error.contains("changes.0.from has no members")), "{moved:?}");
        let event = set_in_example(json!({ "state.name": "Boots", "changes.1.from.amount": "20.00" })).expect("valid");
        assert_eq!((&event["changes"][0]["to"], &event["changes"][1]["from"]), (&json!("Boots"), &price("20.00")));
        let event = set_in_example(json!({ "changes": [dropped], "state.price.amount": "17.50" })).expect("valid");
        assert_eq!(event["changes"], json!([dropped]));
        let event = set_in_example(json!({ "state.stock": "4.0", "state.brand": "null", "state.description": null }))
            .expect("valid");
        assert_eq!((&event["state"]["stock"], event["state"].get("brand")), (&json!(4), None), "{event}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_a_reason() {
        for (sets, said) in [
            (
                json!({ "state.price": price_text("1.00"), "state.price.amount": "2.00" }),
                "set.state.price.amount is a part of state.price",
            ),
            (
                json!({ "state.price": r#"{"amount":"1.00","amount":"2.00","currency":"USD"}"# }),
                "the name \\\"amount\\\" twice",
            ),
            (json!({ "match.priceDropPercent": "5" }), "set.match.priceDropPercent follows from the rest"),
            (json!({ "data.match.product": "x" }), "follows from the rest"),
            (json!({ "changes": "[]" }), "set.changes is empty"),
            (json!({ "changes": [] }), "set.changes is empty"),
            (json!({ "state.price.amount": "109.99", "state.stock": "null" }), "leaves the product as it was"),
            (json!({ "changes.0.to.amount": "5.00" }), "price is not what the state says"),
            (json!({ "state.price.amuont": "5.00" }), "did you mean state.price.amount?"),
            (json!({ "lastState.stock": "5" }), "did you mean state.stock?"),
            (json!({ "state.stock": "4.5" }), "set.state.stock must be a whole number"),
            (
                json!({ "state.price": r#"{"amount":"1.00","currency":"USD","more":1}"# }),
                "state.price.more, which no such event has",
            ),
        ] {
            let refused = set_in_example(sets.clone());
            assert!(refused.as_ref().is_err_and(|error| error.contains(said)), "{sets}: {refused:?}");
        }
    }

    fn price_text(amount: &str) -> String {
        json!({ "amount": amount, "currency": "USD" }).to_string()
    }

    #[test]
    fn own_data_is_an_event_that_came_or_could_have() {
        let example = set_in_example(json!({})).expect("valid");
        let with = |path: &str, value: Value| {
            let mut data = example.clone();
            if let Some(place) = data.pointer_mut(path) {
                *place = value;
            } else {
                data["match"] = value;
            }
            made(EventType::Changed, None, Some(data))
        };
        for (path, value) in [("/version", json!(4.0)), ("/state/stock", json!(12.0)), ("/changes/1/to", json!(1.2e1))]
        {
            assert!(with(path, value).is_ok(), "{path}");
        }
        let fields = json!({ "categories": ["Footwear"], "priceDropPercent": 9.09, "product": "sample-product" });
        assert!(with("/match", fields.clone()).is_ok(), "as it came");
        let mut others = fields;
        others["priceDropPercent"] = json!(50.0);
        for (path, value, said) in [
            ("/match", others, "data.match follows from the rest of the data, which makes it"),
            ("/changes", json!([]), "data.changes is empty"),
            ("/version", json!(4.5), "data.version must be a whole number"),
        ] {
            let refused = with(path, value);
            assert!(refused.as_ref().is_err_and(|error| error.contains(said)), "{path}: {refused:?}");
        }
        let ended = made(EventType::Discontinued, Some(json!({ "lastState.stock": "3.0" })), None).expect("valid");
        assert_eq!(ended["lastState"]["stock"], 3);
        let wrong = made(EventType::Discontinued, Some(json!({ "changes.0.to": "3" })), None);
        assert!(wrong.as_ref().is_err_and(|error| error.contains("is not in the event")), "{wrong:?}");
        let wrong = made(EventType::Discontinued, Some(json!({ "state.stock": "3" })), None);
        assert!(wrong.as_ref().is_err_and(|error| error.contains("did you mean lastState.stock?")), "{wrong:?}");
    }
}
