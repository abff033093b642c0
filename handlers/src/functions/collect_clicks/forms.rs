//! The forms a body may have, and the clicks in it.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use contoso_json::UniqueError;
use percent_encoding::percent_decode;
use serde_json::{Value, value::RawValue};
use time::OffsetDateTime;

use super::limits::MAX_CLICKS;
use crate::{
    domain::{click_body::Submission, click_event, product_body::FieldError},
    http::{Problem, check_not_empty},
};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
/// What a page may send without a preflight, also while it is being closed (`navigator.sendBeacon` with a text).
const TEXT: &str = "text/plain";
/// Some programs write it before UTF-8, and JSON's readers may skip it (RFC 8259 §8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Characters of an id that are repeated in the answer.
const LONGEST_ID: usize = 64;

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
                Ok(if attributes(headers).next().is_some() { Self::Binary } else { Self::Bare })
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

/// Reads every click of a body, each by itself: what is wrong with one, down to its JSON, is wrong with none of the others.
pub(super) fn read(headers: &HeaderMap, body: &[u8], now: OffsetDateTime) -> Result<Vec<Judged>, Problem> {
    let form = Form::of(headers)?;
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    check_not_empty(body)?;
    let may_identify = may_identify(headers);
    let click = |click: Value| Judged { id: id(&click), click: Submission::parse(&click, None, may_identify, now) };
    let event = |event: Value| Judged {
        id: id(&event),
        click: click_event::structured(&event)
            .and_then(|(envelope, data)| inside(Submission::parse(&data, Some(envelope), may_identify, now))),
    };
    let is_array = body.trim_ascii_start().starts_with(b"[");
    Ok(match form {
        Form::Bare if is_array => match elements(body)? {
            // Of a batch of events there may be none (JSON format §4); of clicks that is a mistake.
            none if none.is_empty() => return Err(Problem::field("", "the body must have at least one click")),
            some => each(some, click),
        },
        Form::Bare => vec![click(whole(body)?)],
        Form::Structured => vec![event(whole(body)?)],
        Form::Batch if is_array => each(elements(body)?, event),
        Form::Batch => return Err(Problem::field("", "the body must be an array of CloudEvents")),
        Form::Binary => {
            let attributes: Vec<_> =
                attributes(headers).map(|(name, value)| (name, unescaped(value.as_bytes()))).collect();
            let id = attributes.iter().find(|(name, _)| *name == "id").and_then(|(_, id)| id.as_deref());
            let id = id.map(|id| id.chars().take(LONGEST_ID).collect());
            let data = whole(body)?;
            let click = click_event::binary(&attributes)
                .and_then(|envelope| Submission::parse(&data, Some(envelope), may_identify, now));
            vec![Judged { id, click }]
        }
    })
}

/// The headers of an event in binary mode, without their prefix.
fn attributes(headers: &HeaderMap) -> impl Iterator<Item = (&str, &HeaderValue)> {
    headers.iter().filter_map(|(name, value)| Some((name.as_str().strip_prefix("ce-")?, value)))
}

fn whole(body: &[u8]) -> Result<Value, Problem> {
    contoso_json::unique(body).map_err(|error| match error {
        UniqueError::Twice(name) => Problem::fields(vec![twice(name)]),
        UniqueError::Json(error) => not_json(error),
    })
}

fn twice(name: String) -> FieldError {
    FieldError::new(name.chars().take(LONGEST_ID).collect::<String>(), "comes twice in one object")
}

/// The elements of an array, each as it is written.
fn elements(body: &[u8]) -> Result<Vec<&RawValue>, Problem> {
    let elements: Vec<&RawValue> = contoso_json::parts(body).map_err(not_json)?;
    check_count(elements.len()).map(|()| elements)
}

fn not_json(error: serde_json::Error) -> Problem {
    Problem::field("", format!("the body is not JSON: {error}"))
}

fn each(elements: Vec<&RawValue>, read: impl Fn(Value) -> Judged) -> Vec<Judged> {
    let judged = elements.into_iter().map(|element| match contoso_json::unique(element.get().as_bytes()) {
        Ok(value) => read(value),
        Err(UniqueError::Twice(name)) => Judged { id: None, click: Err(vec![twice(name)]) },
        // It has the grammar of JSON, but half a surrogate pair in a text, or a number beyond all bounds.
        Err(UniqueError::Json(error)) => {
            Judged { id: None, click: Err(vec![FieldError::new("", format!("cannot be read: {error}"))]) }
        }
    });
    judged.collect()
}

/// The value of a header `ce-…` (HTTP binding §3.1.3.2): percent-encoded UTF-8, which older producers put in quotes. Nothing where it
/// is not encoded so.
fn unescaped(value: &[u8]) -> Option<Cow<'_, str>> {
    let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    let value = match quoted {
        Some(quoted) if quoted.contains(&b'\\') => Cow::Owned(unquoted(quoted)),
        Some(quoted) => Cow::Borrowed(quoted),
        None => Cow::Borrowed(value),
    };
    let is_code = |rest: &[u8]| rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit);
    let is_encoded = value.iter().enumerate().all(|(at, byte)| *byte != b'%' || is_code(&value[at + 1..]));
    match value {
        _ if !is_encoded => None,
        Cow::Borrowed(value) => percent_decode(value).decode_utf8().ok(),
        Cow::Owned(value) => percent_decode(&value).decode_utf8().ok().map(|text| Cow::Owned(text.into_owned())),
    }
}

/// The content of a quoted string, with its escapes undone (RFC 9110 §5.6.4).
fn unquoted(quoted: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(byte) = bytes.next() {
        content.extend(if *byte == b'\\' { bytes.next() } else { Some(byte) });
    }
    content
}

