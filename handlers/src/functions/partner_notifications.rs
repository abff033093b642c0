//! `PartnerNotifications`: tells partners of product changes.
//!
//! Triggered by hub `products`, consumer group `partners`.
//!
//! Promises: every product event is published once or more on the Event Grid topic as a structured CloudEvent with the id, source,
//! type, subject, time, `partitionkey` and `sequence` it has on the hub, for every partner (`audience` is `all`). Data is JSON, with
//! money as `{"amount":"19.99","currency":"USD"}`, and with `match`, the flat fields that subscriptions select by. An event without a subject
//! gets its product id as one, since subscriptions may select by it. An event that the topic will not take is parked alone.
//!
//! A second delivery publishes the same events again; partners tell repeats by source and id, and older from newer by `sequence`.

use std::{collections::VecDeque, ops::Range};

use crate::{
    app::App,
    azure::event_grid::Topic,
    domain::{
        partner::{Audience, match_fields::MatchFields, redelivery},
        product_events_json::to_notification,
    },
    events::{Event, hubs},
    function::{Function, HubEvent, Order, Trigger},
    outcome::{Cause, Outcome},
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new(
    "PartnerNotifications",
    Trigger::EventHub {
        hub: hubs::PRODUCTS,
        consumer_group: "partners",
        order: Order::Key,
        handle: |app, events| Box::pin(handle(app, events)),
    },
);

async fn handle(app: App, events: Vec<HubEvent>) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(events.len());
    let (mut indices, mut notifications) = (Vec::new(), Vec::new());
    for (index, HubEvent { event, .. }) in events.into_iter().enumerate() {
        outcomes.push(match notification(event, &Audience::All, None) {
            Ok(Some(notification)) => {
                indices.push(index);
                notifications.push(notification.event);
                Outcome::Done
            }
            Ok(None) => Outcome::Skip("not a product event"),
            Err(cause) => Outcome::Park(cause),
        });
    }
    let all = 0..notifications.len();
    let instruments = app.telemetry().instruments(FUNCTION.name);
    let publish_some = |range: Range<usize>| {
        let events = notifications[range].to_vec();
        let (topic, instruments, count) = (app.event_grid(), &instruments, events.len() as u64);
        async move {
            let published = publish(topic, events).await;
            if let Some(instruments) = instruments {
                instruments.delivered(published.name(), count);
            }
            published
        }
    };
    for (place, outcome) in bisect(all, publish_some).await {
        outcomes[indices[place]] = outcome;
    }
    outcomes
}

/// An event as partners get it.
pub(super) struct Notification {
    /// What is published.
    pub(super) event: cloudevents::Event,
    /// What subscriptions select it by: its `data.match`.
    pub(super) fields: MatchFields,
}

/// The event as an audience gets it, with the id of the job that delivers it again, if one does; `None` if it is not for partners.
pub(super) fn notification(
    mut event: Event,
    audience: &Audience,
    job: Option<&str>,
) -> Result<Option<Notification>, Cause> {
    let Some(product_event) = event.product()? else { return Ok(None) };
    event.subject.get_or_insert_with(|| product_event.product.id.to_string());
    let fields = MatchFields::of(&product_event);
    let data = to_notification(product_event).map_err(|error| Cause::from_error("write the notification", error))?;
    event.extensions.insert(Audience::ATTRIBUTE.to_owned(), audience.to_string());
    if let Some(job) = job {
        event.extensions.insert(redelivery::ATTRIBUTE.to_owned(), job.to_owned());
    }
    let event = event.to_cloudevent(data).map_err(|error| Cause::from_error("write the notification", error))?;
    Ok(Some(Notification { event, fields }))
}

/// What the topic said to some events.
pub(super) enum Published {
    Yes,
    NotYet(Cause),
    Never(Cause),
}

impl Published {
    /// The word for it in telemetry.
    fn name(&self) -> &'static str {
        match self {
            Self::Yes => "taken",
            Self::Never(_) => "refused",
            Self::NotYet(_) => "out of reach",
        }
    }
}

/// Publishes events in one go.
pub(super) async fn publish(topic: &Topic, events: Vec<cloudevents::Event>) -> Published {
    match topic.publish(events).await {
        Ok(()) => Published::Yes,
        Err(error) if error.is_transient() => Published::NotYet(Cause::from_error("publish", error)),
        Err(error) => Published::Never(Cause::from_error("publish", error)),
    }
}

/// Publishes all, and where the topic refuses some, their halves, until those at fault stand alone. Returns who was not published.
///
/// Order is kept. After the first answer that the topic is out of reach, nothing more is asked of it.
pub(super) async fn bisect<P>(all: Range<usize>, publish: impl Fn(Range<usize>) -> P) -> Vec<(usize, Outcome)>
where
    P: Future<Output = Published>,
{
    let mut unpublished = Vec::new();
    let mut waiting = VecDeque::from([all]);
    while let Some(range) = waiting.pop_front() {
        if range.is_empty() {
            continue;
        }
        match publish(range.clone()).await {
            Published::Yes => {}
            Published::Never(cause) if range.len() == 1 => unpublished.push((range.start, Outcome::Park(cause))),
            Published::Never(_) => {
                let middle = range.start + range.len() / 2;
                waiting.push_front(middle..range.end);
                waiting.push_front(range.start..middle);
            }
            Published::NotYet(cause) => {
                let left = std::iter::once(range).chain(waiting.drain(..)).flatten();
                unpublished.extend(left.map(|place| (place, Outcome::Retry(cause.clone()))));
            }
        }
    }
    unpublished
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, future::ready};

    use super::*;

    #[tokio::test]
    async fn the_culprit_parks_alone_and_the_rest_is_published_in_order() {
        let published = RefCell::new(Vec::new());
        let unpublished = bisect(0..9, |range: Range<usize>| {
            if range.contains(&4) || range.contains(&7) {
                return ready(Published::Never(Cause::new("refused")));
            }
            published.borrow_mut().extend(range);
            ready(Published::Yes)
        })
        .await;
        assert!(matches!(unpublished.as_slice(), [(4, Outcome::Park(_)), (7, Outcome::Park(_))]));
        assert_eq!(published.into_inner(), [0, 1, 2, 3, 5, 6, 8]);
    }

    #[tokio::test]
    async fn a_topic_out_of_reach_parks_nobody() {
        let unpublished = bisect(0..4, |range: Range<usize>| {
            ready(match range.len() {
                4 => Published::Never(Cause::new("too large")),
                _ if range.start == 0 => Published::Yes,
                _ => Published::NotYet(Cause::new("busy")),
            })
        })
        .await;
        assert!(matches!(unpublished.as_slice(), [(2, Outcome::Retry(_)), (3, Outcome::Retry(_))]));
    }
}
