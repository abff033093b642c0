//! Ranking: what goes into which list.
//!
//! Anybody can send clicks on products that do not exist, and name any category. So lists hold only what the site says is [`Sold`], where
//! the site lists it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::OffsetDateTime;

use super::{
    board::{ALL, RisingProduct, TopProduct, TrendingDocument, category_id, empty},
    past::Past,
    tally::{ProductCount, Tally},
};
use crate::product::{Category, ProductId};

/// Entries of a list.
const LISTED: usize = 20;
/// Views below which nothing is called rising.
const LEAST_VIEWS: u64 = 5;
/// Score from which a product is called rising: of 30,000 products with steady views, one by chance.
const LEAST_SCORE: f64 = 4.0;
/// Categories with a list of their own.
const MOST_CATEGORIES: usize = 200;

/// What the site says of products: where one is listed, or `None` if it has none of that id or no longer sells it.
pub type Sold = HashMap<ProductId, Option<Category>>;

/// What is viewed just now, in the order of the lists, whether the site has it or not.
#[derive(Debug)]
pub struct Ranking {
    top: Vec<Viewed>,
    /// Places in `top`, with what is expected and the score.
    rising: Vec<(usize, f64, f64)>,
    /// The categories that clicks name most.
    claimed: BTreeSet<Category>,
}

#[derive(Debug)]
struct Viewed {
    id: ProductId,
    /// Where the last click says that it is listed.
    claimed: Option<Category>,
    views: u64,
    visitors: u64,
}

impl Ranking {
    /// Of the minutes just now together, and the past.
    pub fn new(now: &Tally, past: &Past) -> Self {
        let viewed = |(id, product): (&ProductId, &ProductCount)| Viewed {
            id: id.clone(),
            claimed: product.listed.as_ref().map(|listed| listed.category.clone()),
            views: product.count.views,
            visitors: product.count.visitors.count(),
        };
        let mut top: Vec<_> = now.products.iter().map(viewed).collect();
        top.sort_by_key(|product| std::cmp::Reverse(product.views));
        let rise = |(place, product)| {
            let (expected, score) = rise(product, now.total.views, past)?;
            Some((place, expected, score))
        };
        let mut rising: Vec<_> = top.iter().enumerate().filter_map(rise).collect();
        rising.sort_by(|a, b| b.2.total_cmp(&a.2));
        let mut by_views: Vec<_> = now.categories.iter().collect();
        by_views.sort_by_key(|(_, count)| std::cmp::Reverse(count.views));
        let claimed = by_views.into_iter().take(MOST_CATEGORIES).map(|(name, _)| name.clone()).collect();
        Self { top, rising, claimed }
    }

    /// Every product that was viewed.
    pub fn products(&self) -> impl Iterator<Item = &ProductId> {
        self.top.iter().map(|product| &product.id)
    }

    /// What must be asked for next to fill the lists: what may stand in one and is not in `sold`. With the answers there may be
    /// more to ask for, where they leave places free.
    pub fn unknown(&self, sold: &Sold) -> BTreeSet<&ProductId> {
        // Made-up categories cannot push out one that the site is known to have.
        let categories: BTreeSet<&Category> = self.claimed.iter().chain(sold.values().flatten()).collect();
        let rising = self.rising.iter().map(|(place, ..)| &self.top[*place]);
        let top = unknown_of(self.top.iter(), &categories, sold);
        top.into_iter().chain(unknown_of(rising, &categories, sold)).collect()
    }

    /// The lists as of `at`: one for each category of what is sold, the most viewed ones, and at the end that over all.
    pub fn lists(&self, at: OffsetDateTime, sold: &Sold) -> Vec<TrendingDocument> {
        let category = |product: &Viewed| sold.get(&product.id).cloned().flatten();
        let mut all = empty(ALL.to_owned(), at);
        let mut by_category: BTreeMap<Category, (u64, TrendingDocument)> = BTreeMap::new();
        for product in &self.top {
            let Some(category) = category(product) else { continue };
            let entry = by_category.entry(category.clone());
            let (views, list) = entry.or_insert_with(|| (0, empty(category_id(&category), at)));
            *views += product.views;
            let (product_id, visitors) = (product.id.clone(), product.visitors);
            let top = TopProduct { product_id, category, views: product.views, visitors };
            [&mut all, list].into_iter().for_each(|list| push(&mut list.top, &top));
        }
        for (place, expected, score) in &self.rising {
            let product = &self.top[*place];
            let Some(category) = category(product) else { continue };
            let (product_id, expected, score) = (product.id.clone(), *expected, *score);
            let rising = RisingProduct { product_id, category, views: product.views, expected, score };
            let list = by_category.get_mut(&rising.category).map(|(_, list)| list);
            [Some(&mut all), list].into_iter().flatten().for_each(|list| push(&mut list.rising, &rising));
        }
        for product in self.top.iter().filter(|product| sold.get(&product.id) == Some(&None)) {
            all.left_out.products += 1;
            all.left_out.views += product.views;
        }
        let mut lists: Vec<_> = by_category.into_iter().collect();
        lists.sort_by_key(|(_, (views, _))| std::cmp::Reverse(*views));
        lists.truncate(MOST_CATEGORIES);
        all.categories = lists.iter().map(|(category, _)| category.clone()).collect();
        lists.into_iter().map(|(_, (_, list))| list).chain([all]).collect()
    }
}