fn check_count(clicks: usize) -> Result<(), Problem> {
    match u32::try_from(clicks) {
        Ok(..=MAX_CLICKS) => Ok(()),
        _ => {
            let detail = format!("The body must not have more than {MAX_CLICKS} clicks.");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
        }
    }
}

fn id(click: &Value) -> Option<String> {
    click.get("id").and_then(Value::as_str).map(|id| id.chars().take(LONGEST_ID).collect())
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
    use axum::http::HeaderName;
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
        assert!(judged(&[("content-type", BATCH)], &json!([])).is_empty());
        let clicks = judged(&binary, &json!({ "productId": "a" }));
        assert_eq!(clicks[0].click.as_ref().map(|click| click.source.as_str()), Ok("/app"));
    }

    #[test]
    fn an_empty_body_is_called_empty_in_every_form() {
        for media_type in ["application/json", "text/plain", STRUCTURED, BATCH] {
            for body in [&b""[..], b" \r\n", BYTE_ORDER_MARK] {
                let refused = read(&headers(&[("content-type", media_type)]), body, NOW).err().expect("refused");
                assert!(format!("{refused:?}").contains("the body is empty"), "{media_type}: {refused:?}");
            }
        }
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

    /// Grammatical JSON that no value can hold: half a surrogate pair, as a text cut in the middle of an emoji has it.
    #[test]
    fn what_no_value_can_hold_spoils_its_own_click_alone() {
        let body =
            br#"[{"productId":"a"},{"productId":"b","category":"Caf\ud83d"},{"productId":1e999},{"productId":"c"}]"#;
        let body = [BYTE_ORDER_MARK, body].concat();
        let clicks = read(&headers(&[("content-type", "application/json")]), &body, NOW).expect("a known form");
        let refused: Vec<bool> = clicks.iter().map(|judged| judged.click.is_err()).collect();
        assert_eq!(refused, [false, true, true, false]);
    }

    #[test]
    fn headers_of_an_event_are_unescaped() {
        let lines = |id: &'static str| {
            headers(&[
                ("content-type", "application/json"),
                ("ce-specversion", "1.0"),
                ("ce-id", id),
                ("ce-source", "/caf%C3%A9"),
                ("ce-type", "com.contoso.click.recorded.v1"),
            ])
        };
        let read = |id| read(&lines(id), br#"{"productId":"a"}"#, NOW).expect("a known form").remove(0);
        let click = read("a%20b").click.expect("a click");
        assert_eq!((click.id.as_deref(), click.source.as_str()), (Some("a b"), "/caf\u{e9}"));
        for bad in ["%ff", "100%", "%zz"] {
            let wrong = read(bad);
            assert_eq!((wrong.id, wrong.click.expect_err("no UTF-8")[0].field.as_str()), (None, "id"));
        }
        assert_eq!(read(r#""a\"%22b""#).click.expect("a click").id.as_deref(), Some("a\"\"b"));
    }

    /// Headers of an event make it one: they are never dropped, and what is wrong with them is said by the attribute's name.
    #[test]
    fn headers_that_no_event_has_are_refused_by_name() {
        let whole = [
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "/app"),
            ("ce-type", "com.contoso.click.recorded.v1"),
        ];
        let refused = |lines: &[(&'static str, &'static str)]| -> Vec<String> {
            let lines =
                lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            let mut headers = HeaderMap::new();
            lines.for_each(|(name, value)| _ = headers.append(name, value));
            let judged = read(&headers, br#"{"productId":"a"}"#, NOW).expect("a known form").remove(0);
            judged.click.err().unwrap_or_default().into_iter().map(|error| error.field).collect()
        };
        assert_eq!(refused(&whole), Vec::<String>::new());
        for (name, value, field) in [
            ("ce-subject", "", "subject"),
            ("ce-subject", "%FF", "subject"),
            ("ce-subject", "a%00", "subject"),
            ("ce-dataschema", "", "dataschema"),
            ("ce-dataschema", "schema", "dataschema"),
            ("ce-time", "noon", "time"),
            ("ce-id", "2", "id"),
            ("ce-my.extension", "a", "my.extension"),
            ("ce-my-extension", "a", "my-extension"),
            ("ce-my_extension", "a", "my_extension"),
            ("ce-extension", "%C3", "extension"),
            ("ce-datacontenttype", "application/json", "datacontenttype"),
            ("ce-data", "x", "data"),
        ] {
            assert_eq!(refused(&[&whole[..], &[(name, value)]].concat()), [field], "{name}: {value}");
        }
        for alone in ["ce-type", "ce-time", "ce-id", "ce-extension"] {
            assert_eq!(refused(&[whole[0], (alone, "2026-06-01T12:00:00Z")]), ["specversion"], "{alone}");
        }
    }

    /// Which of two members of one name is meant, nobody can say.
    #[test]
    fn a_name_that_comes_twice_is_refused_by_name() {
        let json = [("content-type", "application/json")];
        let body = br#"[{"productId":"a","productId":"b"},{"productId":"c"},{"productId":"d","category":"e","cat\u0065gory":"f"}]"#;
        let clicks = read(&headers(&json), body, NOW).expect("a known form");
        let refused = |index: usize| clicks[index].click.as_ref().err().map(|errors| errors[0].field.as_str());
        assert_eq!([refused(0), refused(1), refused(2)], [Some("productId"), None, Some("category")]);
        assert!(read(&headers(&json), br#"{"productId":"a","productId":"a"}"#, NOW).is_err());
        let event = br#"{"specversion":"1.0","id":"1","id":"2","source":"/app","type":"com.contoso.click.recorded.v1","data":{"productId":"a"}}"#;
        assert!(read(&headers(&[("content-type", STRUCTURED)]), event, NOW).is_err());
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
