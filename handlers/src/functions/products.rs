//! `Products`: staff read and change the catalogue.
//!
//! Triggered by HTTP: `GET|PUT|PATCH|DELETE /api/products/{id}`, with a function key.
//!
//! Promises: a product is stored whole and valid or not at all. Its ETag is its version, which grows with each effective change, and
//! `If-Match` and `If-None-Match` are obeyed: without them, the last of two writers wins, and none is lost halfway. A malformed
//! request gets 400 naming each field at fault.
//!
//! A second delivery of the same request finds the product as wanted, and changes nothing: same version, no event.

use std::time::Duration;

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, ETAG},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use rand::Rng as _;
use serde::Deserialize;

use crate::{
    app::App,
    azure::cosmos::CosmosError,
    clock,
    domain::{
        catalogue::{Command, Decision, Refusal, decide},
        preconditions::Preconditions,
        product::{Product, ProductId, Reason},
        product_body,
        trace_context::TraceContext,
    },
    function::{Function, Trigger},
    http::{Cause, Path, Problem, Query, json_body, preconditions, quoted},
    stores::catalogue::Catalogue,
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("Products", Trigger::Http { router });

/// The longest texts, each character escaped, fit well.
const MAX_BODY: usize = 256 * 1024;

/// Lost races in a row after which the caller has to decide.
const MAX_RACES: u32 = 12;

/// Longest pause after the first lost race; it doubles with each of the next ones.
const PAUSE_MILLIS: u64 = 4;

fn router(app: App) -> Router {
    let methods = get(read).put(put).patch(patch).delete(discontinue);
    Router::new().route("/api/products/{id}", methods).with_state(app)
}

async fn read(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let id = product_id(id)?;
    let preconditions = preconditions(&headers).unwrap_or_default();
    let stored = app.stores().catalogue.read(&id).await?;
    let Some(product) = stored.map(|stored| stored.value) else { return Err(Refusal::Missing(id).into()) };
    let status =
        if preconditions.is_fresh(&product.version.to_string()) { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    Ok(answer(status, &product))
}

async fn put(
    State(app): State<App>,
    Path(id): Path<String>,
    cause: Cause,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = product_id(id)?;
    let preconditions = preconditions(&headers)?;
    let body = json_body(&headers, body, &["application/json"], MAX_BODY).await?;
    let content = product_body::parse(&body, &id).map_err(Problem::fields)?;
    run(&app, &id, &Command::Put(content), &preconditions, cause).await
}

async fn patch(
    State(app): State<App>,
    Path(id): Path<String>,
    cause: Cause,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = product_id(id)?;
    let preconditions = preconditions(&headers)?;
    let accepted = ["application/merge-patch+json", "application/json"];
    let patch = json_body(&headers, body, &accepted, MAX_BODY).await?;
    run(&app, &id, &Command::Patch(patch), &preconditions, cause).await
}

#[derive(Deserialize)]
struct Discontinuing {
    reason: Option<String>,
}

async fn discontinue(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<Discontinuing>,
    cause: Cause,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = product_id(id)?;
    let reason = query.reason.map(Reason::try_from).transpose().map_err(|error| Problem::field("reason", error))?;
    run(&app, &id, &Command::Discontinue { reason }, &preconditions(&headers)?, cause).await
}

/// Decides and stores, again if another writer was there in between.
async fn run(
    app: &App,
    id: &ProductId,
    command: &Command,
    preconditions: &Preconditions,
    Cause(trace): Cause,
) -> Result<Response, Problem> {
    let catalogue = &app.stores().catalogue;
    for race in 0..MAX_RACES {
        if race > 0 {
            // Jitter, so that those who met do not meet again.
            let pause = rand::rng().random_range(0..=PAUSE_MILLIS << race.min(5));
            clock::pause(Duration::from_millis(pause)).await;
        }
        let stored = catalogue.read(id).await?;
        let (current, etag) = stored.map(|stored| (stored.value, stored.etag)).unzip();
        // Nothing is taken for our own write whose answer got lost: another caller may have sent the same. Without a
        // condition it is found to change nothing; with one the caller hears 412 and reads again.
        let decision = decide(id, current.as_ref(), command, preconditions, app.now())?;
        match store(catalogue, &decision, etag.as_deref(), trace.as_ref()).await {
            Ok(()) => return Ok(done(&decision)),
            Err(error) if error.is_lost_race() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::new(StatusCode::CONFLICT, format!("Product {id} is being changed by others; send the request again.")))
}

async fn store(
    catalogue: &Catalogue,
    decision: &Decision,
    etag: Option<&str>,
    trace: Option<&TraceContext>,
) -> Result<(), CosmosError> {
    let (Decision::Create(product) | Decision::Replace(product)) = decision else { return Ok(()) };
    catalogue.write(product, etag, trace).await
}

fn wanted(decision: &Decision) -> &Product {
    let (Decision::Create(product) | Decision::Replace(product) | Decision::Unchanged(product)) = decision;
    product
}

fn done(decision: &Decision) -> Response {
    let product = wanted(decision);
    let status = match decision {
        Decision::Create(_) => StatusCode::CREATED,
        _ if product.is_discontinued() => StatusCode::NO_CONTENT,
        _ => StatusCode::OK,
    };
    answer(status, product)
}

fn answer(status: StatusCode, product: &Product) -> Response {
    let headers =
        [(ETAG, quoted(&product.version.to_string())), (CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
    match status {
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => (status, headers).into_response(),
        _ => (status, headers, Json(product)).into_response(),
    }
}

fn product_id(id: String) -> Result<ProductId, Problem> {
    ProductId::try_from(id).map_err(|error| Problem::field("id", error))
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::Missing(_) => Self::new(StatusCode::NOT_FOUND, detail),
            Refusal::Precondition { version, .. } => {
                let problem = Self::new(StatusCode::PRECONDITION_FAILED, detail);
                match version {
                    Some(version) => problem.with_header(ETAG, quoted(&version.to_string())),
                    None => problem,
                }
            }
            Refusal::Discontinued(_) => Self::new(StatusCode::CONFLICT, detail),
            Refusal::Invalid(errors) => Self::fields(errors),
        }
    }
}
