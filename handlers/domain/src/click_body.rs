//! Validation: reads a click as a site submits it, and says everything that is wrong with it at once.

use std::fmt::Display;

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::{
    click::{AHEAD, Click, SOURCE, VisitorId},
    product_body::FieldError,
};

/// How long ago a submitted click may have happened: a phone that was offline for a day may still tell.
pub const OLDEST: Duration = Duration::hours(24);

const MEMBERS: [&str; 7] = ["id", "productId", "category", "visitorId", "sessionId", "time", "consent"];

/// What an event's envelope says about the click in it; the click then has no such members of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Unique within `source`.
    pub id: String,
    /// The producer.
    pub source: String,
    /// When it happened.
    pub time: Option<OffsetDateTime>,
}

/// A valid click as it was submitted. Who clicked is in it only where that visitor consents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Unique within `source`; `None` where the site gave none, so that a repeat cannot be told.
    pub id: Option<String>,
    /// The producer.
    pub source: String,
    /// When it happened: UTC, whole milliseconds.
    pub time: OffsetDateTime,
    /// Whether the visitor consents to being recognised.
    pub has_consent: bool,
    /// What was looked at.
    pub click: Click,
}

impl Submission {
    /// Reads a click: either bare, or the data of an event with `envelope`.
    ///
    /// Without `consent: true` a visitor stays unknown: not to say is not to agree. `may_identify` is false where the browser says
    /// for all of its clicks that the visitor does not agree.
    ///
    /// # Errors
    /// Every missing, malformed and unknown member, and a time that is absurd as seen from `now`.
    pub fn parse(
        body: &Value,
        envelope: Option<Envelope>,
        may_identify: bool,
        now: OffsetDateTime,
    ) -> Result<Self, Vec<FieldError>> {
        let object = body.as_object().ok_or_else(|| vec![FieldError::new("", "must be a JSON object")])?;
        let mut errors = Vec::new();
        let taken: &[&str] = if envelope.is_some() { &["id", "time"] } else { &[] };
        for name in object.keys().map(String::as_str) {
            if taken.contains(&name) {
                errors.push(FieldError::new(name, "is the event's own attribute and must not be in its data too"));
            } else if !MEMBERS.contains(&name) {
                errors.push(FieldError::new(name, format!("is unknown; a click has {}", MEMBERS.join(", "))));
            }
        }
        let mut members = Members { object, errors };
        let product_id = members.text("productId");
        if product_id.is_none() && members.is_absent("productId") {
            members.errors.push(FieldError::new("productId", "is required"));
        }
        let category = members.text("category");
        let visitor_id: Option<VisitorId> = members.text("visitorId");
        let session_id = members.text("sessionId");
        let has_consent = members.flag("consent") && may_identify;
        let (id, source, time) = match envelope {
            Some(Envelope { id, source, time }) => (Some(id), source, time),
            None => {
                let id: Option<BareId> = members.text("id");
                let time: Option<Instant> = members.text("time");
                (id.map(|BareId(id)| id), SOURCE.to_owned(), time.map(|Instant(time)| time))
            }
        };
        let time = time.unwrap_or(now);
        if time - now > AHEAD {
            members.errors.push(FieldError::new("time", "lies in the future; is the clock right?"));
        } else if now - time > OLDEST {
            members.errors.push(FieldError::new("time", "lies more than 24 hours back"));
        }
        let (Some(product_id), []) = (product_id, members.errors.as_slice()) else { return Err(members.errors) };
        let known = |has_consent| if has_consent { (visitor_id, session_id) } else { (None, None) };
        let (visitor_id, session_id) = known(has_consent);
        let time = to_milliseconds(time);
        Ok(Self { id, source, time, has_consent, click: Click { product_id, category, visitor_id, session_id } })
    }
}

/// The same instant in UTC, cut to whole milliseconds: what JavaScript can say, and all that is ever shown.
pub fn to_milliseconds(time: OffsetDateTime) -> OffsetDateTime {
    let time = time.to_offset(UtcOffset::UTC);
    time.replace_millisecond(time.millisecond()).unwrap_or(time)
}

/// The id of a click that comes without an event's envelope: it must differ from those of every other visitor.
struct BareId(String);

impl TryFrom<String> for BareId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_valid = (16..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_valid { Ok(Self(text)) } else { Err("must be 16 to 64 visible ASCII characters, best a UUID") }
    }
}

