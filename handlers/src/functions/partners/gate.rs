//! The gate: every request of a partner passes here. It finds out who calls and whether it may, bounds how much, keeps the answers of
//! requests that may come again, and writes the audit log.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::AUTHORIZATION, header::RETRY_AFTER},
    middleware::Next,
    response::{AppendHeaders, IntoResponse, Response},
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use time::OffsetDateTime;
use tracing::Instrument;

use super::{caller::Caller, listeners, query, repeats, spellings::PREVIEW};
use crate::{
    app::App,
    azure::cosmos::CosmosError,
    domain::partner::{
        PartnerName,
        api_key::{ApiKey, KeyId, KeyRecord, KeyRefusal, KeyState},
    },
    http::{Problem, check_uncompressed},
    outcome::Cause,
    stores::partners::audit::Entry,
};

/// Where a key may be beside `Authorization: Bearer`.
const KEY: &str = "x-contoso-key";
/// Says in an answer that the key was replaced, and until when it counts.
pub(in crate::functions) const SUPERSEDED: HeaderName = HeaderName::from_static("x-contoso-key-superseded");
/// Says in an answer when the key ends by itself, in the days before.
pub(super) const EXPIRES: HeaderName = HeaderName::from_static("x-contoso-key-expires");

/// Requests of one key in the long run, and at once.
const PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// What the gate asks.
#[derive(Clone)]
pub(in crate::functions) struct Gate(Arc<Parts>);

struct Parts {
    app: App,
    /// The largest body of a request.
    max_body: usize,
    allowances: DefaultKeyedRateLimiter<KeyId>,
    /// Refusals that are noted: whoever goes on with a key that was revoked must not fill the audit log.
    refusals: DefaultKeyedRateLimiter<KeyId>,
    clock: DefaultClock,
}

impl Gate {
    pub(in crate::functions) fn new(app: App, max_body: usize) -> Self {
        let allowances = RateLimiter::keyed(Quota::per_second(PER_SECOND).allow_burst(BURST));
        let refusals = RateLimiter::keyed(Quota::per_minute(NonZeroU32::MIN));
        Self(Arc::new(Parts { app, max_body, allowances, refusals, clock: DefaultClock::default() }))
    }

    /// Takes one request from the allowance of a key that counts; others have none to use up. Each instance of the app counts for itself.
    fn take(&self, key: &KeyId) -> Result<(), Problem> {
        let Err(until) = self.0.allowances.check_key(key) else { return Ok(()) };
        let seconds = until.wait_time_from(self.0.clock.now()).as_secs() + 1;
        let problem = Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!("A key may send {PER_SECOND} requests a second, {BURST} at once; wait {seconds} s."),
        );
        Err(problem.of_kind("too-many-requests").with_header(RETRY_AFTER, seconds.into()))
    }
}

/// Lets a request pass to its handler.
pub(in crate::functions) async fn pass(
    State(gate): State<Gate>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let params = match params {
        Ok(params) => params,
        Err(error) => return Problem::new(error.status(), error.body_text()).into_response(),
    };
    let app = &gate.0.app;
    let named = params.iter().find(|(name, _)| *name == "partner").map(|(_, partner)| partner.to_owned());
    let record = match authenticate(&gate, named, request.headers(), &Work::of(&request)).await {
        Ok(record) => record,
        Err(problem) => return problem.into_response(),
    };
    let caller = Caller { partner: record.partner.clone(), key: record.key.clone(), scope: record.scope };
    let work = Work::of(&request);
    let (state, expires) = (record.state, record.expires_soon(app.now()));
    let response = match admit(&gate, &caller, &work) {
        Ok(()) if work.writes => to_its_end(served(gate.clone(), caller, work, request, next)).await,
        Ok(()) => handled(&gate, &caller, request, next).await.unwrap_or_else(IntoResponse::into_response),
        Err(problem) => {
            let response = problem.into_response();
            // Too many requests would make too many entries.
            if work.writes && response.status() != StatusCode::TOO_MANY_REQUESTS {
                let answered = answered(app, &caller.partner, &caller.key, &work, &response);
                add(app, answered).await;
            }
            response
        }
    };
    let superseded = match state {
        KeyState::Superseded { until } => Some(until),
        KeyState::Active | KeyState::Revoked { .. } => None,
    };
    let hint = |name: HeaderName, at: Option<OffsetDateTime>| {
        let at = at?.format(&time::format_description::well_known::Rfc3339).ok()?;
        Some((name, HeaderValue::try_from(at).ok()?))
    };
    let hints = [hint(SUPERSEDED, superseded), hint(EXPIRES, expires)].into_iter().flatten();
    (AppendHeaders(hints), response).into_response()
}

