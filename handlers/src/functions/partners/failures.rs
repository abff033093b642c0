//! `GET …/subscriptions/{subscription}/failures|metrics`: what Event Grid says of a subscription's deliveries.
//!
//! Both come from Azure Monitor, minutes after the fact. Of an endpoint nothing is shown but its host, and of its answer its status.

use std::{collections::HashSet, ops::RangeInclusive};

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    body,
    caller::Caller,
    found::find,
    monitored::{topic, unavailable},
    query,
};
use crate::{
    app::App,
    azure::monitor::{Asked, METRICS, MOST_ROWS},
    domain::partner::{
        event_grid_name,
        failure::{Counted, EventId, FailedDelivery, FailedEvent, Fate, by_event, is_overdue},
        subscription::Subscription,
    },
    http::{Path, Problem, Query},
    outcome::Cause,
};

/// Days that may be asked for: so long logs are kept at least.
const DAYS: i64 = 30;
/// Events of a page, unless said and at most.
const PAGE: u32 = 50;
const MOST: u32 = 500;
/// Statuses of HTTP.
const STATUS: RangeInclusive<u16> = 100..=599;
/// Hours that metrics are told of by minute; more are told by hour.
const BY_MINUTE: i64 = 24;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/partners/{partner}/subscriptions/{subscription}/failures", get(failures))
        .route("/api/partners/{partner}/subscriptions/{subscription}/metrics", get(metrics))
}

