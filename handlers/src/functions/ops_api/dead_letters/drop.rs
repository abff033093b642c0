//! `POST …/drop`: throws letters away, with a reason. It acts on the letters that there are at the click; later ones with the same cause stay.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Number;

use super::{Desk, LARGEST_BODY, LONGEST_NAME, LONGEST_REASON, read, stated, unavailable};
use crate::{
    app::App,
    dead_letters::shelf::{self, Removed},
    domain::{
        dead_letter::{Asked, Filter, LetterId},
        product_body::FieldError,
    },
    http::{Problem, json_body},
    stores::operations::{Action, Ended, Entry},
};

/// Letters that a request may name.
const MOST_NAMED: usize = 1_000;
/// Letters that one request drops: more would outlast the request.
const MOST_DROPPED: usize = 5_000;
/// Letters that are dropped at a time.
const AT_ONCE: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    ids: Option<Vec<String>>,
    filter: Option<Asked>,
    /// How many letters the filter takes as far as the caller knows.
    #[serde(default, deserialize_with = "whole")]
    expected: Option<usize>,
    reason: String,
    by: String,
}

/// A count, also written as `5.0`, as JSON Schema has it.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(deserializer)? else { return Ok(None) };
    let text = number.to_string();
    let digits = text.strip_suffix(".0").unwrap_or(&text);
    let count = digits.parse().map_err(|_| D::Error::custom("expected must be a whole number from 0 on"))?;
    Ok(Some(count))
}

/// What became of it.
#[derive(Serialize)]
pub(super) struct Answer {
    #[serde(flatten)]
    ended: Ended,
    /// Letters that the filter takes beyond those of this request.
    left: usize,
    /// The entry in the log.
    log: String,
}

/// Letters that were chosen, each with the version that was seen where one was.
struct Chosen {
    letters: Vec<(LetterId, Option<String>)>,
    filter: Option<Filter>,
    left: usize,
}

pub(super) async fn drop_letters(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Answer>, Problem> {
    let order: Order = read(json_body(&headers, body, &["application/json"], LARGEST_BODY).await?)?;
    let (by, reason) = match (stated("by", &order.by, LONGEST_NAME), stated("reason", &order.reason, LONGEST_REASON)) {
        (Ok(by), Ok(reason)) => (by, reason),
        (by, reason) => return Err(Problem::fields(by.err().into_iter().chain(reason.err()).collect())),
    };
    let Chosen { letters, filter, left } = chosen(&desk, order).await?;
    let ids: Vec<&str> = letters.iter().map(|(id, _)| id.text()).collect();
    let mut entry = Entry::new(Action::Drop, by, &ids, desk.app.now());
    entry.reason = Some(reason);
    entry.filter = filter;
    // Before anything is gone: what is thrown away without a trace is what the log is for.
    desk.app.stores().operations.write(&entry).await?;
    let ended = remove(&desk.app, letters).await;
    entry.ended = Some(ended.clone());
    if let Err(error) = desk.app.stores().operations.write(&entry).await {
        tracing::warn!(%error, entry = entry.id, "the end of a drop is not in the log");
    }
    tracing::info!(entry = entry.id, dropped = ended.dropped, "dead letters dropped");
    Ok(Json(Answer { ended, left, log: entry.id }))
}

async fn chosen(desk: &Desk, order: Order) -> Result<Chosen, Problem> {
    match (order.ids, order.filter) {
        (Some(ids), None) if !ids.is_empty() && ids.len() <= MOST_NAMED => {
            let wrong = |(index, text): (usize, String)| {
                text.parse().map_err(|error| FieldError::new(format!("ids[{index}]"), error))
            };
            let ids: Result<Vec<LetterId>, FieldError> = ids.into_iter().enumerate().map(wrong).collect();
            let ids = ids.map_err(|error| Problem::fields(vec![error]))?;
            Ok(Chosen { letters: ids.into_iter().map(|id| (id, None)).collect(), filter: None, left: 0 })
        }
        (None, Some(asked)) => {
            let filter = Filter::read(&asked).map_err(Problem::fields)?;
            let listed = shelf::list(desk.app.blobs(), &desk.read, &filter).await.map_err(unavailable)?;
            let there = listed.letters.len();
            if order.expected.is_some_and(|expected| expected != there) {
                let detail = format!("The filter takes {there} letters now; look at them, and say so.");
                return Err(Problem::new(StatusCode::CONFLICT, detail).with_member("letters", there.into()));
            }
            let letters: Vec<_> =
                listed.letters.into_iter().take(MOST_DROPPED).map(|letter| (letter.id, Some(letter.etag))).collect();
            Ok(Chosen { left: there - letters.len(), letters, filter: Some(filter) })
        }
        _ => Err(Problem::field("", format!("takes either ids, 1 to {MOST_NAMED} of them, or a filter"))),
    }
}

async fn remove(app: &App, letters: Vec<(LetterId, Option<String>)>) -> Ended {
    let removed = stream::iter(letters)
        .map(|(id, etag)| async move { shelf::remove(app.blobs(), &id, etag.as_deref()).await })
        .buffer_unordered(AT_ONCE);
    removed
        .fold(Ended::default(), async |mut ended, removed| {
            match removed {
                Ok(Removed::Done) => ended.dropped += 1,
                Ok(Removed::Gone) => ended.gone += 1,
                Ok(Removed::Changed) => ended.changed += 1,
                Err(error) => {
                    tracing::warn!(%error, "a letter cannot be dropped");
                    ended.failed += 1;
                }
            }
            ended
        })
        .await
}
