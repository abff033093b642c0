//! What holds for the detector as a whole, on counts made here. How well it does on traffic: `contoso evaluate anomalies`.

use proptest::prelude::*;

use super::{Change, Detector, Kind, Minute, Scope, memory::Memory};

mod admission;

/// 2026-11-02, a Monday.
const START: i64 = 20_759 * 24 * 60;
const DAY: i64 = 24 * 60;

/// Views of a product in a minute: a daily season, and noise that looks random but is the same each time.
fn usual(minute: i64, product: u64) -> u64 {
    let angle = (minute % DAY) as f64 / DAY as f64 * std::f64::consts::TAU;
    let mean = (400.0 - 300.0 * angle.cos()) / (product + 1) as f64;
    let mut noise =
        (minute as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (product + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    noise = (noise ^ (noise >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let uniform = ((noise ^ (noise >> 29)) >> 11) as f64 / (1u64 << 53) as f64;
    (mean + (uniform - 0.5) * 3.4 * (1.5 * mean).sqrt()).max(0.0).round() as u64
}

/// A minute of 12 products in 3 categories, each product's views times what `factor` says.
fn minute(at: i64, factor: impl Fn(u64) -> f64) -> Minute {
    let mut minute = Minute::empty(at);
    for product in 0..12 {
        let views = (usual(at, product) as f64 * factor(product)).round() as u64;
        minute.add(&format!("p{product}"), Some(&format!("c{}", product % 3)), views);
    }
    minute
}

/// A detector that has seen so many usual minutes, none of which raised anything.
fn after(minutes: i64) -> Detector {
    let mut detector = Detector::default();
    for at in START..START + minutes {
        assert_eq!(detector.step(&minute(at, |_| 1.0), false), [], "minute {}", at - START);
    }
    detector
}

/// What is raised or cleared in the minutes from `from` on.
fn changes(detector: &mut Detector, from: i64, minutes: i64, factor: impl Fn(u64) -> f64 + Copy) -> Vec<(i64, Change)> {
    (from..from + minutes)
        .flat_map(|at| detector.step(&minute(at, factor), false).into_iter().map(move |change| (at - from, change)))
        .collect()
}

fn only_raised(changes: &[(i64, Change)]) -> (i64, &super::Anomaly) {
    match changes {
        [(after, Change::Raised(anomaly))] => (*after, anomaly),
        other => panic!("{other:#?}"),
    }
}

#[test]
fn a_shop_without_anomalies_is_silent_from_its_first_minute_on() {
    let detector = after(3 * DAY);
    assert!(detector.open().is_empty());
}

#[test]
fn an_outage_of_all_is_one_anomaly_within_two_minutes_and_clears_itself() {
    let mut detector = after(2 * DAY + 600);
    let start = START + 2 * DAY + 600;
    // Not one document is written during an outage: the minutes are missing.
    let mut found = detector.step(&Minute::empty(start + 2), false);
    assert_eq!(found.len(), 1, "{found:#?}");
    let Some(Change::Raised(anomaly)) = found.pop() else { panic!("{found:#?}") };
    assert_eq!((&anomaly.scope, anomaly.kind), (&Scope::Total, Kind::Outage));
    assert_eq!(anomaly.id, "total|outage|2026-11-04T10:00Z");
    assert!(anomaly.observed < anomaly.expected_low && anomaly.expected_low < anomaly.expected, "{anomaly:?}");
    assert_eq!(detector.open(), [&anomaly]);
    let later = changes(&mut detector, start + 60, 30, |_| 1.0);
    let [(_, Change::Cleared(cleared))] = later.as_slice() else { panic!("{later:#?}") };
    assert_eq!(cleared.id, anomaly.id);
    assert_eq!(cleared.ended_at, Some(super::record::time_of(start + 60)));
    assert!(detector.open().is_empty());
}

/// A scope, a kind, and what each product's views are multiplied with to bring it about.
type Case = (&'static str, Kind, fn(u64) -> f64);

#[test]
fn one_cause_is_one_anomaly_where_it_happened() {
    let warm = after(2 * DAY + 600);
    let start = START + 2 * DAY + 600;
    let cases: [Case; 6] = [
        ("total", Kind::Spike, |_| 2.5),
        ("total", Kind::Drop, |_| 0.4),
        ("category:c1", Kind::Outage, |product| if product % 3 == 1 { 0.0 } else { 1.0 }),
        ("category:c2", Kind::Spike, |product| if product % 3 == 2 { 4.0 } else { 1.0 }),
        ("product:p4", Kind::Outage, |product| if product == 4 { 0.0 } else { 1.0 }),
        ("product:p9", Kind::Spike, |product| if product == 9 { 6.0 } else { 1.0 }),
    ];
    for (scope, kind, factor) in cases {
        let changes = changes(&mut warm.clone(), start, 20, factor);
        let (after, anomaly) = only_raised(&changes);
        assert_eq!((anomaly.scope.to_string().as_str(), anomaly.kind), (scope, kind));
        assert!(after <= 5, "{scope} {kind} after {after} minutes");
    }
}

/// A minute in which so many views go round some products of one category.
fn quiet(at: i64, views: u64) -> Minute {
    let mut minute = Minute::empty(at);
    (0..views).for_each(|view| minute.add(&format!("p{}", (at as u64 + view) % 5), Some("c0"), 1));
    minute
}

#[test]
fn a_spike_in_an_idle_shop_is_over_after_two_minutes_of_silence() {
    // Views a minute before it, minutes without any after those, and views a minute while it lasts.
    for (usual, idle, spike) in [(1, 0, 60), (2, 0, 30), (7, 0, 200), (2, 300, 60), (1, 1_000, 25)] {
        let mut detector = Detector::default();
        let mut at = START;
        let mut passes = |detector: &mut Detector, minutes: i64, views: u64| -> Vec<(i64, Change)> {
            let from = at;
            at += minutes;
            (from..at)
                .flat_map(|at| {
                    detector.step(&quiet(at, views), false).into_iter().map(move |change| (at - from, change))
                })
                .collect()
        };
        passes(&mut detector, 120, usual);
        passes(&mut detector, idle, 0);
        let raised = passes(&mut detector, 5, spike);
        let is_spike = |anomaly: &super::Anomaly| anomaly.scope == Scope::Total && anomaly.kind == Kind::Spike;
        assert!(
            raised.iter().any(|(_, change)| matches!(change, Change::Raised(raised) if is_spike(raised))),
            "{raised:#?}"
        );
        let after = passes(&mut detector, 4, 0);
        let cleared = after.iter().find_map(|(after, change)| match change {
            Change::Cleared(cleared) if is_spike(cleared) => Some((*after, cleared.ended_at)),
            _ => None,
        });
        let end = super::record::time_of(START + 120 + idle + 5);
        let Some((minutes, ended_at)) = cleared else { panic!("{usual} {idle} {spike}: {:#?}", detector.open()) };
        assert!(minutes <= 2 && ended_at == Some(end), "{usual} {idle} {spike}: {minutes} {ended_at:?}");
        assert!(!detector.open().into_iter().any(is_spike), "{usual} {idle} {spike}");
    }
}

#[test]
fn a_spike_that_only_weakens_lasts_and_one_of_a_part_ends_with_all_traffic() {
    let mut detector = Detector::default();
    (START..START + 120).for_each(|at| drop(detector.step(&quiet(at, 2), false)));
    let spike = START + 120;
    (spike..spike + 5).for_each(|at| drop(detector.step(&quiet(at, 100), false)));
    let weaker = (spike + 5..spike + 30).flat_map(|at| detector.step(&quiet(at, 12), false)).collect::<Vec<_>>();
    assert_eq!(weaker, [], "twelve where two are usual");

    let start = START + 2 * DAY + 600;
    for (scope, factor) in [
        ("product:p9", (|product| if product == 9 { 6.0 } else { 1.0 }) as fn(u64) -> f64),
        ("category:c2", |product| if product % 3 == 2 { 4.0 } else { 1.0 }),
    ] {
        let mut detector = after(2 * DAY + 600);
        assert_eq!(only_raised(&changes(&mut detector, start, 20, factor)).1.scope.to_string(), scope);
        let silence: Vec<_> =
            (start + 20..start + 24).flat_map(|at| detector.step(&Minute::empty(at), false)).collect();
        let is_over =
            |change: &Change| matches!(change, Change::Cleared(cleared) if cleared.scope.to_string() == scope);
        assert!(silence.iter().any(is_over), "{scope}: nobody views anything, {silence:#?}");
    }
}

#[test]
fn what_is_long_past_is_not_raised_unless_it_lasts() {
    let mut warm = after(2 * DAY + 600);
    let start = START + 2 * DAY + 600;
    for at in start..start + 60 {
        assert_eq!(warm.step(&Minute::empty(at), true), []);
    }
    assert!(warm.open().is_empty());
    let mut over = warm.clone();
    for at in start + 60..start + 90 {
        assert_eq!(over.step(&minute(at, |_| 1.0), true), [], "it is over, and was never told");
    }
    let lasting = warm.step(&Minute::empty(start + 60), false);
    assert!(matches!(lasting.as_slice(), [Change::Raised(anomaly)] if anomaly.id == "total|outage|2026-11-04T10:00Z"));
}

#[test]
fn minutes_that_have_not_come_are_taken_back() {
    let now = START + 2 * DAY + 600;
    let steady = after(2 * DAY + 600);
    let mut ahead = steady.clone();
    // A clock is two hours ahead for a run: all is quiet there.
    let raised: Vec<_> = (now..now + 120).flat_map(|at| ahead.step(&Minute::empty(at), at < now + 90)).collect();
    assert!(matches!(raised.as_slice(), [Change::Raised(raised)] if raised.scope == Scope::Total), "{raised:?}");
    assert_eq!(ahead.step(&minute(now, |_| 1.0), false), [], "passed over");
    let ended = ahead.go_back_to(now);
    let [Change::Cleared(ended)] = ended.as_slice() else { panic!("{ended:#?}") };
    assert!(ended.ended_at >= Some(ended.started_at) && ahead.open().is_empty());
    assert_eq!(changes(&mut ahead, now, DAY + 60, |_| 1.0), [], "usual minutes are usual again");
    let outage = changes(&mut ahead, now + DAY + 60, 3, |_| 0.0);
    assert_eq!(only_raised(&outage).1.kind, Kind::Outage);
}

#[test]
fn the_state_is_small_however_many_products_there_are_and_survives_being_stored() {
    let mut memory = Memory::default();
    for at in START..START + 90 {
        let mut minute = Minute::empty(at);
        for product in 0..2 * super::tuning::PRODUCTS {
            let views = (product as u64 * 31 + at as u64 * 17) % 11;
            // Most products are on their way to another category, and as many categories wait as may.
            let moved = (product + usize::from(at > START)) % 64;
            let category = if product % 4 > 0 { moved } else { 64 + product % 136 };
            minute.add(&format!("{product:-<64}"), Some(&format!("{category:-<100}")), views);
        }
        memory.step(&minute, false);
    }
    let text = serde_json::to_string(&memory).unwrap();
    assert!(text.len() < 512 << 10, "{} bytes", text.len());
    let read: Memory = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Minutes again, in any order, among new ones: as if each had come once.
    #[test]
    fn a_minute_that_comes_again_changes_nothing(repeats in prop::collection::vec(0..90_i64, 0..60)) {
        let factor = |product| if product == 2 { 8.0 } else { 1.0 };
        let mut once = after(80);
        let mut again = once.clone();
        for at in START + 80..START + 90 {
            let told = once.step(&minute(at, factor), false);
            prop_assert_eq!(again.step(&minute(at, factor), false), told);
            for repeat in repeats.iter().filter(|repeat| START + *repeat <= at) {
                prop_assert_eq!(again.step(&minute(START + repeat, |_| 0.0), false), []);
            }
        }
        prop_assert_eq!(once, again);
    }
}
