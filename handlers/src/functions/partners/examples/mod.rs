//! Events that a partner sends to one subscription or listener of its own, to try what gets them: the example of a schema, changed as the
//! partner likes, in the envelope of real events and by the same way.
//!
//! Such an event has the extension `test` and an id that begins with `test-`. Where it is about a product, its `sequence` is 0, below that
//! of any real event, so that a receiver which keeps the higher one of a product loses nothing by it.

mod made;
mod paths;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use self::made::{bare, refused};
use super::{
    members::Members,
    notices::{self, Notice, To},
};
use crate::{
    app::App,
    domain::{
        mismatch::mismatch,
        partner::{TEST, TEST_ID, WELCOME, match_fields::MatchFields, selection::EventType},
        product_events::{ProductEvent, SOURCE},
        product_events_json::to_json,
    },
    functions::partner_notifications::{Notification, notification},
    http::Problem,
    outcome::Cause,
};

/// Below every revision.
const SEQUENCE: &str = "0000000000000000000";

/// What is to be sent.
pub(super) struct Wish {
    /// A type, whole or without `com.contoso.` and version; the event that says it is a test, if none.
    event: Option<String>,
    /// Members of the example's data by their path, `state.price.amount`, as text.
    set: Option<Map<String, Value>>,
    /// The whole data, in place of the example's.
    data: Option<Map<String, Value>>,
}

impl Wish {
    /// Reads the body of a request, which may be absent.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let mut members = Members::of_any(headers, body, &["event", "set", "data"]).await?;
        let wish = Self { event: members.text("event"), set: members.object("set"), data: members.object("data") };
        members.end().map(|()| wish)
    }
}

/// Which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Test,
    Welcome,
    Product(EventType),
}

impl Kind {
    fn parse(name: &str) -> Option<Self> {
        let kinds =
            [Self::Test, Self::Welcome, Self::Product(EventType::Changed), Self::Product(EventType::Discontinued)];
        let short = |name: &'static str| name.trim_start_matches("com.contoso.").trim_end_matches(".v1");
        kinds.into_iter().find(|kind| {
            let whole = kind.name();
            let last = short(whole).rsplit('.').next().unwrap_or_default();
            [whole, short(whole), last].contains(&name)
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Test => TEST,
            Self::Welcome => WELCOME,
            Self::Product(kind) => kind.as_str(),
        }
    }
}

/// Publishes what is wished, and returns what was. The same `id` is a repeat for who gets it.
pub(super) async fn publish(app: &App, to: &To<'_>, wish: Wish, id: Option<Uuid>) -> Result<Value, Problem> {
    let Wish { event, set, data } = wish;
    let name = event.as_deref().unwrap_or(TEST);
    let kind = Kind::parse(name).ok_or_else(|| {
        let known = [TEST, WELCOME, EventType::Changed.as_str(), EventType::Discontinued.as_str()].join(", ");
        let came = Value::String(name.to_owned());
        refused("event", mismatch(&format!("must be one of {known}"), &came))
    })?;
    let id = format!("{TEST_ID}{}", id.unwrap_or_else(Uuid::new_v4));
    let untaken = |cause: Cause| {
        tracing::warn!(cause = cause.chain(), "a test was not published");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The topic did not take the event; send the request again later.")
    };
    let Kind::Product(product) = kind else {
        if set.is_some() || data.is_some() {
            let field = if set.is_some() { "set" } else { "data" };
            return Err(refused(field, "is for events about products only".to_owned()));
        }
        let notice = match kind {
            Kind::Welcome => Notice::welcome_again(id),
            _ => Notice::test(id),
        };
        notices::publish_to(app, to, &notice).await.map_err(untaken)?;
        return Ok(json!({ "id": notice.id, "source": crate::domain::partner::SOURCE, "type": kind.name() }));
    };
    let now = app.now();
    let event = made::product_event(to.selection, product, set, data, now)?;
    let event = enveloped(to, event, &id, now)?;
    let sent = serde_json::to_value(&event).unwrap_or_default();
    let published = app.event_grid().publish(vec![event]).await;
    published.map_err(|error| untaken(Cause::from_error("publish the example", error)))?;
    Ok(
        json!({ "id": sent["id"], "source": SOURCE, "type": kind.name(), "subject": sent["subject"], "data": sent["data"] }),
    )
}

/// The event as its receiver gets it, if the filter of the receiver lets it through.
fn enveloped(to: &To<'_>, event: ProductEvent, id: &str, now: OffsetDateTime) -> Result<cloudevents::Event, Problem> {
    let kind = if event.product.is_discontinued() { EventType::Discontinued } else { EventType::Changed };
    let (product, fields) = (event.product.id.to_string(), MatchFields::of(&event));
    if !to.selection.matches(kind.as_str(), &product, &fields) {
        let detail = "The filter of the receiver does not let this event through, so nothing was sent; its data.match is beside.";
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).of_kind("not-selected");
        return Err(problem.with_member("match", serde_json::to_value(fields).unwrap_or_default()));
    }
    let unwritten = |cause: Cause| {
        tracing::error!(cause = cause.chain(), "an example could not be written");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The event cannot be written.")
    };
    let data = to_json(event).map_err(|error| unwritten(Cause::from_error("write the example", error)))?;
    let mut bare = bare(id.to_owned(), kind, Some(product.clone()), data, now);
    bare.extensions.insert("partitionkey".to_owned(), product);
    let Some(Notification { mut event, .. }) = notification(bare, &to.audience, None).map_err(unwritten)? else {
        return Err(unwritten(Cause::new("it is no notification")));
    };
    event.set_extension("sequence", SEQUENCE);
    event.set_extension(notices::MARK, true);
    Ok(event)
}
