//! The forms a body may have, and the clicks in it.

use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde_json::Value;
use time::OffsetDateTime;

use super::MAX_CLICKS;
use crate::{
    domain::{click_body::Submission, click_event, product_body::FieldError},
    functions::http::Problem,
};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
/// What a page may send without a preflight, also while it is being closed (`navigator.sendBeacon` with a text).
const TEXT: &str = "text/plain";

/// One click of a request, as far as it could be read.
pub(super) struct Judged {
    /// The id it came with, if that is text, so that the caller knows which one this is.
    pub(super) id: Option<String>,
    /// The click, or everything that is wrong with it.
    pub(super) click: Result<Submission, Vec<FieldError>>,
}

/// How clicks stand in a body.
#[derive(Clone, Copy)]
enum Form {
    /// A click, or an array of clicks.
    Bare,
    /// One CloudEvent.
    Structured,
    /// An array of CloudEvents.
    Batch,
    /// The click of a CloudEvent whose attributes are headers.
    Binary,
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            STRUCTURED => Ok(Self::Structured),
            BATCH => Ok(Self::Batch),
            media_type if click_event::is_json(media_type) || media_type == TEXT => {
                Ok(if headers.contains_key("ce-specversion") { Self::Binary } else { Self::Bare })
            }
            _ => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("The body must be JSON: application/json, {STRUCTURED}, {BATCH} or {TEXT}."),
            )),
        }
    }
}

/// Whether the browser says for its visitor that there is no consent: Do Not Track and Global Privacy Control.
pub(super) fn may_identify(headers: &HeaderMap) -> bool {
    !["dnt", "sec-gpc"].into_iter().any(|name| headers.get(name).is_some_and(|value| value == "1"))
}

/// Reads every click of a body, each by itself.
pub(super) fn read(headers: &HeaderMap, body: &[u8], now: OffsetDateTime) -> Result<Vec<Judged>, Problem> {
    let form = Form::of(headers)?;
    let body: Value =
        serde_json::from_slice(body).map_err(|error| Problem::field("", format!("the body is not JSON: {error}")))?;
    let may_identify = may_identify(headers);
    let bare = |click: &Value| Judged { id: id(click), click: Submission::parse(click, None, may_identify, now) };
    let event = |event: &Value| Judged {
        id: id(event),
        click: click_event::structured(event)
            .and_then(|(envelope, data)| inside(Submission::parse(data, Some(envelope), may_identify, now))),
    };
    if let (Form::Bare | Form::Batch, Value::Array(clicks)) = (form, &body) {
        check_count(clicks.len())?;
    }
    Ok(match (form, body) {
        (Form::Bare, Value::Array(clicks)) => clicks.iter().map(bare).collect(),
        (Form::Bare, click) => vec![bare(&click)],
        (Form::Structured, body) => vec![event(&body)],
        (Form::Batch, Value::Array(events)) => events.iter().map(event).collect(),
        (Form::Batch, _) => return Err(Problem::field("", "the body must be an array of CloudEvents")),
        (Form::Binary, data) => {
            let attribute = |name: &str| headers.get(format!("ce-{name}"))?.to_str().ok();
            let click = click_event::binary(attribute)
                .and_then(|envelope| Submission::parse(&data, Some(envelope), may_identify, now));
            vec![Judged { id: attribute("id").map(str::to_owned), click }]
        }
    })
}

fn check_count(clicks: usize) -> Result<(), Problem> {
    match u32::try_from(clicks) {
        Ok(0) => Err(Problem::field("", "the body must have at least one click")),
        Ok(1..=MAX_CLICKS) => Ok(()),
        _ => {
            let detail = format!("The body must not have more than {MAX_CLICKS} clicks.");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
        }
    }
}

fn id(click: &Value) -> Option<String> {
    click.get("id").and_then(Value::as_str).map(|id| id.chars().take(64).collect())
}

