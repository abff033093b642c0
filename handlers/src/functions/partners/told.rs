//! `GET /api/partners/{partner}/notices`: what the partner was told about endpoints of its own, and about which it has no second address.

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use serde::{Deserialize, Serialize};

use super::{body::answer, caller::Caller, query};
use crate::{
    app::App,
    domain::partner::{SubscriptionName, subscription::without_second_address},
    http::{Problem, Query},
    stores::partners::notices::Entry,
};

const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;
/// A time, a kind and a name of a subscription, each at its longest.
const LONGEST_ID: usize = 20 + 1 + 9 + 1 + 40;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/partners/{partner}/notices", get(notices))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    limit: Option<String>,
    before: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NoticePage<'a> {
    items: Vec<Entry>,
    /// Address of the notices before these; null if there are none.
    next: Option<String>,
    /// Subscriptions of whose failure no other on another host would hear.
    without_second_address: Vec<&'a SubscriptionName>,
}

/// Whether a text has the form of an entry's id: twenty digits of a time, a kind, a name.
fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let Some((time, rest)) = text.split_once('-') else { return false };
    let is_time = time.len() == 20 && time.bytes().all(|byte| byte.is_ascii_digit());
    is_time && rest.contains('-') && text.len() <= LONGEST_ID && rest.bytes().all(allowed)
}

async fn notices(State(app): State<App>, caller: Caller, Query(wanted): Query<Wanted>) -> Result<Response, Problem> {
    let size = query::limit(wanted.limit.as_deref(), PAGE, LARGEST_PAGE)?;
    let before = wanted.before.as_deref();
    if before.is_some_and(|before| !is_id(before)) {
        return Err(Problem::field("before", "must be taken from the next address of a list"));
    }
    let store = &app.stores().partners;
    let (page, all) =
        tokio::try_join!(store.notices.page(&caller.partner, before, size), store.subscriptions.of(&caller.partner))?;
    let is_full = u32::try_from(page.items.len()).is_ok_and(|length| length == size.get());
    let last = page.items.last().filter(|_| is_full || page.continuation.is_some());
    let next = last.map(|last| format!("/api/partners/{}/notices?limit={size}&before={}", caller.partner, last.id));
    let without_second_address = without_second_address(&all);
    Ok(answer(StatusCode::OK, &NoticePage { items: page.items, next, without_second_address }))
}