/// What may stand in the list over all or in that of a category, and is not in `sold`.
fn unknown_of<'a>(
    order: impl Iterator<Item = &'a Viewed>,
    categories: &BTreeSet<&Category>,
    sold: &Sold,
) -> Vec<&'a ProductId> {
    let mut unknown = Vec::new();
    let mut taken_of_all = 0;
    let mut taken: BTreeMap<&Category, usize> = BTreeMap::new();
    for product in order {
        let claimed = product.claimed.as_ref().filter(|claimed| categories.contains(claimed));
        let has_place = |claimed| taken.get(claimed).is_none_or(|taken| *taken < LISTED);
        if taken_of_all >= LISTED && !claimed.is_some_and(has_place) {
            continue;
        }
        let takes = match sold.get(&product.id) {
            Some(None) => continue,
            Some(Some(category)) => claimed.filter(|claimed| *claimed == category),
            None => {
                unknown.push(&product.id);
                claimed
            }
        };
        taken_of_all += 1;
        if let Some(category) = takes {
            *taken.entry(category).or_default() += 1;
        }
    }
    unknown
}

fn push<T: Clone>(list: &mut Vec<T>, entry: &T) {
    if list.len() < LISTED {
        list.push(entry.clone());
    }
}

/// What is expected of the product and its score, if that is a rise: its share of all views now against its share in the past.
///
/// Both counts are taken for Poisson numbers and compared by their square roots, whose deviation does not depend on how large
/// they are (Anscombe 1948: 2·√(n + 3/8) has variance 1), so that small counts on either side make a small score.
fn rise(product: &Viewed, all: u64, past: &Past) -> Option<(f64, f64)> {
    let (before, all_before) = past.of(&product.id)?;
    let scale = all as f64 / all_before as f64;
    let root = |views: u64| (views as f64 + 0.375).sqrt();
    let score = 2.0 * (root(product.views) - scale.sqrt() * root(before)) / (1.0 + scale).sqrt();
    let is_rise = product.views >= LEAST_VIEWS && score >= LEAST_SCORE;
    is_rise.then(|| (hundredths(before as f64 * scale), hundredths(score)))
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::{
        click::Click,
        trends::{
            board::LeftOut,
            minute::{Minute, MinuteDocument},
            past::Hour,
        },
    };

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:07 UTC);

    fn tally(views: &[(&str, u64)]) -> Tally {
        let mut tally = Tally::default();
        for (id, views) in views {
            let click = Click {
                product_id: (*id).to_owned().try_into().unwrap(),
                category: Some(bags()),
                visitor_id: None,
                session_id: None,
            };
            (0..*views).for_each(|_| tally.add(&click, NOW));
        }
        tally
    }

    fn past(hours: &[&[(&str, u64)]]) -> Past {
        let documents = hours
            .iter()
            .map(|views| Hour::of_minutes(&[MinuteDocument::new(Minute::of(NOW), BTreeMap::new(), &tally(views))]));
        Past { hours: Past::hours_before(Minute::of(NOW)).zip(documents).collect() }
    }

    fn bags() -> Category {
        "Bags".to_owned().try_into().unwrap()
    }

    fn sold<'a>(ids: impl IntoIterator<Item = &'a str>) -> Sold {
        ids.into_iter().map(|id| (id.to_owned().try_into().unwrap(), Some(bags()))).collect()
    }

    fn rising(now: &[(&str, u64)], hours: &[&[(&str, u64)]]) -> Vec<String> {
        let ranking = Ranking::new(&tally(now), &past(hours));
        let lists = ranking.lists(NOW, &sold(now.iter().map(|(id, _)| *id)));
        let all = lists.last().unwrap();
        assert_eq!(all.id, ALL);
        all.rising.iter().map(|product| product.product_id.to_string()).collect()
    }

    #[test]
    fn the_past_is_whole_hours_before_the_minutes_just_now() {
        let hours = Past::hours_before(Minute::of(datetime!(2026-06-01 12:14 UTC)));
        assert_eq!(hours.end * 60, Minute::of(datetime!(2026-06-01 12:00 UTC)).epoch());
        let hours = Past::hours_before(Minute::of(datetime!(2026-06-01 12:13 UTC)));
        assert_eq!(hours.end * 60, Minute::of(datetime!(2026-06-01 11:00 UTC)).epoch());
        assert_eq!(hours.count(), 24);
    }

    #[test]
    fn a_product_rises_against_its_own_share_and_not_with_the_traffic() {
        let steady: &[_] = &[("a", 400), ("b", 40), ("c", 2)];
        let hours = [steady; 24];
        assert_eq!(rising(&[("a", 100), ("b", 10), ("c", 1)], &hours), [""; 0], "a quiet quarter");
        assert_eq!(rising(&[("a", 4_000), ("b", 400), ("c", 20)], &hours), [""; 0], "ten times the traffic");
        assert_eq!(rising(&[("a", 100), ("b", 40), ("c", 1)], &hours), ["b"]);
        assert_eq!(rising(&[("a", 100), ("b", 10), ("new", 15)], &hours), ["new"]);
    }

    #[test]
    fn little_evidence_makes_no_rise() {
        assert_eq!(rising(&[("a", 50)], &[]), [""; 0], "no past at all");
        assert_eq!(rising(&[("a", 3), ("b", 4)], &[&[("b", 1)], &[("b", 1_000)]]), [""; 0], "four views");
        assert_eq!(rising(&[("a", 9), ("b", 1)], &[&[("b", 5)], &[("b", 5)]]), [""; 0], "five views of the past");
    }

    #[test]
    fn a_burst_of_the_past_does_not_hide_the_next() {
        let quiet: &[_] = &[("a", 400), ("b", 4)];
        let mut hours = [quiet; 24];
        hours[3] = &[("a", 400), ("b", 900)];
        assert_eq!(rising(&[("a", 100), ("b", 30)], &hours), ["b"]);
    }

    #[test]
    fn every_category_has_its_list_under_an_id_that_the_store_takes() {
        let ranking = Ranking::new(&tally(&[("a", 3), ("b", 5)]), &Past::default());
        let lists = ranking.lists(NOW, &sold(["a", "b"]));
        assert_eq!(lists.iter().map(|list| list.id.as_str()).collect::<Vec<_>>(), ["category|Bags", "all"]);
        assert_eq!(lists[0].top, lists[1].top);
        assert_eq!(lists[1].top[0].views, 5);
        let odd = Category::try_from("50% off/new?".to_owned()).unwrap();
        assert_eq!(category_id(&odd), "category|50%25 off%2Fnew%3F");
    }

    #[test]
    fn what_the_site_does_not_have_takes_nobodys_place() {
        let made_up: Vec<_> = (0..50).map(|number| format!("none-{number:02}")).collect();
        let mut views: Vec<_> = made_up.iter().map(|id| (id.as_str(), 9)).collect();
        let real: Vec<_> = (0..25).map(|number| format!("bag-{number:02}")).collect();
        views.extend(real.iter().map(|id| (id.as_str(), 2)));
        let ranking = Ranking::new(&tally(&views), &Past::default());
        let mut sold = Sold::new();
        let mut asked = 0;
        loop {
            let unknown: Vec<_> = ranking.unknown(&sold).into_iter().cloned().collect();
            if unknown.is_empty() {
                break;
            }
            asked += unknown.len();
            let answers = unknown.into_iter().map(|id| {
                let is_sold = real.iter().any(|known| known == id.as_str());
                (id, is_sold.then(bags))
            });
            sold.extend(answers.collect::<Vec<_>>());
        }
        assert_eq!(asked, 50 + LISTED, "no more than fills the lists");
        for list in ranking.lists(NOW, &sold) {
            assert_eq!(list.top.len(), LISTED, "{}", list.id);
            assert!(list.top.iter().all(|product| product.product_id.as_str().starts_with("bag-")), "{list:?}");
        }
        assert_eq!(ranking.lists(NOW, &sold).last().unwrap().left_out, LeftOut { products: 50, views: 450 });
    }

    #[test]
    fn a_product_is_listed_where_the_site_lists_it_whatever_clicks_say() {
        let ranking = Ranking::new(&tally(&[("a", 3), ("b", 5)]), &Past::default());
        let tents = Category::try_from("Tents".to_owned()).unwrap();
        let mut sold = sold(["a"]);
        sold.insert("b".to_owned().try_into().unwrap(), Some(tents.clone()));
        let lists = ranking.lists(NOW, &sold);
        let ids: Vec<_> = lists.iter().map(|list| list.id.as_str()).collect();
        assert_eq!(ids, ["category|Tents", "category|Bags", "all"]);
        assert_eq!((lists[0].top.len(), &lists[0].top[0].category), (1, &tents));
        assert_eq!(lists[2].categories, BTreeSet::from([bags(), tents]));
    }
}
