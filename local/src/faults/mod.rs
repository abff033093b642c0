//! Fault injection: the next requests to a service are refused, held up, or lose their connection.
//!
//! Every HTTP service lets its requests pass a [`Faults`]. What is armed there strikes requests from outside only; the
//! other services of the stack, which call in process, are never struck.

mod gate;

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::response::Response;
use http::{Method, StatusCode, request::Parts};
use uuid::Uuid;

/// Faults that wait for requests, at most.
const MAX_ARMED: usize = 100;
/// Spent faults that are still shown, so that a test can see that they struck.
const MAX_SPENT: usize = 100;

/// What is to happen to requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which requests it strikes.
    pub requests: Requests,
    /// How many of them.
    pub times: NonZeroU32,
    /// How long each is held up first, in real time, since its client counts in real time too.
    pub delay: Duration,
    /// What happens then.
    pub effect: Effect,
}

/// Which requests a fault strikes; all, where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Only those with this method.
    pub method: Option<Method>,
    /// Only those whose path, as it is sent, starts so.
    pub path_prefix: Option<String>,
}

/// What becomes of a struck request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The service does its work; only the delay is felt.
    Proceed,
    /// The service does nothing and answers with an error in its own shape.
    Refuse(Refusal),
    /// The service does nothing and the connection ends without an answer. Over HTTP/2 only the stream ends.
    Disconnect,
    /// The service does its work, and its answer is lost with the connection.
    LoseAnswer,
}

/// An error answer. What is left out is what the service would say with that status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status, 400 to 599.
    pub status: StatusCode,
    /// The service's error code.
    pub code: Option<String>,
    /// Text for people.
    pub message: Option<String>,
    /// When the client may come again.
    pub retry_after: Option<Duration>,
    /// Sub-status, which Cosmos DB has.
    pub substatus: Option<u16>,
}

impl Refusal {
    /// The error code, or `default`.
    pub(crate) fn code_or<'a>(&'a self, default: &'a str) -> &'a str {
        self.code.as_deref().unwrap_or(default)
    }

    /// The text for people.
    pub(crate) fn text(&self) -> &str {
        self.message.as_deref().unwrap_or("This error was asked for on the control port; nothing was done.")
    }
}

/// A fault that was armed, and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// Its name.
    pub id: Uuid,
    /// The fault.
    pub fault: Fault,
    /// Requests that it will still strike; 0 where it is spent.
    pub left: u32,
}

/// There are more faults than a test can mean.
#[derive(Debug, thiserror::Error)]
#[error("{MAX_ARMED} faults are armed already; clear some, then repeat")]
pub struct TooMany;

/// How a service words an error.
type Shape = dyn Fn(&Parts, &Refusal) -> Response + Send + Sync;

/// The faults of one service; clones share them.
#[derive(Clone)]
pub struct Faults {
    inner: Arc<Inner>,
}

struct Inner {
    shape: Box<Shape>,
    /// Oldest first.
    known: Mutex<VecDeque<Armed>>,
}

impl Faults {
    /// No faults yet, for a service that words its errors with `shape`.
    pub(crate) fn new(shape: impl Fn(&Parts, &Refusal) -> Response + Send + Sync + 'static) -> Self {
        Self { inner: Arc::new(Inner { shape: Box::new(shape), known: Mutex::default() }) }
    }

    /// Arms `fault`. Of several that fit a request, the oldest strikes.
    ///
    /// # Errors
    /// When too many wait already.
    pub fn arm(&self, fault: Fault) -> Result<Armed, TooMany> {
        let mut known = self.known();
        if known.iter().filter(|armed| armed.left > 0).count() >= MAX_ARMED {
            return Err(TooMany);
        }
        if known.iter().filter(|armed| armed.left == 0).count() >= MAX_SPENT
            && let Some(oldest) = known.iter().position(|armed| armed.left == 0)
        {
            known.remove(oldest);
        }
        let armed = Armed { id: Uuid::new_v4(), left: fault.times.get(), fault };
        known.push_back(armed.clone());
        Ok(armed)
    }

    /// The faults that wait, and those that were spent last; oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Armed> {
        self.known().iter().cloned().collect()
    }

    /// Forgets one fault; `None` where it is not known.
    pub fn disarm(&self, id: Uuid) -> Option<Armed> {
        let mut known = self.known();
        let index = known.iter().position(|armed| armed.id == id)?;
        known.remove(index)
    }

    /// Forgets all faults; returns how many there were.
    pub fn clear(&self) -> usize {
        self.known().drain(..).count()
    }

    /// The fault that strikes this request, counted down.
    fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut known = self.known();
        let armed = known.iter_mut().find(|armed| armed.left > 0 && armed.fault.requests.include(method, path))?;
        armed.left -= 1;
        tracing::info!(%method, path, effect = ?armed.fault.effect, left = armed.left, "a fault strikes");
        Some(armed.fault.clone())
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<Armed>> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Requests {
    fn include(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.path_prefix.as_deref().is_none_or(|prefix| path.starts_with(prefix))
    }
}
