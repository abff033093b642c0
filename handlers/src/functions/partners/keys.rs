//! `GET|POST /api/partners/{partner}/keys`, `DELETE …/keys/{id}`: a partner's API keys.
//!
//! A leak and a rotation differ: `DELETE` ends a key at once, a `POST` that names the key it supersedes leaves that one some time.

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{AppendHeaders, IntoResponse, Response},
    routing::{delete, get},
};
use serde::Serialize;
use serde_json::json;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{body, caller::Caller, members::Members, repeats::Kept};
use crate::{
    app::App,
    domain::{
        partner::api_key::{
            GRACE, KeyId, KeyRecord, KeyState, KeyWish, LONGEST_GRACE, LONGEST_LABEL, MOST_KEYS, Scope, is_label,
            writes_until,
        },
        product_body::FieldError,
    },
    http::{Path, Problem},
    stores::partners::{
        ending::Ended,
        issue::{IssueError, Superseded},
    },
};

/// Says in the answer to a revocation until when one of the keys that are left may write, where all of them end by themselves.
pub(super) const WRITE_UNTIL: HeaderName = HeaderName::from_static("x-contoso-write-until");

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
    Ok(body::answer(StatusCode::OK, &json!({ "items": items, "writeUntil": until(&keys, now) })))
}

/// When the partner's last key that may write ends by itself, so that nobody could write any more.
fn until(keys: &[KeyRecord], now: OffsetDateTime) -> Option<String> {
    writes_until(keys, now).and_then(|at| at.format(&Rfc3339).ok())
}

/// What a new key shall be.
struct Wish {
    key: KeyWish,
    /// The key that this one takes the place of.
    supersedes: Option<KeyId>,
    /// How long that one still counts.
    grace: Duration,
}

impl Wish {
    const FIELDS: [&'static str; 5] = ["scope", "label", "expires", "supersedes", "graceHours"];

    async fn read(headers: &HeaderMap, body: Body, now: OffsetDateTime) -> Result<Self, Problem> {
        let mut members = Members::of(headers, body, &Self::FIELDS).await?;
        members.require("scope", "must be read or write");
        let scope = members.one_of("scope", &[("read", Scope::Read), ("write", Scope::Write)]);
        let label = members.text("label");
        if !label.as_deref().is_none_or(is_label) {
            members.refuse("label", format!("must be a text of 1 to {LONGEST_LABEL} characters on one line"));
        }
        let expires = members.time("expires");
        if expires.is_some_and(|expires| expires <= now) {
            members.refuse("expires", "must be in the future");
        }
        let supersedes = members.parsed::<KeyId>("supersedes");
        let longest = u32::try_from(LONGEST_GRACE.whole_hours()).unwrap_or_default();
        let grace = members.whole("graceHours", 0..=longest);
        if grace.is_some() && supersedes.is_none() {
            members.refuse("graceHours", "is for a key that supersedes another");
        }
        members.end()?;
        let grace = grace.map_or(GRACE, |hours| Duration::hours(hours.into()));
        // It is required, so there is one here.
        let key = KeyWish { scope: scope.unwrap_or(Scope::Read), label, expires };
        Ok(Self { key, supersedes, grace })
    }
}

async fn create(State(app): State<App>, caller: Caller, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let now = app.now();
    let Wish { key: wanted, supersedes, grace } = Wish::read(&headers, body, now).await?;
    let superseded = supersedes.as_ref().map(|key| Superseded { key, grace, may_be_last: false });
    let accounts = &app.stores().partners.accounts;
    let (key, record) = accounts.issue(&caller.partner, wanted, superseded, now).await?;
    let write_until = until(&accounts.keys(&caller.partner).await?, now);
    let shown = |key: Option<&str>| {
        let mut shown = json!(Shown::of(&record, now));
        shown["key"] = json!(key);
        shown["writeUntil"] = json!(write_until);
        shown
    };
    let location = format!("/api/partners/{}/keys", caller.partner);
    let mut response = body::made(StatusCode::CREATED, &location, &shown(Some(key.reveal())));
    // A repeat of the request does not show it again.
    response.extensions_mut().insert(Kept::Instead(shown(None)));
    Ok(response)
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Store(error) => error.into(),
            IssueError::NoSuchKey => {
                Self::unprocessable(vec![FieldError::new("supersedes", "is no key of yours that counts")])
            }
            IssueError::LastToWrite => last_to_write(),
            IssueError::TooMany => {
                let detail = format!(
                    "At most {MOST_KEYS} keys may be valid at once. Revoke one, or name the one to replace in supersedes and set graceHours to 0."
                );
                Self::new(StatusCode::CONFLICT, detail).of_kind("too-many-keys")
            }
        }
    }
}

async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "There is no such key.");
    let id = KeyId::try_from(id).map_err(|_| missing())?;
    let now = app.now();
    let accounts = &app.stores().partners.accounts;
    match accounts.end_key(&caller.partner, &id, now, |record| record.revoked(now)).await {
        Ok(Ended::Changed) => {}
        Ok(Ended::NoSuchKey) => return Err(missing()),
        Ok(Ended::LastToWrite) => return Err(last_to_write()),
        Err(error) if error.is_lost_race() => {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Others change your keys just now; try again.");
            return Err(problem.with_header(RETRY_AFTER, HeaderValue::from_static("1")));
        }
        Err(error) => return Err(error.into()),
    }
    // Those that are left may end by themselves, and nobody else says so.
    let until = until(&accounts.keys(&caller.partner).await?, now);
    let until = until.and_then(|until| HeaderValue::try_from(until).ok()).map(|until| (WRITE_UNTIL, until));
    Ok((StatusCode::NO_CONTENT, AppendHeaders(until)).into_response())
}

fn last_to_write() -> Problem {
    let detail = "This is your last key that may write. Make another first; after a leak, one that supersedes it with graceHours 0, which ends \
                  it at once.";
    Problem::new(StatusCode::CONFLICT, detail).of_kind("last-write-key")
}
