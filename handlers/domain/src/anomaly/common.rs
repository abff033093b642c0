//! What is common to the children of a node: the views the node would have, were none of its children out of line.

use super::tuning::{OUT_OF_LINE, VOTE, VOTES};

/// A child of a node in one minute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) observed: f64,
    /// Its part of the node, usually.
    pub(super) share: f64,
    pub(super) dispersion: f64,
    /// Whether it may speak for the node; a child with an anomaly may not.
    pub(super) is_in_line: bool,
}

/// A node's views as its children in line have it: the sum of their views, divided by their part of the node.
///
/// Who is out of line is measured from the children's weighted median. Where too few of them have enough views for a vote, the worst is
/// left out as long as it is out of line with the sum of all others. `views` is the answer where the children say too little.
pub(super) fn common(units: &mut Vec<Unit>, views: f64) -> f64 {
    units.retain(|unit| unit.share > 0.0);
    let all: f64 = units.iter().map(|unit| unit.share).sum();
    let mut sums = Sums::of(units);
    if sums.share < LEAST_SHARE * all || all <= 0.0 {
        return views;
    }
    match median(units, sums) {
        Some(median) => {
            for unit in units.iter_mut() {
                unit.is_in_line &= unit.distance(median) <= OUT_OF_LINE;
            }
            let in_line = Sums::of(units);
            if in_line.share >= LEAST_SHARE * all { in_line.ratio() * all } else { median * all }
        }
        None => {
            while let Some(worst) = worst(units, sums, all) {
                worst.is_in_line = false;
                sums = sums.without(worst);
            }
            sums.ratio() * all
        }
    }
}

/// Part of a node that must be in line to speak for it.
const LEAST_SHARE: f64 = 0.3;

impl Unit {
    /// How many standard deviations it is from what it would have at this ratio of views to share.
    fn distance(&self, ratio: f64) -> f64 {
        let expected = ratio * self.share;
        (self.observed - expected).abs() / (self.dispersion * expected.max(1.0)).sqrt()
    }
}

/// Views and shares of the children in line.
#[derive(Clone, Copy)]
struct Sums {
    observed: f64,
    share: f64,
}

impl Sums {
    fn of(units: &[Unit]) -> Self {
        let in_line = units.iter().filter(|unit| unit.is_in_line);
        in_line.fold(Self { observed: 0.0, share: 0.0 }, |sums, unit| Self {
            observed: sums.observed + unit.observed,
            share: sums.share + unit.share,
        })
    }

    fn without(self, unit: &Unit) -> Self {
        Self { observed: self.observed - unit.observed, share: self.share - unit.share }
    }

    fn ratio(self) -> f64 {
        self.observed / self.share
    }
}

/// The child in line that is farthest from the sum of the others, if it is out of line with them and they can do without it.
fn worst(units: &mut [Unit], sums: Sums, all: f64) -> Option<&mut Unit> {
    let distance = |unit: &Unit| {
        let others = sums.without(unit);
        if others.share < LEAST_SHARE * all { 0.0 } else { unit.distance(others.ratio()) }
    };
    let in_line = units.iter_mut().filter(|unit| unit.is_in_line).map(|unit| (distance(unit), unit));
    let (distance, worst) = in_line.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (distance > OUT_OF_LINE).then_some(worst)
}

/// The median of the children's ratios, weighted by share; `None` if fewer than [`VOTES`], or less than half of those in line, may vote.
fn median(units: &[Unit], sums: Sums) -> Option<f64> {
    let may_vote = |unit: &&Unit| unit.is_in_line && sums.ratio() * unit.share >= VOTE;
    let mut votes: Vec<(f64, f64)> =
        units.iter().filter(may_vote).map(|unit| (unit.observed / unit.share, unit.share)).collect();
    let weight: f64 = votes.iter().map(|(_, weight)| weight).sum();
    if votes.len() < VOTES || weight < sums.share / 2.0 {
        return None;
    }
    votes.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut below = 0.0;
    let middle = votes.into_iter().find(|(_, weight_of_one)| {
        below += weight_of_one;
        below >= weight / 2.0
    });
    middle.map(|(ratio, _)| ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(observed: &[f64]) -> Vec<Unit> {
        let share = 1.0 / f64::from(u32::try_from(observed.len()).unwrap());
        observed.iter().map(|&observed| Unit { observed, share, dispersion: 1.0, is_in_line: true }).collect()
    }

    #[test]
    fn a_child_out_of_line_does_not_move_what_is_common() {
        let usual = common(&mut units(&[100.0; 10]), 1000.0);
        assert!((usual - 1000.0).abs() < 1e-9);
        let mut viral = [100.0; 10];
        viral[3] = 5_000.0;
        assert!((common(&mut units(&viral), 5_900.0) - 1000.0).abs() < 1e-9);
        let mut few = [2.0, 2.0, 80.0, 2.0];
        assert!((common(&mut units(&few), 86.0) - 8.0).abs() < 1e-9);
        few = [40.0, 40.0, 0.0, 40.0];
        assert!((common(&mut units(&few), 120.0) - 160.0).abs() < 1e-9);
        let mut out = [100.0; 10];
        out[..4].fill(0.0);
        assert!((common(&mut units(&out), 600.0) - 1000.0).abs() < 1e-9);
    }

    #[test]
    fn what_happens_to_all_is_common() {
        for level in [0.0, 3.0, 50.0, 300.0] {
            assert!((common(&mut units(&[level; 10]), 10.0 * level) - 10.0 * level).abs() < 1e-9, "{level}");
        }
    }
}
