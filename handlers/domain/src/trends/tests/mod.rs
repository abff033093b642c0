//! Windows under everything that delivery does to them, against counting the log directly.

mod real_log;
mod remade;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::*;
use time::{Duration, OffsetDateTime, macros::datetime};

use super::{
    minute::{Minute, MinuteDocument},
    tally::Tally,
    window::{Counting, DETAILED_PAGES, EventHash, Page, PageDocument, PageId, SequencedClick, Window, WindowId},
};
use crate::click::Click;

const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

pub(super) fn click(product: &str, category: Option<&str>, visitor: Option<&str>) -> Click {
    Click {
        product_id: product.to_owned().try_into().unwrap(),
        category: category.map(|category| category.to_owned().try_into().unwrap()),
        visitor_id: visitor.map(|visitor| visitor.to_owned().try_into().unwrap()),
        session_id: None,
    }
}

/// `analytics/windows`: documents with the version that guards them.
#[derive(Default)]
struct Store {
    documents: BTreeMap<String, (u64, PageDocument)>,
    writes: u64,
    /// Request units of the writes, as the local account charges them: by kilobytes, rounded up to a power of two, half as much
    /// again for a replace, and by properties.
    charge: f64,
}

impl Store {
    /// Creates or replaces as Cosmos DB does; `None` is a conflict.
    fn write(&mut self, document: &PageDocument, version: Option<u64>) -> Option<u64> {
        if self.documents.get(&document.id).map(|(version, _)| *version) != version {
            return None;
        }
        self.writes += 1;
        let size = serde_json::to_vec(document).unwrap().len();
        let base = 5.8 * size.div_ceil(1024).next_power_of_two() as f64;
        self.charge += if version.is_some() { base * 1.5 } else { base } + 0.3 * 5.0;
        self.documents.insert(document.id.clone(), (self.writes, document.clone()));
        Some(self.writes)
    }

    fn read(&self, id: &WindowId) -> (Window, Option<u64>) {
        let mut pages = Vec::new();
        let mut version = None;
        for number in 0.. {
            let id = PageId { window: id.clone(), number }.to_string();
            let Some((at, document)) = self.documents.get(&id) else { break };
            version = Some(*at);
            pages.push(<(PageId, Page)>::try_from(document).unwrap().1);
        }
        (Window::of_pages(id.clone(), pages), version)
    }

    fn minutes(&self) -> BTreeMap<Minute, MinuteDocument> {
        let mut tallies: BTreeMap<Minute, Tally> = BTreeMap::new();
        for (_, document) in self.documents.values() {
            let (id, page) = <(PageId, Page)>::try_from(document).unwrap();
            tallies.entry(id.window.minute).or_default().merge(page.tally());
        }
        summed(&tallies)
    }
}

fn summed(tallies: &BTreeMap<Minute, Tally>) -> BTreeMap<Minute, MinuteDocument> {
    tallies.iter().map(|(minute, tally)| (*minute, MinuteDocument::new(*minute, BTreeMap::new(), tally))).collect()
}

/// A host that counts, with what it remembers: the steps of `Trends`, without the waiting.
#[derive(Default)]
struct Counter {
    held: BTreeMap<WindowId, (Window, Option<u64>)>,
}