struct Instant(OffsetDateTime);

impl TryFrom<String> for Instant {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        OffsetDateTime::parse(&text, &Rfc3339)
            .map(Self)
            .map_err(|_| "must be an RFC 3339 time such as 2026-01-31T09:30:00.000Z")
    }
}

/// Takes members out of an object and collects what is wrong with them. A member that is null counts as absent.
struct Members<'a> {
    object: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Members<'_> {
    fn is_absent(&self, name: &str) -> bool {
        self.object.get(name).is_none_or(Value::is_null)
    }

    fn text<T: TryFrom<String, Error: Display>>(&mut self, name: &str) -> Option<T> {
        let read = match self.object.get(name)? {
            Value::Null => return None,
            Value::String(text) => T::try_from(text.clone()).map_err(|error| FieldError::new(name, error)),
            _ => Err(FieldError::new(name, "must be a string")),
        };
        read.map_err(|error| self.errors.push(error)).ok()
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.object.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.errors.push(FieldError::new(name, "must be true or false"));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:00:00.5 UTC);

    fn parse(body: &Value) -> Result<Submission, Vec<FieldError>> {
        Submission::parse(body, None, true, NOW)
    }

    fn fields(body: &Value) -> Vec<String> {
        parse(body).expect_err("refused").into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn every_mistake_is_named_by_its_member() {
        for (member, value) in [
            ("productId", json!(null)),
            ("productId", json!("a/b")),
            ("productId", json!(7)),
            ("category", json!("")),
            ("visitorId", json!("short")),
            ("sessionId", json!("a b")),
            ("id", json!("1")),
            ("id", json!("0123456789abcdef\n")),
            ("consent", json!("yes")),
            ("time", json!("yesterday")),
            ("time", json!("2026-06-01T12:06:00Z")),
            ("time", json!("2026-05-31T11:59:59Z")),
            ("time", json!("+99999-01-01T00:00:00Z")),
            ("time", json!(1_780_000_000)),
            ("colour", json!("red")),
        ] {
            let mut body = json!({ "productId": "boots", "consent": true });
            body[member] = value.clone();
            assert_eq!(fields(&body), [member], "{value}");
        }
        assert_eq!(fields(&json!({ "colour": 1, "category": 2 })), ["colour", "productId", "category"]);
        assert_eq!(fields(&json!("boots")), [""]);
    }

    #[test]
    fn nobody_is_recognised_who_did_not_agree() {
        let body = |consent: Value| json!({ "productId": "boots", "visitorId": "v-1234567", "sessionId": "s", "consent": consent });
        let who = |body: &Value, may_identify| {
            let click = Submission::parse(body, None, may_identify, NOW).expect("valid").click;
            click.visitor_id.is_some() || click.session_id.is_some()
        };
        assert!(who(&body(json!(true)), true));
        assert!(!who(&body(json!(true)), false), "the browser says no");
        assert!(!who(&body(json!(false)), true));
        assert!(!who(&body(json!(null)), true), "nothing said");
    }

    #[test]
    fn times_are_utc_and_whole_milliseconds() {
        let time = |text: &str| parse(&json!({ "productId": "boots", "time": text })).expect("valid").time;
        assert_eq!(time("2026-06-01T14:00:00.1239999+02:00"), datetime!(2026-06-01 12:00:00.123 UTC));
        assert_eq!(time("2026-05-31T12:00:00.5Z"), NOW - OLDEST);
        assert_eq!(time("2026-06-01T12:05:00.5Z"), NOW + AHEAD);
        assert_eq!(parse(&json!({ "productId": "boots" })).expect("valid").time, NOW);
    }

    #[test]
    fn an_envelope_gives_id_source_and_time() {
        let envelope = || Some(Envelope { id: "1".to_owned(), source: "/app".to_owned(), time: Some(NOW) });
        let data = json!({ "productId": "boots" });
        let read = Submission::parse(&data, envelope(), true, NOW + Duration::HOUR).expect("valid");
        assert_eq!((read.id.as_deref(), read.source.as_str(), read.time), (Some("1"), "/app", NOW));
        let twice = json!({ "productId": "boots", "id": "0123456789abcdef" });
        assert_eq!(Submission::parse(&twice, envelope(), true, NOW).expect_err("refused")[0].field, "id");
    }
}
