//! Transactional outbox: decides what a hub must hear about a product, such that the same event id always means the same content.
//!
//! One [`Published`] document per product remembers the state that was last announced. It is written *before* its event is sent,
//! marked pending, and once more when the hub has the event. Whoever finds a pending one sends that event again, from the
//! document alone, before anything else: so a death between writing and sending costs a repeat, never a gap or a second meaning.

use serde::{Deserialize, Serialize};

use super::{
    product::{Product, ProductId},
    product_diff::diff,
    product_events::ProductEvent,
    trace_context::{self, TraceContext},
};

/// What was last announced about a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Which product.
    pub id: ProductId,
    /// Counts the announcements from 1.
    pub revision: i64,
    /// The state that was announced.
    pub content: Product,
    /// The state announced before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Product>,
    /// Whether the hub may not have the event yet.
    pub pending: bool,
    /// What the event says caused it, each time it is sent.
    #[serde(default, deserialize_with = "trace_context::lenient", skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// What a state of a product means, given what was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It was announced already.
    Same,
    /// A later state was announced already.
    Stale,
    /// Store this, then send its event.
    Announce(Box<Published>),
}

impl Published {
    /// Compares the state `product` with what was announced; `trace` is what to announce it as caused by.
    ///
    /// A state is stale if both its version and its time are older; a product that another writer removed and made anew starts at
    /// version 1 again, but later.
    pub fn next(published: Option<&Self>, product: &Product, trace: Option<&TraceContext>) -> Next {
        let previous = published.map(|published| &published.content);
        match previous {
            Some(last) if last.says_the_same_as(product) => return Next::Same,
            Some(last) if product.version < last.version && product.updated_at <= last.updated_at => {
                return Next::Stale;
            }
            _ => {}
        }
        Next::Announce(Box::new(Self {
            id: product.id.clone(),
            revision: published.map_or(0, |published| published.revision) + 1,
            content: product.clone(),
            previous: previous.cloned(),
            pending: true,
            trace: trace.cloned(),
        }))
    }

    /// The event that announces it: always the same for the same document.
    pub fn event(&self) -> ProductEvent {
        let changes =
            if self.content.is_discontinued() { Vec::new() } else { diff(self.previous.as_ref(), &self.content) };
        ProductEvent { revision: self.revision, product: self.content.clone(), changes }
    }

    /// The same, known to be on the hub.
    #[must_use]
    pub fn sent(self) -> Self {
        Self { pending: false, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use time::{Duration, OffsetDateTime};

    use super::{super::product::tests::any_product, *};

    fn at_version(product: Product, version: i64) -> Product {
        let updated_at = OffsetDateTime::UNIX_EPOCH + Duration::seconds(version);
        Product { version, updated_at, ..product }
    }

    proptest! {
        /// Whatever order states come in, how often, and wherever the announcer dies: ids never change their meaning, revisions on the
        /// hub leave no gap, and the last state is what was announced last.
        #[test]
        fn an_id_means_one_content_and_no_revision_is_left_out(
            products in prop::collection::vec(any_product(), 1..8),
            steps in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8), 0..40),
        ) {
            let history: Vec<Product> = (1..).zip(products).map(|(version, product)| at_version(product, version)).collect();
            let last = &history[history.len() - 1];
            let mut stored: Option<Published> = None;
            let mut hub: BTreeMap<i64, ProductEvent> = BTreeMap::new();
            let mut send = |event: ProductEvent| hub.insert(event.revision, event.clone()).is_none_or(|earlier| earlier == event);
            let steps = steps.iter().map(|(which, dies_at)| (which.get(&history), *dies_at));
            for (product, dies_at) in steps.chain([(last, 3)]) {
                if let Some(pending) = stored.clone().filter(|published| published.pending) {
                    prop_assert!(send(pending.event()));
                    if dies_at == 0 { continue }
                    stored = Some(pending.sent());
                }
                let Next::Announce(next) = Published::next(stored.as_ref(), product, None) else { continue };
                stored = Some(Published::clone(&next));
                if dies_at == 1 { continue }
                prop_assert!(send(next.event()));
                if dies_at == 2 { continue }
                stored = Some(next.sent());
            }
            let stored = stored.expect("something was announced");
            prop_assert!(stored.content.says_the_same_as(last));
            prop_assert!(hub.keys().copied().eq(1..=stored.revision));
        }

        #[test]
        fn an_older_state_is_not_announced_again(older in any_product(), newer in any_product()) {
            prop_assume!(!older.says_the_same_as(&newer));
            let newer = Product { version: older.version + 1, updated_at: older.updated_at, ..newer };
            let Next::Announce(first) = Published::next(None, &newer, None) else { panic!("announced") };
            prop_assert_eq!(Published::next(Some(&first), &older, None), Next::Stale);
            prop_assert_eq!(Published::next(Some(&first), &newer, None), Next::Same);
        }
    }
}
