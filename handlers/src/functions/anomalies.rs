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
//! Where the clock was ahead and minutes were taken in that have not come, it goes on with the one that closed last, and what they raised ends.
//!
//! Of two runs at a time one loses the race for the detector's document and ends.

use time::Duration;

use crate::{
    app::App,
    azure::cosmos::Stored,
    domain::{
        anomaly::{
            Anomaly, Minute,
            event::{AnomalyDetected, SOURCE, to_json},
            memory::Memory,
            record::{minute_of, time_of},
        },
        partner::Audience,
        trace_context::TraceContext,
    },
    events::{
        Event, EventData, Outgoing,
        contracts::{ANOMALY_DETECTED, OPERATORS},
    },
    function::{Function, TimerInfo, Trigger},
    outcome::Cause,
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function::new("Anomalies", Trigger::Timer { handle: |app, timer| Box::pin(handle(app, timer)) });

/// How long after its end a minute is complete: clicks need a second or two, their windows and the minute's sum the rest.
const CLOSING: Duration = Duration::seconds(90);
/// Minutes ago from which a finding is of the past, as after an outage of our own.
const PAST_MINUTES: i64 = 30;
/// Minutes read and stored at a time: a minute may have thousands of products.
const MINUTES_AT_ONCE: i64 = 60;
/// What the detector looks at of a minute.
const SELECT: &str = "c.minute, c.views, c.categories, c.products";

async fn handle(app: App, timer: TimerInfo) -> Result<(), Cause> {
    let now = app.now();
    // The last minute that ended so long ago.
    let closed = minute_of(now - CLOSING) - 1;
    let run = Run { app: &app, closed };
    let stored = app.stores().anomalies.memory().await;
    let (mut memory, mut etag) = match stored.map_err(|error| Cause::from_error("read the detector", error))? {
        Some(Stored { value, etag }) => (value, Some(etag)),
        None => (Memory::default(), None),
    };
    // Older minutes are not read: yesterday and today are two partitions.
    let oldest = minute_of(now).div_euclid(24 * 60) * (24 * 60) - 24 * 60;
    loop {
        if !memory.pending.is_empty() {
            run.tell(&memory.pending, memory.trace.as_ref()).await?;
            memory.pending.clear();
            let Some(new) = run.keep(&memory, etag.as_deref()).await? else { return Ok(()) };
            etag = Some(new);
        }
        // Before the list is shown: it would be taken for the newest until then.
        if memory.last().is_some_and(|last| last > minute_of(now)) {
            run.go_back(&mut memory).await?;
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
        memory.trace.clone_from(&timer.trace);
        let Some(new) = run.keep(&memory, etag.as_deref()).await? else { return Ok(()) };
        etag = Some(new);
    }
}

struct Run<'a> {
    app: &'a App,
    closed: i64,
}

impl Run<'_> {
    /// The first minute of yesterday or today that is stored and closed.
    async fn first_minute(&self, oldest: i64) -> Result<Option<i64>, Cause> {
        for day in [oldest, oldest + 24 * 60] {
            let first = self.app.stores().minutes.first_of(&time_of(day).date().to_string()).await;
            if let Some(first) = first.map_err(|error| Cause::from_error("read the minutes", error))? {
                return Ok((first <= self.closed).then_some(first));
            }
        }
        Ok(None)
    }

    /// The minutes from one to another, in order. Where nothing is stored, nothing was viewed.
    async fn minutes(&self, from: i64, to: i64) -> Result<Vec<Minute>, Cause> {
        let mut minutes: Vec<_> = (from..=to).map(Minute::empty).collect();
        let mut days = vec![time_of(from).date(), time_of(to).date()];
        days.dedup();
        for day in days {
            let stored = self.app.stores().minutes.between::<Minute>(&day.to_string(), SELECT, from, to).await;
            for minute in stored.map_err(|error| Cause::from_error("read the minutes", error))? {
                let place = usize::try_from(minute.minute - from).ok().and_then(|place| minutes.get_mut(place));
                if let Some(place) = place {
                    *place = minute;
                }
            }
        }
        Ok(minutes)
    }

    /// Stores what is remembered; `None` if another run was there first.
    async fn keep(&self, memory: &Memory, etag: Option<&str>) -> Result<Option<String>, Cause> {
        match self.app.stores().anomalies.write_memory(memory, etag).await {
            Ok(etag) => Ok(Some(etag)),
            Err(error) if error.is_lost_race() => Ok(None),
            Err(error) => Err(Cause::from_error("store the detector", error)),
        }
    }

    /// Goes on with the minute that closed last, where a clock was ahead: minutes until there would be passed over. The list goes back first;
    /// whoever is killed behind that does the same again.
    async fn go_back(&self, memory: &mut Memory) -> Result<(), Cause> {
        tracing::warn!("minutes were looked at that have not come yet: the clock was ahead");
        memory.go_back_to(self.closed);
        let Some(list) = memory.list() else { return Ok(()) };
        let shown = self.app.stores().anomalies.replace_list(&list).await;
        shown.map_err(|error| Cause::from_error("set back the list of anomalies", error))
    }

    /// Writes the list, unless it is as new.
    async fn show(&self, memory: &Memory) -> Result<(), Cause> {
        let Some(list) = memory.list() else { return Ok(()) };
        let shown = self.app.stores().anomalies.write_list(&list).await;
        shown.map_err(|error| Cause::from_error("store the list of anomalies", error))
    }

    /// Sends anomalies to the hub and to the operators.
    async fn tell(&self, anomalies: &[Anomaly], trace: Option<&TraceContext>) -> Result<(), Cause> {
        let (mut messages, mut notifications) = (Vec::new(), Vec::new());
        for anomaly in anomalies {
            let scope = anomaly.scope.to_string();
            let outgoing = Outgoing {
                id: anomaly.id.clone(),
                source: SOURCE,
                subject: Some(scope.clone()),
                time: Some(anomaly.detected_at),
                extensions: [("partitionkey".to_owned(), scope.clone())].into(),
                trace: trace.cloned(),
                schema: &ANOMALY_DETECTED,
                data: &AnomalyDetected::from(anomaly),
            };
            let message = self.app.events().encode(outgoing).await;
            messages.push((scope, message.map_err(|error| Cause::from_error("encode the anomaly", error))?));
            notifications.push(notification(anomaly, trace)?);
        }
        self.app
            .hubs()
            .send(ANOMALY_DETECTED.hub, messages)
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
fn notification(anomaly: &Anomaly, trace: Option<&TraceContext>) -> Result<cloudevents::Event, Cause> {
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
        extensions: [("partitionkey".to_owned(), scope), (Audience::ATTRIBUTE.to_owned(), OPERATORS.to_owned())].into(),
        trace: trace.cloned(),
        data: EventData::Json(data.clone()),
    };
    event.to_cloudevent(data).map_err(unwritten)
}
