//! Who is watched: names that anybody can make up must not keep real ones from it.

use super::{DAY, START, changes, minute, only_raised};
use crate::anomaly::{Change, Detector, Kind, Minute, Scope, tuning};

/// A minute of made-up categories, which come first by name.
fn made_up(at: i64, names: u64, views: u64) -> Minute {
    let mut minute = Minute::empty(at);
    for name in 0..names {
        minute.add("p0", Some(&format!("a{at}-{name:03}")), views);
    }
    minute
}

/// The usual minute and a made-up one together.
fn among(mut minute: Minute, others: Minute) -> Minute {
    minute.views += others.views;
    minute.categories.extend(others.categories);
    minute
}

/// What 20 minutes without a category raise: one scope, or several.
fn outage(detector: &mut Detector, from: i64, category: u64) -> String {
    let changes = changes(detector, from, 20, |product| if product % 3 == category { 0.0 } else { 1.0 });
    let scopes = changes.into_iter().filter_map(|(_, change)| match change {
        Change::Raised(anomaly) => Some(anomaly.scope.to_string()),
        Change::Cleared(_) => None,
    });
    scopes.collect::<Vec<_>>().join(", ")
}

#[test]
fn made_up_categories_before_the_real_ones_do_not_blind_the_shop() {
    let mut detector = Detector::default();
    let start = START + 600;
    assert_eq!(detector.step(&made_up(START, 64, 8), false), []);
    for at in START + 1..start {
        assert_eq!(detector.step(&minute(at, |_| 1.0), false), [], "minute {}", at - START);
    }
    assert_eq!(outage(&mut detector, start, 1), "category:c1");
}

#[test]
fn made_up_categories_in_every_minute_do_not_push_out_the_real_ones() {
    let mut detector = Detector::default();
    let start = START + 600;
    for at in START..start {
        let minute = among(minute(at, |_| 1.0), made_up(at, 150, 1));
        assert_eq!(detector.step(&minute, false), [], "minute {}", at - START);
    }
    let changes: Vec<_> = (start..start + 20)
        .flat_map(|at| {
            let rest = minute(at, |product| if product % 3 == 1 { 0.0 } else { 1.0 });
            detector.step(&among(rest, made_up(at, 150, 1)), false).into_iter().map(move |change| (at - start, change))
        })
        .collect();
    assert_eq!(only_raised(&changes).1.scope.to_string(), "category:c1");
}

/// A shop of some 300 views a minute in 100 categories, whose most viewed ones come last by name.
fn many(at: i64, is_viewed: impl Fn(i64) -> bool) -> Minute {
    let mut minute = Minute::empty(at);
    for category in (0..100).filter(|category| is_viewed(*category)) {
        let every = 100 - category;
        let views = if every > 40 { i64::from((at + category) % every == 0) } else { 80 / every + (at * category) % 2 };
        minute.add(&format!("p{category}"), Some(&format!("c{category:02}")), views.try_into().unwrap());
    }
    minute
}

#[test]
fn of_more_categories_than_are_watched_it_is_the_most_viewed_ones() {
    let mut detector = Detector::default();
    let start = START + 600;
    // The first minute knows the others alone.
    for at in START..start {
        let changes = detector.step(&many(at, |category| at > START || category < 80), false);
        assert_eq!(changes, [], "minute {}", at - START);
    }
    for category in [99, 90, 80] {
        let mut detector = detector.clone();
        let changes: Vec<_> =
            (start..start + 60).flat_map(|at| detector.step(&many(at, |viewed| viewed != category), false)).collect();
        let scope = Scope::Category(format!("c{category}"));
        assert!(matches!(changes.as_slice(), [Change::Raised(anomaly)] if anomaly.scope == scope), "{changes:#?}");
    }
}

/// The usual minute, in which product p9 of c0 was listed last at `category`.
fn listed(at: i64, category: &str, factor: f64) -> Minute {
    let mut minute = minute(at, |product| if product == 9 { factor } else { 1.0 });
    if let Some(product) = minute.products.get_mut("p9") {
        product.category = Some(category.to_owned());
    }
    minute
}

#[test]
fn a_product_named_at_two_categories_is_judged_all_the_same() {
    // Every other minute, or whenever it would be about to move.
    for every in [2, i64::from(tuning::MOVED_MINUTES)] {
        let mut detector = Detector::default();
        let start = START + 600;
        let category = |at: i64| if (at - START) % every == 0 { "c0" } else { "c1" };
        for at in START..start {
            assert_eq!(detector.step(&listed(at, category(at), 1.0), false), [], "minute {}", at - START);
        }
        let found: Vec<_> =
            (start..start + 10).flat_map(|at| detector.step(&listed(at, category(at), 6.0), false)).collect();
        let scope = Scope::Product("p9".to_owned());
        let spike = |anomaly: &crate::anomaly::Anomaly| anomaly.scope == scope && anomaly.kind == Kind::Spike;
        assert!(matches!(found.as_slice(), [Change::Raised(anomaly)] if spike(anomaly)), "{found:#?}");
    }
}

#[test]
fn a_product_that_moves_is_part_of_its_new_category_some_hours_later() {
    let mut detector = Detector::default();
    let moves = START + 600;
    let start = moves + 300;
    for at in START..start {
        let mut minute = minute(at, |product| if product == 9 { 0.0 } else { 1.0 });
        minute.products.remove("p9");
        minute.add("p9", Some(if at < moves { "c0" } else { "c1" }), 60);
        assert_eq!(detector.step(&minute, false), [], "minute {}", at - START);
    }
    // It goes on while the others of c0 do not.
    let changes: Vec<_> = (start..start + 20)
        .flat_map(|at| {
            let mut minute = minute(at, |product| if product % 3 == 0 { 0.0 } else { 1.0 });
            minute.products.remove("p9");
            minute.add("p9", Some("c1"), 60);
            detector.step(&minute, false)
        })
        .collect();
    assert!(
        matches!(changes.as_slice(), [Change::Raised(anomaly)] if anomaly.scope.to_string() == "category:c0"),
        "{changes:#?}"
    );
}

/// Before views were remembered, 64 names kept all places for ever.
#[test]
fn a_shop_that_was_blinded_in_an_older_document_recovers_in_silence() {
    let mut detector = Detector::default();
    assert_eq!(detector.step(&made_up(START, 64, 1), false), []);
    let with_views = |detector: &Detector, views: Option<f64>| -> Detector {
        let mut document = serde_json::to_value(detector).unwrap();
        document.as_object_mut().unwrap().remove("waiting");
        for category in document["categories"].as_array_mut().unwrap() {
            let category = category.as_object_mut().unwrap();
            assert!(category.remove("v").is_some());
            category.extend(views.map(|views| ("v".to_owned(), views.into())));
        }
        serde_json::from_value(document).unwrap()
    };
    let mut detector = with_views(&detector, Some(1e9));
    let updated = START + DAY;
    for at in START + 1..updated {
        assert_eq!(detector.step(&minute(at, |_| 1.0), false), [], "minute {}", at - START);
    }
    assert_ne!(outage(&mut detector.clone(), updated, 2), "category:c2");
    let mut detector = with_views(&detector, None);
    for at in updated..updated + 120 {
        assert_eq!(detector.step(&minute(at, |_| 1.0), false), [], "minute {}", at - START);
    }
    assert_eq!(outage(&mut detector, updated + 120, 2), "category:c2");
}
