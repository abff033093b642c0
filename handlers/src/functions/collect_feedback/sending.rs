//! What is under way to the hub: events whose receipts are stored, and are noted as sent once the hub has them.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use futures::{StreamExt, stream};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    app::App,
    azure::{cosmos::CosmosError, joined_sends::JoinedSends},
    domain::{
        feedback::{event::SOURCE, receipt::Receipt},
        trace_context::TraceContext,
    },
    events::{CodecError, Contract, HubMessage, Outgoing, hubs},
    http::Problem,
    outcome::Cause,
};

/// Receipts read or written at a time.
pub(super) const AT_ONCE: usize = 16;

/// What requests share.
#[derive(Clone)]
pub(super) struct Collector {
    pub(super) app: App,
    sends: JoinedSends,
}

/// A receipt as it is stored, whose event the hub may not have.
#[derive(Clone, Debug)]
pub(super) struct Unsent {
    pub(super) receipt: Receipt,
    pub(super) etag: String,
}

/// An event of a receipt, ready to be sent.
pub(super) struct Ready {
    pub(super) unsent: Unsent,
    pub(super) key: String,
    pub(super) message: HubMessage,
}

impl Collector {
    pub(super) fn new(app: App) -> Self {
        let sends = JoinedSends::new(app.hubs().clone(), hubs::FEEDBACK);
        Self { app, sends }
    }

    /// The event that a receipt stands for.
    pub(super) async fn ready<T: Serialize>(
        &self,
        unsent: Unsent,
        key: String,
        at: OffsetDateTime,
        schema: &'static Contract,
        data: &T,
        trace: Option<TraceContext>,
    ) -> Result<Ready, CodecError> {
        let extensions = BTreeMap::from([("partitionkey".to_owned(), key.clone())]);
        let (id, subject, time) = (unsent.receipt.event_id(), Some(key.clone()), Some(at));
        let outgoing = Outgoing { id, source: SOURCE, subject, time, extensions, trace, schema, data };
        let message = self.app.events().encode(outgoing).await?;
        Ok(Ready { unsent, key, message })
    }

    /// Sends events, and notes that they are sent once the hub has them all.
    pub(super) async fn send(&self, all: Vec<Ready>) -> Result<(), Problem> {
        if all.is_empty() {
            return Ok(());
        }
        let (messages, receipts): (Vec<_>, Vec<_>) =
            all.into_iter().map(|Ready { unsent, key, message }| ((key, message), unsent)).unzip();
        self.sends.send(messages).await.map_err(unsent)?;
        let store = &self.app.stores().feedback.receipts;
        let noted = stream::iter(receipts).map(|Unsent { receipt, etag }| async move {
            let written = store.write(&receipt.sent(), Some(&etag)).await;
            // Somebody else has gone on from there; or the next repeat of the item sends its event once more, which readers drop.
            if let Err(error) = written
                && !error.is_lost_race()
            {
                tracing::warn!(cause = Cause::from_error("note feedback as sent", error).chain(), "not noted");
            }
        });
        noted.buffer_unordered(AT_ONCE).collect::<()>().await;
        Ok(())
    }
}

/// 503: the hub does not have everything. Who repeats the request sends the same events again.
pub(super) fn unsent(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    // For the log only: callers are not told what is behind us.
    tracing::warn!(cause = Cause::from_error("hand feedback to the hub", error).chain(), "feedback is not stored");
    let detail = "The feedback is not stored, or not all of it; send the request again later.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header(RETRY_AFTER, HeaderValue::from_static("1"))
}

/// The answer where the store failed, or others write the same receipt all the time.
pub(super) fn unstored(error: CosmosError) -> Problem {
    if !error.is_lost_race() {
        return error.into();
    }
    let detail = "The same feedback is being sent by others at the same time; send the request again later.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header(RETRY_AFTER, HeaderValue::from_static("1"))
}
