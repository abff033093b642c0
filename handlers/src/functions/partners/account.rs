//! `GET /api/partners/{partner}`: who the partner is; `GET …/audit`: what was done with its keys.

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{body::answer, caller::Caller, query};
use crate::{
    app::App,
    domain::partner::{
        PartnerName,
        api_key::{KeyId, Scope},
    },
    http::{Problem, Query},
    stores::partners::audit::Entry,
};

const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/partners/{partner}", get(account)).route("/api/partners/{partner}/audit", get(audit))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    partner: &'a PartnerName,
    name: &'a str,
    contact: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    /// The key of this request.
    key: &'a KeyId,
    scope: Scope,
}

async fn account(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let stored = app.stores().partners.accounts.account(&caller.partner).await?;
    let account = stored.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "The account is gone."))?.value;
    let shown = Shown {
        partner: &account.partner,
        name: &account.name,
        contact: &account.contact,
        created: account.created,
        key: &caller.key,
        scope: caller.scope,
    };
    Ok(answer(StatusCode::OK, &shown))
}

#[derive(Deserialize)]
struct AuditQuery {
    limit: Option<String>,
    before: Option<String>,
}

#[derive(Serialize)]
struct AuditPage {
    items: Vec<Entry>,
    /// Address of the entries before these; null if there are none.
    next: Option<String>,
}

async fn audit(State(app): State<App>, caller: Caller, Query(asked): Query<AuditQuery>) -> Result<Response, Problem> {
    let limit = query::limit(asked.limit.as_deref(), PAGE, LARGEST_PAGE)?;
    let before = asked.before.as_deref();
    if before.is_some_and(|before| {
        before.len() > 64 || !before.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
    }) {
        return Err(Problem::field("before", "must be taken from the next address of a list"));
    }
    let page = app.stores().partners.audit.page(&caller.partner, before, limit).await?;
    let is_full = u32::try_from(page.items.len()).is_ok_and(|length| length == limit.get());
    let last = page.items.last().filter(|_| is_full || page.continuation.is_some());
    let next = last.map(|last| format!("/api/partners/{}/audit?limit={limit}&before={}", caller.partner, last.id));
    Ok(answer(StatusCode::OK, &AuditPage { items: page.items, next }))
}