impl Counter {
    /// Handles a batch of a partition, unless it dies after `writes` of them.
    fn handle(&mut self, store: &mut Store, partition: usize, clicks: &[SequencedClick], mut writes: usize) -> bool {
        let mut windows: BTreeMap<Minute, Vec<SequencedClick>> = BTreeMap::new();
        for click in clicks {
            windows.entry(Minute::of(click.at)).or_default().push(click.clone());
        }
        for (minute, clicks) in windows {
            let id = WindowId { partition: partition.to_string(), minute };
            let (mut window, mut version) = self.held.remove(&id).unwrap_or_else(|| (Window::new(id.clone()), None));
            let mut done = 0;
            while done < clicks.len() {
                if window.turn() {
                    version = None;
                }
                let counted = window.count(&clicks[done..]);
                if counted.iter().any(|counted| *counted != Counting::Before) {
                    if writes == 0 {
                        self.held.clear();
                        return false;
                    }
                    writes -= 1;
                    let document = window.document(NOON).unwrap();
                    assert!(document.counts.len() < 500_000);
                    match store.write(&document, version) {
                        Some(written) => version = Some(written),
                        None => {
                            (window, version) = store.read(&id);
                            continue;
                        }
                    }
                }
                done += counted.len();
            }
            self.held.insert(id, (window, version));
        }
        true
    }
}

/// The direct count of logs: by minute, a producer's repeat once.
fn counted(logs: &[Vec<SequencedClick>]) -> BTreeMap<Minute, MinuteDocument> {
    let mut tallies: BTreeMap<Minute, Tally> = BTreeMap::new();
    for log in logs {
        let mut seen = HashSet::new();
        for click in log {
            let minute = Minute::of(click.at);
            let tally = tallies.entry(minute).or_default();
            if seen.insert((minute, click.event)) {
                tally.add(&click.click, click.at);
            } else {
                tally.repeats += 1;
            }
        }
    }
    summed(&tallies)
}

/// Documents as they must be equal: everything but the estimates, which are compared apart.
fn exact(minutes: &BTreeMap<Minute, MinuteDocument>) -> BTreeMap<Minute, MinuteDocument> {
    let mut minutes = minutes.clone();
    for minute in minutes.values_mut() {
        minute.visitors = 0;
        minute.categories.values_mut().for_each(|category| category.visitors = 0);
        minute.products.values_mut().for_each(|product| product.visitors = 0);
    }
    minutes
}

/// What one host does: from how far back it begins again, how much it takes, and after how many writes it dies.
#[derive(Clone, Debug)]
struct Step {
    host: usize,
    partition: usize,
    back: usize,
    size: usize,
    writes: usize,
}

