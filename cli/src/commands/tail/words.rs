//! Events of ours in the words of a person.

use contoso_handlers::{
    domain::{
        anomaly::event::{AnomalyDetected, DETECTED},
        click::{Click, RECORDED},
        product_diff::FieldChange,
        product_events::{CHANGED, DISCONTINUED, ProductChanged, ProductDiscontinued},
    },
    events::Event,
};
use time::macros::format_description;

use crate::output::Paint;

/// Characters of a text that people are shown; scripts get all.
const MAX_TEXT: usize = 40;

/// What an event tells; `None` where its type or its data is none of ours.
pub(super) fn of(event: &Event, paint: Paint) -> Option<String> {
    match event.r#type.as_str() {
        CHANGED => Some(changed(&event.data_as().ok()?, paint)),
        DISCONTINUED => Some(discontinued(&event.data_as().ok()?, paint)),
        RECORDED => Some(viewed(&event.data_as().ok()?, paint)),
        DETECTED => Some(differed(&event.data_as().ok()?, paint)),
        _ => None,
    }
}

/// A text of somebody else's: cut, so that a line stays one that eyes can follow, and without characters that a terminal obeys.
pub(super) fn short(text: &str) -> String {
    let shown = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
    let cut: String = text.chars().take(MAX_TEXT).map(shown).collect();
    if text.chars().nth(MAX_TEXT).is_some() { cut + "…" } else { cut }
}

fn changed(data: &ProductChanged, paint: Paint) -> String {
    let product = paint.strong(data.product_id.as_str());
    let status = data.changes.iter().find(|change| change.field == "status");
    if status.is_some_and(|status| status.from.is_none()) {
        let state = &data.state;
        let (name, category) = (short(state.name.as_str()), short(state.category.as_str()));
        let stock = state.stock.map(|stock| format!(", {stock} in stock")).unwrap_or_default();
        return format!("{product}  {} {name}, {category}, {}{stock}", paint.name("created:"), state.price);
    }
    let back = status.map(|_| paint.name("on sale again"));
    let others =
        data.changes.iter().filter(|change| !["status", "discontinuedReason"].contains(&change.field.as_str()));
    let parts: Vec<String> = back.into_iter().chain(others.map(|change| part(change, paint))).collect();
    // Producers of other makes may leave the differences out.
    let parts = if parts.is_empty() { format!("now {}", data.state.price) } else { parts.join(", ") };
    format!("{product}  {parts}")
}

/// One field: `price 899.99 → 799.00 USD`, `stock none → 12`.
fn part(change: &FieldChange, paint: Paint) -> String {
    let FieldChange { field, from, to } = change;
    let side = |text: &Option<String>| text.as_deref().map_or_else(|| "none".to_owned(), short);
    let (mut from, to) = (side(from), side(to));
    if field == "price"
        && let Some(((amount, before), (_, after))) = from.split_once(' ').zip(to.split_once(' '))
        && before == after
    {
        from = amount.to_owned();
    }
    format!("{} {from} → {}", paint.name(&short(field)), paint.strong(&to))
}

fn discontinued(data: &ProductDiscontinued, paint: Paint) -> String {
    let why = data.reason.as_ref().map(|reason| format!(" ({})", short(reason.as_str()))).unwrap_or_default();
    let name = short(data.last_state.name.as_str());
    format!("{}  {}{why}: {name}", paint.strong(data.product_id.as_str()), paint.bad("removed"))
}

fn viewed(data: &Click, paint: Paint) -> String {
    let visitor = data.visitor_id.as_ref().map_or_else(|| "somebody".to_owned(), ToString::to_string);
    let category =
        data.category.as_ref().map(|category| format!(" ({})", short(category.as_str()))).unwrap_or_default();
    format!("{} viewed {}{category}", paint.name(&visitor), paint.strong(data.product_id.as_str()))
}

fn differed(data: &AnomalyDetected, paint: Paint) -> String {
    let AnomalyDetected { kind, observed, expected, expected_low, expected_high, .. } = data;
    let since = data.started_at.format(format_description!("[hour]:[minute]")).unwrap_or_default();
    let [observed, expected, low, high] =
        [observed, expected, expected_low, expected_high].map(|views| rounded(*views));
    format!(
        "{}  {}: {observed} views a minute since {since}, expected {expected} ({low} to {high})",
        paint.strong(&short(&data.scope.to_string())),
        paint.bad(&kind.to_string()),
    )
}

