//! Webhooks of the partners: good ones that note what comes, and four that are bad, each in its way.

use std::{
    collections::{HashMap, HashSet},
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header::CONNECTION},
    middleware::map_response,
    response::Response,
    routing::post,
};
use contoso_json::Plain;
use serde_json::Value;
use tokio::{net::TcpListener, task::AbortHandle};

use super::{super::webhook::agree, load::Load};
use crate::clock;

/// How long the slow endpoint takes to answer.
const SLOW: Duration = Duration::from_secs(5);
/// Between two looks at what came.
const LOOK: Duration = Duration::from_millis(5);
/// Time without an arrival after which what is missing counts as lost.
const GRACE: Duration = Duration::from_secs(20);

/// What was sent, and what the good webhooks have of it.
#[derive(Clone, Default)]
pub(super) struct Board(Arc<Mutex<Arrivals>>);

#[derive(Default)]
struct Arrivals {
    /// When each change was to be sent, by product and amount.
    sent: HashMap<String, Instant>,
    /// Who has which of them: repeats count once.
    seen: HashSet<(usize, String)>,
    /// When each of those came, and how long after its change, in the order in which they came.
    came: Vec<(Instant, Duration)>,
    /// A notification as it came.
    sample: Option<Value>,
}

/// A change as the board knows it.
pub(super) fn key(product: &str, amount: &str) -> String {
    format!("{product} {amount}")
}

impl Board {
    /// Forgets what an earlier measurement sent; what still comes of it counts no more.
    pub(super) fn clear(&self) {
        let mut arrivals = self.lock();
        *arrivals = Arrivals { sent: HashMap::new(), sample: arrivals.sample.take(), ..Arrivals::default() };
    }

    pub(super) fn sent(&self, key: String, at: Instant) {
        self.lock().sent.insert(key, at);
    }

    pub(super) fn sample(&self) -> Option<Value> {
        self.lock().sample.clone()
    }

    /// From each change to each of its arrivals.
    pub(super) fn latencies(&self) -> Vec<Duration> {
        self.lock().came.iter().map(|(_, latency)| *latency).collect()
    }

    /// How many notifications came before `moment`.
    pub(super) fn count_before(&self, moment: Instant) -> usize {
        self.lock().came.iter().take_while(|(at, _)| *at < moment).count()
    }

    /// When the last notification came.
    pub(super) fn last(&self) -> Option<Instant> {
        self.lock().came.last().map(|(at, _)| *at)
    }

    /// Waits for the first notification; nothing where none comes.
    pub(super) async fn first(&self) -> Option<()> {
        (self.wait(1).await > 0).then_some(())
    }

    /// Waits until `goal` notifications are there, or none comes any more; says how many are.
    pub(super) async fn wait(&self, goal: usize) -> usize {
        let mut last = (0, Instant::now());
        loop {
            let count = self.lock().came.len();
            if count >= goal || last.1.elapsed() > GRACE {
                return count;
            }
            if count > last.0 {
                last = (count, Instant::now());
            }
            clock::until_next_look(LOOK).await;
        }
    }

    fn arrived(&self, subscription: usize, event: Value) {
        let now = Instant::now();
        let text = |pointer| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let key = key(text("/subject"), text("/data/state/price/amount"));
        let mut arrivals = self.lock();
        // Such as the welcome.
        let Some(sent) = arrivals.sent.get(&key).copied() else { return };
        if arrivals.seen.insert((subscription, key)) {
            arrivals.came.push((now, now.saturating_duration_since(sent)));
        }
        arrivals.sample.get_or_insert(event);
    }

    fn lock(&self) -> MutexGuard<'_, Arrivals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves the good webhooks, and returns their address without a subscription's number at the end.
pub(super) async fn serve_good(load: &Load, board: &Board) -> Result<String> {
    let receive =
        async |State(board): State<Board>, Path(subscription): Path<usize>, Json(Plain(body)): Json<Plain>| {
            match body {
                Value::Array(events) => events.into_iter().for_each(|event| board.arrived(subscription, event)),
                event => board.arrived(subscription, event),
            }
            StatusCode::OK
        };
    let router = Router::new().route("/{subscription}", post(receive).options(agree)).with_state(board.clone());
    Ok(serve(load, router).await?.0)
}

/// How an endpoint is bad, once it has agreed to its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Busy,
    Silent,
    Closed,
    Slow,
}

impl Bad {
    pub(super) const ALL: [Self; 4] = [Self::Busy, Self::Silent, Self::Closed, Self::Slow];

    /// Name of its partner.
    pub(super) fn partner(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Silent => "silent",
            Self::Closed => "closed",
            Self::Slow => "slow",
        }
    }

    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Busy => "answers 503",
            Self::Silent => "never answers",
            Self::Closed => "refuses connections",
            Self::Slow => "answers after 5 s",
        }
    }
}

/// A bad endpoint.
pub(super) struct BadEndpoint {
    pub(super) url: String,
    listener: AbortHandle,
    bad: Bad,
}

impl BadEndpoint {
    pub(super) async fn serve(load: &Load, bad: Bad) -> Result<Self> {
        let receive = async move || {
            match bad {
                Bad::Busy => return StatusCode::SERVICE_UNAVAILABLE,
                Bad::Silent => std::future::pending().await,
                Bad::Slow => clock::measured(SLOW).await,
                Bad::Closed => {}
            }
            StatusCode::OK
        };
        let mut router = Router::new().route("/", post(receive).options(agree));
        if bad == Bad::Closed {
            // A connection that is kept would go on to be served once nobody listens.
            router = router.layer(map_response(async |mut answer: Response| {
                answer.headers_mut().insert(CONNECTION, axum::http::HeaderValue::from_static("close"));
                answer
            }));
        }
        let (url, listener) = serve(load, router).await?;
        Ok(Self { url, listener, bad })
    }

    /// From now on connections are refused, where that is how it is bad.
    pub(super) fn turn_bad(&self) {
        if self.bad == Bad::Closed {
            self.listener.abort();
        }
    }
}

async fn serve(load: &Load, router: Router) -> Result<(String, AbortHandle)> {
    load.run(async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((url, serving.abort_handle()))
    })
    .await
}