fn any_log() -> impl Strategy<Value = Vec<SequencedClick>> {
    let place = (0..200_u64, 0..3_i64, 0..40_u32, 0..5_u32, 0..300_u32);
    // Some hundreds of each minute, so that pages become full.
    prop::collection::vec((place, 0..20_u32), 0..1_500).prop_map(|places| {
        let mut log: Vec<SequencedClick> = Vec::new();
        for ((millis, minute, product, category, visitor), repeats) in places {
            let sequence = i64::try_from(log.len()).unwrap();
            if repeats == 0 && !log.is_empty() {
                // A producer sends something again.
                let first = log[usize::try_from(visitor).unwrap() % log.len()].clone();
                log.push(SequencedClick { sequence, ..first });
                continue;
            }
            let category = (category > 0).then(|| format!("Category {category}"));
            let visitor = (visitor > 20).then(|| format!("visitor-{visitor}"));
            log.push(SequencedClick {
                sequence,
                event: EventHash::new("/test", &sequence.to_string()),
                at: NOON + Duration::minutes(minute) + Duration::milliseconds(i64::try_from(millis).unwrap() * 250),
                click: click(&format!("p-{product}"), category.as_deref(), visitor.as_deref()),
            });
        }
        log
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    (0..2_usize, 0..2_usize, 0..600_usize, 1..700_usize, 0..7_usize)
        .prop_map(|(host, partition, back, size, writes)| Step { host, partition, back, size, writes })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Two hosts with memories of their own, any batches, rewinds, deaths between two writes: the counts are those of the log.
    #[test]
    fn every_stored_event_counts_once(
        logs in prop::collection::vec(any_log(), 2),
        steps in prop::collection::vec(any_step(), 0..12),
    ) {
        let mut store = Store::default();
        let mut hosts = [Counter::default(), Counter::default()];
        // Checkpoints: everything before them is stored.
        let mut handled = [0, 0];
        for Step { host, partition, back, size, writes } in steps {
            let log = &logs[partition];
            let from = handled[partition].min(log.len()).saturating_sub(back);
            let until = (from + size).min(log.len());
            if hosts[host].handle(&mut store, partition, &log[from..until], writes) {
                handled[partition] = handled[partition].max(until);
            }
        }
        for (partition, log) in logs.iter().enumerate() {
            for batch in log[handled[partition]..].chunks(500) {
                prop_assert!(hosts[1].handle(&mut store, partition, batch, usize::MAX));
            }
        }
        let (minutes, expected) = (store.minutes(), counted(&logs));
        prop_assert_eq!(exact(&minutes), exact(&expected));
        for (minute, expected) in &expected {
            let (all, of_all) = (minutes[minute].visitors as f64, expected.visitors as f64);
            prop_assert!((all - of_all).abs() <= (of_all * 0.05).max(1.0), "{} visitors, not {}", all, of_all);
        }
        let pages: BTreeSet<PageId> = store.documents.keys().map(|id| id.parse().unwrap()).collect();
        for page in &pages {
            let before = page.number.checked_sub(1).map(|number| PageId { number, ..page.clone() });
            prop_assert!(before.is_none_or(|before| pages.contains(&before)), "{} has no page before it", page);
        }

        // All of it once more, by a host that remembers nothing: not one write.
        let writes = store.writes;
        for (partition, log) in logs.iter().enumerate() {
            prop_assert!(Counter::default().handle(&mut store, partition, log, usize::MAX));
        }
        prop_assert_eq!(store.writes, writes);
    }
}

/// The longest names there are, all different: no document comes near the bound.
#[test]
fn a_flood_of_names_fits_its_documents() {
    let clicks: Vec<SequencedClick> = (0..2_000)
        .map(|number| SequencedClick {
            sequence: number,
            event: EventHash::new("/flood", &number.to_string()),
            at: NOON,
            click: click(
                &format!("{number:x>64}"),
                Some(&format!("{number}{}", "\u{1f45f}".repeat(96))),
                Some(&format!("visitor-{number}")),
            ),
        })
        .collect();
    let mut store = Store::default();
    assert!(Counter::default().handle(&mut store, 0, &clicks, usize::MAX));
    let sizes: Vec<usize> = store.documents.values().map(|(_, page)| serde_json::to_vec(page).unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size < 512 << 10), "{sizes:?}");
    let minutes = store.minutes();
    let minute = &minutes[&Minute::of(NOON)];
    assert_eq!((minute.views, minute.other_views, minute.products.len()), (2_000, 1_000, 1_000));
}

/// More than a minute can hold: the total stays exact, and the number of documents bounded.
#[test]
fn a_flood_of_clicks_is_counted_in_the_total() {
    const CLICKS: i64 = 130_000;
    let id = WindowId { partition: "0".to_owned(), minute: Minute::of(NOON) };
    let mut store = Store::default();
    let mut counter = Counter::default();
    let click = |number: i64| SequencedClick {
        sequence: number,
        event: EventHash::new("/flood", &number.to_string()),
        at: NOON,
        click: click("p", None, None),
    };
    for from in (0..CLICKS).step_by(260) {
        let batch: Vec<SequencedClick> = (from..from + 260).map(click).collect();
        assert!(counter.handle(&mut store, 0, &batch, usize::MAX));
    }
    let writes = store.writes;
    assert!(Counter::default().handle(&mut store, 0, &[click(0), click(CLICKS - 1)], usize::MAX));
    assert_eq!(store.writes, writes, "what comes again is known");
    let last = PageId { window: id, number: DETAILED_PAGES };
    assert_eq!(store.documents.len(), DETAILED_PAGES as usize + 1);
    assert!(store.documents[&last.to_string()].1.counts.len() < 8 << 10);
    let minutes = store.minutes();
    let minute = &minutes[&Minute::of(NOON)];
    assert_eq!(minute.views, u64::try_from(CLICKS).unwrap());
    assert_eq!(minute.other_views, minute.views - u64::from(DETAILED_PAGES) * 260);
}

/// What was parked when it came is far behind the mark once it can be read.
#[test]
fn a_click_that_is_replayed_counts_once_whatever_is_delivered_again() {
    const CLICKS: i64 = 700;
    let id = WindowId { partition: "0".to_owned(), minute: Minute::of(NOON) };
    let click = |number: i64| SequencedClick {
        sequence: number,
        event: EventHash::new("/replay", &number.to_string()),
        at: NOON,
        click: click("p", None, None),
    };
    let parked = [7, 300, CLICKS - 1];
    let (bad, good): (Vec<_>, Vec<_>) = (0..CLICKS).map(click).partition(|click| parked.contains(&click.sequence));
    let mut store = Store::default();
    assert!(Counter::default().handle(&mut store, 0, &good, usize::MAX));
    let replay = |store: &mut Store, click: &SequencedClick| {
        let (mut window, mut version) = store.read(&id);
        if window.turn() {
            version = None;
        }
        let counted = window.count_replayed(click).unwrap();
        if counted == Counting::Counted {
            store.write(&window.document(NOON).unwrap(), version).unwrap();
        }
        counted
    };
    for click in &bad {
        assert_eq!(replay(&mut store, click), Counting::Counted);
        assert_eq!(replay(&mut store, click), Counting::Before);
    }
    assert_eq!(replay(&mut store, &good[3]), Counting::Before, "it was parked after it was counted");
    let all: Vec<SequencedClick> = (0..CLICKS).map(click).collect();
    assert!(Counter::default().handle(&mut store, 0, &all, usize::MAX));
    assert_eq!(store.minutes()[&Minute::of(NOON)].views, CLICKS as u64);
    // Good ones of the same batch may have failed, and come again behind the replay.
    let mut store = Store::default();
    assert_eq!(replay(&mut store, &bad[1]), Counting::Counted);
    assert!(Counter::default().handle(&mut store, 0, &good, usize::MAX));
    assert_eq!(store.minutes()[&Minute::of(NOON)].views, good.len() as u64 + 1);
}

/// Ten times the mean of ten million clicks a day, on one of four partitions, a few of the 10,000 products much more viewed than the others.
fn burst(clicks: i64) -> impl Iterator<Item = SequencedClick> {
    (0..clicks).map(|number| {
        // Two primes scatter what would else repeat in step.
        let chance = (number * 7_919 % 10_007) as f64 / 10_007.0;
        let product = (10_000_f64.powf(chance) - 1.0) as u32;
        SequencedClick {
            sequence: number,
            event: EventHash::new("/burst", &number.to_string()),
            at: NOON + Duration::milliseconds(number * 1_000 / 290),
            click: click(
                &format!("product-{product:05}"),
                Some(&format!("Category {}", product % 12)),
                Some(&format!("visitor-{:06}", number * 104_729 % 20_011)),
            ),
        }
    })
}

#[test]
fn batches_of_500_cost_at_most_850_request_units_per_1_000_clicks() {
    const CLICKS: i64 = 30_000;
    for (size, most) in [(500, 850.0), (30, 4_000.0)] {
        let mut store = Store::default();
        let mut counter = Counter::default();
        let clicks: Vec<SequencedClick> = burst(CLICKS).collect();
        for batch in clicks.chunks(size) {
            assert!(counter.handle(&mut store, 0, batch, usize::MAX));
        }
        let per_thousand = store.charge / CLICKS as f64 * 1_000.0;
        println!("batches of {size}: {per_thousand:.0} request units and {} writes", store.writes);
        assert!(per_thousand <= most, "batches of {size}: {per_thousand}");
    }
}
