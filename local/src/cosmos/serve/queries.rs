//! Queries of items, and their plans. What a query means is the query engine's; here is what it reads.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use contoso_cosmos_query::{ComputedBudget, Context, PageLimits, Parameters, Position, Query, QueryError, Resume, Row};
use http::{Response, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::cosmos::{
    data::{container::Container, item::Item, item_key::Interval, scan::Scan, scan_position::ScanPosition},
    serve::{
        feeds,
        paging::{self, CONTINUATION, ITEM_COUNT},
        scope::Scope,
        sessions,
    },
    store::account::Account,
    wire::{refusal::Refusal, request::Request, responses},
};

/// Characters of the longest query, as in "Azure Cosmos DB service quotas".
const LONGEST: usize = 512 << 10;

/// A query as its request states it.
pub(in crate::cosmos) struct Stated {
    pub(in crate::cosmos) query: Query,
    pub(in crate::cosmos) context: Context,
    resume: Option<Resume>,
}

impl Stated {
    /// # Errors
    /// 400 where it is no query that can be run.
    pub(in crate::cosmos) fn read(request: &Request, now: OffsetDateTime) -> Result<Self, Refusal> {
        let body: Value = contoso_json::from_slice(&request.body)
            .map_err(|error| Refusal::bad_request(format!("The body is no query that can be read: {error}.")))?;
        let text = body.get("query").and_then(Value::as_str);
        let text = text.ok_or_else(|| Refusal::bad_request("The body of a query has no member query."))?;
        check_length(text).map_err(|error| refused(&error))?;
        let query = Query::parse(text).map_err(|error| refused(&error))?;
        let parameters = Parameters::from_json(body.get("parameters")).map_err(|error| refused(&error))?;
        let seed = now.unix_timestamp_nanos().unsigned_abs() as u64;
        let resume = body.get("resumeFilter").filter(|filter| !filter.is_null()).map(Resume::from_filter);
        let resume = resume.transpose().map_err(|error| refused(&error))?;
        Ok(Self { query, context: Context { parameters, now, seed }, resume })
    }
}

/// Whether a query is not too long, in characters as .NET counts them.
fn check_length(text: &str) -> Result<(), QueryError> {
    let length = if text.len() > LONGEST { text.encode_utf16().count() } else { 0 };
    if length <= LONGEST {
        return Ok(());
    }
    let message = format!("The SQL query text exceeded the maximum limit of {LONGEST} characters.");
    Err(QueryError { code: "SC3020", message, location: Some((0, length)), more: Vec::new() })
}

/// A refusal in the form of the service's planner.
pub(in crate::cosmos) fn refused(error: &QueryError) -> Refusal {
    Refusal::query(error)
}

/// Answers a page of a query.
pub(in crate::cosmos) async fn answer(account: &Account, request: &Request) -> Response<Bytes> {
    match page(account, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.answer(request),
    }
}

async fn page(account: &Account, request: &Request) -> Result<Response<Bytes>, Refusal> {
    let name = request.container().ok_or_else(|| Refusal::bad_request("The path names no container."))?;
    let container = account.container(&name)?;
    let scope = Scope::of(request, &container)?;
    sessions::check(request, &container, scope.ranges(&container))?;
    let stated = Stated::read(request, account.clock().now())?;
    check_crossing(request, &container, &stated)?;
    let definition = container.definition();
    let order = stated.query.order_by_paths();
    definition.indexing.check(&order, &definition.computed.names()).map_err(Refusal::errors)?;
    let resume = paging::start(request)?.or_else(|| stated.resume.clone());
    let limits = paging::limits(request);
    let (of, interval) = (Arc::clone(&container), scope.interval.clone());
    // It may look at every document, so it has a thread of its own.
    let run = tokio::task::spawn_blocking(move || run(&of, interval, &stated, limits, resume.as_ref()));
    let (rows, next) = run.await.map_err(|error| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The query was interrupted: {error}."))
    })??;
    let mut response = feeds::documents(request, &container, &scope, &rows);
    if let Some(token) = next.as_ref().and_then(paging::token) {
        response.headers_mut().insert(CONTINUATION.clone(), token);
    }
    Ok(response)
}

