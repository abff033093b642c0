//! A last-N list that merges in any order: what a visitor viewed last, and that it stays erased once it was.
//!
//! A list is a merge: per product the latest view, of those the newest twenty. Merging is commutative, associative and idempotent, so
//! repeats, disorder and the way views are cut into batches do not matter. An erasure is a moment: what was viewed up to then never
//! counts again. It is kept in place of the list for as long as a view from before it can still arrive.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, btree_map::Entry},
};

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{
    click::{LATE, VisitorId},
    click_body::to_milliseconds,
    product::{Category, ProductId},
};

/// How many products a list holds.
pub const LENGTH: usize = 20;

/// How long a list is kept after it was last written; the default of its container.
pub const KEPT: Duration = Duration::days(30);

/// How long hub `clicks` keeps an event, and so may deliver it.
const RETENTION: Duration = Duration::days(7);

/// One product, and when it was last viewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Which product.
    pub product_id: ProductId,
    /// Where it was listed, where the site said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// When: UTC, whole milliseconds.
    #[serde(with = "time::serde::rfc3339")]
    pub viewed_at: OffsetDateTime,
}

impl View {
    /// A view at `time` that the hub stored at `stored`. Clocks differ: one that claims to be later happened when it was stored, so
    /// that an erasure covers all that was stored before it.
    pub fn new(
        product_id: ProductId,
        category: Option<Category>,
        time: OffsetDateTime,
        stored: OffsetDateTime,
    ) -> Self {
        Self { product_id, category, viewed_at: to_milliseconds(time.min(stored)) }
    }

    /// Greater is what wins among views of one product.
    fn rank(&self) -> (OffsetDateTime, Option<&Category>) {
        (self.viewed_at, self.category.as_ref())
    }
}

/// The document of one visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecentlyViewed {
    /// Whose.
    pub id: VisitorId,
    /// Newest first, at most [`LENGTH`].
    pub items: Vec<View>,
    /// What was viewed up to this moment was erased.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub erased_before: Option<OffsetDateTime>,
    /// How long Cosmos DB keeps the document from now (seconds), where that is not the container's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
}

impl RecentlyViewed {
    /// An empty list.
    pub fn of(id: VisitorId) -> Self {
        Self { id, items: Vec::new(), erased_before: None, ttl: None }
    }

