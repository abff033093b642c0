//! `Anomalies`: finds spikes, drops and outages in the clicks of each minute.
//!
//! Triggered by a timer, every minute.
//!
//! Promises: every minute counts once, in order, 90 seconds after its end, and as empty if nothing was stored of it. An anomaly is one
//! event `com.contoso.analytics.anomaly-detected.v1` on hub `analytics` and on the Event Grid topic (`audience` is `operations`), and
//! an entry of document `current` of `analytics/anomalies`, which also says when it ended. What was over more than 30 minutes ago when
//! it was looked at is not raised.
//!
//! A second delivery finds no new minute. After a kill the events that were stored as pending are sent again: same id, same content,
//! whatever happened to the minutes since. That is why they are stored before they are sent. Were they sent first, a second run
//! could find something else, if late clicks had changed a minute meanwhile, and one id would stand for two contents.
//!
//! Of two runs at a time one loses the race for the detector's document and ends.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::json;
use time::{Date, Duration};

use crate::{
    app::App,
    azure::cosmos::{Container, CosmosErrorKind, Stored, Versioned, write_if_newer},
    domain::anomaly::{
        Anomaly, Minute,
        event::{AnomalyDetected, SOURCE, to_json},
        memory::{CURRENT, List, Memory, STATE},
        record::{minute_of, time_of},
    },
    events::{Event, EventData, Outgoing, contracts::ANOMALY_DETECTED},
    outcome::Cause,
    registry::{Function, Trigger},
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function { name: "Anomalies", trigger: Trigger::Timer { handle: |app, _| Box::pin(handle(app)) } };

/// The hub of what is found out about the shop.
const HUB: &str = "analytics";
/// Subscriptions of operators filter on it.
const AUDIENCE: (&str, &str) = ("audience", "operations");

/// How long after its end a minute is complete: clicks need a second or two, their windows and the minute's sum the rest.
const CLOSING: Duration = Duration::seconds(90);
/// Minutes ago from which a finding is of the past, as after an outage of our own.
const PAST_MINUTES: i64 = 30;
/// Minutes read and stored at a time: a minute may have thousands of products.
const MINUTES_AT_ONCE: i64 = 60;
/// Documents of a page.
const PAGE: NonZeroU32 = NonZeroU32::new(60).unwrap();

const MINUTES: &str =
    "SELECT c.minute, c.views, c.categories, c.products FROM c WHERE c.minute >= @from AND c.minute <= @to";
const NUMBERS: &str = "SELECT c.minute FROM c";

async fn handle(app: App) -> Result<(), Cause> {
    let now = app.now();
    // The last minute that ended so long ago.
    let closed = minute_of(now - CLOSING) - 1;
    let run = Run { app: &app, anomalies: app.cosmos().container("analytics", "anomalies"), closed };
    let stored = run.anomalies.read::<Memory>(STATE, STATE).await;
    let (mut memory, mut etag) = match stored.map_err(|error| Cause::from_error("read the detector", error))? {
        Some(Stored { value, etag }) => (value, Some(etag)),
        None => (Memory::default(), None),
    };
    // Older minutes are not read: yesterday and today are two partitions.
    let oldest = minute_of(now).div_euclid(24 * 60) * (24 * 60) - 24 * 60;
    loop {
        if !memory.pending.is_empty() {
            run.tell(&memory.pending).await?;
            memory.pending.clear();
            let Some(new) = run.keep(&memory, etag.as_deref()).await? else { return Ok(()) };
            etag = Some(new);
        }
        run.show(&memory).await?;
        let from = match memory.last() {
            Some(last) if last + 1 < oldest => {
                memory.resume_at(oldest);
                oldest
            }
            Some(last) => last + 1,
            None => match run.first_minute(oldest).await? {
                Some(first) => first,
                None => return Ok(()),
            },
        };
        if from > closed {
            return Ok(());
        }
        let to = closed.min(from + MINUTES_AT_ONCE - 1);
        for minute in run.minutes(from, to).await? {
            memory.step(&minute, closed - minute.minute >= PAST_MINUTES);
        }
        let Some(new) = run.keep(&memory, etag.as_deref()).await? else { return Ok(()) };
        etag = Some(new);
    }
}

struct Run<'a> {
    app: &'a App,
    anomalies: Container,
    closed: i64,
}

/// The minute of a document.
#[derive(Deserialize)]
struct Number {
    minute: i64,
}