/// Whether a query of several partition keys is meant to be one. One that is about a single key by its text needs no header.
fn check_crossing(request: &Request, container: &Container, stated: &Stated) -> Result<(), Refusal> {
    const SCOPED: [&str; 3] = ["x-ms-documentdb-partitionkey", "x-ms-documentdb-partitionkeyrangeid", "x-ms-start-epk"];
    let is_meant = request.header("x-ms-documentdb-query-enablecrosspartition");
    let is_meant = is_meant.is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if is_meant || SCOPED.iter().any(|name| request.headers.contains_key(*name)) {
        return Ok(());
    }
    let plan = stated.query.plan(&stated.context.parameters, &container.partition_key);
    let plan = plan.ok().and_then(|plan| serde_json::to_value(plan).ok()).unwrap_or_default();
    let ranges = plan["queryRanges"].as_array().map(Vec::as_slice).unwrap_or_default();
    if matches!(ranges, [only] if only["min"] == only["max"]) {
        return Ok(());
    }
    Err(Refusal::bad_request(
        "Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition to true, \
         specify x-ms-documentdb-partitionkey, or revise your query to avoid this exception.",
    ))
}

fn run(
    container: &Arc<Container>,
    interval: Interval,
    stated: &Stated,
    limits: PageLimits,
    resume: Option<&Resume>,
) -> Result<(Vec<String>, Option<Resume>), Refusal> {
    let now_millis = i64::try_from(stated.context.now.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX);
    let (mut after, mut first) = (None, None);
    if let Some(start) = resume.and_then(Resume::start) {
        let place = ScanPosition::read(&start.position.0).ok_or_else(paging::invalid)?;
        let state = container.state();
        let item = state.at(place).filter(|item| start.inclusive && interval.has(&item.key));
        let item = item.filter(|item| !state.expiry().is_over(item, now_millis));
        (after, first) = (Some(place), item.map(|item| (place, Arc::clone(item))));
    }
    let items = first.into_iter().chain(Scan::new(container, interval, after, now_millis));
    // As they were when the query saw them, in the order of their places: one written since may not be what it selects.
    let mut seen: Vec<(ScanPosition, Arc<Item>)> = Vec::new();
    let (definition, budget) = (container.definition(), ComputedBudget::new(limits));
    let computed = &definition.computed;
    let mut failed = None;
    let documents = items.map_while(|(place, item)| {
        let mut document = item.queried(container.id, place);
        seen.push((place, item));
        if !computed.is_empty() {
            failed = computed.add(document.value.to_mut(), &budget).err();
        }
        failed.is_none().then_some(document)
    });
    let page = stated.query.page(&stated.context, documents, limits, resume);
    let page = failed.map_or(page, Err).map_err(|error| refused(&error))?;
    let mut by_number: HashMap<u64, &Item> = HashMap::new();
    if !computed.is_empty() {
        by_number.extend(seen.iter().map(|(place, item)| (place.number, &**item)));
    }
    let persisted = |id: &str| by_number.get(&container.id.document_number(id)?).map(|item| item.value(container.id));
    let text = |row: Row| match row {
        Row::Value(mut value) => {
            if !computed.is_empty() {
                computed.remove(&mut value, &persisted);
            }
            Some(value.to_string())
        }
        Row::Document(Position(position)) => {
            let place = ScanPosition::read(&position)?;
            let found = seen.binary_search_by_key(&place, |(place, _)| *place).ok()?;
            seen.get(found).map(|(_, item)| item.whole(container.id))
        }
    };
    Ok((page.rows.into_iter().filter_map(text).collect(), page.next))
}

/// Answers what a client needs to run a query over several ranges.
pub(in crate::cosmos) fn plan(account: &Account, request: &Request) -> Response<Bytes> {
    let plan = || -> Result<Response<Bytes>, Refusal> {
        let name = request.container().ok_or_else(|| Refusal::bad_request("The path names no container."))?;
        let container = account.container(&name)?;
        let Stated { query, context, .. } = Stated::read(request, account.clock().now())?;
        let plan = query.plan(&context.parameters, &container.partition_key).map_err(|error| refused(&error))?;
        let body = serde_json::to_vec(&plan).unwrap_or_else(|_| json!({}).to_string().into());
        let mut response = responses::answer(request, StatusCode::OK, "1", body.into());
        response.headers_mut().insert(ITEM_COUNT.clone(), 1.into());
        Ok(response)
    };
    plan().unwrap_or_else(|refusal| refusal.answer(request))
}
