//! `eventGridTrigger`, cardinality one: a CloudEvent, or an event of Event Grid's own schema, which is translated.

use cloudevents::{AttributesReader, EventBuilder, EventBuilderV10};
use opentelemetry::KeyValue;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use time::OffsetDateTime;

use super::{
    batch::{self, About, Limits, Records},
    invocation::{Invocation, Malformed, json_text},
    report::Report,
    summary::Summary,
};
use crate::{
    app::App,
    clock,
    dead_letters::{BadRecord, DeadLetter, stored::Opened},
    domain::trace_context::{self, TraceContext},
    events::{self, DecodeError},
    function::BoxFuture,
    outcome::{Cause, Outcome},
};

/// Event Grid delivers again by its own schedule, and waits about 30 seconds for an answer: nothing is repeated here.
const LIMITS: Limits = Limits { retries: 0, ..Limits::USUAL };

pub(super) async fn invoke(
    app: &App,
    function: &'static str,
    handle: fn(App, cloudevents::Event) -> BoxFuture<Outcome>,
    summary: Summary<'_>,
    invocation: &Invocation<'_>,
) -> Result<axum::response::Response, Malformed> {
    let text = json_text(invocation.trigger()?).map_err(Malformed::value("the event"))?;
    let event: &RawValue = contoso_json::parts(text.as_ref()).map_err(Malformed::value("the event"))?;
    if !event.get().starts_with('{') {
        let source = "it is no object (does the binding say cardinality one?)".into();
        return Err(Malformed::Value { what: "the event", source });
    }
    let delivery = Delivery { function, event, trace: trace_of(event) };
    let report = batch::run(&delivery, one_by_one(app, handle), app, &summary, 0, &LIMITS).await;
    let published = to_cloudevent(event).ok().and_then(|event| event.time().map(|time| time.timestamp_millis()));
    let lag = published.map(|published| {
        let now = app.now().unix_timestamp_nanos() / 1_000_000;
        time::Duration::milliseconds(i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(published))
    });
    Ok(summary.finish(1, &report, lag))
}

/// What letters of deliveries have in place of a hub.
pub(super) const ORIGIN: &str = "event-grid";

/// Gives a parked event to the function once more; `None` if the letter holds none.
pub(super) async fn replay(
    app: &App,
    function: &'static str,
    handle: fn(App, cloudevents::Event) -> BoxFuture<Outcome>,
    summary: &Summary<'_>,
    opened: &Opened,
) -> Option<(Outcome, Report)> {
    let event: &RawValue = contoso_json::parts(&opened.body).ok()?;
    let delivery = Delivery { function, event, trace: trace_of(event) };
    Some(batch::run_alone(&delivery, one_by_one(app, handle), app, summary, &Limits::REPLAY).await)
}

fn one_by_one(
    app: &App,
    handle: fn(App, cloudevents::Event) -> BoxFuture<Outcome>,
) -> impl Fn(Vec<cloudevents::Event>) -> BoxFuture<Vec<Outcome>> + Sync {
    move |mut events| {
        let handled = events.pop().map(|event| handle(app.clone(), event));
        Box::pin(async move {
            match handled {
                Some(handled) => vec![handled.await],
                None => Vec::new(),
            }
        })
    }
}

struct Delivery<'a> {
    function: &'static str,
    event: &'a RawValue,
    trace: Option<TraceContext>,
}

/// The context that a CloudEvent carries as extension attributes.
fn trace_of(event: &RawValue) -> Option<TraceContext> {
    let event: Value = contoso_json::from_str(event.get()).ok()?;
    trace_context::from_json(&event)
}

impl Records for Delivery<'_> {
    type Item = cloudevents::Event;

    fn len(&self) -> usize {
        1
    }

    async fn decode(&self, _: usize) -> Result<cloudevents::Event, DecodeError> {
        to_cloudevent(self.event).map_err(DecodeError::Park)
    }

    fn key<'i>(&self, _: &'i cloudevents::Event) -> Option<&'i str> {
        None
    }

    fn about<'i>(&'i self, event: &'i cloudevents::Event) -> About<'i> {
        let happened = event.time().and_then(|time| {
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.timestamp_micros()) * 1_000).ok()
        });
        About { trace: self.trace.as_ref(), happened, event: Some((event.id(), event.ty())) }
    }

    fn origin(&self) -> Vec<KeyValue> {
        vec![KeyValue::new("messaging.system", "eventgrid"), KeyValue::new("messaging.operation.type", "process")]
    }

    fn dead_letter(&self, _: usize, cause: &Cause) -> DeadLetter {
        let event = contoso_json::plain(self.event.get().as_bytes()).unwrap_or_default();
        let member = |name| event.get(name).cloned().unwrap_or_default();
        let record = BadRecord {
            function: self.function,
            origin: ORIGIN,
            part: "events",
            id: event.get("id").and_then(Value::as_str).map(str::to_owned),
            position: serde_json::json!({ "id": member("id"), "source": member("source"), "subject": member("subject") }),
            properties: None,
            content_type: Some("application/json"),
            body: self.event.get().as_bytes(),
            cause,
        };
        DeadLetter::new(&record, clock::now())
    }
}