/// What is wrong with an event's data is wrong below `data`, but for its time, which is an attribute.
fn inside(click: Result<Submission, Vec<FieldError>>) -> Result<Submission, Vec<FieldError>> {
    let below = |FieldError { field, message }: FieldError| match field.as_str() {
        "time" => FieldError { field, message },
        "" => FieldError::new("data", message),
        _ => FieldError::new(format!("data.{field}"), message),
    };
    click.map_err(|errors| errors.into_iter().map(below).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    fn judged(lines: &[(&'static str, &'static str)], body: &Value) -> Vec<Judged> {
        read(&headers(lines), body.to_string().as_bytes(), NOW).expect("a known form")
    }

    fn event(id: &str) -> Value {
        json!({ "specversion": "1.0", "id": id, "source": "/app", "type": "com.contoso.click.recorded.v1", "data": { "productId": "a" } })
    }

    #[test]
    fn every_form_is_read() {
        let click = json!({ "productId": "a", "id": "0123456789abcdef" });
        for (media_type, body, count) in [
            ("application/json; charset=utf-8", click.clone(), 1),
            ("text/plain;charset=UTF-8", json!([click, click]), 2),
            (STRUCTURED, event("1"), 1),
            (BATCH, json!([event("1"), event("2"), event("3")]), 3),
        ] {
            let clicks = judged(&[("content-type", media_type)], &body);
            assert_eq!(clicks.len(), count, "{media_type}");
            assert!(clicks.iter().all(|judged| judged.click.is_ok()), "{media_type}");
        }
        let binary = [
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "/app"),
            ("ce-type", "com.contoso.click.recorded.v1"),
        ];
        let clicks = judged(&binary, &json!({ "productId": "a" }));
        assert_eq!(clicks[0].click.as_ref().map(|click| click.source.as_str()), Ok("/app"));
    }

    #[test]
    fn each_click_is_judged_alone() {
        let mut bad = event("2");
        bad["data"]["colour"] = json!("red");
        let clicks = judged(&[("content-type", BATCH)], &json!([event("1"), bad, 3]));
        assert!(clicks[0].click.is_ok());
        assert_eq!(clicks[1].id.as_deref(), Some("2"));
        assert_eq!(clicks[1].click.as_ref().expect_err("refused")[0].field, "data.colour");
        assert_eq!(clicks[2].click.as_ref().expect_err("refused")[0].field, "");
    }

    #[test]
    fn what_cannot_be_read_is_refused_as_a_whole() {
        for (lines, body) in [
            (headers(&[]), "{}"),
            (headers(&[("content-type", "application/xml")]), "{}"),
            (headers(&[("content-type", "application/json")]), "{"),
            (headers(&[("content-type", "application/json")]), "[]"),
            (headers(&[("content-type", BATCH)]), "{}"),
        ] {
            assert!(read(&lines, body.as_bytes(), NOW).is_err(), "{lines:?}");
        }
    }

    /// JSON that is sometimes nearly a click or an event.
    fn any_json() -> impl Strategy<Value = Value> {
        let names = ["id", "productId", "time", "consent", "specversion", "source", "type", "data", "visitorId", "odd"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            prop::sample::select(vec!["1.0", "com.contoso.click.recorded.v1", "2026-06-01T12:00:00Z", "visitor-1"])
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 40, 10, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..10).prop_map(Value::from),
                prop::collection::hash_map(prop::sample::select(names.to_vec()), inner, 0..10)
                    .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_comes_each_click_is_judged_once(body in any_json(), bytes in any::<Vec<u8>>()) {
            for media_type in ["application/json", STRUCTURED, BATCH] {
                let headers = headers(&[("content-type", media_type)]);
                if let Ok(judged) = read(&headers, body.to_string().as_bytes(), NOW) {
                    let clicks = if media_type == STRUCTURED { 1 } else { body.as_array().map_or(1, Vec::len) };
                    prop_assert_eq!(judged.len(), clicks);
                    prop_assert!(judged.iter().all(|judged| judged.click.as_ref().err().is_none_or(|errors| !errors.is_empty())));
                }
                _ = read(&headers, &bytes, NOW);
            }
        }
    }

    #[test]
    fn the_browser_may_object_for_its_visitor() {
        assert!(may_identify(&headers(&[("dnt", "0")])));
        assert!(!may_identify(&headers(&[("dnt", "1")])));
        assert!(!may_identify(&headers(&[("sec-gpc", "1")])));
    }
}
