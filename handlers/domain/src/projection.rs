//! Read model: what the site shows of products, one document per product and one row per product and category.
//!
//! Every write is "write if newer by (revision, hub sequence)", which is a join: writes commute and repeat without effect. What is
//! no longer listed in a category is not deleted but overwritten by a tombstone with that version, so that a late, older write
//! cannot bring it back. Hence any order, any repetition and any grouping of a product's events end in the same state.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    money::Money,
    product::{Brand, Category, Name, Product, ProductId},
    product_events::ProductEvent,
};

/// How long a tombstone stays, in seconds: as long as the hub keeps the events that it holds back. After that the product's own
/// document, which stays for ever, still tells an old event from a new one.
pub const TOMBSTONE_SECONDS: i64 = 7 * 24 * 60 * 60;

/// Which of two states is later: the announcement's revision, then its place in the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// [`ProductEvent::revision`].
    pub revision: i64,
    /// Sequence number of the event in its hub partition. It differs only between repeats of one announcement.
    pub sequence: i64,
}

/// A product on the site: document of `site/products`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductView {
    /// Which product.
    pub id: ProductId,
    /// See [`Stamp`].
    pub revision: i64,
    /// See [`Stamp`].
    pub sequence: i64,
    /// All of it.
    pub product: Product,
}

/// A product in a category: row of `site/listings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RowDocument", into = "RowDocument")]
pub struct ListingRow {
    /// Which product.
    pub id: ProductId,
    /// In which category: the partition key.
    pub category: Category,
    /// When it became so.
    pub stamp: Stamp,
    /// What a list shows of it; `None` is a tombstone.
    pub entry: Option<Entry>,
}

/// A category that products are or were listed in: row of `site/listings`, in the partition [`CATEGORIES`]. Rows are only added, so
/// that writing one commutes with everything. A category may be empty: whether it has an [`Entry`], its own partition says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryRow {
    /// Made of the name, which may hold characters that an id may not.
    pub id: Uuid,
    /// Always [`CATEGORIES`]: the partition key.
    pub category: String,
    /// The category.
    pub name: Category,
}

/// The partition of `site/listings` that lists the categories: a name that no category can have.
pub const CATEGORIES: &str = "";

/// What a list shows of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// What it is called.
    pub name: Name,
    /// Who makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// What one costs.
    pub price: Money,
    /// How many are in stock, where that is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<u32>,
    /// Its version in the catalogue.
    pub version: i64,
    /// When that version was made.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// An event and its place in the hub.
#[derive(Clone, Debug)]
pub struct SequencedEvent {
    /// Sequence number in its partition.
    pub sequence: i64,
    /// What happened.
    pub event: ProductEvent,
}

/// What to write, each thing only if newer than what is stored. Rows come first and the document last: while the old document
/// stands, whoever repeats the work still finds the category to clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writes {
    /// Rows of `site/listings`.
    pub rows: Vec<ListingRow>,
    /// The category of the product where it may be new.
    pub category: Option<CategoryRow>,
    /// Document of `site/products`; `None` if the known one stands.
    pub view: Option<ProductView>,
}

impl ProductView {
    /// When it became so.
    pub fn stamp(&self) -> Stamp {
        Stamp { revision: self.revision, sequence: self.sequence }
    }
}

impl SequencedEvent {
    fn stamp(&self) -> Stamp {
        Stamp { revision: self.event.revision, sequence: self.sequence }
    }
}

/// What `events` about one product change on the site, given its document as it is `known` there.
///
/// The latest state is shown in its category, and is tombstoned in every other category that any event or the document names. If it
/// is discontinued, it is tombstoned everywhere.
pub fn project(known: Option<&ProductView>, events: &[SequencedEvent]) -> Writes {
    let latest = events.iter().max_by_key(|sequenced| sequenced.stamp());
    let newer =
        latest.filter(|sequenced| known.is_none_or(|known| known.stamp() < sequenced.stamp())).map(|sequenced| {
            ProductView {
                id: sequenced.event.product.id.clone(),
                revision: sequenced.event.revision,
                sequence: sequenced.sequence,
                product: sequenced.event.product.clone(),
            }
        });
    let Some(latest) = newer.as_ref().or(known) else {
        return Writes { rows: Vec::new(), category: None, view: None };
    };
    let mut categories: Vec<Category> = events
        .iter()
        .flat_map(|sequenced| [Some(sequenced.event.product.content.category.clone()), sequenced.event.moved_from()])
        .flatten()
        .chain(known.map(|known| known.product.content.category.clone()))
        .collect();
    categories.sort();
    categories.dedup();
    let rows = categories.into_iter().map(|category| latest.row(category)).collect();
    // While the document names the category, its row was written before.
    let category = latest.category();
    let category = category.filter(|category| known.and_then(ProductView::category) != Some(*category));
    Writes { rows, category: category.map(CategoryRow::new), view: newer }
}

impl CategoryRow {
    fn new(name: &Category) -> Self {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_str().as_bytes());
        Self { id, category: CATEGORIES.to_owned(), name: name.clone() }
    }
}

impl ProductView {
    /// Where it is listed.
    fn category(&self) -> Option<&Category> {
        (!self.product.is_discontinued()).then_some(&self.product.content.category)
    }

    /// Its row in `category`: an entry where it is listed, a tombstone elsewhere.
    fn row(&self, category: Category) -> ListingRow {
        let content = &self.product.content;
        let is_listed = category == content.category && !self.product.is_discontinued();
        let entry = is_listed.then(|| Entry {
            name: content.name.clone(),
            brand: content.brand.clone(),
            price: content.price,
            stock: content.stock,
            version: self.product.version,
            updated_at: self.product.updated_at,
        });
        ListingRow { id: self.id.clone(), category, stamp: self.stamp(), entry }
    }
}

