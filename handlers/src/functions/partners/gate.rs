//! The gate: every request of a partner passes here. It finds out who calls and whether it may, bounds how much, keeps the answers of
//! requests that may come again, and writes the audit log.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{RawPathParams, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::AUTHORIZATION, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use tracing::Instrument;

use super::{body::MAX_BODY, caller::Caller, repeats};
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
const SUPERSEDED: HeaderName = HeaderName::from_static("x-contoso-key-superseded");

/// Requests of one key in the long run, and at once.
const PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// What the gate asks.
#[derive(Clone)]
pub(super) struct Gate(Arc<Parts>);

struct Parts {
    app: App,
    allowances: DefaultKeyedRateLimiter<KeyId>,
    /// Refusals that are noted: whoever goes on with a key that was revoked must not fill the audit log.
    refusals: DefaultKeyedRateLimiter<KeyId>,
    clock: DefaultClock,
}

impl Gate {
    pub(super) fn new(app: App) -> Self {
        let allowances = RateLimiter::keyed(Quota::per_second(PER_SECOND).allow_burst(BURST));
        let refusals = RateLimiter::keyed(Quota::per_minute(NonZeroU32::MIN));
        Self(Arc::new(Parts { app, allowances, refusals, clock: DefaultClock::default() }))
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
pub(super) async fn pass(State(gate): State<Gate>, params: RawPathParams, request: Request, next: Next) -> Response {
    let app = &gate.0.app;
    let named = params.iter().find(|(name, _)| *name == "partner").map(|(_, partner)| partner.to_owned());
    let record = match authenticate(&gate, named, request.headers(), &Work::of(&request)).await {
        Ok(record) => record,
        Err(problem) => return problem.into_response(),
    };
    let caller = Caller { partner: record.partner.clone(), key: record.key.clone(), scope: record.scope };
    let work = Work::of(&request);
    let state = record.state;
    let response = match admit(&gate, &caller, &work) {
        Ok(()) if work.writes => to_its_end(served(app.clone(), caller, work, request, next)).await,
        Ok(()) => handled(app, &caller, request, next).await.unwrap_or_else(IntoResponse::into_response),
        Err(problem) => {
            let response = problem.into_response();
            // Too many requests would make too many entries.
            if work.writes && response.status() != StatusCode::TOO_MANY_REQUESTS {
                note(app, &caller.partner, &caller.key, &work, response.status()).await;
            }
            response
        }
    };
    let until = match state {
        KeyState::Superseded { until } => until.format(&time::format_description::well_known::Rfc3339).ok(),
        KeyState::Active | KeyState::Revoked { .. } => None,
    };
    let hint = until.and_then(|until| HeaderValue::try_from(until).ok()).map(|until| (SUPERSEDED, until));
    (axum::response::AppendHeaders(hint), response).into_response()
}

/// Serves a request that may write, and notes how it ended.
async fn served(app: App, caller: Caller, work: Work, request: Request, next: Next) -> Response {
    let response = handled(&app, &caller, request, next).await.unwrap_or_else(IntoResponse::into_response);
    note(&app, &caller.partner, &caller.key, &work, response.status()).await;
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
}

impl Work {
    fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let below = path.trim_start_matches("/api/partners/");
        let below = below.split_once('/').map_or("", |(_, below)| below);
        let looks = matches!(*request.method(), Method::GET | Method::HEAD) || path.ends_with(":preview");
        // Names in paths are short; what is longer is no name, and cut.
        let action = format!("{} /{}", request.method(), below.chars().take(200).collect::<String>());
        Self { action, writes: !looks }
    }
}

fn admit(gate: &Gate, caller: &Caller, work: &Work) -> Result<(), Problem> {
    gate.take(&caller.key)?;
    if work.writes { caller.require_write() } else { Ok(()) }
}

async fn handled(app: &App, caller: &Caller, mut request: Request, next: Next) -> Result<Response, Problem> {
    request.extensions_mut().insert(caller.clone());
    let key = repeats::key(request.headers())?;
    let (Some(key), &Method::POST) = (key, request.method()) else { return Ok(next.run(request).await) };
    check_uncompressed(request.headers())?;
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body must not be larger than {MAX_BODY} bytes."))
    })?;
    let path = parts.uri.path().to_owned();
    let request = Request::from_parts(parts, Body::from(bytes.clone()));
    repeats::once(app, &caller.partner, &key, &path, &bytes, || next.run(request)).await
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
        note(app, &partner, key.id(), work, refusal.status()).await;
    }
    Err(refusal)
}

/// The key that a request shows: none if it shows two different ones.
fn key(headers: &HeaderMap) -> Option<ApiKey> {
    let bearer = headers.get_all(AUTHORIZATION).iter().map(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key)
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

async fn note(app: &App, partner: &PartnerName, key: &KeyId, work: &Work, status: StatusCode) {
    let entry = Entry::new(partner.clone(), Some(key.clone()), work.action.clone(), status.as_u16(), app.now());
    told(app.stores().partners.audit.add(&entry).await);
}

/// What is noted beside a request fails alone: the request was served.
fn told(written: Result<(), CosmosError>) {
    if let Err(error) = written {
        tracing::warn!(cause = Cause::from_error("note a partner's request", error).chain(), "not noted");
    }
}