/// An event of the Event Grid schema; `dataVersion` has no place in a CloudEvent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GridEvent {
    id: String,
    #[serde(default)]
    topic: Option<String>,
    subject: String,
    event_type: String,
    event_time: String,
    #[serde(default)]
    data: Value,
}

pub(super) fn to_cloudevent(event: &RawValue) -> Result<cloudevents::Event, Cause> {
    #[derive(Deserialize)]
    struct Probe<'a> {
        #[serde(borrow)]
        specversion: Option<&'a RawValue>,
    }
    let text = event.get();
    let is_cloudevent = contoso_json::from_str::<Probe<'_>>(text).is_ok_and(|probe| probe.specversion.is_some());
    if is_cloudevent {
        return events::structured(text.as_bytes()).map_err(|error| Cause::from_error("read the CloudEvent", error));
    }
    let event: GridEvent =
        contoso_json::from_str(text).map_err(|error| Cause::from_error("read the Event Grid event", error))?;
    EventBuilderV10::new()
        .id(event.id)
        .source(event.topic.filter(|topic| !topic.is_empty()).unwrap_or_else(|| "/".to_owned()))
        .ty(event.event_type)
        .subject(event.subject)
        .time(event.event_time)
        .data("application/json", event.data)
        .build()
        .map_err(|error| Cause::from_error("translate the Event Grid event", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_schemas_come_out_as_cloudevents() {
        let cloud = r#"{"specversion":"1.0","id":"e-1","source":"/shop/orders","type":"shop.order.placed",
            "time":"2026-01-05T10:00:00.1230000Z","subject":"orders/o-1","datacontenttype":"application/json","data":{"orderId":"o-1"}}"#;
        let grid = r#"{"id":"e-1","topic":"/shop/orders","subject":"orders/o-1","eventType":"shop.order.placed",
            "eventTime":"2026-01-05T10:00:00.123Z","data":{"orderId":"o-1"},"dataVersion":"1","metadataVersion":"1"}"#;
        let [cloud, grid] = [cloud, grid].map(|text| to_cloudevent(serde_json::from_str(text).unwrap()).unwrap());
        assert_eq!(cloud, grid);
        assert_eq!(grid.source(), "/shop/orders");
    }

    #[test]
    fn an_event_without_a_type_is_bad() {
        let event: Box<RawValue> = serde_json::from_str(r#"{"specversion":"1.0","id":"e-1","source":"/s"}"#).unwrap();
        assert!(to_cloudevent(&event).is_err());
    }

    /// It is the record that is bad, not the invocation: that is read, so that the record can be parked.
    #[test]
    fn an_event_without_a_bottom_is_bad_and_its_invocation_is_not() {
        let inside = r#"{"$serde_json::private::RawValue":"[1]"}"#;
        for event in [
            format!(r#"{{"specversion":"1.0","id":"e-1","source":"/s","type":"t","data":{inside}}}"#),
            format!(
                r#"{{"id":"e-1","subject":"s","eventType":"t","eventTime":"2026-01-05T10:00:00Z","data":{inside}}}"#
            ),
            inside.to_owned(),
        ] {
            let body = format!(r#"{{"Data":{{"event":{event}}},"Metadata":{{"data":{inside}}}}}"#);
            let invocation = Invocation::parse(body.as_bytes()).unwrap();
            let text = json_text(invocation.trigger().unwrap()).unwrap();
            let event: &RawValue = contoso_json::parts(text.as_ref()).unwrap();
            let cause = to_cloudevent(event).unwrap_err().chain();
            assert!(cause.contains("reserved"), "{cause}");
        }
    }
}
