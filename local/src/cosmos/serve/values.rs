//! Lists of what is no item: databases, containers, offers, read or queried page by page.

use std::borrow::Cow;

use bytes::Bytes;
use contoso_cosmos_query::{Document, Position, Row};
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::cosmos::{
    serve::{
        paging::{self, CONTINUATION, ITEM_COUNT},
        queries::{Stated, refused},
    },
    wire::{refusal::Refusal, request::Request, responses},
};

/// A page of `all`, of which those that the request's query selects where it has one. `member` is what the list is called, `rid`
/// the resource id of what they are in.
pub(in crate::cosmos) fn list(
    request: &Request,
    member: &str,
    rid: &str,
    all: Vec<Value>,
    now: OffsetDateTime,
) -> Response<Bytes> {
    let list = || -> Result<Response<Bytes>, Refusal> {
        let position = |value: &Value| Position(value["_rid"].as_str().unwrap_or_default().as_bytes().to_vec());
        let mut all: Vec<(Position, Value)> = all.into_iter().map(|value| (position(&value), value)).collect();
        all.sort_by(|(left, _), (right, _)| left.cmp(right));
        let query = if request.method == Method::POST {
            request.body.clone()
        } else {
            json!({ "query": "SELECT * FROM c" }).to_string().into()
        };
        let stated = Stated::read(&request.with_body(query), now)?;
        let resume = paging::start(request)?;
        let start = resume.as_ref().and_then(|resume| resume.start());
        let is_left = |position: &Position| match start {
            None => true,
            Some(start) if start.inclusive => position >= start.position,
            Some(start) => position > start.position,
        };
        let documents = all.iter().filter(|(position, _)| is_left(position));
        let documents =
            documents.map(|(position, value)| Document { position: position.clone(), value: Cow::Borrowed(value) });
        let limits = paging::limits(request);
        let page =
            stated.query.page(&stated.context, documents, limits, resume.as_ref()).map_err(|error| refused(&error))?;
        let row = |row: Row| match row {
            Row::Value(value) => Some(value),
            Row::Document(found) => all.iter().find(|(position, _)| *position == found).map(|(_, value)| value.clone()),
        };
        let rows: Vec<Value> = page.rows.into_iter().filter_map(row).collect();
        let count = rows.len();
        let body = json!({ "_rid": rid, member: rows, "_count": count }).to_string();
        let mut response = responses::answer(request, StatusCode::OK, "1", body.into());
        response.headers_mut().insert(ITEM_COUNT.clone(), count.into());
        if let Some(token) = page.next.as_ref().and_then(paging::token) {
            response.headers_mut().insert(CONTINUATION.clone(), token);
        }
        Ok(response)
    };
    list().unwrap_or_else(|refusal| refusal.answer(request))
}

/// One resource, with its ETag.
pub(in crate::cosmos) fn one(request: &Request, status: StatusCode, resource: &Value) -> Response<Bytes> {
    let mut response = responses::answer(request, status, "1", resource.to_string().into());
    if let Some(etag) = resource["_etag"].as_str().and_then(|etag| etag.parse().ok()) {
        response.headers_mut().insert(http::header::ETAG, etag);
    }
    response
}