/// A row as it is stored: a tombstone says so, and expires.
#[derive(Serialize, Deserialize)]
struct RowDocument {
    id: ProductId,
    category: Category,
    revision: i64,
    sequence: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<Entry>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
}

#[derive(Debug, thiserror::Error)]
#[error("a listing row has either an entry or removed = true")]
struct RowError;

impl TryFrom<RowDocument> for ListingRow {
    type Error = RowError;

    fn try_from(document: RowDocument) -> Result<Self, RowError> {
        if document.entry.is_some() == document.removed {
            return Err(RowError);
        }
        let stamp = Stamp { revision: document.revision, sequence: document.sequence };
        Ok(Self { id: document.id, category: document.category, stamp, entry: document.entry })
    }
}

impl From<ListingRow> for RowDocument {
    fn from(row: ListingRow) -> Self {
        let removed = row.entry.is_none();
        Self {
            id: row.id,
            category: row.category,
            revision: row.stamp.revision,
            sequence: row.stamp.sequence,
            entry: row.entry,
            removed,
            ttl: removed.then_some(TOMBSTONE_SECONDS),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::{
        super::{product::tests::any_product, publication::Next, publication::Published},
        *,
    };

    /// The two containers, of one product.
    #[derive(Clone, Default)]
    struct Site {
        view: Option<ProductView>,
        rows: BTreeMap<Category, ListingRow>,
        categories: BTreeSet<Category>,
    }

    impl Site {
        /// Applies the first `until` writes and tells whether all were.
        fn deliver(&mut self, events: &[SequencedEvent], until: usize) -> bool {
            let writes = project(self.view.as_ref(), events);
            let mut left = until;
            for row in writes.rows {
                if left == 0 {
                    return false;
                }
                left -= 1;
                let row =
                    serde_json::to_value(row).and_then(serde_json::from_value::<ListingRow>).expect("its own document");
                if self.rows.get(&row.category).is_none_or(|stored| stored.stamp < row.stamp) {
                    self.rows.insert(row.category.clone(), row);
                }
            }
            if let Some(row) = writes.category {
                if left == 0 {
                    return false;
                }
                left -= 1;
                self.categories.insert(row.name);
            }
            if let Some(view) = writes.view {
                if left == 0 {
                    return false;
                }
                assert!(self.view.as_ref().is_none_or(|stored| stored.stamp() < view.stamp()), "never backwards");
                self.view = Some(view);
            }
            true
        }

        /// What visitors can see, whichever repeat of the last event came last.
        fn shown(&self) -> (Option<ProductView>, BTreeMap<Category, Entry>) {
            let live = self.rows.values().filter_map(|row| Some((row.category.clone(), row.entry.clone()?))).collect();
            (self.view.clone().map(|view| ProductView { sequence: 0, ..view }), live)
        }
    }

    /// What `ProductChanges` announces when it sees these states one after the other.
    fn announced(products: Vec<Product>) -> Vec<ProductEvent> {
        let mut published: Option<Published> = None;
        let mut events = Vec::new();
        for (version, product) in (1..).zip(products) {
            if let Next::Announce(next) = Published::next(published.as_ref(), &Product { version, ..product }, None) {
                events.push(next.event());
                published = Some(next.sent());
            }
        }
        events
    }

    proptest! {
        #[test]
        fn any_order_repetition_grouping_and_death_show_the_same(
            products in prop::collection::vec(any_product(), 1..7),
            repeats in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
            order in prop::collection::vec(any::<u32>(), 13),
            batches in prop::collection::vec((1..4_usize, 0..9_usize), 13),
        ) {
            let events = announced(products);
            let mut in_order = Site::default();
            for (sequence, event) in (0..).zip(&events) {
                let sequenced = SequencedEvent { sequence, event: event.clone() };
                prop_assert!(in_order.deliver(&[sequenced], usize::MAX));
            }
            prop_assert!(in_order.shown().1.len() <= 1, "listed once or not at all");

            // Repeats have a place of their own in the hub. Then everything is shuffled, in batches, each cut short once.
            let all = events.iter().chain(repeats.iter().map(|index| index.get(&events)));
            let mut events: Vec<(u32, SequencedEvent)> =
                order.iter().copied().zip((0..).zip(all).map(|(sequence, event)| SequencedEvent { sequence, event: event.clone() })).collect();
            events.sort_by_key(|(place, _)| *place);
            let mut rest: &[_] = &events.into_iter().map(|(_, sequenced)| sequenced).collect::<Vec<_>>();
            let mut shuffled = Site::default();
            for (size, dies_after) in batches {
                let (batch, after) = rest.split_at(size.min(rest.len()));
                if !shuffled.deliver(batch, dies_after) {
                    prop_assert!(shuffled.deliver(batch, usize::MAX));
                }
                rest = after;
            }
            prop_assert!(rest.is_empty() || shuffled.deliver(rest, usize::MAX));
            prop_assert_eq!(shuffled.shown(), in_order.shown());
            prop_assert!(shuffled.shown().1.keys().all(|category| shuffled.categories.contains(category)));
        }
    }

    #[test]
    fn a_tombstone_says_so_and_expires() {
        let row = ListingRow {
            id: "p-1".to_owned().try_into().expect("valid"),
            category: "Bags".to_owned().try_into().expect("valid"),
            stamp: Stamp { revision: 2, sequence: 7 },
            entry: None,
        };
        assert_eq!(
            serde_json::to_value(row).expect("serializes"),
            serde_json::json!({ "id": "p-1", "category": "Bags", "revision": 2, "sequence": 7, "removed": true, "ttl": 604_800 })
        );
    }
}
