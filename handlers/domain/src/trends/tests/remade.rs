//! Windows made anew from the log, while the live writer goes on.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::trends::remade::{Comparison, PageWrite, Remade, StoredPage};

/// What goes wrong in the store. What cannot be read at all is parked by the live writer, and not tried here.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Gone,
    Emptied,
}

fn any_damage() -> impl Strategy<Value = Damage> {
    prop_oneof![Just(Damage::Gone), Just(Damage::Emptied)]
}

impl Store {
    fn damage(&mut self, chosen: usize, damage: Damage) {
        let Some(id) = self.documents.keys().nth(chosen % self.documents.len().max(1)).cloned() else { return };
        self.writes += 1;
        let version = self.writes;
        match damage {
            Damage::Gone => drop(self.documents.remove(&id)),
            Damage::Emptied => {
                let (at, document) = self.documents.get_mut(&id).unwrap();
                *at = version;
                document.counts = super::super::packed::pack(&[], &Tally::default()).unwrap();
            }
        }
    }

    fn pages(&self, id: &WindowId) -> Vec<StoredPage> {
        let page = |number| PageId { window: id.clone(), number }.to_string();
        let stored = (0..).map_while(|number| self.documents.get(&page(number)));
        let page = |(version, document): &(u64, PageDocument)| {
            StoredPage::new(serde_json::to_value(document).unwrap(), version.to_string(), |_| true)
        };
        stored.map(page).collect()
    }
}

/// The live writer of one partition: two hosts, their checkpoint, and what they do next.
struct Live<'a> {
    log: &'a [SequencedClick],
    hosts: [Counter; 2],
    handled: usize,
    /// Pages that windows have had.
    pages: BTreeMap<WindowId, u32>,
}

impl Live<'_> {
    /// Handles events up to `until`.
    fn step(&mut self, store: &mut Store, step: &Step, until: usize) {
        let from = self.handled.saturating_sub(step.back);
        let until = (from + step.size).min(until);
        if self.hosts[step.host].handle(store, 0, &self.log[from.min(until)..until], step.writes) {
            self.handled = self.handled.max(until);
        }
        for id in store.documents.keys() {
            let page: PageId = id.parse().unwrap();
            let known = self.pages.entry(page.window).or_default();
            *known = (*known).max(page.number + 1);
        }
    }

    /// Makes a window anew from the log up to `end`, with a step of the live writer before each write as long as there are any.
    fn remake(
        &mut self,
        store: &mut Store,
        id: &WindowId,
        mut end: i64,
        steps: &mut impl Iterator<Item = Step>,
    ) -> i64 {
        let mut is_raced = false;
        for _ in 0..200 {
            let mut remade = Remade::new(id.clone());
            let clicks = self.log.iter().filter(|click| click.sequence <= end && Minute::of(click.at) == id.minute);
            clicks.for_each(|click| remade.add(click.clone(), NOON).unwrap());
            let stored = store.pages(id);
            let writes = match remade.compare(&stored, end, NOON).unwrap() {
                Comparison::Same if is_raced => Remade::fence(&stored).into_iter().collect(),
                Comparison::Same => return end,
                Comparison::Ahead(mark) => {
                    end = mark;
                    continue;
                }
                Comparison::Differs => {
                    let known = self.pages.get(id).copied().unwrap_or_default();
                    remade.writes(&stored, known, end, NOON).unwrap()
                }
            };
            let is_written = writes.into_iter().all(|write| {
                if let Some(step) = steps.next() {
                    self.step(store, &step, self.log.len());
                }
                let version = write.etag.map(|etag| etag.parse().unwrap());
                store.write(&write.document, version).is_some()
            });
            if is_written {
                return end;
            }
            is_raced = true;
        }
        panic!("the window does not come to rest");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is damaged, and whatever the live writer does between two writes of the one who makes windows anew: in the end each
    /// event counts once.
    #[test]
    fn each_event_counts_once_after_all(
        log in any_log(),
        before in prop::collection::vec(any_step(), 0..8),
        damages in prop::collection::vec((any::<usize>(), any_damage()), 0..6),
        between in prop::collection::vec(any_step(), 0..12),
        stored in 0..1_500_usize,
    ) {
        let mut store = Store::default();
        let mut live = Live { log: &log, hosts: Default::default(), handled: 0, pages: BTreeMap::new() };
        // What the hub has stored when the log is read.
        let stored = stored.min(log.len());
        before.iter().for_each(|step| live.step(&mut store, step, stored));
        damages.iter().for_each(|(chosen, damage)| store.damage(*chosen, *damage));
        let mut end = i64::try_from(stored).unwrap() - 1;
        let mut steps = between.into_iter();
        let minutes: BTreeSet<Minute> = log[..stored].iter().map(|click| Minute::of(click.at)).collect();
        for minute in minutes {
            end = live.remake(&mut store, &WindowId { partition: "0".to_owned(), minute }, end, &mut steps);
        }
        let rest = Step { host: 1, partition: 0, back: 40, size: 500, writes: usize::MAX };
        while live.handled < log.len() {
            live.step(&mut store, &rest, log.len());
        }
        let expected = counted(std::slice::from_ref(&log));
        prop_assert_eq!(exact(&store.minutes()), exact(&expected));

        // All of it once more: not one write, whoever makes it.
        let writes = store.writes;
        prop_assert!(Counter::default().handle(&mut store, 0, &log, usize::MAX));
        for minute in expected.keys() {
            let id = WindowId { partition: "0".to_owned(), minute: *minute };
            live.remake(&mut store, &id, i64::try_from(log.len()).unwrap() - 1, &mut std::iter::empty());
        }
        prop_assert_eq!(store.writes, writes);
    }
}