impl Run<'_> {
    /// The first minute of yesterday or today that is stored and closed.
    async fn first_minute(&self, oldest: i64) -> Result<Option<i64>, Cause> {
        for day in [oldest, oldest + 24 * 60] {
            let numbers: Vec<Number> = self.query(time_of(day).date(), NUMBERS, &[]).await?;
            if let Some(first) = numbers.into_iter().map(|number| number.minute).min() {
                return Ok((first <= self.closed).then_some(first));
            }
        }
        Ok(None)
    }

    /// The minutes from one to another, in order. Where nothing is stored, nothing was viewed.
    async fn minutes(&self, from: i64, to: i64) -> Result<Vec<Minute>, Cause> {
        let mut minutes: Vec<_> = (from..=to).map(Minute::empty).collect();
        let range = [("@from", json!(from)), ("@to", json!(to))];
        let mut days = vec![time_of(from).date(), time_of(to).date()];
        days.dedup();
        for day in days {
            for minute in self.query::<Minute>(day, MINUTES, &range).await? {
                let place = usize::try_from(minute.minute - from).ok().and_then(|place| minutes.get_mut(place));
                if let Some(place) = place {
                    *place = minute;
                }
            }
        }
        Ok(minutes)
    }

    /// All that a query finds in one day's partition.
    async fn query<T>(&self, day: Date, sql: &str, parameters: &[(&str, serde_json::Value)]) -> Result<Vec<T>, Cause>
    where
        T: serde::de::DeserializeOwned + Send + 'static,
    {
        let container = self.app.cosmos().container("analytics", "minutes");
        let (mut items, mut continuation) = (Vec::new(), None);
        loop {
            let page = container
                .query_partition(&day.to_string(), sql, parameters, PAGE, continuation.as_deref())
                .await
                .map_err(|error| Cause::from_error("read the minutes", error))?;
            items.extend(page.items);
            continuation = page.continuation;
            if continuation.is_none() {
                return Ok(items);
            }
        }
    }

    /// Stores what is remembered; `None` if another run was there first.
    async fn keep(&self, memory: &Memory, etag: Option<&str>) -> Result<Option<String>, Cause> {
        let stored = match etag {
            Some(etag) => self.anomalies.replace(STATE, STATE, memory, etag).await,
            None => self.anomalies.create(STATE, STATE, memory).await,
        };
        match stored {
            Ok(etag) => Ok(Some(etag)),
            Err(error) if matches!(error.kind, CosmosErrorKind::Conflict | CosmosErrorKind::NotFound) => Ok(None),
            Err(error) => Err(Cause::from_error("store the detector", error)),
        }
    }

    /// Writes the list, unless it is as new.
    async fn show(&self, memory: &Memory) -> Result<(), Cause> {
        let Some(list) = memory.list() else { return Ok(()) };
        write_if_newer(&self.anomalies, CURRENT, CURRENT, &list)
            .await
            .map(drop)
            .map_err(|error| Cause::from_error("store the list of anomalies", error))
    }

    /// Sends anomalies to the hub and to the operators.
    async fn tell(&self, anomalies: &[Anomaly]) -> Result<(), Cause> {
        let (mut messages, mut notifications) = (Vec::new(), Vec::new());
        for anomaly in anomalies {
            let scope = anomaly.scope.to_string();
            let outgoing = Outgoing {
                id: anomaly.id.clone(),
                source: SOURCE,
                subject: Some(scope.clone()),
                time: Some(anomaly.detected_at),
                extensions: [("partitionkey".to_owned(), scope.clone())].into(),
                schema: &ANOMALY_DETECTED,
                data: &AnomalyDetected::from(anomaly),
            };
            let message = self.app.events().encode(outgoing).await;
            messages.push((scope, message.map_err(|error| Cause::from_error("encode the anomaly", error))?));
            notifications.push(notification(anomaly)?);
        }
        self.app
            .hubs()
            .send(HUB, messages)
            .await
            .map_err(|error| Cause::from_error("send the anomalies to the hub", error))?;
        match self.app.event_grid().publish(notifications).await {
            // The hub has them; what the topic will never take must not hold up the next.
            Err(error) if !error.is_transient() => {
                tracing::error!(cause = %Cause::from_error("publish the anomalies", error).chain(), "operators were not told");
                Ok(())
            }
            published => published.map_err(|error| Cause::from_error("publish the anomalies", error)),
        }
    }
}

/// The event as operators get it.
fn notification(anomaly: &Anomaly) -> Result<cloudevents::Event, Cause> {
    let unwritten = |error| Cause::from_error("write the notification", error);
    let data = to_json(anomaly).map_err(|error| Cause::from_error("write the notification", error))?;
    let scope = anomaly.scope.to_string();
    let event = Event {
        id: anomaly.id.clone(),
        source: SOURCE.to_owned(),
        r#type: ANOMALY_DETECTED.event_type.to_owned(),
        subject: Some(scope.clone()),
        time: Some(anomaly.detected_at),
        dataschema: None,
        extensions: [("partitionkey".to_owned(), scope), (AUDIENCE.0.to_owned(), AUDIENCE.1.to_owned())].into(),
        data: EventData::Json(data.clone()),
    };
    event.to_cloudevent(data).map_err(unwritten)
}

impl Versioned for List {
    fn version(&self) -> (i64, i64) {
        (self.at.unix_timestamp(), 0)
    }
}
