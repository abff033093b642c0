//! Memory budget for bodies of requests: how many bytes of them the stack holds at a time, and how slowly they may
//! come.
//!
//! Most services want a body whole before they answer. Two hundred of ten megabytes at once would be gigabytes, so a large
//! body waits until it fits into what is there for all ports together. It takes all that it needs before its first byte is
//! read, so that no two hold half each and wait for the rest; a body whose length nobody says takes one of few turns
//! instead. What waits too long is refused with 503, and repeating is safe.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, Incoming};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout, timeout_at},
};

/// KiB of bodies, and of the copies that services make of them, for all ports together.
const ROOM: u32 = 256 << 10;
/// What a service makes of a body while it answers: the pieces that came in, one whole, and what it sends on or stores.
const COPIES: u64 = 3;
/// Bytes of a body that waits for nothing.
const SMALL: u64 = 64 << 10;
/// Larger bodies of unknown length at a time.
const UNMEASURED: usize = 2;
/// How long a body may wait for its room.
const WAIT: Duration = Duration::from_secs(30);
/// How long the client may keep the stack waiting for a body, and the bytes that earn it each millisecond beyond.
const GRACE: Duration = Duration::from_secs(30);
const PACE: u64 = 256;
/// Bytes of a refused body that are read and dropped, so that the client gets to read the answer.
const DRAIN: u64 = 64 << 20;

/// How long what a service left of a body may take to come, and how long nothing of it may come.
const LINGER: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(1);

/// What there is for the bodies of all ports.
pub(super) static STACK: Budget = Budget::new(ROOM, WAIT);

/// Memory for bodies.
pub(super) struct Budget {
    /// In KiB.
    room: Semaphore,
    all: u32,
    unmeasured: Semaphore,
    wait: Duration,
}

impl Budget {
    pub(super) const fn new(kibibytes: u32, wait: Duration) -> Self {
        let room = Semaphore::const_new(kibibytes as usize);
        Self { room, all: kibibytes, unmeasured: Semaphore::const_new(UNMEASURED), wait }
    }

    /// Room for a body of `length` bytes; one that is larger than all there is takes all there is.
    async fn reserve(&self, length: Option<u64>) -> Result<SemaphorePermit<'_>, Refusal> {
        let permit = async {
            match length {
                None => self.unmeasured.acquire().await,
                Some(length) => {
                    let wanted = u32::try_from(length.saturating_mul(COPIES).div_ceil(1024)).unwrap_or(u32::MAX);
                    self.room.acquire_many(wanted.min(self.all)).await
                }
            }
        };
        match timeout(self.wait, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Refusal::NoRoom),
        }
    }
}

/// Why a body was not read, whatever the service makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the stack holds as much of other requests' bodies as it may; repeat this one in a moment")]
    NoRoom,
    #[error("the request's body came too slowly")]
    Slow,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
        };
        let mut response = (status, format!("{self}\n")).into_response();
        if self == Self::NoRoom {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// What a request's body takes of the budget, until the request is answered.
#[derive(Clone, Default)]
pub(super) struct Reservation(Arc<Mutex<Reserved>>);

#[derive(Default)]
struct Reserved {
    room: Option<SemaphorePermit<'static>>,
    refusal: Option<Refusal>,
    /// What the service left of the body.
    rest: Option<Incoming>,
}

impl Reservation {
    /// Why the body was refused, if it was.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.reserved().refusal
    }

    /// Reads and drops what the service left of the body, within bounds. A server that answers and leaves a body unread has to
    /// close the connection, and a client that is still sending would find it broken instead of the answer.
    pub(super) async fn read_the_rest(&self) {
        let rest = { self.reserved().rest.take() };
        let Some(mut rest) = rest else { return };
        let end = Instant::now() + LINGER;
        let mut received = 0;
        while received < DRAIN {
            let silence = end.min(Instant::now() + SILENCE);
            let Ok(Some(Ok(frame))) = timeout_at(silence, rest.frame()).await else { return };
            received += frame.data_ref().map_or(0, |piece| piece.len() as u64);
        }
    }

    fn reserved(&self) -> MutexGuard<'_, Reserved> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body for the service, and what it takes: of `budget` where the service holds bodies whole.
pub(super) fn admit(body: Incoming, budget: Option<&'static Budget>) -> (Body, Reservation) {
    let reservation = Reservation::default();
    let length = body.size_hint().exact();
    if length == Some(0) {
        return (Body::new(body), reservation);
    }
    // What is small waits for nothing.
    let budget = budget.filter(|_| length.is_none_or(|length| length > SMALL));
    let body = Unread { body: Some(body), reservation: reservation.clone() };
    let reading =
        Reading { body, length, budget, received: 0, waited: Duration::ZERO, reservation: reservation.clone() };
    let pieces = stream::try_unfold(reading, |mut reading| async move {
        let piece = reading.next().await?;
        Ok::<_, axum::Error>(piece.map(|piece| (piece, reading)))
    });
    (Body::from_stream(pieces), reservation)
}

/// A body that is left to the reservation by whoever drops it before its end.
struct Unread {
    /// Until it is dropped.
    body: Option<Incoming>,
    reservation: Reservation,
}

impl Unread {
    async fn frame(&mut self) -> Option<Result<Frame<Bytes>, hyper::Error>> {
        self.body.as_mut()?.frame().await
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let mut reserved = self.reservation.reserved();
        if reserved.refusal.is_none() {
            reserved.rest = self.body.take().filter(|body| !body.is_end_stream());
        }
    }
}

/// A body on its way in.
struct Reading {
    body: Unread,
    length: Option<u64>,
    /// Until it has been asked for room.
    budget: Option<&'static Budget>,
    received: u64,
    /// How long the client has kept us waiting.
    waited: Duration,
    reservation: Reservation,
}

impl Reading {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, axum::Error> {
        if self.length.is_some() {
            self.reserve().await?;
        }
        let Some(piece) = self.piece().await? else { return Ok(None) };
        if self.received > SMALL {
            self.reserve().await?;
        }
        Ok(Some(piece))
    }

    async fn reserve(&mut self) -> Result<(), axum::Error> {
        let Some(budget) = self.budget.take() else { return Ok(()) };
        match budget.reserve(self.length).await {
            Ok(room) => {
                self.reservation.reserved().room = Some(room);
                Ok(())
            }
            Err(refusal) => {
                let refused = self.refuse(refusal);
                while self.received < DRAIN && matches!(self.piece().await, Ok(Some(_))) {}
                Err(refused)
            }
        }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, axum::Error> {
        loop {
            let patience = GRACE + Duration::from_millis(self.received / PACE);
            let asked = Instant::now();
            let Ok(frame) = timeout(patience.saturating_sub(self.waited), self.body.frame()).await else {
                return Err(self.refuse(Refusal::Slow));
            };
            self.waited += asked.elapsed();
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(axum::Error::new(error)),
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        self.received += piece.len() as u64;
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> axum::Error {
        self.reservation.reserved().refusal.get_or_insert(refusal);
        axum::Error::new(refusal)
    }
}
