//! `GET|POST /api/partners/{partner}/keys`, `DELETE …/keys/{id}`: a partner's API keys.
//!
//! A leak and a rotation differ: `DELETE` ends a key at once, a `POST` that names the key it supersedes leaves that one some time.

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{delete, get},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{body, caller::Caller, repeats::Kept};
use crate::{
    app::App,
    domain::{
        partner::api_key::{GRACE, KeyId, KeyRecord, KeyState, KeyWish, LONGEST_GRACE, MOST_KEYS, Scope},
        product_body::FieldError,
    },
    http::{Path, Problem},
    stores::partners::issue::{IssueError, Superseded},
};

/// The longest label, in characters.
const LABEL: usize = 100;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/partners/{partner}/keys", get(list).post(create))
        .route("/api/partners/{partner}/keys/{key}", delete(revoke))
}

/// A key as its owner sees it later.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: &'a KeyId,
    scope: Scope,
    label: Option<&'a str>,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    expires: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used: Option<OffsetDateTime>,
    state: KeyState,
    counts: bool,
}

impl<'a> Shown<'a> {
    fn of(record: &'a KeyRecord, now: OffsetDateTime) -> Self {
        Self {
            id: &record.key,
            scope: record.scope,
            label: record.label.as_deref(),
            created: record.created,
            expires: record.expires,
            last_used: record.last_used,
            state: record.state,
            counts: record.counts(now),
        }
    }
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let mut keys = app.stores().partners.accounts.keys(&caller.partner).await?;
    keys.sort_by_key(|key| key.created);
    let now = app.now();
    let items: Vec<_> = keys.iter().map(|key| Shown::of(key, now)).collect();
    Ok(body::answer(StatusCode::OK, &json!({ "items": items })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wish {
    scope: Scope,
    label: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    expires: Option<OffsetDateTime>,
    /// The key that this one takes the place of.
    supersedes: Option<KeyId>,
    /// How long that one still counts.
    #[serde(default, deserialize_with = "body::whole")]
    grace_hours: Option<u32>,
}

async fn create(State(app): State<App>, caller: Caller, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let wish: Wish = body::read(&headers, body).await?;
    let now = app.now();
    let grace = check(&wish, now).map_err(Problem::unprocessable)?;
    let superseded = wish.supersedes.as_ref().map(|key| Superseded { key, grace });
    let wanted = KeyWish { scope: wish.scope, label: wish.label, expires: wish.expires };
    let accounts = &app.stores().partners.accounts;
    let (key, record) = accounts.issue(&caller.partner, wanted, superseded, now).await?;
    let shown = |key: Option<&str>| {
        let mut shown = json!(Shown::of(&record, now));
        shown["key"] = json!(key);
        shown
    };
    let location = format!("/api/partners/{}/keys", caller.partner);
    let mut response = body::made(StatusCode::CREATED, &location, &shown(Some(key.reveal())));
    // A repeat of the request does not show it again.
    response.extensions_mut().insert(Kept(shown(None)));
    Ok(response)
}

/// How long the key that is replaced still counts.
fn check(wish: &Wish, now: OffsetDateTime) -> Result<Duration, Vec<FieldError>> {
    let mut errors = Vec::new();
    let is_label = |label: &str| label.chars().count() <= LABEL && !label.chars().any(char::is_control);
    if !wish.label.as_deref().is_none_or(is_label) {
        errors
            .push(FieldError::new("label", format!("must have at most {LABEL} characters and no control characters")));
    }
    if wish.expires.is_some_and(|expires| expires <= now) {
        errors.push(FieldError::new("expires", "must be in the future"));
    }
    if wish.grace_hours.is_some() && wish.supersedes.is_none() {
        errors.push(FieldError::new("graceHours", "is for a key that supersedes another"));
    }
    let grace = wish.grace_hours.map_or(GRACE, |hours| Duration::hours(hours.into()));
    if grace > LONGEST_GRACE {
        errors.push(FieldError::new("graceHours", format!("must be at most {}", LONGEST_GRACE.whole_hours())));
    }
    if errors.is_empty() { Ok(grace) } else { Err(errors) }
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Store(error) => error.into(),
            IssueError::NoSuchKey => {
                Self::unprocessable(vec![FieldError::new("supersedes", "is no key of yours that counts")])
            }
            IssueError::TooMany => {
                let detail =
                    format!("At most {MOST_KEYS} keys count at once; revoke one, or supersede one without grace.");
                Self::new(StatusCode::CONFLICT, detail).of_kind("too-many-keys")
            }
        }
    }
}

async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "There is no such key.");
    let id = KeyId::try_from(id).map_err(|_| missing())?;
    let now = app.now();
    let revoked = app.stores().partners.accounts.change_key(&caller.partner, &id, |record| record.revoked(now)).await?;
    revoked.map(|_| StatusCode::NO_CONTENT).ok_or_else(missing)
}