/// Serves a request that may write, and notes how it ended.
async fn served(gate: Gate, caller: Caller, work: Work, request: Request, next: Next) -> Response {
    let response = handled(&gate, &caller, request, next).await.unwrap_or_else(IntoResponse::into_response);
    let answered = answered(&gate.0.app, &caller.partner, &caller.key, &work, &response);
    add(&gate.0.app, answered).await;
    response
}

/// Runs what a request does to its end, also where the caller hangs up: half of it done, and its `Idempotency-Key` taken by nobody who still
/// works on it, would keep the caller's next try waiting.
async fn to_its_end(work: impl Future<Output = Response> + Send + 'static) -> Response {
    match tokio::spawn(work.in_current_span()).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The app is stopping.").into_response(),
        },
    }
}

/// What a request does, as the audit log has it.
struct Work {
    action: String,
    writes: bool,
    /// Whether a key that may only read is not enough.
    wants_write: bool,
}

impl Work {
    fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let below = below(path);
        let previews = request.method() == Method::POST && PREVIEW.iter().any(|end| path.ends_with(end));
        let looks = matches!(*request.method(), Method::GET | Method::HEAD) || previews;
        let writes = !looks && !listeners::is_polling(below);
        let wants_write = writes && !listeners::is_about_listeners(below);
        // Names in paths are short; what is longer is no name, and cut.
        let action = format!("{} /{}", request.method(), below.chars().take(200).collect::<String>());
        Self { action, writes, wants_write }
    }
}

/// A path without the part that all paths of a partner begin with.
fn below(path: &str) -> &str {
    path.trim_start_matches("/api/partners/").split_once('/').map_or("", |(_, below)| below)
}

fn admit(gate: &Gate, caller: &Caller, work: &Work) -> Result<(), Problem> {
    gate.take(&caller.key)?;
    if work.wants_write { caller.require_write() } else { Ok(()) }
}

async fn handled(gate: &Gate, caller: &Caller, mut request: Request, next: Next) -> Result<Response, Problem> {
    let Parts { app, max_body, .. } = &*gate.0;
    request.extensions_mut().insert(caller.clone());
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    query::check(request.method(), route, request.uri().query())?;
    let key = repeats::key(request.headers())?;
    let (Some(key), &Method::POST) = (key, request.method()) else { return Ok(next.run(request).await) };
    if listeners::is_polling(below(request.uri().path())) {
        return Ok(next.run(request).await);
    }
    check_uncompressed(request.headers())?;
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, *max_body).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body must not be larger than {max_body} bytes."))
    })?;
    let path = parts.uri.path().to_owned();
    let mut request = Request::from_parts(parts, Body::from(bytes.clone()));
    let run = |again: Option<repeats::Again>| {
        if let Some(again) = again {
            request.extensions_mut().insert(again);
        }
        next.run(request)
    };
    repeats::once(app, &caller.partner, &key, &path, &bytes, run).await
}

/// Finds out whose key a request has.
///
/// A partner that there is not, a key of another, and none at all are answered alike. Why a key does not count is told to whom has it.
async fn authenticate(
    gate: &Gate,
    named: Option<String>,
    headers: &HeaderMap,
    work: &Work,
) -> Result<KeyRecord, Problem> {
    let (Some(partner), Some(key)) = (named.and_then(|name| PartnerName::try_from(name).ok()), key(headers)) else {
        return Err(refused(KeyRefusal::Invalid));
    };
    let app = &gate.0.app;
    let accounts = &app.stores().partners.accounts;
    let (record, account) = tokio::try_join!(accounts.key(&partner, key.id()), accounts.account(&partner))?;
    let (Some(record), Some(account)) = (record, account) else { return Err(refused(KeyRefusal::Invalid)) };
    let now = app.now();
    let record = record.value;
    let refusal = match record.check(&key, now) {
        Ok(()) if account.value.disabled.is_some() => {
            let problem = Problem::new(StatusCode::FORBIDDEN, "This partner's account is closed; ask its operators.");
            problem.of_kind("partner-disabled")
        }
        Ok(()) => {
            if record.used(now).is_some() {
                used_now(app, &partner, key.id()).await;
            }
            return Ok(record);
        }
        Err(KeyRefusal::Invalid) => return Err(refused(KeyRefusal::Invalid)),
        Err(refusal) => refused(refusal),
    };
    if gate.0.refusals.check_key(key.id()).is_ok() {
        add(app, entry(app, &partner, key.id(), work, refusal.status())).await;
    }
    Err(refusal)
}