    /// This list with `views`; `None` if they change nothing.
    #[must_use]
    pub fn with(&self, views: impl IntoIterator<Item = View>, now: OffsetDateTime) -> Option<Self> {
        let mut latest: BTreeMap<ProductId, View> = BTreeMap::new();
        for view in self.items.iter().cloned().chain(views).filter(|view| !self.is_erased(view)) {
            match latest.entry(view.product_id.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(view);
                }
                Entry::Occupied(mut entry) if view.rank() > entry.get().rank() => {
                    entry.insert(view);
                }
                Entry::Occupied(_) => {}
            }
        }
        let mut items: Vec<View> = latest.into_values().collect();
        // Stable: products of the same moment stay in the order of their ids.
        items.sort_by_key(|view| Reverse(view.viewed_at));
        items.truncate(LENGTH);
        (items != self.items).then(|| Self { items, ..self.clone() }.kept_from(now))
    }

    /// This list after everything up to `now` was erased, and everything in it.
    #[must_use]
    pub fn erased(&self, now: OffsetDateTime) -> Self {
        // Clocks differ: what is in the list is from before, whatever its time, and no clock takes an earlier erasure back.
        let newest = self.items.iter().map(|view| view.viewed_at).max();
        let moment = self.erased_before.max(newest).max(Some(to_milliseconds(now)));
        Self { id: self.id.clone(), items: Vec::new(), erased_before: moment, ttl: None }.kept_from(now)
    }

    fn is_erased(&self, view: &View) -> bool {
        self.erased_before.is_some_and(|moment| view.viewed_at <= moment)
    }

    /// An erasure outlives everything from before it: what is stored up to [`LATE`] afterwards and read up to [`RETENTION`] later.
    fn kept_from(self, now: OffsetDateTime) -> Self {
        let ttl = self.erased_before.map(|moment| (moment + LATE + RETENTION - now).max(KEPT).whole_seconds());
        Self { ttl, ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    fn visitor() -> RecentlyViewed {
        RecentlyViewed::of("visitor-1".to_owned().try_into().expect("valid"))
    }

    fn view(product: u8, minute: i64) -> View {
        let id = format!("p{product:02}").try_into().expect("valid");
        View::new(id, None, NOW + Duration::minutes(minute), NOW + Duration::DAY)
    }

    fn products(list: &RecentlyViewed) -> Vec<&str> {
        list.items.iter().map(|view| view.product_id.as_str()).collect()
    }

    #[test]
    fn the_newest_twenty_products_each_once() {
        let views = (0..25).map(|number| view(number, i64::from(number))).chain([view(3, 100), view(24, 0)]);
        let list = visitor().with(views, NOW).expect("changed");
        assert_eq!(list.items.len(), LENGTH);
        assert_eq!(products(&list)[..3], ["p03", "p24", "p23"]);
        assert_eq!(list.with([view(3, 100), view(24, 24), view(0, 0)], NOW), None, "nothing new");
    }

    #[test]
    fn what_happened_after_it_was_stored_happened_when_it_was_stored() {
        let ahead = View::new("p".to_owned().try_into().expect("valid"), None, NOW + Duration::MINUTE, NOW);
        assert_eq!(ahead.viewed_at, NOW);
    }

    #[test]
    fn an_erasure_outlives_all_that_can_still_arrive() {
        let days = |list: &RecentlyViewed| list.ttl.map(|ttl| ttl / 86_400);
        let erased = visitor().erased(NOW);
        assert_eq!(days(&erased), Some(107));
        let after = |days| erased.with([view(1, 1)], NOW + Duration::days(days)).expect("changed");
        assert_eq!(days(&after(50)), Some(57));
        assert_eq!(days(&after(200)), Some(30));
        assert_eq!(days(&visitor().with([view(1, 1)], NOW).expect("changed")), None, "the container's default");
        assert_eq!(erased.erased(NOW - Duration::MINUTE).erased_before, Some(NOW), "no clock takes an erasure back");
    }

    fn any_view() -> impl Strategy<Value = View> {
        let category = prop::option::of(prop::sample::select(vec!["Boots", "Ropes"]));
        (0..40_u8, -60..60_i64, category).prop_map(|(product, minute, category)| View {
            category: category.map(|name| name.to_owned().try_into().expect("valid")),
            ..view(product, minute)
        })
    }

    fn merged(start: RecentlyViewed, batches: &[Vec<View>]) -> RecentlyViewed {
        batches.iter().fold(start, |list, batch| list.with(batch.iter().cloned(), NOW).unwrap_or(list))
    }

    /// Cuts views into batches of these sizes, the rest in one.
    fn cut(views: &[View], sizes: &[usize]) -> Vec<Vec<View>> {
        let mut rest = views;
        let mut batches = Vec::new();
        for size in sizes {
            let (batch, after) = rest.split_at((*size).min(rest.len()));
            batches.push(batch.to_vec());
            rest = after;
        }
        batches.push(rest.to_vec());
        batches
    }

    proptest! {
        #[test]
        fn order_repeats_and_batches_do_not_matter(
            (views, shuffled) in prop::collection::vec(any_view(), 0..80)
                .prop_flat_map(|views| (Just(views.clone()), Just(views).prop_shuffle())),
            sizes in prop::collection::vec(1..30_usize, 0..8),
            repeated in 0..80_usize,
        ) {
            let all_at_once = merged(visitor(), std::slice::from_ref(&views));
            let mut again = cut(&shuffled, &sizes);
            again.push(views.iter().take(repeated).cloned().collect());
            prop_assert_eq!(&merged(visitor(), &again), &all_at_once);
            prop_assert_eq!(all_at_once.with(shuffled, NOW), None, "a second delivery writes nothing");
        }

        #[test]
        fn an_erasure_wins_whenever_it_comes(
            views in prop::collection::vec(any_view(), 0..80),
            sizes in prop::collection::vec(1..30_usize, 1..8),
            place in 0..8_usize,
        ) {
            let batches = cut(&views, &sizes);
            let (before, after) = batches.split_at(place.min(batches.len()));
            let erased = merged(visitor(), before).erased(NOW);
            prop_assert!(erased.items.is_empty());
            let moment = erased.erased_before.expect("erased");
            let later: Vec<View> = views.iter().filter(|view| view.viewed_at > moment).cloned().collect();
            // The batches from before come once more, late.
            prop_assert_eq!(merged(merged(erased, after), before).items, merged(visitor(), &[later]).items);
        }
    }
}
