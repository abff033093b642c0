//! What the caller is told.

use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::limits::TooMany;
use crate::{
    domain::{click::VisitorId, product_body::FieldError},
    http::Problem,
    outcome::Cause,
};

/// What became of the clicks of one request.
#[derive(Default)]
pub(super) struct Verdict {
    /// How many the hub is to have.
    pub(super) accepted: usize,
    refused: Vec<RefusedClick>,
    visitor: Option<VisitorId>,
    /// Set where a click was refused for its visitor's rate.
    too_many: Option<TooMany>,
}

/// Why a click is not taken.
pub(super) enum Refused {
    Invalid(Vec<FieldError>),
    TooMany(TooMany),
}

#[derive(Serialize)]
struct RefusedClick {
    /// Place in the request, from 0.
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    accepted: usize,
    refused: &'a [RefusedClick],
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor_id: Option<&'a VisitorId>,
}

impl Verdict {
    /// The id of a visitor who consents and has none: one for the whole request.
    pub(super) fn new_visitor(&mut self) -> Result<VisitorId, Refused> {
        if let Some(visitor) = &self.visitor {
            return Ok(visitor.clone());
        }
        let drawn = VisitorId::try_from(Uuid::new_v4().to_string());
        let visitor = drawn.map_err(|error| Refused::Invalid(vec![FieldError::new("visitorId", error)]))?;
        Ok(self.visitor.insert(visitor).clone())
    }

    pub(super) fn refuse(&mut self, index: usize, id: Option<String>, refused: Refused) {
        let errors = match refused {
            Refused::Invalid(errors) => errors,
            Refused::TooMany(too_many) => {
                self.too_many = Some(too_many);
                let wait = seconds(too_many);
                vec![FieldError::new("visitorId", format!("sends too many clicks; send this one again in {wait} s"))]
            }
        };
        self.refused.push(RefusedClick { index, id, errors });
    }

    /// 202 if any click was taken, or there was none; else 429 if one may be sent again, else 400.
    pub(super) fn answer(&self) -> Result<Response, Problem> {
        let Self { accepted, refused, visitor, too_many } = self;
        if *accepted > 0 || refused.is_empty() {
            let answer = Answer { accepted: *accepted, refused, visitor_id: visitor.as_ref() };
            // The visitor's id is for this caller alone.
            let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            return Ok((StatusCode::ACCEPTED, headers, Json(answer)).into_response());
        }
        let problem = match too_many {
            Some(too_many) => slow_down(*too_many),
            None => Problem::new(StatusCode::BAD_REQUEST, "No click was accepted; each is refused for its own reason."),
        };
        Err(problem.with_member("accepted", json!(0)).with_member("refused", json!(refused)))
    }

    /// 503: the hub does not have the clicks, or not all of them. Who repeats the request with the visitor's id, and ids of clicks, sends
    /// the same events again.
    pub(super) fn unsent(&self, error: impl std::error::Error + Send + Sync + 'static) -> Problem {
        // For the log only: callers are not told what is behind us.
        tracing::warn!(cause = Cause::from_error("hand clicks to the hub", error).chain(), "clicks are not stored");
        let detail = "The clicks are not stored, or not all of them; send the request again later.";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .with_header(RETRY_AFTER, HeaderValue::from_static("1"));
        match &self.visitor {
            Some(visitor) => problem.with_member("visitorId", json!(visitor)),
            None => problem,
        }
    }
}

/// 429.
pub(super) fn slow_down(too_many: TooMany) -> Problem {
    let wait = seconds(too_many);
    Problem::new(StatusCode::TOO_MANY_REQUESTS, format!("Too many clicks; send these again in {wait} s."))
        .with_header(RETRY_AFTER, HeaderValue::from(wait))
}

/// Whole seconds, at least one: what `Retry-After` can say.
fn seconds(too_many: TooMany) -> u64 {
    too_many.wait.as_secs() + 1
}
