//! Ratings are the sum over items, whatever order, repetition and death events meet.

use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{
        Comment,
        event::{Feedback, FeedbackGiven, FeedbackWithdrawn},
    },
    *,
};
use crate::sentiment::Sentiment;

fn scored(compound: f64) -> Sentiment {
    let label = match compound {
        _ if compound >= 0.05 => Label::Positive,
        _ if compound <= -0.05 => Label::Negative,
        _ => Label::Neutral,
    };
    Sentiment { label, compound, ..crate::sentiment::of("") }
}

fn product() -> ProductId {
    "boots".to_owned().try_into().expect("an id")
}

/// One event about a product: which item, when (a minute), and what; `None` withdraws it.
type Event = (u8, u8, Option<(i32, Option<i32>)>);

fn item((item, minute, said): &Event, sequence: i64) -> Item {
    let at = OffsetDateTime::UNIX_EPOCH + time::Duration::minutes((*minute).into());
    let (partner, item) =
        ("acme".to_owned().try_into().expect("a name"), format!("r-{item}").try_into().expect("an id"));
    let (about, product_id, customer) = (super::super::About::Product, Some(product()), None);
    match *said {
        Some((rating, compound)) => {
            let text = compound.map(|compound| Comment::try_from(format!("as good as {compound}")).expect("a text"));
            let sentiment = compound.map(|compound| scored(f64::from(compound) / 10_000.0));
            let rating = rating.try_into().expect("a rating");
            let event = FeedbackGiven { partner, item, about, product_id, customer, rating, text, at, sentiment };
            Item::of(Feedback::given(event).expect("valid"), sequence)
        }
        None => {
            let event = FeedbackWithdrawn { partner, item, about, product_id, customer, at };
            Item::of(Feedback::withdrawn(event).expect("valid"), sequence)
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let said = (1..=5_i32, prop::option::of(-10_000..=10_000_i32));
    (0..6_u8, 0..4_u8, prop::option::weighted(0.85, said))
}

/// The partition of one product, and the site's document of it.
#[derive(Default)]
struct Stored {
    items: BTreeMap<String, Item>,
    totals: Option<Totals>,
    rating: Option<ProductRating>,
}

impl Stored {
    /// Takes a batch; dies before the first write, before the second, or not at all.
    fn take(&mut self, incoming: &[Item], dies_after: usize) {
        let totals = self.totals.clone().unwrap_or_else(|| Totals::of("boots"));
        let known: Vec<Item> = incoming.iter().filter_map(|item| self.items.get(&item.id)).cloned().collect();
        if dies_after == 0 {
            return;
        }
        if let Some(change) = totals.change(&known, incoming) {
            for item in change.items {
                let document = serde_json::to_value(&item).expect("JSON");
                self.items.insert(item.id, serde_json::from_value(document).expect("its own document"));
            }
            let document = serde_json::to_value(change.totals).expect("JSON");
            self.totals = Some(serde_json::from_value(document).expect("its own document"));
        }
        if dies_after == 1 {
            return;
        }
        let Some(totals) = &self.totals else { return };
        let rating = ProductRating::of(product(), totals, &self.newest());
        if self.rating.as_ref().is_none_or(|stored| stored.revision < rating.revision) {
            self.rating = Some(rating);
        }
    }

    fn newest(&self) -> Vec<Item> {
        let mut newest: Vec<Item> = self.items.values().filter(|item| item.comment.is_some()).cloned().collect();
        newest.sort_by(|one, other| other.comment.cmp(&one.comment));
        newest
    }
}

proptest! {
    #[test]
    fn ratings_are_the_sum_over_items_in_any_order_repetition_grouping_and_death(
        events in prop::collection::vec(any_event(), 1..25),
        repeats in prop::collection::vec(any::<prop::sample::Index>(), 0..15),
        order in prop::collection::vec(any::<u32>(), 40),
        batches in prop::collection::vec((1..5_usize, 0..3_usize), 40),
    ) {
        // What is latest of each item: computed apart, from the events alone.
        let all: Vec<Item> = events.iter().zip(0..).map(|(event, sequence)| item(event, sequence)).collect();
        let mut latest: BTreeMap<&str, &Item> = BTreeMap::new();
        for item in &all {
            let rank = |item: &Item| (u8::from(item.said.is_none()), item.at, item.sequence);
            if latest.get(item.id.as_str()).is_none_or(|known| rank(known) < rank(item)) {
                latest.insert(&item.id, item);
            }
        }
        let said: Vec<&Said> = latest.values().filter_map(|item| item.said.as_ref()).collect();
        let ratings: Vec<i64> = said.iter().map(|said| i32::from(said.rating).into()).collect();

        let mut shuffled: Vec<(u32, &Item)> =
            order.iter().copied().zip(all.iter().chain(repeats.iter().map(|index| index.get(&all)))).collect();
        shuffled.sort_by_key(|(place, _)| *place);
        let mut rest: &[_] = &shuffled.into_iter().map(|(_, item)| item.clone()).collect::<Vec<_>>();
        let mut stored = Stored::default();
        for (size, dies_after) in batches {
            let (batch, after) = rest.split_at(size.min(rest.len()));
            stored.take(batch, dies_after);
            stored.take(batch, usize::MAX);
            rest = after;
        }
        prop_assert!(rest.is_empty());

        let kept: BTreeMap<&str, &Item> = stored.items.iter().map(|(id, item)| (id.as_str(), item)).collect();
        prop_assert_eq!(&kept, &latest);
        let totals = stored.totals.clone().expect("there were events");
        prop_assert_eq!(totals.sums, Sums::over(stored.items.values()));
        prop_assert_eq!(totals.mended(totals.sums), None);
        prop_assert_eq!(totals.sums.count, i64::try_from(said.len()).expect("few"));
        prop_assert_eq!(totals.sums.sum, ratings.iter().sum::<i64>());
        for rating in 1..=5 {
            let count = ratings.iter().filter(|other| **other == rating).count();
            prop_assert_eq!(totals.sums.histogram[usize::try_from(rating).expect("small") - 1], i64::try_from(count).expect("few"));
        }
        let scores: i64 = said.iter().filter_map(|said| said.sentiment.as_ref()).map(Sentiment::ten_thousandths).sum();
        prop_assert_eq!(totals.sums.sentiment.ten_thousandths, scores);
        prop_assert_eq!(totals.sums.disagreements, i64::try_from(said.iter().filter(|said| said.disagrees).count()).expect("few"));
        let rating = stored.rating.as_ref().expect("it is shown");
        prop_assert_eq!(rating, &ProductRating::of(product(), &totals, &stored.newest()));
        // Everything once more changes nothing.
        stored.take(&all, usize::MAX);
        prop_assert_eq!(stored.totals, Some(totals));
    }
}

#[test]
fn what_is_withdrawn_is_gone_and_stays_so() {
    let mut stored = Stored::default();
    let given = item(&(1, 1, Some((5, Some(-9_000)))), 0);
    stored.take(std::slice::from_ref(&given), usize::MAX);
    let shown = serde_json::to_string(&stored.rating).expect("JSON");
    assert!(shown.contains("as good as -9000") && shown.contains("\"disagrees\":true"), "{shown}");
    stored.take(&[item(&(1, 0, None), 1)], usize::MAX);
    let shown = serde_json::to_string(&(&stored.rating, &stored.items)).expect("JSON");
    assert!(!shown.contains("as good as"), "{shown}");
    stored.take(&[given, item(&(1, 3, Some((1, None))), 2)], usize::MAX);
    assert_eq!(stored.totals.expect("totals").sums, Sums::default());
}

#[test]
fn a_rating_is_told_as_a_reader_would_compute_it() {
    let none = serde_json::to_value(Told::of(&product(), None)).expect("JSON");
    let empty = json!({ "productId": "boots", "count": 0, "average": null, "histogram": { "1": 0, "2": 0, "3": 0, "4": 0, "5": 0 },
        "sentiment": { "scored": 0, "average": null, "positive": 0, "neutral": 0, "negative": 0 }, "disagreements": 0, "recent": [] });
    assert_eq!(none, empty);
    let mut stored = Stored::default();
    let events = [(5, Some(8_519)), (4, None), (5, Some(-5_000))];
    let items: Vec<Item> = (0..).zip(events).map(|(at, said)| item(&(at, at, Some(said)), at.into())).collect();
    stored.take(&items, usize::MAX);
    let rating = stored.rating.expect("a rating");
    let told = serde_json::to_value(Told::of(&product(), Some(&rating))).expect("JSON");
    assert_eq!((&told["count"], &told["average"]), (&json!(3), &json!(4.67)), "{told}");
    assert_eq!(told["histogram"], json!({ "1": 0, "2": 0, "3": 0, "4": 1, "5": 2 }), "{told}");
    let sentiment = json!({ "scored": 2, "average": 0.176, "positive": 1, "neutral": 0, "negative": 1 });
    assert_eq!((&told["sentiment"], &told["disagreements"]), (&sentiment, &json!(1)), "{told}");
    assert_eq!(told["recent"].as_array().expect("a list").len(), 2, "{told}");
    assert_eq!(
        (&told["recent"][0]["sentiment"], &told["recent"][0]["disagrees"]),
        (&json!("negative"), &json!(true)),
        "{told}"
    );
}

#[test]
fn a_long_comment_is_cut_between_characters() {
    let mut long = item(&(1, 1, Some((3, Some(0)))), 0);
    for (text, shown) in [("\u{1f600}".repeat(SHOWN), SHOWN), ("\u{1f600}".repeat(SHOWN + 1), SHOWN + 1)] {
        long.said.as_mut().expect("said").text = Some(text.try_into().expect("a comment"));
        let recent = Recent::of(&long).expect("a comment");
        assert_eq!((recent.text.chars().count(), recent.text.ends_with('…')), (shown, shown > SHOWN));
    }
}
