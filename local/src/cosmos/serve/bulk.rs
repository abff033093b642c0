//! Bulk: operations in one request, each of which stands alone, on one partition key or many.
//!
//! The JavaScript client sends them per partition key range as a batch that is not atomic. Each operation takes the way of a
//! request of its own.

use bytes::Bytes;
use contoso_json::Object;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::cosmos::{
    data::document::Document,
    serve::batch::{MOST_ANSWERED, with_document},
    wire::{
        refusal::Refusal,
        request::{PARTITION_KEY, Request, encode},
        responses::{self, SESSION_TOKEN, SUBSTATUS},
    },
};

static UPSERT: HeaderName = HeaderName::from_static("x-ms-documentdb-is-upsert");

/// Operations of one request, as in the service.
const MOST: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    operation_type: String,
    /// A JSON array, as in the header of a single request; that of the request where an operation has none.
    partition_key: Option<String>,
    id: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    resource_body: Option<Box<RawValue>>,
}

/// A bulk request under way: its operations one after the other, and their results so far.
pub(in crate::cosmos) struct Bulk<'a> {
    request: &'a Request,
    waiting: std::vec::IntoIter<Object<Operation>>,
    /// Goes on after an operation that failed.
    goes_on: bool,
    failed: bool,
    /// The operation under way reads.
    reads: bool,
    /// Each a JSON text.
    results: Vec<String>,
    /// Bytes of the documents in the results.
    bytes: usize,
    /// Request units.
    charge: f64,
    session: Option<HeaderValue>,
}

impl<'a> Bulk<'a> {
    /// # Errors
    /// What is wrong with `request` as a whole.
    pub(in crate::cosmos) fn of(request: &'a Request) -> Result<Self, String> {
        let operations: Vec<Object<Operation>> =
            contoso_json::from_slice(&request.body).map_err(|error| format!("Invalid batch JSON body: {error}."))?;
        if operations.len() > MOST {
            return Err(format!("A bulk request cannot exceed {MOST} operations."));
        }
        let goes_on = request
            .header("x-ms-cosmos-batch-continue-on-error")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let results = Vec::with_capacity(operations.len());
        let waiting = operations.into_iter();
        Ok(Self {
            request,
            waiting,
            goes_on,
            failed: false,
            results,
            reads: false,
            bytes: 0,
            charge: 0.0,
            session: None,
        })
    }

    /// The request that the next operation stands for; none where nothing is left to do.
    pub(in crate::cosmos) fn next(&mut self) -> Option<Request> {
        while let Some(Object(operation)) = self.waiting.next() {
            if self.failed && !self.goes_on {
                self.results.push(result(StatusCode::FAILED_DEPENDENCY, &HeaderMap::new(), 0.0, &[]));
                continue;
            }
            match single(self.request, &operation) {
                Ok(single) => {
                    self.reads = single.method == Method::GET;
                    return Some(single);
                }
                Err(message) => self.add(&responses::bad_request(self.request, message)),
            }
        }
        None
    }

    /// The answer to what [`next`](Self::next) gave last.
    pub(in crate::cosmos) fn add(&mut self, response: &Response<Bytes>) {
        self.failed |= !response.status().is_success();
        let (headers, body) = (response.headers(), response.body());
        let charge = headers.get("x-ms-request-charge").and_then(|charge| charge.to_str().ok()?.parse().ok());
        let charge: f64 = charge.unwrap_or(0.0);
        self.charge += charge;
        self.session = headers.get(&SESSION_TOKEN).cloned().or(self.session.take());
        let fits = self.bytes + body.len() <= MOST_ANSWERED;
        self.bytes += if fits { body.len() } else { 0 };
        let result = match response.status() {
            // What was written stays written; its document is left out.
            status if status.is_success() && self.reads && !fits => {
                self.failed = true;
                let refusal = Refusal::answer_too_large().answer(self.request);
                result(refusal.status(), refusal.headers(), charge, refusal.body())
            }
            status if !fits => result(status, headers, charge, &[]),
            status => result(status, headers, charge, body),
        };
        self.results.push(result);
    }

    /// The answer to the whole: 200 where everything was done, else 207.
    pub(in crate::cosmos) fn answer(self) -> Response<Bytes> {
        let status = if self.failed { StatusCode::MULTI_STATUS } else { StatusCode::OK };
        let body = format!("[{}]", self.results.join(",")).into();
        let mut response = responses::charged(self.request, status, self.charge, body);
        if let Some(session) = self.session {
            response.headers_mut().insert(SESSION_TOKEN.clone(), session);
        }
        response
    }
}

/// The request that `operation` stands for.
fn single(request: &Request, operation: &Operation) -> Result<Request, &'static str> {
    let body = operation.resource_body.as_ref().map(|body| Bytes::copy_from_slice(body.get().as_bytes()));
    let id = || {
        let of_body = || Some(Document::read(body.as_ref()?).ok()?.id);
        let id = operation.id.clone().or_else(of_body);
        id.map(|id| format!("{}/{}", request.path, encode(&id))).ok_or("An operation has no id.")
    };
    let (method, path) = match operation.operation_type.as_str() {
        "Create" | "Upsert" => (Method::POST, request.path.clone()),
        "Replace" => (Method::PUT, id()?),
        "Patch" => (Method::PATCH, id()?),
        "Read" => (Method::GET, id()?),
        "Delete" => (Method::DELETE, id()?),
        _ => return Err("An operation is none of Create, Upsert, Replace, Patch, Read and Delete."),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (PARTITION_KEY.clone(), operation.partition_key.as_deref().or(request.header(&PARTITION_KEY))),
        (header::IF_MATCH, operation.if_match.as_deref()),
        (header::IF_NONE_MATCH, operation.if_none_match.as_deref()),
    ] {
        if let Some(value) = value {
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| "A value is not fit for a header.")?;
            headers.insert(name, value);
        }
    }
    if operation.operation_type == "Upsert" {
        headers.insert(UPSERT.clone(), HeaderValue::from_static("true"));
    }
    Ok(Request::new(method, &path, headers, body.unwrap_or_default()))
}

/// A result as JSON text. The body of a success is JSON text already.
fn result(status: StatusCode, headers: &HeaderMap, charge: f64, body: &[u8]) -> String {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let mut result = Map::from_iter([
        ("statusCode".to_owned(), status.as_u16().into()),
        ("requestCharge".to_owned(), charge.into()),
    ]);
    if let Some(substatus) = text(&SUBSTATUS).and_then(|substatus| substatus.parse::<u32>().ok()) {
        result.insert("subStatusCode".to_owned(), substatus.into());
    }
    if let Some(etag) = text(&header::ETAG) {
        result.insert("eTag".to_owned(), etag.into());
    }
    if status.is_success() {
        return with_document(result, std::str::from_utf8(body).ok());
    }
    if let Ok(body) = contoso_json::from_slice::<Value>(body) {
        result.insert("message".to_owned(), body.get("message").cloned().unwrap_or_default());
    }
    with_document(result, None)
}
