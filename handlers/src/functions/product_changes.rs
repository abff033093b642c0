//! `ProductChanges`: announces every new state of a product on the hub.
//!
//! Triggered by the change feed of `catalog/products`.
//!
//! Promises: the latest state of every changed product is announced, with its difference from the state announced before, and an
//! event id always means the same content: see [`crate::domain::publication`]. States in between may be left out, as the feed leaves
//! them out. A document that is not a valid product is parked alone.
//!
//! A second delivery finds the state announced, and announces nothing. One that follows a death between storing and sending sends the
//! same event again, with the same id.

use std::collections::{BTreeMap, HashMap};

use futures::{StreamExt, stream};

use crate::{
    app::App,
    azure::event_hubs::SendErrorKind,
    domain::{
        product::Product,
        product_events::{ProductEvent, ProductEventData, SOURCE},
        publication::{Next, Published},
        trace_context::TraceContext,
    },
    events::{
        CodecError, HubMessage, Outgoing,
        contracts::{PRODUCT_CHANGED, PRODUCT_DISCONTINUED},
        hubs,
    },
    function::{ChangedDocument, Function, Trigger},
    outcome::{Cause, Outcome},
    stores::{published::PublishedStates, unstored},
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function::new("ProductChanges", Trigger::CosmosDb { handle: |app, documents| Box::pin(handle(app, documents)) });

/// Documents read or written at a time.
const CONCURRENT_PRODUCTS: usize = 32;

/// A product takes one round; one more each for an event found pending and for a lost race.
const MAX_ROUNDS: usize = 4;

async fn handle(app: App, documents: Vec<ChangedDocument>) -> Vec<Outcome> {
    let (mut outcomes, products) = latest(documents);
    let announcer = Announcer { app: &app, published: &app.stores().published };
    let mut waiting = products;
    for _ in 0..MAX_ROUNDS {
        if waiting.is_empty() {
            break;
        }
        waiting = announcer.round(waiting, &mut outcomes).await;
    }
    for Change { index, product, .. } in waiting {
        let cause = format!("product {} is being announced by others at the same time", product.id);
        outcomes.insert(index, Outcome::Retry(Cause::of("the product is being announced by others", cause)));
    }
    outcomes.into_values().collect()
}

/// The last document of each product, and outcomes for the rest. Keys are places in the batch.
fn latest(documents: Vec<ChangedDocument>) -> (BTreeMap<usize, Outcome>, Vec<Change>) {
    let mut outcomes = BTreeMap::new();
    let mut last: HashMap<String, Change> = HashMap::new();
    for (index, ChangedDocument { document, trace }) in documents.into_iter().enumerate() {
        match serde_json::from_value::<Product>(document) {
            Ok(product) => {
                let id = product.id.as_str().to_owned();
                if let Some(earlier) = last.insert(id, Change { index, product, trace }) {
                    outcomes.insert(earlier.index, Outcome::Skip("a later state of the product is in the same batch"));
                }
            }
            Err(error) => {
                outcomes.insert(index, Outcome::Park(Cause::from_error("read the document as a product", error)));
            }
        }
    }
    let mut products: Vec<_> = last.into_values().collect();
    products.sort_by_key(|change| change.index);
    (outcomes, products)
}

/// The last state of a product in a batch.
struct Change {
    /// Its place in the batch.
    index: usize,
    product: Product,
    /// What it was caused by.
    trace: Option<TraceContext>,
}

struct Announcer<'a> {
    app: &'a App,
    published: &'a PublishedStates,
}

/// An event that is stored as pending and must be sent.
struct Pending {
    published: Published,
    etag: String,
    /// Whether it announces the product of this batch; else it was left by someone who died, and the product comes after it.
    is_current: bool,
}

/// What is to be done about a product.
enum Step {
    End(Outcome),
    Send(Box<Pending>),
    Again,
}

