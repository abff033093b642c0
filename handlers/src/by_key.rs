//! Fan-out by key: what is of one key is worked on together, several keys side by side, and each record gets its outcome.

use std::{collections::BTreeMap, future::Future};

use futures::{StreamExt, stream};

use crate::{
    function::HubEvent,
    outcome::{Cause, Outcome},
};

/// What became of the records of one key.
pub(crate) enum Ended {
    /// The same of all of them.
    All(Outcome),
    /// An outcome for each, in their order.
    Each(Vec<Outcome>),
}

/// Works on a batch by key. `sort` says of which key an event is and what is to be worked on, or what becomes of an event that there is
/// nothing to work on; `work` gets what is of one key, in the order of the batch. `at_once` keys are worked on at a time.
///
/// Returns one outcome for each event, in their order. A record that `work` gives none must come again: acknowledged, it would be lost.
pub(crate) async fn by_key<K, T, F>(
    events: &[HubEvent],
    at_once: usize,
    sort: impl Fn(&HubEvent) -> Result<(K, T), Outcome>,
    work: impl Fn(K, Vec<T>) -> F,
) -> Vec<Outcome>
where
    K: Ord,
    F: Future<Output = Ended>,
{
    let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(events.len());
    let mut keys: BTreeMap<K, (Vec<usize>, Vec<T>)> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        outcomes.push(match sort(event) {
            Ok((key, item)) => {
                let (indices, items) = keys.entry(key).or_default();
                indices.push(index);
                items.push(item);
                None
            }
            Err(outcome) => Some(outcome),
        });
    }
    let work = &work;
    let mut ended = stream::iter(keys)
        .map(|(key, (indices, items))| async move { (indices, work(key, items).await) })
        .buffer_unordered(at_once);
    while let Some((indices, ended)) = ended.next().await {
        match ended {
            Ended::All(outcome) => indices.into_iter().for_each(|index| outcomes[index] = Some(outcome.clone())),
            Ended::Each(each) => {
                indices.into_iter().zip(each).for_each(|(index, outcome)| outcomes[index] = Some(outcome));
            }
        }
    }
    outcomes.into_iter().zip(events).map(|(outcome, event)| outcome.unwrap_or_else(|| forgotten(event))).collect()
}

fn forgotten(HubEvent { event, position, .. }: &HubEvent) -> Outcome {
    let (id, partition, sequence) = (&event.id, &position.partition, position.sequence);
    tracing::error!(event.id = %id, partition, sequence, "the function gave a record no outcome; it comes again");
    Outcome::Retry(Cause::of(
        "the function gave no outcome",
        format!("the function gave event {id} no outcome; repeating is safe"),
    ))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::{
        events::{Event, EventData},
        function::Position,
    };

    fn event(key: &str, sequence: i64) -> HubEvent {
        let event = Event {
            id: format!("e-{sequence}"),
            source: "/test".to_owned(),
            r#type: "t".to_owned(),
            subject: Some(key.to_owned()),
            time: None,
            dataschema: None,
            extensions: Default::default(),
            trace: None,
            data: EventData::Json(serde_json::Value::Null),
        };
        let position = Position {
            hub: "h".to_owned(),
            consumer_group: "g".to_owned(),
            partition: "0".to_owned(),
            sequence,
            offset: String::new(),
            enqueued: datetime!(2026-06-01 12:00 UTC),
        };
        HubEvent { event, position, is_replayed: false }
    }

    #[tokio::test]
    async fn each_record_has_its_outcome_and_one_that_is_forgotten_comes_again() {
        let events: Vec<HubEvent> = ["all", "each", "skip", "all", "each", "each"]
            .into_iter()
            .zip(0..)
            .map(|(key, at)| event(key, at))
            .collect();
        let sort = |event: &HubEvent| match event.event.subject.as_deref() {
            Some("skip") | None => Err(Outcome::Skip("asked for")),
            Some(key) => Ok((key.to_owned(), event.position.sequence)),
        };
        let work = async |key: String, sequences: Vec<i64>| match key.as_str() {
            "all" => {
                assert_eq!(sequences, [0, 3], "what is of one key comes together, in order");
                Ended::All(Outcome::Done)
            }
            // One too few.
            _ => Ended::Each(vec![Outcome::Skip("first"), Outcome::Done]),
        };
        let outcomes = by_key(&events, 2, sort, work).await;
        assert!(
            matches!(
                outcomes.as_slice(),
                [
                    Outcome::Done,
                    Outcome::Skip("first"),
                    Outcome::Skip("asked for"),
                    Outcome::Done,
                    Outcome::Done,
                    Outcome::Retry(_)
                ]
            ),
            "{outcomes:?}"
        );
    }
}