#[derive(Deserialize)]
struct Wanted {
    since: Option<String>,
    until: Option<String>,
    status: Option<String>,
    r#type: Option<String>,
    event: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

async fn failures(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let (since, until) = range(&wanted.since, &wanted.until, app.now())?;
    let status = |text: &str| {
        query::whole(text).and_then(|status| u16::try_from(status).ok()).filter(|status| STATUS.contains(status))
    };
    let status = wanted.status.as_deref().map(|text| status(text).ok_or(text)).transpose();
    let status = status.map_err(|_| Problem::field("status", "must be a whole number from 100 to 599"))?;
    let limit = query::limit(wanted.limit.as_deref(), PAGE, MOST)?.get() as usize;
    let cursor = wanted.cursor.as_deref().map(|text| Cursor::parse(text).ok_or(text)).transpose();
    let cursor = cursor.map_err(|_| Problem::field("cursor", "must be the cursor of an earlier answer"))?;
    let event = wanted.event.as_deref().map(|text| EventId::new(text).ok_or(text)).transpose();
    let event = event.map_err(|_| Problem::field("event", "must be the id of an event"))?;
    let stored = find(&app, &caller.partner, name).await?;
    let subscription = event_grid_name(&stored.value.partner, &stored.value.name);
    let asked = Asked { topic: topic(&app)?, subscription: &subscription, from: since, to: until };
    let rows = app.monitor().failures(&asked, event.as_ref()).await.map_err(unavailable)?;
    // The newest rows are all that was read: what lies before the oldest of them is for the next question.
    let complete_since = if rows.len() < MOST_ROWS { Some(since) } else { rows.iter().map(|row| row.at).min() };
    let matches = |event: &FailedEvent| {
        status.is_none_or(|status| event.last.status == Some(status))
            && wanted.r#type.as_ref().is_none_or(|wanted| event.last.event_type.as_ref() == Some(wanted))
            // What the query looks for is also the end of longer ids.
            && wanted.event.as_ref().is_none_or(|wanted| event.last.event.as_ref() == Some(wanted))
    };
    // Asked for one event, the log tells nothing of the others, whose failures are counted with its own.
    let logged = event.is_none().then(|| Logged::of(&rows));
    let events = by_event(rows).into_iter().filter(matches);
    let mut rest = events.skip_while(|event| cursor.as_ref().is_some_and(|cursor| !cursor.is_before(event))).peekable();
    let mut page: Vec<_> = rest.by_ref().take(limit).collect();
    let end = page.last().map(Cursor::after);
    // Events without an id that failed at the same time cannot be told apart, so no page ends between them.
    page.extend(std::iter::from_fn(|| rest.next_if(|event| end == Some(Cursor::after(event)))));
    let next = end.filter(|_| rest.peek().is_some()).map(|end| end.text());
    let now = app.now();
    let due = page.iter().filter_map(|event| event.was_due(&stored.value, now)).min();
    let counts = match due {
        Some(due) => Counts::since_due(&app, &asked, due, logged, now).await,
        None => None,
    };
    let items: Vec<_> = page.iter().map(|event| shown(event, &stored.value, counts.as_ref(), now)).collect();
    let answer = json!({
        "items": items,
        "next": next,
        "since": complete_since.and_then(written),
        "until": written(until),
    });
    Ok(body::answer(StatusCode::OK, &answer))
}

/// When the attempts in the log began and ended, each once though the log may have it twice.
struct Logged(Vec<RangeInclusive<OffsetDateTime>>);

impl Logged {
    fn of(rows: &[FailedDelivery]) -> Self {
        let mut seen = HashSet::new();
        let attempts = rows.iter().filter(|row| !row.is_held() && seen.insert((&row.event, row.attempt, row.at)));
        Self(attempts.map(|row| row.at..=row.at + row.latency).collect())
    }
}

/// Deliveries and failed attempts, each with the end of its interval.
struct Counts {
    delivered: Vec<(OffsetDateTime, u64)>,
    failed: Vec<(OffsetDateTime, u64)>,
    interval: Duration,
    logged: Logged,
}

impl Counts {
    /// Those since an attempt was due; `None` if nobody can say.
    /// `logged` is what the log has of all events; without it, it is asked for.
    async fn since_due(
        app: &App,
        asked: &Asked<'_>,
        from: OffsetDateTime,
        logged: Option<Logged>,
        now: OffsetDateTime,
    ) -> Option<Self> {
        let from = from.replace_second(0).and_then(|from| from.replace_nanosecond(0)).unwrap_or(from);
        let by_hour = now - from > Duration::hours(BY_MINUTE);
        // The interval of the first attempt that was due, whole.
        let from = if by_hour { from.replace_minute(0).unwrap_or(from) } else { from };
        let asked = Asked { from, to: now + Duration::SECOND, ..*asked };
        let all = async {
            match logged {
                Some(logged) => Ok(logged),
                None => app.monitor().failures(&asked, None).await.map(|rows| Logged::of(&rows)),
            }
        };
        let (counted, logged) = match futures::future::try_join(app.monitor().metrics(&asked, by_hour), all).await {
            Ok(known) => known,
            Err(error) => {
                let cause = Cause::from_error("count deliveries behind failures", error);
                tracing::warn!(cause = cause.chain(), "what became of failed events is told by the log alone");
                return None;
            }
        };
        let interval = if by_hour { Duration::HOUR } else { Duration::MINUTE };
        let ends = |(at, count): &(String, u64)| Some((OffsetDateTime::parse(at, &Rfc3339).ok()? + interval, *count));
        let [_, delivered, failed, ..] = counted.as_slice() else { return None };
        let [delivered, failed] = [delivered, failed].map(|points| points.iter().filter_map(ends).collect());
        Some(Self { delivered, failed, interval, logged })
    }

    /// What was counted in intervals that begin at this time or later: in its own may be deliveries of before.
    fn behind(&self, at: OffsetDateTime) -> Counted {
        let is_behind = |end: OffsetDateTime| end - self.interval >= at;
        let count = |points: &[(OffsetDateTime, u64)]| {
            points.iter().filter(|(end, _)| is_behind(*end)).map(|(_, count)| count).sum()
        };
        Counted { delivered: count(&self.delivered), failed: count(&self.failed) }
    }

