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
use serde_json::Value;

use crate::{
    app::App,
    azure::event_hubs::SendErrorKind,
    domain::{
        product::Product,
        product_events::{ProductEvent, ProductEventData, SOURCE},
        publication::{Next, Published},
    },
    events::{
        CodecError, HubMessage, Outgoing,
        contracts::{PRODUCT_CHANGED, PRODUCT_DISCONTINUED},
        hubs,
    },
    function::{Function, Trigger},
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

async fn handle(app: App, documents: Vec<Value>) -> Vec<Outcome> {
    let (mut outcomes, products) = latest(documents);
    let announcer = Announcer { app: &app, published: &app.stores().published };
    let mut waiting = products;
    for _ in 0..MAX_ROUNDS {
        if waiting.is_empty() {
            break;
        }
        waiting = announcer.round(waiting, &mut outcomes).await;
    }
    for (index, product) in waiting {
        let cause = format!("product {} is being announced by others at the same time", product.id);
        outcomes.insert(index, Outcome::Retry(Cause::new(cause)));
    }
    outcomes.into_values().collect()
}

/// The last document of each product, and outcomes for the rest. Keys are places in the batch.
fn latest(documents: Vec<Value>) -> (BTreeMap<usize, Outcome>, Vec<(usize, Product)>) {
    let mut outcomes = BTreeMap::new();
    let mut last: HashMap<String, (usize, Product)> = HashMap::new();
    for (index, document) in documents.into_iter().enumerate() {
        match serde_json::from_value::<Product>(document) {
            Ok(product) => {
                if let Some((earlier, _)) = last.insert(product.id.as_str().to_owned(), (index, product)) {
                    outcomes.insert(earlier, Outcome::Skip("a later state of the product is in the same batch"));
                }
            }
            Err(error) => {
                outcomes.insert(index, Outcome::Park(Cause::from_error("read the document as a product", error)));
            }
        }
    }
    let mut products: Vec<_> = last.into_values().collect();
    products.sort_by_key(|(index, _)| *index);
    (outcomes, products)
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
    async fn round(
        &self,
        products: Vec<(usize, Product)>,
        outcomes: &mut BTreeMap<usize, Outcome>,
    ) -> Vec<(usize, Product)> {
        let steps: Vec<_> = stream::iter(products)
            .map(|(index, product)| async move { (self.prepare(&product).await, index, product) })
            .buffered(CONCURRENT_PRODUCTS)
            .collect()
            .await;
        let (mut again, mut sending) = (Vec::new(), Vec::new());
        for (step, index, product) in steps {
            match step {
                Step::End(outcome) => {
                    outcomes.insert(index, outcome);
                }
                Step::Send(pending) => sending.push((*pending, index, product)),
                Step::Again => again.push((index, product)),
            }
        }
        for (sent, pending, index, product) in self.send(sending).await {
            match sent {
                Ok(()) if pending.is_current => {
                    outcomes.insert(index, Outcome::Done);
                }
                Ok(()) => again.push((index, product)),
                Err(outcome) => {
                    outcomes.insert(index, outcome);
                }
            }
        }
        again
    }

    /// Reads what was announced, and stores what is to be.
    async fn prepare(&self, product: &Product) -> Step {
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
        let next = match Published::next(published.as_ref(), product) {
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
    async fn send(
        &self,
        sending: Vec<(Pending, usize, Product)>,
    ) -> Vec<(Result<(), Outcome>, Pending, usize, Product)> {
        let mut messages = Vec::with_capacity(sending.len());
        let mut failed = Vec::new();
        let mut encoded = Vec::with_capacity(sending.len());
        for (pending, index, product) in sending {
            match self.encode(pending.published.event()).await {
                Ok(message) => {
                    messages.push((pending.published.id.as_str().to_owned(), message));
                    encoded.push((pending, index, product));
                }
                Err(error) => {
                    let is_transient = error.is_transient();
                    let cause = Cause::from_error("encode the event", error);
                    let outcome = if is_transient { Outcome::Retry(cause) } else { Outcome::Park(cause) };
                    failed.push((Err(outcome), pending, index, product));
                }
            }
        }
        let sent = loop {
            match self.app.hubs().send(hubs::PRODUCTS, messages.clone()).await {
                Err(error) => match error.kind {
                    SendErrorKind::TooLarge { index: place } if place < encoded.len() => {
                        messages.remove(place);
                        let (pending, index, product) = encoded.remove(place);
                        failed.push((
                            Err(Outcome::Park(Cause::from_error("send the event", error))),
                            pending,
                            index,
                            product,
                        ));
                    }
                    _ => break Err(Cause::from_error("send the event", error).chain()),
                },
                Ok(()) => break Ok(()),
            }
        };
        let settled = stream::iter(encoded)
            .map(|(pending, index, product)| {
                let sent = sent.clone();
                async move {
                    match sent {
                        Ok(()) => (self.note(&pending).await, pending, index, product),
                        Err(cause) => (Err(Outcome::Retry(Cause::new(cause))), pending, index, product),
                    }
                }
            })
            .buffered(CONCURRENT_PRODUCTS)
            .collect::<Vec<_>>()
            .await;
        failed.into_iter().chain(settled).collect()
    }

    async fn encode(&self, event: ProductEvent) -> Result<HubMessage, CodecError> {
        let (id, subject) = (event.id(), event.product.id.as_str().to_owned());
        let time = Some(event.product.updated_at);
        let extensions =
            BTreeMap::from([("partitionkey".to_owned(), subject.clone()), ("sequence".to_owned(), event.sequence())]);
        let (source, subject) = (SOURCE, Some(subject));
        let codec = self.app.events();
        match ProductEventData::from(event) {
            ProductEventData::Changed(data) => {
                codec
                    .encode(Outgoing { id, source, subject, time, extensions, schema: &PRODUCT_CHANGED, data: &data })
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bad_document_parks_alone_and_a_repeated_product_counts_once() {
        let product = |id: &str, version: i64| {
            json!({
                "id": id, "name": "Boots", "category": "Footwear", "price": { "amount": "1.00", "currency": "USD" },
                "status": "active", "version": version, "updatedAt": "2026-01-05T10:00:00Z",
            })
        };
        let (outcomes, products) =
            latest(vec![product("a", 1), json!({ "id": "b" }), product("c", 1), product("a", 2), json!("text")]);
        assert!(matches!(outcomes[&0], Outcome::Skip(_)));
        assert!(matches!(outcomes[&1], Outcome::Park(_)));
        assert!(matches!(outcomes[&4], Outcome::Park(_)));
        assert_eq!(
            products.iter().map(|(index, product)| (*index, product.version)).collect::<Vec<_>>(),
            [(2, 1), (3, 2)]
        );
        assert_eq!(outcomes.len() + products.len(), 5);
    }
}
