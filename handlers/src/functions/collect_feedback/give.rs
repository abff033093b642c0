//! `POST /api/partners/{partner}/feedback`: items, each judged alone.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::sending::{AT_ONCE, Collector, Unsent, unsent, unstored};
use crate::{
    azure::cosmos::{CosmosError, repeat_lost_races},
    domain::{
        feedback::{
            ItemId,
            event::FeedbackGiven,
            receipt::{Decision, Refusal},
            submission::Submission,
        },
        partner::PartnerName,
        product_body::FieldError,
        sentiment,
        trace_context::TraceContext,
    },
    events::contracts::FEEDBACK_GIVEN,
    functions::partners::{
        body::{JSON, answer},
        caller::Caller,
        repeats::NotKept,
    },
    http::{Cause, Problem, json_body},
};

/// The most items of one request.
const MAX_ITEMS: usize = 100;

/// The largest body (bytes): as many items, each with the longest text, written in the longest way (`\ud83d\ude00`) with room for the rest.
pub(super) const MAX_BODY: usize = 5 << 20;

/// Characters of an id that are repeated in the answer, whatever was sent as one.
const LONGEST_ID: usize = 100;

/// What became of an item.
#[derive(Clone, Debug)]
enum Judged {
    Taken,
    Repeated,
    Refused(String),
}

#[derive(Serialize)]
struct Answer {
    taken: usize,
    repeated: usize,
    refused: usize,
    items: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    /// Place in the request, from 0.
    index: usize,
    /// The id that it came with, if that is a text.
    id: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) async fn give(
    State(collector): State<Collector>,
    caller: Caller,
    Cause(trace): Cause,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let items = read(json_body(&headers, body, &JSON, MAX_BODY).await?)?;
    let judged = collector.judge(&caller.partner, &items, trace).await?;
    let mut answer_body = Answer { taken: 0, repeated: 0, refused: 0, items: Vec::with_capacity(items.len()) };
    for (index, (item, judged)) in items.iter().zip(judged).enumerate() {
        let (count, status, reason) = match judged {
            Judged::Taken => (&mut answer_body.taken, "taken", None),
            Judged::Repeated => (&mut answer_body.repeated, "repeated", None),
            Judged::Refused(reason) => (&mut answer_body.refused, "refused", Some(reason)),
        };
        *count += 1;
        let id = item.get("id").and_then(Value::as_str).map(|id| id.chars().take(LONGEST_ID).collect());
        answer_body.items.push(Told { index, id, status, reason });
    }
    let mut response = answer(StatusCode::ACCEPTED, &answer_body);
    if answer_body.refused == items.len() {
        response.extensions_mut().insert(NotKept);
    }
    Ok(response)
}

/// The items of a body.
fn read(body: Value) -> Result<Vec<Value>, Problem> {
    let Value::Object(mut members) = body else { return Err(Problem::field("", "the body must be a JSON object")) };
    let items = members.remove("items");
    if let Some(name) = members.keys().next() {
        let shown: String = name.chars().take(60).collect();
        return Err(Problem::field(&shown, "is unknown; known is items"));
    }
    match items {
        Some(Value::Array(items)) if (1..=MAX_ITEMS).contains(&items.len()) => Ok(items),
        Some(Value::Array(items)) => {
            let message = format!("must have 1 to {MAX_ITEMS} items, and has {}", items.len());
            Err(Problem::unprocessable(vec![FieldError::new("items", message)]))
        }
        Some(_) => Err(Problem::field("items", "must be an array of items")),
        None => Err(Problem::field("items", "is required: an array of items")),
    }
}