    /// What was counted since this time. Its own interval begins before it: failures of that part are known from the log and left out,
    /// or an event that failed and was delivered within one minute would be told as still failing.
    fn since(&self, at: OffsetDateTime) -> Counted {
        let count =
            |points: &[(OffsetDateTime, u64)]| points.iter().filter(|(end, _)| *end > at).map(|(_, count)| count).sum();
        let begins = self.failed.iter().filter(|(end, _)| *end > at).map(|(end, _)| *end - self.interval).min();
        let is_before = |attempt: &&RangeInclusive<_>| {
            begins.is_some_and(|begins| *attempt.start() >= begins && *attempt.end() < at)
        };
        let before = u64::try_from(self.logged.0.iter().filter(is_before).count()).unwrap_or(u64::MAX);
        let failed: u64 = count(&self.failed);
        Counted { delivered: count(&self.delivered), failed: failed.saturating_sub(before) }
    }
}

fn shown(event: &FailedEvent, subscription: &Subscription, counts: Option<&Counts>, now: OffsetDateTime) -> Value {
    let last = &event.last;
    // Until an event is held back others may be delivered, in the same minute too.
    let since = |counts: &Counts, at| if last.is_held() { counts.behind(at) } else { counts.since(at) };
    let counted = event.was_due(subscription, now).and_then(|at| Some(since(counts?, at)));
    let fate = event.fate(subscription, counted, now);
    let next = match fate {
        Fate::Expected(at) => json!({ "at": written(at), "overdue": is_overdue(at, now) }),
        _ => Value::Null,
    };
    json!({
        "event": last.event,
        "type": last.event_type,
        "failures": event.failures,
        "firstFailure": written(event.first_at),
        "lastFailure": written(last.at),
        "attempt": event.attempts,
        "outcome": last.outcome,
        "status": last.status,
        "host": last.host,
        "then": fate.words(),
        "nextAttempt": next,
    })
}

/// Where a page ends: the last failure of its last event, and that event. What fails again in between comes to the front of the list and
/// is on an earlier page.
#[derive(PartialEq, Eq)]
struct Cursor {
    nanos: i128,
    event: String,
}

impl Cursor {
    fn after(event: &FailedEvent) -> Self {
        Self { nanos: event.last.at.unix_timestamp_nanos(), event: event.last.event.clone().unwrap_or_default() }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (nanos, event) = text.split_once(' ')?;
        Some(Self { nanos: nanos.parse().ok()?, event: event.to_owned() })
    }

    fn text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{} {}", self.nanos, self.event))
    }

    /// Whether an event comes behind this, in a list that begins with the newest.
    fn is_before(&self, event: &FailedEvent) -> bool {
        let other = Self::after(event);
        (other.nanos, &other.event) < (self.nanos, &self.event)
    }
}

#[derive(Deserialize)]
struct Range {
    since: Option<String>,
    until: Option<String>,
}

async fn metrics(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    Query(wanted): Query<Range>,
) -> Result<Response, Problem> {
    let (since, until) = range(&wanted.since, &wanted.until, app.now())?;
    let stored = find(&app, &caller.partner, name).await?;
    let subscription = event_grid_name(&stored.value.partner, &stored.value.name);
    let asked = Asked { topic: topic(&app)?, subscription: &subscription, from: since, to: until };
    let by_hour = until - since > Duration::hours(BY_MINUTE);
    let counted = app.monitor().metrics(&asked, by_hour).await.map_err(unavailable)?;
    let mut series = Map::new();
    let mut totals = Map::new();
    for ((name, _), points) in METRICS.iter().zip(counted) {
        totals.insert((*name).to_owned(), points.iter().map(|(_, count)| count).sum::<u64>().into());
        // Most intervals have nothing to tell.
        let points = points.into_iter().filter(|(_, count)| *count > 0);
        let points: Vec<_> = points.map(|(at, count)| json!({ "at": at, "count": count })).collect();
        series.insert((*name).to_owned(), points.into());
    }
    let answer = json!({
        "since": written(since),
        "until": written(until),
        "interval": if by_hour { "PT1H" } else { "PT1M" },
        "totals": totals,
        "series": series,
    });
    Ok(body::answer(StatusCode::OK, &answer))
}

