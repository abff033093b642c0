//! Sales: the totals of a day, what became of each file, and the bad lines of one.

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    response::Response,
    routing::get,
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Iso8601};

use crate::{
    app::App,
    domain::sales::report::Report,
    http::{Audience, Path, Problem, Query, cacheable_for},
    outcome::Cause,
};

/// Files of one list.
const MOST_FILES: usize = 1_000;

/// Bytes of a file's name.
const LONGEST_NAME: usize = 800;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/ops/sales/days/{day}", get(day))
        .route("/api/ops/sales/files", get(files))
        .route("/api/ops/sales/report", get(report))
        .route("/api/ops/sales/bad-lines", get(bad_lines))
}

/// The files of which there are reports.
#[derive(Serialize)]
struct Files {
    files: Vec<FileOf>,
    /// Whether there are more.
    truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileOf {
    file: String,
    #[serde(with = "time::serde::rfc3339::option")]
    reported_at: Option<OffsetDateTime>,
}

/// Which file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    file: String,
}

async fn day(State(app): State<App>, Path(day): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let is_day = day.len() == 10 && time::Date::parse(&day, &Iso8601::DATE).is_ok();
    if !is_day {
        return Err(Problem::field("day", "must be a date such as 2010-12-01"));
    }
    match app.stores().sales_days.totals(&day).await? {
        Some(totals) => cacheable_for(Audience::One, &totals, &headers),
        None => Err(Problem::new(StatusCode::NOT_FOUND, format!("no sales of {day} are known"))),
    }
}

async fn files(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut listed = app.stores().sales_files.reports(MOST_FILES + 1).await.map_err(unavailable)?;
    let truncated = listed.len() > MOST_FILES;
    listed.truncate(MOST_FILES);
    let file =
        |name: &str| name.strip_prefix("reports/").and_then(|name| name.strip_suffix(".json")).map(str::to_owned);
    let files = listed
        .into_iter()
        .filter_map(|entry| Some(FileOf { file: file(&entry.name)?, reported_at: entry.last_modified }));
    cacheable_for(Audience::One, &Files { files: files.collect(), truncated }, &headers)
}

async fn report(State(app): State<App>, Query(named): Query<Named>, headers: HeaderMap) -> Result<Response, Problem> {
    let file = checked(&named)?;
    match app.stores().sales_files.report::<Report>(file).await.map_err(unavailable)? {
        Some(report) => cacheable_for(Audience::One, &report.value, &headers),
        None => Err(unknown(file)),
    }
}

async fn bad_lines(State(app): State<App>, Query(named): Query<Named>) -> Result<Response, Problem> {
    let file = checked(&named)?;
    let Some(csv) = app.stores().sales_files.bad_lines(file).await.map_err(unavailable)? else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "no line of this file is bad, or no such file was read"));
    };
    let mut response = Response::new(Body::from(csv));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"bad-lines.csv\""));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

fn checked(Named { file }: &Named) -> Result<&str, Problem> {
    if file.is_empty() || file.len() > LONGEST_NAME || file.chars().any(char::is_control) {
        return Err(Problem::field("file", "must be the name of a file, of 1 to 800 bytes"));
    }
    Ok(file)
}

fn unknown(file: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("no file {file} was read"))
}

fn unavailable(cause: Cause) -> Problem {
    tracing::warn!(cause = cause.chain(), "sales files cannot be read");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Sales files cannot be read just now; try again.")
}