impl Announcer<'_> {
    /// Takes each product one step further, and returns those that need another round.
    async fn round(&self, changes: Vec<Change>, outcomes: &mut BTreeMap<usize, Outcome>) -> Vec<Change> {
        let steps: Vec<_> = stream::iter(changes)
            .map(|change| async move { (self.prepare(&change).await, change) })
            .buffered(CONCURRENT_PRODUCTS)
            .collect()
            .await;
        let (mut again, mut sending) = (Vec::new(), Vec::new());
        for (step, change) in steps {
            match step {
                Step::End(outcome) => {
                    outcomes.insert(change.index, outcome);
                }
                Step::Send(pending) => sending.push((*pending, change)),
                Step::Again => again.push(change),
            }
        }
        for (sent, pending, change) in self.send(sending).await {
            match sent {
                Ok(()) if pending.is_current => {
                    outcomes.insert(change.index, Outcome::Done);
                }
                Ok(()) => again.push(change),
                Err(outcome) => {
                    outcomes.insert(change.index, outcome);
                }
            }
        }
        again
    }

    /// Reads what was announced, and stores what is to be.
    async fn prepare(&self, Change { product, trace, .. }: &Change) -> Step {
        let stored = match self.published.read(&product.id).await {
            Ok(stored) => stored,
            Err(error) => return Step::End(unstored("read what was announced", error)),
        };
        let (published, etag) = stored.map(|stored| (stored.value, stored.etag)).unzip();
        if let (Some(published), Some(etag)) = (&published, &etag)
            && published.pending
        {
            return Step::Send(Box::new(Pending {
                published: published.clone(),
                etag: etag.clone(),
                is_current: false,
            }));
        }
        let next = match Published::next(published.as_ref(), product, trace.as_ref()) {
            Next::Same => return Step::End(Outcome::Skip("the state was announced already")),
            Next::Stale => return Step::End(Outcome::Skip("a later state was announced already")),
            Next::Announce(next) => *next,
        };
        match self.published.write(&next, etag.as_deref()).await {
            Ok(etag) => Step::Send(Box::new(Pending { published: next, etag, is_current: true })),
            Err(error) if error.is_lost_race() => Step::Again,
            Err(error) => Step::End(unstored("store what is to be announced", error)),
        }
    }

    /// Sends all events in one call, then notes which the hub has.
    async fn send(&self, sending: Vec<(Pending, Change)>) -> Vec<(Result<(), Outcome>, Pending, Change)> {
        let mut messages = Vec::with_capacity(sending.len());
        let mut failed = Vec::new();
        let mut encoded = Vec::with_capacity(sending.len());
        for (pending, change) in sending {
            match self.encode(&pending.published).await {
                Ok(message) => {
                    messages.push((pending.published.id.as_str().to_owned(), message));
                    encoded.push((pending, change));
                }
                Err(error) => {
                    let is_transient = error.is_transient();
                    let cause = Cause::from_error("encode the event", error);
                    let outcome = if is_transient { Outcome::Retry(cause) } else { Outcome::Park(cause) };
                    failed.push((Err(outcome), pending, change));
                }
            }
        }
        let sent = loop {
            match self.app.hubs().send(hubs::PRODUCTS, messages.clone()).await {
                Err(error) => match error.kind {
                    SendErrorKind::TooLarge { index: place } if place < encoded.len() => {
                        messages.remove(place);
                        let (pending, change) = encoded.remove(place);
                        let refused = Outcome::Park(Cause::from_error("send the event", error));
                        failed.push((Err(refused), pending, change));
                    }
                    _ => break Err(Cause::from_error("send the event", error)),
                },
                Ok(()) => break Ok(()),
            }
        };
        let settled = stream::iter(encoded)
            .map(|(pending, change)| {
                let sent = sent.clone();
                async move {
                    match sent {
                        Ok(()) => (self.note(&pending).await, pending, change),
                        Err(cause) => (Err(Outcome::Retry(cause)), pending, change),
                    }
                }
            })
            .buffered(CONCURRENT_PRODUCTS)
            .collect::<Vec<_>>()
            .await;
        failed.into_iter().chain(settled).collect()
    }

    async fn encode(&self, published: &Published) -> Result<HubMessage, CodecError> {
        let (event, trace): (ProductEvent, _) = (published.event(), published.trace.clone());
        let (id, subject) = (event.id(), event.product.id.as_str().to_owned());
        let time = Some(event.product.updated_at);
        let extensions =
            BTreeMap::from([("partitionkey".to_owned(), subject.clone()), ("sequence".to_owned(), event.sequence())]);
        let (source, subject) = (SOURCE, Some(subject));
        let codec = self.app.events();
        match ProductEventData::from(event) {
            ProductEventData::Changed(data) => {
                codec
                    .encode(Outgoing {
                        id,
                        source,
                        subject,
                        time,
                        extensions,
                        trace,
                        schema: &PRODUCT_CHANGED,
                        data: &data,
                    })
                    .await
            }
            ProductEventData::Discontinued(data) => {
                codec
                    .encode(Outgoing {
                        id,
                        source,
                        subject,
                        time,
                        extensions,
                        trace,
                        schema: &PRODUCT_DISCONTINUED,
                        data: &data,
                    })
                    .await
            }
        }
    }

    /// Notes that the hub has the event. If another announcer was there first it has noted that or gone on; both are fine.
    async fn note(&self, pending: &Pending) -> Result<(), Outcome> {
        match self.published.write(&pending.published.clone().sent(), Some(&pending.etag)).await {
            Err(error) if !error.is_lost_race() => Err(unstored("note that the event was sent", error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn changed(document: Value) -> ChangedDocument {
        ChangedDocument { document, trace: None }
    }

    #[test]
    fn a_bad_document_parks_alone_and_a_repeated_product_counts_once() {
        let product = |id: &str, version: i64| {
            json!({
                "id": id, "name": "Boots", "category": "Footwear", "price": { "amount": "1.00", "currency": "USD" },
                "status": "active", "version": version, "updatedAt": "2026-01-05T10:00:00Z",
            })
        };
        let (outcomes, products) = latest(
            [product("a", 1), json!({ "id": "b" }), product("c", 1), product("a", 2), json!("text")]
                .map(changed)
                .into(),
        );
        assert!(matches!(outcomes[&0], Outcome::Skip(_)));
        assert!(matches!(outcomes[&1], Outcome::Park(_)));
        assert!(matches!(outcomes[&4], Outcome::Park(_)));
        assert_eq!(
            products.iter().map(|change| (change.index, change.product.version)).collect::<Vec<_>>(),
            [(2, 1), (3, 2)]
        );
        assert_eq!(outcomes.len() + products.len(), 5);
    }
}
