//! What is common to the children of a node: the views the node would have, were none of its children out of line.

use super::tuning::{OUT_OF_LINE, VOTE, VOTES};

/// A child of a node in one minute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) observed: f64,
    /// Its part of the node, usually.
    pub(super) share: f64,
    pub(super) dispersion: f64,
}

/// A node's views as its children in line have it: the sum of their views over the sum of their shares.
///
/// Out of line is measured from the children's weighted median. Where too few of them have enough views for a vote, it is measured
/// from their sum. `views` is the answer where the units say too little.
pub(super) fn common(units: &mut Vec<Unit>, views: f64) -> f64 {
    units.retain(|unit| unit.share > 0.0);
    let all: f64 = units.iter().map(|unit| unit.share).sum();
    let sum: f64 = units.iter().map(|unit| unit.observed).sum();
    if all < LEAST_SHARE {
        return views;
    }
    let pivot = median(units, sum, all).unwrap_or(sum / all);
    let in_line = units.iter().filter(|unit| {
        let expected = pivot * unit.share;
        (unit.observed - expected).abs() <= OUT_OF_LINE * (unit.dispersion * expected.max(1.0)).sqrt()
    });
    let (observed, share) =
        in_line.fold((0.0, 0.0), |(observed, share), unit| (observed + unit.observed, share + unit.share));
    if share >= LEAST_SHARE * all { observed / share } else { pivot }
}

/// Part of a node that must be in line to speak for it.
const LEAST_SHARE: f64 = 0.3;

/// The median of the children's ratios, weighted by share; `None` if fewer than [`VOTES`], or less than half of the node, may vote.
fn median(units: &mut [Unit], sum: f64, all: f64) -> Option<f64> {
    let may_vote = |unit: &&mut Unit| sum * unit.share / all >= VOTE;
    let mut votes: Vec<(f64, f64)> =
        units.iter_mut().filter(may_vote).map(|unit| (unit.observed / unit.share, unit.share)).collect();
    let weight: f64 = votes.iter().map(|(_, weight)| weight).sum();
    if votes.len() < VOTES || weight < all / 2.0 {
        return None;
    }
    votes.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut below = 0.0;
    votes
        .into_iter()
        .find(|(_, weight_of_one)| {
            below += weight_of_one;
            below >= weight / 2.0
        })
        .map(|(ratio, _)| ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(observed: &[f64]) -> Vec<Unit> {
        let share = 1.0 / f64::from(u32::try_from(observed.len()).unwrap());
        observed.iter().map(|&observed| Unit { observed, share, dispersion: 1.0 }).collect()
    }

    #[test]
    fn a_child_out_of_line_does_not_move_what_is_common() {
        let usual = common(&mut units(&[100.0; 10]), 1000.0);
        assert!((usual - 1000.0).abs() < 1e-9);
        let mut viral = [100.0; 10];
        viral[3] = 5_000.0;
        assert!((common(&mut units(&viral), 5_900.0) - 1000.0).abs() < 1e-9);
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
