//! Requests that come again: a `POST` with an `Idempotency-Key` has one effect and one answer, kept for two days.
//!
//! What had no effect is not kept, so that a mended request may use the same key. A request whose process died is taken over by the
//! next one with its key; handlers find what it did.

use std::future::Future;

use axum::{
    body::{Body, to_bytes},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde_json::Value;
use time::Duration;
use uuid::Uuid;

use crate::{
    app::App,
    azure::cosmos::CosmosError,
    domain::partner::{
        PartnerName,
        idempotency::{Fingerprint, IdempotencyKey},
    },
    http::Problem,
    outcome::Cause,
    stores::partners::requests::{Answer, Request},
};

const KEY: &str = "idempotency-key";
pub(in crate::functions) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long a request may run before another takes over.
const LONGEST: Duration = Duration::minutes(5);

/// The largest answer that is kept.
const MAX_ANSWER: usize = 256 * 1024;

/// What is kept of an answer that is not to be given again as it is.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// Another body, where that of the answer has what is shown once.
    Instead(Value),
    /// Nothing but that there was one: the handler answers anew, by what it made. It sees [`Again`].
    Anew,
}

/// Tells a handler that the request ran before and made what it makes: it makes nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Again;

/// Says of a successful answer that it is not kept: nothing was done, and a mended request may have the same key; or not all was, and
/// the same request is to come again.
#[derive(Clone, Copy, Debug)]
pub(in crate::functions) struct NotKept;

/// The key of a request, if it has one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::field("Idempotency-Key", "came twice"));
    }
    let key = value.to_str().map_err(|_| Problem::field("Idempotency-Key", "is not ASCII"))?;
    IdempotencyKey::parse(key).map(Some).map_err(|error| Problem::field("Idempotency-Key", error))
}

/// What names the things that a request makes: the same for each try with its key, so that the next finds what one made whose process died.
pub(super) struct Repeat(String);

impl Repeat {
    /// Of a `POST` to `path`; `None` without a key.
    pub(super) fn of(headers: &HeaderMap, path: &str) -> Result<Option<Self>, Problem> {
        Ok(key(headers)?.map(|key| Self(key.document("POST", path))))
    }

    /// 16 hexadecimal digits.
    pub(super) fn short(&self) -> &str {
        self.0.get(..16).unwrap_or(&self.0)
    }

    /// The same as a UUID.
    pub(super) fn uuid(&self) -> Option<Uuid> {
        self.0.get(..32).and_then(|digits| Uuid::try_parse(digits).ok())
    }
}

/// Runs a request, unless it ran: then its answer comes again.
pub(super) async fn once<R: Future<Output = Response>>(
    app: &App,
    partner: &PartnerName,
    key: &IdempotencyKey,
    path: &str,
    body: &[u8],
    run: impl FnOnce(Option<Again>) -> R,
) -> Result<Response, Problem> {
    let fingerprint = if body.trim_ascii().is_empty() {
        Fingerprint::of(None)
    } else {
        match contoso_json::unique(body) {
            Ok(body) => Fingerprint::of(Some(&body)),
            // The handler says what is wrong, and does nothing.
            Err(_) => return Ok(run(None).await),
        }
    };
    let id = key.document("POST", path);
    let request = Request { id, partner: partner.clone(), fingerprint, began: app.now(), answer: None };
    let etag = match begin(app, &request).await? {
        Begun::Now(etag) => etag,
        Begun::Before(answer) if answer.anew => {
            let mut response = run(Some(Again)).await;
            if response.status().is_success() {
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            }
            return Ok(response);
        }
        Begun::Before(answer) => return Ok(replayed(answer)),
    };
    let response = run(None).await;
    keep(app, request, &etag, response).await
}

enum Begun {
    /// The request runs now.
    Now(String),
    /// It ran, and this was the answer.
    Before(Answer),
}