/// The key that a request shows: none if it shows two different ones.
fn key(headers: &HeaderMap) -> Option<ApiKey> {
    let bearer = headers.get_all(AUTHORIZATION).iter().map(|value| {
        // One space or several (RFC 9110 §11.4); some clients write a tab.
        let (scheme, key) = value.to_str().ok()?.split_once([' ', '\t'])?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim_start_matches([' ', '\t']))
    });
    let own = headers.get_all(KEY).iter().map(|value| value.to_str().ok());
    let mut shown = bearer.chain(own);
    let first = shown.next()??;
    shown.all(|other| other == Some(first)).then(|| ApiKey::parse(first).ok())?
}

fn refused(refusal: KeyRefusal) -> Problem {
    const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"partners\"");
    let kind = match refusal {
        KeyRefusal::Invalid => "key-invalid",
        KeyRefusal::Expired => "key-expired",
        KeyRefusal::Superseded => "key-superseded",
        KeyRefusal::Revoked => "key-revoked",
    };
    let detail = match refusal {
        KeyRefusal::Invalid => "No valid key of this partner came as Authorization: Bearer.".to_owned(),
        other => format!("The request was refused: {other}."),
    };
    let problem = Problem::new(StatusCode::UNAUTHORIZED, detail).of_kind(kind);
    problem.with_header(axum::http::header::WWW_AUTHENTICATE, CHALLENGE)
}

/// Notes that a key is used. Requests of one hour that come at once may meet here; one of them is enough.
async fn used_now(app: &App, partner: &PartnerName, key: &KeyId) {
    let now = app.now();
    let change = |record: &KeyRecord| record.used(now).unwrap_or_else(|| record.clone());
    let written = app.stores().partners.accounts.change_key(partner, key, change).await;
    told(written.map(drop));
}

/// What a request became; a body is not shared, so the answer is looked at here and not kept while it is noted.
fn answered(app: &App, partner: &PartnerName, key: &KeyId, work: &Work, response: &Response) -> Entry {
    let replayed = response.headers().contains_key(repeats::REPLAYED);
    Entry { replayed, ..entry(app, partner, key, work, response.status()) }
}

fn entry(app: &App, partner: &PartnerName, key: &KeyId, work: &Work, status: StatusCode) -> Entry {
    Entry::new(partner.clone(), Some(key.clone()), work.action.clone(), status.as_u16(), app.now())
}

async fn add(app: &App, entry: Entry) {
    told(app.stores().partners.audit.add(&entry).await);
}

/// What is noted beside a request fails alone: the request was served.
fn told(written: Result<(), CosmosError>) {
    if let Err(error) = written {
        tracing::warn!(cause = Cause::from_error("note a partner's request", error).chain(), "not noted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::partner::api_key::RANDOM;

    #[test]
    fn a_key_is_found_however_the_scheme_is_written() {
        let (one, other) = (ApiKey::of([1; RANDOM]), ApiKey::of([2; RANDOM]));
        let (text, key_header) = (one.reveal(), HeaderName::from_static(KEY));
        let found = |shown: &[(&HeaderName, String)]| {
            let headers = shown
                .iter()
                .map(|(name, value)| ((*name).clone(), HeaderValue::from_bytes(value.as_bytes()).expect("a header")));
            let mut map = HeaderMap::new();
            headers.for_each(|(name, value)| _ = map.append(name, value));
            key(&map).map(|key| key.id().clone())
        };
        for before in ["Bearer ", "Bearer  ", "bearer ", "BEARER \t ", "Bearer\t"] {
            assert_eq!(found(&[(&AUTHORIZATION, format!("{before}{text}"))]).as_ref(), Some(one.id()), "{before:?}");
        }
        assert_eq!(found(&[(&key_header, text.to_owned())]).as_ref(), Some(one.id()));
        let twice = [(&AUTHORIZATION, format!("Bearer  {text}")), (&key_header, text.to_owned())];
        assert_eq!(found(&twice).as_ref(), Some(one.id()), "the same key twice");
        for wrong in [
            text.to_owned(),
            format!("Bearer{text}"),
            format!(" Bearer {text}"),
            format!("Basic {text}"),
            format!("Bearer {text}x"),
            format!("Bearer {text} {text}"),
            format!("Bearer {} {}", &text[..30], &text[30..]),
            "Bearer".to_owned(),
            "Bearer  ".to_owned(),
        ] {
            assert_eq!(found(&[(&AUTHORIZATION, wrong.clone())]), None, "{wrong}");
        }
        let crossed = [(&AUTHORIZATION, format!("Bearer {text}")), (&key_header, other.reveal().to_owned())];
        assert_eq!(found(&crossed), None, "two different keys");
        assert!(HeaderValue::from_str(&format!("Bearer {}\n{}", &text[..30], &text[30..])).is_err());
    }
}