impl Collector {
    /// What becomes of each item, once the hub has those that are taken.
    async fn judge(
        &self,
        partner: &PartnerName,
        items: &[Value],
        trace: Option<TraceContext>,
    ) -> Result<Vec<Judged>, Problem> {
        let now = self.app.now();
        let parsed: Vec<Result<Submission, String>> =
            items.iter().map(|item| Submission::parse(item, partner, now).map_err(reason)).collect();
        // Of items with one id the first that is well-formed counts, and another that says the same ends as that does.
        let mut firsts: BTreeMap<&ItemId, (usize, &Submission)> = BTreeMap::new();
        for (index, submission) in parsed.iter().enumerate() {
            if let Ok(submission) = submission {
                firsts.entry(&submission.item).or_insert((index, submission));
            }
        }
        let each: Vec<(usize, Submission)> = firsts.values().map(|(index, first)| (*index, (*first).clone())).collect();
        let decided: BTreeMap<usize, Decided> = stream::iter(each)
            .map(|(index, submission)| async move { Ok((index, self.decide(partner, &submission).await?)) })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
            .map_err(unstored)?;
        self.hand_on(partner, &parsed, &decided, trace).await?;
        let judge = |(index, submission): (usize, &Result<Submission, String>)| match submission {
            Err(reason) => Judged::Refused(reason.clone()),
            Ok(submission) => {
                let (first, same) = firsts.get(&submission.item).copied().unwrap_or((index, submission));
                match decided.get(&first) {
                    _ if same != submission => Judged::Refused(Refusal::TwiceInOneCall.to_string()),
                    Some(Decided::Refused(refusal)) => Judged::Refused(refusal.to_string()),
                    Some(Decided::Send(_)) if index == first => Judged::Taken,
                    _ => Judged::Repeated,
                }
            }
        };
        Ok(parsed.iter().enumerate().map(judge).collect())
    }

    /// Decides on an item by its receipt, and stores the one with which it is taken.
    async fn decide(&self, partner: &PartnerName, submission: &Submission) -> Result<Decided, CosmosError> {
        let receipts = &self.app.stores().feedback.receipts;
        repeat_lost_races(|| async {
            let stored = receipts.read(partner, &submission.item).await?;
            let (stored, etag) = stored.map_or((None, None), |stored| (Some(stored.value), Some(stored.etag)));
            Ok(match Decision::on(stored, submission, partner) {
                Decision::Take(receipt) => {
                    let etag = receipts.write(&receipt, etag.as_deref()).await?;
                    Decided::Send(Box::new(Unsent { receipt: *receipt, etag }))
                }
                Decision::Resume(receipt) => {
                    Decided::Send(Box::new(Unsent { receipt: *receipt, etag: etag.unwrap_or_default() }))
                }
                Decision::Repeated => Decided::Repeated,
                Decision::Refused(refusal) => Decided::Refused(refusal),
            })
        })
        .await
    }

    /// Scores the texts of what is taken and sends it to the hub, in the order of the request.
    async fn hand_on(
        &self,
        partner: &PartnerName,
        parsed: &[Result<Submission, String>],
        decided: &BTreeMap<usize, Decided>,
        trace: Option<TraceContext>,
    ) -> Result<(), Problem> {
        let taken: Vec<(Unsent, Submission)> = decided
            .iter()
            .filter_map(|(index, decided)| match (decided, parsed.get(*index)) {
                (Decided::Send(unsent), Some(Ok(submission))) => Some(((**unsent).clone(), submission.clone())),
                _ => None,
            })
            .collect();
        // A hundred of the longest texts take a second of one core: not on the thread that everybody waits for.
        let partner = partner.clone();
        let score = move || {
            let one = |(unsent, submission): (Unsent, Submission)| {
                let sentiment = submission.text.as_ref().map(|text| sentiment::of(text.as_str()));
                let (key, at) = (submission.key.clone(), submission.at);
                (unsent, key, at, submission.event(partner.clone(), sentiment))
            };
            taken.into_iter().map(one).collect::<Vec<(Unsent, String, OffsetDateTime, FeedbackGiven)>>()
        };
        let scored = tokio::task::spawn_blocking(score).await.map_err(unsent)?;
        let mut ready = Vec::with_capacity(scored.len());
        for (receipt, key, at, event) in scored {
            let one = self.ready(receipt, key, at, &FEEDBACK_GIVEN, &event, trace.clone()).await;
            ready.push(one.map_err(unsent)?);
        }
        self.send(ready).await
    }
}

/// What was decided on an item.
enum Decided {
    /// Its receipt is stored, and the hub is to have its event.
    Send(Box<Unsent>),
    Repeated,
    Refused(Refusal),
}

/// Everything that is wrong with an item, in a sentence.
fn reason(errors: Vec<FieldError>) -> String {
    let one = |FieldError { field, message }| {
        if field.is_empty() { format!("the item {message}") } else { format!("{field} {message}") }
    };
    errors.into_iter().map(one).collect::<Vec<_>>().join("; ")
}
