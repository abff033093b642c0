//! Letters that a request chooses: by their ids, or by a filter as of the moment it comes.

use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::desk::{Desk, unavailable};
use crate::{
    dead_letters::stored,
    domain::{
        dead_letter::{Asked, Filter, LetterId},
        mismatch,
        product_body::FieldError,
    },
    http::Problem,
};

/// Letters that a request may name.
const MOST_NAMED: usize = 1_000;

/// Letters that were chosen, each with the version that was seen where one was.
pub(super) struct Chosen {
    pub(super) letters: Vec<(LetterId, Option<String>)>,
    pub(super) filter: Option<Filter>,
    /// Letters that the filter takes beyond these.
    pub(super) left: usize,
}

/// A count, also written as `5.0` or `5e0`, as JSON Schema has it.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        count => mismatch::whole(&count)
            .map(Some)
            .ok_or_else(|| D::Error::custom("expected must be a whole number from 0 to 4294967295")),
    }
}

/// The letters of these ids, or the newest that a filter takes: `most` of them.
pub(super) async fn chosen(
    desk: &Desk,
    ids: Option<Vec<String>>,
    filter: Option<Asked>,
    expected: Option<u32>,
    most: usize,
) -> Result<Chosen, Problem> {
    match (ids, filter) {
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
            let listed = stored::list(desk.app.blobs(), &desk.read, &filter).await.map_err(unavailable)?;
            let there = listed.letters.len();
            // Others may have taken some away meanwhile; what was added nobody has looked at.
            if expected.is_some_and(|expected| there > expected as usize) {
                let detail =
                    format!("The filter takes {there} letters now, more than expected; look at them, and say so.");
                return Err(Problem::new(StatusCode::CONFLICT, detail).with_member("letters", there.into()));
            }
            let letters: Vec<_> =
                listed.letters.into_iter().take(most).map(|letter| (letter.id, Some(letter.etag))).collect();
            Ok(Chosen { left: there - letters.len(), letters, filter: Some(filter) })
        }
        _ => Err(Problem::field("", format!("takes either ids, 1 to {MOST_NAMED} of them, or a filter"))),
    }
}
