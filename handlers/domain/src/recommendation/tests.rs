use std::collections::HashSet;

use proptest::prelude::*;

use super::{
    super::{
        capture::ReportedFile,
        click::{Click, SessionId, VisitorId},
        product::ProductId,
    },
    co_views::{Added, BACK, CoViews, NEXT, SESSION_VIEWS},
    lists::{Item, LENGTH, for_you, viewed_together},
    sessions::{Collector, FileSessions, VISIT_VIEWS},
    weights::Weights,
    *,
};

/// Some time in 2026.
const START: i64 = 1_780_000_000;

fn id(product: &str) -> ProductId {
    product.to_owned().try_into().expect("valid")
}

/// A click as the hub has it.
#[derive(Clone, Debug)]
struct Stored {
    click: Click,
    at: i64,
    stored: i64,
}

fn click(visitor: Option<&str>, session: Option<&str>, product: &str, at: i64) -> Stored {
    let click = Click {
        product_id: id(product),
        category: None,
        visitor_id: visitor.map(|visitor| VisitorId::try_from(format!("visitor-{visitor}")).expect("valid")),
        session_id: session.map(|session| SessionId::try_from(session.to_owned()).expect("valid")),
    };
    Stored { click, at: START + at, stored: START + at }
}

fn file(clicks: &[Stored]) -> FileSessions {
    let file = ReportedFile { container: "capture".into(), path: "a.avro".into(), etag: "0x1".into(), length: 1 };
    let mut collector = Collector::new(file);
    for Stored { click, at, stored } in clicks.iter().cloned() {
        collector.add(click, at, stored);
    }
    collector.finish()
}

fn added(place: usize) -> Added {
    Added { name: format!("{place:02}.json"), etag: "0x1".to_owned() }
}

/// The table of these files, stored and read again after each.
fn table<'a>(files: impl IntoIterator<Item = &'a [Stored]>) -> CoViews {
    let mut table = CoViews::default();
    for (place, clicks) in files.into_iter().enumerate() {
        let sessions = serde_json::to_vec(&file(clicks)).expect("serializes");
        table.add(added(place), Some(&serde_json::from_slice(&sessions).expect("its own document")));
        let text = serde_json::to_vec(&table).expect("serializes");
        table = serde_json::from_slice(&text).expect("its own document");
    }
    table
}

fn merged<'a>(tables: impl IntoIterator<Item = &'a CoViews>) -> Weights {
    let mut weights = Weights::default();
    let today = Day::of_seconds(START + 20 * 24 * 60 * 60);
    for (day, pairs) in tables.into_iter().flat_map(|table| &table.days) {
        weights.absorb(pairs, day.decay(today));
    }
    weights
}

fn weight(weights: &Weights, from: &str, to: &str) -> u64 {
    weights.row(&id(from)).find(|(other, _)| **other == id(to)).map_or(0, |(_, weight)| weight)
}

fn names(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.product_id.as_str()).collect()
}

/// Clicks of few visitors on few products, as the hub stored them: often close together, sometimes far, sometimes late.
fn any_clicks() -> impl Strategy<Value = Vec<Stored>> {
    let step = prop_oneof![4 => 0..60_i64, 1 => 1700..1900_i64, 1 => 40_000..90_000_i64];
    let late = prop_oneof![4 => Just(0_i64), 1 => 0..100_i64, 1 => 1700..1900_i64, 1 => 80_000..90_000_i64];
    let one = (0..3_usize, 0..3_usize, 0..6_usize, step, late);
    prop::collection::vec(one, 0..60).prop_map(|clicks| {
        let mut now = 0;
        clicks
            .into_iter()
            .map(|(visitor, session, product, step, late)| {
                now += step;
                let visitor = [Some("a"), Some("b"), None][visitor];
                let clicked =
                    click(visitor, [Some("1"), Some("2"), None][session], ["p", "q", "r", "s", "t", "u"][product], now);
                Stored { at: clicked.at - late, ..clicked }
            })
            .collect()
    })
}

#[test]
fn a_table_outlives_what_it_was_made_of_and_in_the_end_names_nobody() {
    let clicks = [click(Some("visitor-1"), Some("1"), "p", 0), click(Some("visitor-1"), Some("1"), "q", 10)];
    let mut table = table([&clicks[..1], &clicks[1..]]);
    let replaced = Added { etag: "0x2".to_owned(), ..added(0) };
    let between = Added { name: "00a.json".to_owned(), ..added(0) };
    assert!(table.goes_on_with(&[added(0), added(1)]) && table.goes_on_with(&[added(0), added(1), added(2)]));
    assert!(table.goes_on_with(&[added(1), added(2)]) && table.goes_on_with(&[]), "sessions are kept for less long");
    assert!(!table.goes_on_with(&[replaced, added(1)]) && !table.goes_on_with(&[added(0), between, added(1)]));
    assert!(table.close() && !table.close());
    let stored = serde_json::to_string(&table).expect("serializes");
    assert!(!stored.contains("visitor-1") && weight(&merged([&table]), "p", "q") > 0, "{stored}");
}