/// Whatever is stored under a window's ids: it is found out, and replaced by what the log says.
#[test]
fn what_no_writer_writes_is_replaced() {
    let id = WindowId { partition: "0".to_owned(), minute: Minute::of(NOON) };
    let log: Vec<SequencedClick> = (0..700)
        .map(|number| SequencedClick {
            sequence: number,
            event: EventHash::new("/damage", &number.to_string()),
            at: NOON,
            click: click("p", None, None),
        })
        .collect();
    let mut store = Store::default();
    assert!(log.chunks(100).all(|batch| Counter::default().handle(&mut store, 0, batch, usize::MAX)));
    let mut remade = Remade::new(id.clone());
    log.iter().for_each(|click| remade.add(click.clone(), NOON).unwrap());
    let whole: Vec<serde_json::Value> =
        store.documents.values().map(|(_, document)| serde_json::to_value(document).unwrap()).collect();
    let read = |documents: &[serde_json::Value]| -> Vec<StoredPage> {
        let page = |document: &serde_json::Value| StoredPage::new(document.clone(), "1".to_owned(), |mark| mark < 700);
        documents.iter().map(page).collect()
    };
    assert!(whole.len() > 2, "full ones among them");
    assert_eq!(remade.compare(&read(&whole), 699, NOON).unwrap(), Comparison::Same);
    let damages = [
        ("mark", json!(700)),
        ("mark", json!(i64::MAX)),
        ("mark", json!(-1)),
        ("mark", json!(i64::MIN)),
        ("mark", json!("699")),
        ("mark", json!(1e300)),
        ("full", json!(1)),
        ("counts", json!("?")),
        ("counts", json!([])),
        ("id", json!("0|yesterday|0")),
    ];
    for place in 0..whole.len() {
        for (member, value) in &damages {
            let mut damaged = whole.clone();
            damaged[place][member] = value.clone();
            let stored = read(&damaged);
            assert_eq!(remade.compare(&stored, 699, NOON).unwrap(), Comparison::Differs, "{member} {value}");
            for PageWrite { document, .. } in remade.writes(&stored, 0, 699, NOON).unwrap() {
                let number = document.id.parse::<PageId>().unwrap().number as usize;
                damaged.resize(damaged.len().max(number + 1), json!(null));
                damaged[number] = serde_json::to_value(document).unwrap();
            }
            assert_eq!(remade.compare(&read(&damaged), 699, NOON).unwrap(), Comparison::Same, "{member} {value}");
        }
    }
    // A mark of the partition, but below what is counted: that would count again.
    let mut low = whole.clone();
    low.last_mut().unwrap()["mark"] = json!(3);
    assert_eq!(remade.compare(&read(&low), 699, NOON).unwrap(), Comparison::Differs);
    let mut open = whole.clone();
    open[0]["full"] = json!(false);
    assert_eq!(remade.compare(&read(&open), 699, NOON).unwrap(), Comparison::Differs);
    // However many pages a damaged minute claims, no more are made than there can be.
    assert!(remade.writes(&read(&low), u32::MAX, 699, NOON).unwrap().len() <= 10_001);
}

/// A flood is compared by what it must be equal in.
#[test]
fn a_flood_is_the_same_however_it_was_batched() {
    let id = WindowId { partition: "0".to_owned(), minute: Minute::of(NOON) };
    let clicks = |clicks: i64| {
        (0..clicks).map(|number| SequencedClick {
            sequence: number,
            event: EventHash::new("/flood", &number.to_string()),
            at: NOON,
            click: click("p", None, None),
        })
    };
    let log: Vec<SequencedClick> = clicks(210_000).collect();
    let mut store = Store::default();
    let mut counter = Counter::default();
    for batch in log.chunks(499) {
        assert!(counter.handle(&mut store, 0, batch, usize::MAX));
    }
    let mut remade = Remade::new(id.clone());
    log.into_iter().for_each(|click| remade.add(click, NOON).unwrap());
    let stored = store.pages(&id);
    assert_eq!(remade.compare(&stored, 209_999, NOON).unwrap(), Comparison::Same);
    assert_eq!(remade.compare(&stored[1..], 209_999, NOON).unwrap(), Comparison::Differs);
    assert_eq!(remade.compare(&stored, 209_998, NOON).unwrap(), Comparison::Ahead(209_999));
}
