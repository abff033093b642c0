//! The detector of one shop: all that it remembers, and what a minute makes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    child::{Category, Product},
    common::{Unit, common},
    minute::{Minute, number},
    record::{Anomaly, Scope},
    total::Total,
    tuning,
    waiting::Waiting,
    watch::{Turn, Watch},
};

/// What is known of the shop, up to a minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    /// The last minute taken in.
    last: Option<i64>,
    total: Total,
    /// The first is that of the products without one. Who has the other places is a matter of `admission`.
    pub(super) categories: Vec<Category>,
    /// Categories for which there is no place.
    #[serde(default, skip_serializing_if = "Waiting::is_empty")]
    pub(super) waiting: Waiting,
    pub(super) products: BTreeMap<String, Product>,
}

/// What a minute changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An anomaly was found.
    Raised(Anomaly),
    /// An anomaly has ended.
    Cleared(Anomaly),
}

/// The counts of a minute beside what is remembered.
struct Counts {
    /// By place of the category.
    categories: Vec<f64>,
    /// In the order of the products.
    products: Vec<f64>,
}

impl Detector {
    /// The last minute taken in; `None` before the first.
    pub fn last(&self) -> Option<i64> {
        self.last
    }

    /// Takes in a minute; minutes between it and the last one had no views. One that was taken in before changes nothing.
    ///
    /// If it `is_past`, what is found is not raised: it will be by the first minute that is not, if it lasts that long.
    pub fn step(&mut self, minute: &Minute, is_past: bool) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.last.is_some_and(|last| minute.minute <= last) {
            return changes;
        }
        let first = self.last.map_or(minute.minute, |last| last + 1);
        for missing in first..minute.minute {
            self.take(&Minute::empty(missing), is_past, &mut changes);
        }
        self.take(minute, is_past, &mut changes);
        changes
    }

    /// Goes on at `minute` without a word on what was between: nobody knows it any more.
    pub fn resume_at(&mut self, minute: i64) {
        self.last = Some(minute - 1);
        for watch in self.watches() {
            watch.forget();
            watch.dispersion.pause();
        }
    }

    /// Goes on at `minute`, though later ones were taken in while a clock was ahead: what those raised ends. Of the minutes between nobody
    /// knows which were seen as they were.
    pub fn go_back_to(&mut self, minute: i64) -> Vec<Change> {
        self.resume_at(minute);
        self.total.go_back(minute);
        let ended: Vec<_> = self.watches().filter_map(|watch| watch.go_back(minute)).collect();
        ended.into_iter().filter(|open| open.is_raised).map(|open| Change::Cleared(open.anomaly)).collect()
    }

    /// Every open anomaly that was raised, in the order of their starts.
    pub fn open(&self) -> Vec<&Anomaly> {
        let watches = std::iter::once(&self.total.watch)
            .chain(self.categories.iter().map(|category| &category.watch))
            .chain(self.products.values().map(|product| &product.watch));
        let raised = watches.filter_map(|watch| watch.open.as_deref()).filter(|open| open.is_raised);
        let mut open: Vec<_> = raised.map(|open| &open.anomaly).collect();
        open.sort_by(|one, other| (one.started_at, &one.id).cmp(&(other.started_at, &other.id)));
        open
    }

    fn watches(&mut self) -> impl Iterator<Item = &mut Watch> {
        std::iter::once(&mut self.total.watch)
            .chain(self.categories.iter_mut().map(|category| &mut category.watch))
            .chain(self.products.values_mut().map(|product| &mut product.watch))
    }

    fn take(&mut self, minute: &Minute, is_past: bool, changes: &mut Vec<Change>) {
        let at = minute.minute;
        let counts = self.count(minute);
        let mut units = vec![Vec::new(); self.categories.len()];
        self.units(&counts, &mut units);
        let around = self.common_to_all(at, &units, minute.views);
        let is_warm = self.total.is_warm();
        let mut turns = vec![(Scope::Total, self.total.observe(at, around))];
        let is_explained = matches!(turns[0].1, Turn::Opened(_));
        let judge = |children: usize| (is_warm && !is_explained).then(|| needed(children));
        let mut inside = Vec::with_capacity(self.categories.len());
        let categories = judge(self.categories.len());
        for (place, category) in self.categories.iter_mut().enumerate() {
            let own = common(&mut units[place], counts.categories[place]);
            match category.observe(at, own, around, categories) {
                Turn::None => {}
                turn => turns.push((Scope::Category(category.name.clone()), turn)),
            }
            inside.push(own);
        }
        let products = judge(self.products.len());
        for ((id, product), observed) in self.products.iter_mut().zip(&counts.products) {
            match product.observe(id, at, *observed, inside[product.category], products) {
                Turn::None => {}
                turn => turns.push((Scope::Product(id.clone()), turn)),
            }
        }
        self.last = Some(at);
        self.settle(turns, changes);
        if !is_past {
            for open in self.watches().filter_map(|watch| watch.open.as_deref_mut()).filter(|open| !open.is_raised) {
                open.is_raised = true;
                changes.push(Change::Raised(open.anomaly.clone()));
            }
        }
    }

    /// Draws the conclusions of a minute's turns for the others around.
    fn settle(&mut self, turns: Vec<(Scope, Turn)>, changes: &mut Vec<Change>) {
        let mut opened: Vec<(f64, Scope)> = Vec::new();
        for (scope, turn) in turns {
            match turn {
                Turn::None => {}
                Turn::Opened(strength) => opened.push((strength, scope)),
                Turn::Cleared(open) | Turn::Accepted(open, _) if open.is_raised => {
                    changes.push(Change::Cleared(open.anomaly));
                }
                Turn::Cleared(_) | Turn::Accepted(..) => {}
            }
        }
        if opened.is_empty() {
            return;
        }
        // What has just opened explains what others have begun to suspect: their evidence starts anew.
        self.watches().for_each(Watch::forget);
        let open = self.watches().filter(|watch| watch.open.is_some()).count();
        let room = tuning::RAISED_AT_ONCE.min((tuning::OPEN_AT_ONCE + opened.len()).saturating_sub(open));
        if opened.len() > room {
            opened.sort_by(|one, other| other.0.total_cmp(&one.0));
            for (_, scope) in opened.split_off(room) {
                if let Some(watch) = self.watch_of(&scope) {
                    watch.open = None;
                }
            }
        }
    }

    fn watch_of(&mut self, scope: &Scope) -> Option<&mut Watch> {
        match scope {
            Scope::Total => Some(&mut self.total.watch),
            Scope::Category(name) => {
                self.categories.iter_mut().find(|category| category.name == *name).map(|category| &mut category.watch)
            }
            Scope::Product(id) => self.products.get_mut(id).map(|product| &mut product.watch),
        }
    }

    /// Makes room for who is new, and puts the minute's counts beside what is remembered.
    fn count(&mut self, minute: &Minute) -> Counts {
        self.admit(minute);
        let mut categories: Vec<f64> = self.categories.iter().map(|category| minute.views_in(&category.name)).collect();
        let named: f64 = categories.iter().skip(1).sum();
        categories[0] = (number(minute.views) - named).max(0.0);
        let of = |id: &String| minute.products.get(id).map_or(0.0, |counted| number(counted.views));
        Counts { categories, products: self.products.keys().map(of).collect() }
    }

    /// The products of each category, and the rest of it, as parts of the category.
    fn units(&self, counts: &Counts, units: &mut [Vec<Unit>]) {
        let mut known = vec![(0.0, 0.0); units.len()];
        for (product, &observed) in self.products.values().zip(&counts.products) {
            // Who is new belongs to the rest, until its share is known.
            let Some(share) = product.share.value() else { continue };
            let (views, shares) = &mut known[product.category];
            *views += observed;
            *shares += share;
            let dispersion = product.watch.dispersion.factor();
            let is_in_line = product.watch.open.is_none();
            units[product.category].push(Unit { observed, share, dispersion, is_in_line });
        }
        for ((units, (views, shares)), counted) in units.iter_mut().zip(known).zip(&counts.categories) {
            let observed = (counted - views).max(0.0);
            let (share, dispersion) = (1.0 - shares, tuning::DISPERSION_AT_FIRST);
            units.push(Unit { observed, share, dispersion, is_in_line: true });
        }
    }

    fn common_to_all(&self, at: i64, units: &[Vec<Unit>], views: u64) -> f64 {
        let mut all = Vec::with_capacity(self.products.len() + units.len());
        for (category, units) in self.categories.iter().zip(units) {
            let share = category.share.value(at).unwrap_or(0.0);
            let is_in_line = category.watch.open.is_none();
            let of_all =
                |unit: &Unit| Unit { share: unit.share * share, is_in_line: unit.is_in_line && is_in_line, ..*unit };
            all.extend(units.iter().map(of_all));
        }
        common(&mut all, number(views))
    }
}

/// The evidence that raises one of so many.
fn needed(children: usize) -> f64 {
    let children = children.max(1) as f64;
    tuning::EVIDENCE + children.ln()
}