proptest! {
    #[test]
    fn where_the_hub_cuts_its_files_makes_no_difference(clicks in any_clicks(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(clicks.len() + 1)).chain([0, clicks.len()]).collect();
        places.sort_unstable();
        let whole = table([clicks.as_slice()]);
        let cut = table(places.windows(2).map(|ends| &clicks[ends[0]..ends[1]]));
        prop_assert_eq!(&cut.days, &whole.days);
        prop_assert_eq!(&cut.open, &whole.open);
    }

    #[test]
    fn partitions_and_days_are_merged_in_any_order(parts in prop::collection::vec(any_clicks(), 1..5), order in prop::collection::vec(any::<u32>(), 5)) {
        let tables: Vec<CoViews> = parts.iter().map(|clicks| table([clicks.as_slice()])).collect();
        let mut shuffled: Vec<(u32, &CoViews)> = order.into_iter().zip(&tables).collect();
        shuffled.sort_by_key(|(place, _)| *place);
        let (mut one, mut other) = (merged(&tables), merged(shuffled.into_iter().map(|(_, table)| table)));
        prop_assert_eq!(&one, &other);
        one.keep_strongest(3);
        other.keep_strongest(3);
        prop_assert_eq!(&one, &other);
        let nothing = HashSet::new();
        for product in one.products() {
            prop_assert_eq!(viewed_together(&one, product, &nothing), viewed_together(&other, product, &nothing));
            let recent = [product.clone(), id("p"), id("q")];
            prop_assert_eq!(for_you(&one, &recent, &nothing), for_you(&other, &recent, &nothing));
        }
    }
}

#[test]
fn what_is_near_in_a_session_counts_and_more_so_forwards() {
    let visit = |products: &str| -> Vec<Stored> {
        products.chars().zip(0..).map(|(product, at)| click(Some("a"), Some("1"), &product.to_string(), at)).collect()
    };
    let days = table([visit("pqqrstuv").as_slice()]).days;
    let weights = days.values().next().expect("one day");
    assert_eq!(weight(weights, "p", "q"), NEXT);
    assert_eq!(weight(weights, "q", "p"), NEXT / BACK);
    assert_eq!(weight(weights, "p", "r"), NEXT / 4, "the same page again is no step");
    assert_eq!(weight(weights, "p", "u"), NEXT / 25);
    assert_eq!(weight(weights, "p", "v"), 0, "too far");
    assert_eq!(weight(weights, "q", "q"), 0);
}

#[test]
fn a_session_ends_with_a_pause_and_nobody_has_none() {
    let (soon, later) = (SESSION_GAP, SESSION_GAP + 1);
    for (one, two, expected) in [
        (click(Some("a"), Some("1"), "p", 0), click(Some("a"), Some("1"), "q", soon), NEXT),
        (click(Some("a"), Some("1"), "p", 0), click(Some("a"), Some("1"), "q", later), 0),
        (click(Some("a"), None, "p", 0), click(Some("a"), None, "q", soon), NEXT),
        (click(Some("a"), None, "p", 0), click(Some("a"), None, "q", later), 0),
        (click(Some("a"), Some("1"), "p", 0), click(Some("a"), Some("2"), "q", 1), 0),
        (click(Some("a"), Some("1"), "p", 0), click(Some("b"), Some("1"), "q", 1), 0),
        (click(None, None, "p", 0), click(None, None, "q", 1), 0),
    ] {
        let weights = merged([&table([[one.clone(), two.clone()].as_slice()])]);
        let today = Day::of_seconds(START).decay(Day::of_seconds(START + 20 * 24 * 60 * 60));
        assert_eq!(weight(&weights, "p", "q"), expected * today, "{one:?} {two:?}");
    }
}

#[test]
fn a_machine_that_clicks_without_end_counts_little() {
    let clicks: Vec<Stored> = (0..1000).map(|n| click(Some("a"), None, &format!("p{n}"), n)).collect();
    let document = file(&clicks);
    assert_eq!(document.visits[0].views.len(), VISIT_VIEWS);
    assert_eq!(document.left_out, 1000 - VISIT_VIEWS as u64);
    let days = table([clicks.as_slice()]).days;
    let views = u64::from(SESSION_VIEWS);
    let pairs: usize = days.values().map(Weights::pairs).sum();
    assert_eq!(pairs as u64, 2 * (5 * views - 15), "five ahead of each view but the last ones, and back");
}

#[test]
fn a_co_view_counts_half_after_its_half_life_and_nothing_in_the_end() {
    let today = Day(20_000);
    assert_eq!(today.decay(today), UNIT);
    assert_eq!(Day(20_001).decay(today), UNIT, "clocks differ");
    assert_eq!(Day(20_000 - HALF_LIFE as i32).decay(today), UNIT / 2);
    assert!(Day(20_000 - HORIZON).decay(today) > 0);
    assert_eq!(Day(20_000 - HORIZON - 1).decay(today), 0);
}

#[test]
fn lists_are_the_strongest_without_what_is_hidden_or_seen() {
    let mut weights = Weights::default();
    for place in 0..30_u64 {
        weights.add(&id("p"), &id(&format!("x{place:02}")), 100 + place, usize::MAX);
    }
    weights.add(&id("q"), &id("p"), 3, usize::MAX);
    weights.add(&id("q"), &id("r"), 2, usize::MAX);
    weights.add(&id("q"), &id("s"), 2, usize::MAX);
    let hidden = HashSet::from([id("x29")]);
    let list = viewed_together(&weights, &id("p"), &hidden);
    assert_eq!((list.len(), names(&list)[0]), (LENGTH, "x28"));
    assert!(list.iter().all(|item| item.score > 0.0 && item.score < 1.0));
    let of_q = viewed_together(&weights, &id("q"), &hidden);
    assert_eq!(names(&of_q), ["p", "r", "s"], "equals by id");
    assert!((of_q[0].score - 0.429).abs() < 1e-9, "{of_q:?}");
    assert_eq!(names(&for_you(&weights, &[id("q"), id("p")], &hidden))[..3], ["r", "s", "x28"]);
    assert!(viewed_together(&weights, &id("unknown"), &hidden).is_empty());
}