/// The time asked for; the last day unless said.
fn range(
    since: &Option<String>,
    until: &Option<String>,
    now: OffsetDateTime,
) -> Result<(OffsetDateTime, OffsetDateTime), Problem> {
    let time = |field: &'static str, text: &Option<String>| {
        let wrong = || Problem::field(field, "must be a time, as in 2027-03-04T10:00:00Z");
        // Times without a four-digit year, in UTC too, cannot be asked for.
        let read = |text: &String| {
            let at = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(time::UtcOffset::UTC)?;
            (at.year() >= 1970).then_some(at)
        };
        text.as_ref().map(|text| read(text).ok_or_else(wrong)).transpose()
    };
    let until = time("until", until)?.unwrap_or(now + Duration::seconds(1)).min(now + Duration::seconds(1));
    let day_before = until.checked_sub(Duration::days(1)).unwrap_or(until);
    let since = time("since", since)?.unwrap_or(day_before);
    if since >= until {
        return Err(Problem::field("since", "must be before the end of the range, and in the past"));
    }
    if until - since > Duration::days(DAYS) {
        return Err(Problem::field("since", format!("must be at most {DAYS} days before the end of the range")));
    }
    Ok((since, until))
}

fn written(at: OffsetDateTime) -> Option<String> {
    at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::partner::{endpoint::EndpointRules, settings::Settings};

    #[test]
    fn attempts_count_from_one_and_a_next_one_that_nothing_is_heard_of_is_overdue() {
        let at = OffsetDateTime::UNIX_EPOCH;
        let message = "outcome=Busy, id=a, deliveryCount=0, deliveryResponse=ServiceUnavailable";
        let rows = vec![FailedDelivery::parse(at, message)];
        let logged = || Logged::of(&rows);
        let event = by_event(rows.clone()).remove(0);
        let settings = json!({ "endpoint": "https://ok.example/" });
        let settings = Settings::parse(settings.as_object().expect("an object"), &EndpointRules::default());
        let name = |name: &str| name.to_owned();
        let (partner, name) = (name("acme").try_into().expect("a name"), name("prices").try_into().expect("a name"));
        let prices = Subscription::new(partner, name, settings.expect("settings"), "m", false, at);
        let prices = &prices.activated(at).expect("it waits");
        let after = |seconds| shown(&event, prices, None, at + Duration::seconds(seconds));
        assert_eq!(after(0)["attempt"], 1);
        assert_eq!(after(29)["nextAttempt"], json!({ "at": "1970-01-01T00:00:30Z", "overdue": false }));
        assert_eq!(
            after(631)["nextAttempt"],
            json!({ "at": "1970-01-01T00:00:30Z", "overdue": false }),
            "the log is late"
        );
        assert_eq!(after(661)["nextAttempt"], json!({ "at": "1970-01-01T00:00:30Z", "overdue": true }));
        let interval = Duration::MINUTE;
        let counts = |delivered| Counts { delivered, failed: Vec::new(), interval, logged: logged() };
        let told = |minutes, counts: &Counts| shown(&event, prices, Some(counts), at + Duration::minutes(minutes));
        let mended = told(2, &counts(vec![(at + Duration::MINUTE, 1)]));
        assert_eq!((&mended["then"], &mended["nextAttempt"]), (&json!("probably delivered"), &Value::Null));
        let before = told(20, &counts(vec![(at + Duration::seconds(30), 1)]));
        assert_eq!(
            (&before["then"], &before["nextAttempt"]["overdue"]),
            (&json!("expected by schedule"), &json!(true))
        );
        // The minute of the delivery has the failure before it too, and another's failure counts as before.
        let within = |failed| Counts { failed: vec![(at + interval, failed)], ..counts(vec![(at + interval, 1)]) };
        assert_eq!(told(2, &within(1))["then"], "probably delivered");
        assert_eq!(told(2, &within(2))["then"], "expected by schedule");
        // Deliveries before it was held back, in the same minute, say nothing of it.
        let message = "outcome=Probation, id=a, deliveryCount=0, deliveryResponse=Probation";
        let held = by_event(vec![FailedDelivery::parse(at + Duration::seconds(31), message)]).remove(0);
        let told =
            |delivered| shown(&held, prices, Some(&counts(delivered)), at + Duration::minutes(20))["then"].clone();
        assert_eq!(told(vec![(at + interval, 100)]), "held back by Event Grid");
        assert_eq!(told(vec![(at + interval, 100), (at + Duration::minutes(2), 1)]), "probably delivered");
    }
}
