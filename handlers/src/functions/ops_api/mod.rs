//! `OpsApi`: what operators see.
//!
//! Triggered by HTTP with a function key: `GET /api/ops/overview`, `GET /api/ops/sales/…` for totals and files of sales,
//! `GET /api/ops/hubs/…` for the events of a hub, and `/api/ops/dead-letters…` to see bad records and do something about them.
//!
//! Promises: one answer with everything that the operations page shows, shaped as [`crate::domain::operations`] says, read from
//! Cosmos DB and blob storage alone. Any number of readers cost as much as one: what is read is kept for a second, what takes
//! listings for ten. Listings end at a bound, and the answer says so. It carries an ETag, so that pages can poll.
//!
//! A second delivery reads again; dropping what is dropped does nothing, and is in the log.

mod dead_letters;
mod decoded;
mod hubs;
mod listings;
mod sales;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::get};
use time::OffsetDateTime;
use tokio::sync::Mutex;

use self::listings::Listings;
use crate::{
    app::App,
    azure::cosmos::{CosmosError, CosmosErrorKind},
    dead_letters::stored::Read,
    domain::operations::{self, Anomalies, Minute, Overview, Partners, Trending},
    function::{Function, Trigger},
    http::{Audience, Problem, cacheable_for, cors},
    outcome::Cause,
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new("OpsApi", Trigger::Http { router });

/// How long documents are kept before they are read again.
const DOCUMENTS_KEPT: Duration = Duration::from_secs(1);
/// How long listings, letters and names are kept.
const LISTINGS_KEPT: Duration = Duration::from_secs(10);

/// Minutes of clicks that are shown.
const MINUTES: i64 = 180;

/// What is shown of a minute.
const SELECT: &str = "c.minute, c.views, c.visitors";

fn router(app: App) -> Router {
    let sales = sales::routes().with_state(app.clone());
    // What a letter says is read once for all routes.
    let read = Arc::new(Read::default());
    let letters = dead_letters::routes(app.clone(), Arc::clone(&read));
    let hubs = hubs::routes(app.clone());
    let console = Arc::new(Console { app, read, view: Mutex::default() });
    // Who has a key may ask from any page that may ask the site's API; a preflight has no key, so the key comes as `code`.
    let cors = cors(&console.app.settings().site.origins);
    Router::new()
        .route("/api/ops/overview", get(overview))
        .with_state(console)
        .merge(sales)
        .merge(letters)
        .merge(hubs)
        .layer(cors)
}

async fn overview(State(console): State<Arc<Console>>, headers: HeaderMap) -> Result<Response, Problem> {
    cacheable_for(Audience::One, &*console.overview().await?, &headers)
}

/// What was read last. Whoever asks while it is read again waits for that.
struct Console {
    app: App,
    read: Arc<Read>,
    view: Mutex<View>,
}

#[derive(Default)]
struct View {
    overview: Option<(Instant, Arc<Overview>)>,
    listings: Option<(Instant, Listings)>,
}

impl Console {
    async fn overview(&self) -> Result<Arc<Overview>, CosmosError> {
        let mut view = self.view.lock().await;
        if let Some((read, overview)) = &view.overview
            && read.elapsed() < DOCUMENTS_KEPT
        {
            return Ok(Arc::clone(overview));
        }
        let mut overview = self.documents().await?;
        let listings = match view.listings.take() {
            Some((read, listings)) if read.elapsed() < LISTINGS_KEPT => (read, listings),
            last => {
                let last = last.map(|(_, listings)| listings).unwrap_or_default();
                (Instant::now(), last.renewed(&self.app, &self.read, &overview).await)
            }
        };
        overview.dead_letters = listings.1.parked.clone();
        overview.partners.given_up = listings.1.given_up.clone();
        overview.names = listings.1.names.clone();
        view.listings = Some(listings);
        let overview = Arc::new(overview);
        view.overview = Some((Instant::now(), Arc::clone(&overview)));
        Ok(overview)
    }

    /// All that documents say: point reads, one query in each of two partitions, and two of a container with a few documents.
    async fn documents(&self) -> Result<Overview, CosmosError> {
        let stores = self.app.stores();
        let (health, recent, trending, anomalies, clicks) = Box::pin(futures::future::try_join5(
            stores.health.current(),
            stores.health.recent(),
            legible(stores.trending.all::<Trending>()),
            legible(stores.anomalies.list::<Anomalies>()),
            self.minutes(),
        ))
        .await?;
        let (logs, flows) = health.as_ref().map(|health| operations::flows(health, &recent)).unwrap_or_default();
        let to_partners = flows.iter().find(|flow| flow.function == super::partner_notifications::FUNCTION.name);
        let own = self.app.served().iter().map(|served| served.function.to_owned());
        let measured = health.as_ref().map(|health| health.functions.clone()).unwrap_or_default();
        Ok(Overview {
            measured_at: health.map(|health| health.at),
            functions: own.chain(measured).collect(),
            dead_letters: None,
            partners: Partners {
                published_per_second: to_partners.and_then(|flow| flow.handled_per_second),
                waiting: to_partners.and_then(|flow| flow.lag),
                given_up: None,
            },
            logs,
            flows,
            clicks,
            anomalies,
            trending,
            names: BTreeMap::new(),
        })
    }

    /// The last minutes, over midnight too.
    async fn minutes(&self) -> Result<Vec<Minute>, CosmosError> {
        let now = self.app.now();
        let to = now.unix_timestamp().div_euclid(60);
        let mut days = vec![day(now - time::Duration::minutes(MINUTES)), day(now)];
        days.dedup();
        let mut minutes = Vec::new();
        for day in days {
            minutes.extend(self.app.stores().minutes.between(&day, SELECT, to - MINUTES, to).await?);
        }
        Ok(minutes)
    }
}

/// A document of another function; one that has not the shape that is read here must not hide everything else.
async fn legible<T>(read: impl Future<Output = Result<Option<T>, CosmosError>>) -> Result<Option<T>, CosmosError> {
    match read.await {
        Err(error) if error.kind == CosmosErrorKind::Refused => {
            tracing::error!(cause = Cause::from_error("read a document", error).chain(), "a document is left out");
            Ok(None)
        }
        read => read,
    }
}

/// The partition of `analytics/minutes`.
fn day(at: OffsetDateTime) -> String {
    at.date().to_string()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_day_is_written_as_its_partition_is() {
        assert_eq!(day(datetime!(2026-03-04 00:00 UTC)), "2026-03-04");
    }
}
