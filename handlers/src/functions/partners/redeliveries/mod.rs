//! `…/subscriptions/{subscription}/redeliveries`: events once more, as jobs that `PartnerRedelivery` works on; and one event alone.

mod failed;
pub(super) mod plan;
mod preview;
mod resend;
mod shown;

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use self::{
    plan::{Plan, accepted, made_before},
    shown::Shown,
};
use super::{body, caller::Caller, found::find, query, repeats::Repeat, spellings::PREVIEW};
use crate::{
    app::App,
    domain::partner::{
        PartnerName,
        redelivery::{FailureLog, Job, Only},
    },
    http::{Path, Problem, Query},
};

/// Jobs in an answer, if nothing is said, and at most.
const PAGE: u32 = 20;
const MOST_IN_PAGE: u32 = 100;

const ONE: &str = "/api/partners/{partner}/subscriptions/{subscription}";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(&format!("{ONE}/redeliveries"), get(list).post(create))
        .route(&format!("{ONE}/redeliveries/{{job}}"), get(read).delete(cancel))
}

/// Those that read captured files while the caller waits.
pub(super) fn reading_routes() -> Router<App> {
    let previews = PREVIEW
        .iter()
        .fold(Router::new(), |router, end| router.route(&format!("{ONE}/redeliveries{end}"), post(preview::preview)));
    previews.route(&format!("{ONE}/events/{{event}}/resend"), post(resend::resend))
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let subscription = find(&app, &caller.partner, name).await?.value;
    let path = format!("/api/partners/{}/subscriptions/{}/redeliveries", caller.partner, subscription.name);
    let repeat = Repeat::of(&headers, &path)?;
    if let Some(job) = made_before(&app, &subscription, repeat.as_ref()).await? {
        return Ok(accepted(&job));
    }
    let plan = Plan::of(&app, subscription, &headers, body).await?;
    if plan.is_empty() {
        let detail = match (&plan.request.only, plan.log) {
            (Only::Failed, Some(FailureLog { without_id: 1.., .. })) => {
                "The log has failed deliveries of that time, and tells of none which event it was; ask for all."
            }
            (Only::Failed, _) => "The log has no failed deliveries of that time so far; it comes minutes behind.",
            _ => "The subscription has no gap in that time.",
        };
        return Err(Problem::new(StatusCode::CONFLICT, detail).of_kind("nothing-to-redeliver"));
    }
    Ok(accepted(&plan.store(&app, repeat.as_ref()).await?))
}

#[derive(Deserialize)]
struct Paging {
    before: Option<String>,
    limit: Option<String>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path((_, name)): Path<(String, String)>,
    Query(Paging { before, limit }): Query<Paging>,
) -> Result<Response, Problem> {
    let limit = query::limit(limit.as_deref(), PAGE, MOST_IN_PAGE)?;
    let subscription = find(&app, &caller.partner, name).await?.value;
    let store = &app.stores().partners.redeliveries;
    let jobs = store.of(&caller.partner, &subscription.name, before.as_deref(), limit).await?;
    let next = jobs.last().filter(|_| jobs.len() == limit.get() as usize).map(|job| job.id.clone());
    let items: Vec<_> = jobs.iter().map(Shown::of).collect();
    let mut answer = json!({ "items": items });
    if let Some(next) = next {
        answer["next"] = json!(next);
    }
    Ok(body::answer(StatusCode::OK, &answer))
}

async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((_, name, id)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let job = job(&app, &caller.partner, &name, &id).await?;
    Ok(body::answer(StatusCode::OK, &Shown::of(&job)))
}

async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path((_, name, id)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let found = job(&app, &caller.partner, &name, &id).await?;
    let now = app.now();
    let store = &app.stores().partners.redeliveries;
    let changed = store.change(&caller.partner, &found.id, |job| job.cancel(now)).await?;
    let Some(cancelled) = changed else {
        let detail = "The redelivery has ended; there is nothing to cancel.";
        return Err(Problem::new(StatusCode::CONFLICT, detail).of_kind("redelivery-ended"));
    };
    Ok(body::answer(StatusCode::OK, &Shown::of(&cancelled)))
}

/// A job of one of the caller's subscriptions.
async fn job(app: &App, partner: &PartnerName, subscription: &str, id: &str) -> Result<Job, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "There is no such redelivery of yours.");
    // What is beside the jobs has other ids.
    if !id.starts_with("rd-") || id.contains('.') || id.len() > 100 {
        return Err(missing());
    }
    let stored = app.stores().partners.redeliveries.read(partner, id).await?;
    stored.map(|stored| stored.value).filter(|job| job.subscription.as_str() == subscription).ok_or_else(missing)
}