async fn begin(app: &App, request: &Request) -> Result<Begun, Problem> {
    let requests = &app.stores().partners.requests;
    match requests.begin(request).await {
        Ok(etag) => return Ok(Begun::Now(etag)),
        Err(error) if error.is_lost_race() => {}
        Err(error) => return Err(error.into()),
    }
    // Gone again: it ended without effect in between.
    let Some(stored) = requests.read(&request.partner, &request.id).await? else { return Err(runs()) };
    // Before the question whether it runs: the caller is wrong about the key in either case.
    if stored.value.fingerprint != request.fingerprint {
        let problem = Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "This Idempotency-Key was used for a request with another body; a new request needs a new key.",
        );
        return Err(problem.of_kind("idempotency-key-reused"));
    }
    match stored.value.answer {
        Some(answer) => Ok(Begun::Before(answer)),
        None if request.began - stored.value.began < LONGEST => Err(runs()),
        None => match requests.replace(request, &stored.etag).await {
            Ok(etag) => Ok(Begun::Now(etag)),
            Err(error) if error.is_lost_race() => Err(runs()),
            Err(error) => Err(error.into()),
        },
    }
}

fn runs() -> Problem {
    let problem = Problem::new(StatusCode::CONFLICT, "A request with this Idempotency-Key is still running; wait.");
    problem.of_kind("still-running").with_header(RETRY_AFTER, HeaderValue::from_static("1"))
}

/// Keeps an answer of a request that had an effect.
async fn keep(app: &App, request: Request, etag: &str, response: Response) -> Result<Response, Problem> {
    let requests = &app.stores().partners.requests;
    let status = response.status();
    // Redirects are not answered here. What was refused had no effect, and what broke may have had one that the next try finds.
    if !status.is_success() || response.extensions().get::<NotKept>().is_some() {
        told(requests.forget(&request, etag).await);
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_ANSWER).await.map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The answer cannot be kept: {error}."))
    })?;
    let kept = parts.extensions.get::<Kept>();
    let body = match kept {
        Some(Kept::Instead(body)) => body.clone(),
        Some(Kept::Anew) => Value::Null,
        None if bytes.is_empty() => Value::Null,
        None => contoso_json::from_slice(&bytes).unwrap_or_default(),
    };
    let location = parts.headers.get(LOCATION).and_then(|location| location.to_str().ok()).map(str::to_owned);
    let anew = matches!(kept, Some(Kept::Anew));
    let answer = Answer { status: status.as_u16(), location, body, anew };
    told(requests.replace(&Request { answer: Some(answer), ..request }, etag).await.map(drop));
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replayed(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = [(REPLAYED, HeaderValue::from_static("true")), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let location = answer.location.and_then(|location| HeaderValue::try_from(location).ok());
    let location = axum::response::AppendHeaders(location.map(|location| (LOCATION, location)));
    match answer.body {
        Value::Null => (status, headers, location).into_response(),
        body => (status, headers, location, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response(),
    }
}

/// The request was served; that its answer is not kept costs the next one its replay.
fn told(written: Result<(), CosmosError>) {
    if let Err(error) = written {
        tracing::warn!(cause = Cause::from_error("keep a partner's answer", error).chain(), "not kept");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_try_of_a_request_names_what_it_makes_alike() {
        let headers =
            |key: &'static str| HeaderMap::from_iter([(HeaderName::from_static(KEY), HeaderValue::from_static(key))]);
        let of = |key, path| Repeat::of(&headers(key), path).ok().flatten().expect("a key");
        let (one, again) = (of("k-1", "/a"), of("\"k-1\"", "/a"));
        assert!(one.short() == again.short() && one.short().len() == 16 && one.uuid().is_some());
        assert_eq!(one.uuid(), again.uuid());
        for other in [of("k-2", "/a"), of("k-1", "/b")] {
            assert!(one.short() != other.short() && one.uuid() != other.uuid());
        }
        assert!(Repeat::of(&HeaderMap::new(), "/a").ok().flatten().is_none());
    }
}