/// To one decimal place, and none where it would be 0.
fn rounded(views: f64) -> f64 {
    (views * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use contoso_handlers::events::EventData;
    use serde_json::{Value, json};

    use super::*;

    fn told(event_type: &str, data: Value) -> Option<String> {
        let event = Event {
            id: "1".to_owned(),
            source: "/contoso".to_owned(),
            r#type: event_type.to_owned(),
            subject: None,
            time: None,
            dataschema: None,
            extensions: BTreeMap::new(),
            trace: None,
            data: EventData::Json(data),
        };
        of(&event, Paint::plain())
    }

    fn state() -> Value {
        json!({ "name": "Wanderer Black Hiking Boots", "category": "Footwear", "brand": null, "description": null,
            "price": { "minorUnits": 79900, "currency": "USD" }, "stock": 12, "updatedAt": 1_767_607_200_123_i64 })
    }

    fn after(changes: Value) -> String {
        let data = json!({ "productId": "boots", "revision": 2, "version": 3, "state": state(), "changes": changes });
        told(CHANGED, data).expect("a change")
    }

    fn field(field: &str, from: Option<&str>, to: Option<&str>) -> Value {
        json!({ "field": field, "from": from, "to": to })
    }

    #[test]
    fn a_change_is_what_was_and_what_is() {
        let price = field("price", Some("899.99 USD"), Some("799.00 USD"));
        assert_eq!(after(json!([price])), "boots  price 899.99 → 799.00 USD");
        let more = json!([price, field("stock", None, Some("12")), field("brand", Some("Daybird"), None)]);
        assert_eq!(after(more), "boots  price 899.99 → 799.00 USD, stock none → 12, brand Daybird → none");
        let other = json!([field("price", Some("9.00 EUR"), Some("10.00 USD"))]);
        assert_eq!(after(other), "boots  price 9.00 EUR → 10.00 USD");
        assert_eq!(after(json!([])), "boots  now 799.00 USD");
    }

    #[test]
    fn products_come_go_and_come_back() {
        let created = json!([field("name", None, Some("x")), field("status", None, Some("active"))]);
        assert_eq!(after(created), "boots  created: Wanderer Black Hiking Boots, Footwear, 799.00 USD, 12 in stock");
        let back = json!([
            field("stock", Some("0"), Some("12")),
            field("status", Some("discontinued"), Some("active")),
            field("discontinuedReason", Some("worn"), None),
        ]);
        assert_eq!(after(back), "boots  on sale again, stock 0 → 12");
        let mut gone = json!({ "productId": "boots", "revision": 3, "version": 4, "reason": "out of season",
            "lastState": state() });
        assert_eq!(
            told(DISCONTINUED, gone.clone()).expect("an end"),
            "boots  removed (out of season): Wanderer Black Hiking Boots"
        );
        gone["reason"] = Value::Null;
        assert_eq!(told(DISCONTINUED, gone).expect("an end"), "boots  removed: Wanderer Black Hiking Boots");
    }

    #[test]
    fn a_click_is_who_viewed_what() {
        let click = json!({ "productId": "boots", "category": "Footwear", "visitorId": "visitor-1", "sessionId": "s" });
        assert_eq!(told(RECORDED, click).expect("a click"), "visitor-1 viewed boots (Footwear)");
        assert_eq!(told(RECORDED, json!({ "productId": "boots" })).expect("a click"), "somebody viewed boots");
    }

    #[test]
    fn an_anomaly_is_what_was_seen_and_expected() {
        let spike = json!({ "scope": "product:boots", "kind": "spike", "startedAt": 1_795_255_200_000_i64,
            "detectedAt": 1_795_255_380_000_i64, "observed": 51, "expectedLow": 2.34, "expected": 8, "expectedHigh": 16.5,
            "score": 21.5 });
        assert_eq!(
            told(DETECTED, spike).expect("an anomaly"),
            "product:boots  spike: 51 views a minute since 10:00, expected 8 (2.3 to 16.5)"
        );
    }

    #[test]
    fn what_is_not_ours_is_left_to_others_and_no_text_commands_the_terminal() {
        assert_eq!(told("com.fabrikam.order.placed.v1", json!({ "total": 1 })), None);
        assert_eq!(told(RECORDED, json!({ "viewed": "boots" })), None, "other data under our name");
        let nasty = after(json!([field("brand", Some("\u{1b}[2J"), Some(&"x".repeat(50)))]));
        assert_eq!(nasty, format!("boots  brand \u{fffd}[2J → {}…", "x".repeat(40)));
    }
}
