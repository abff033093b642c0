//! Distinct counts: how many different visitors, by a HyperLogLog sketch.
//!
//! Up to some 400 visitors it keeps a hash of 26 bits of each, so that small numbers are exact but for rare collisions; above, it
//! estimates with a standard error of [`STANDARD_ERROR`]. Sketches merge without loss: that of a minute is what one sketch of all its clicks
//! would be. Their binary form is that of Apache DataSketches, the same in every language and version.

use std::fmt;

use datasketches::{
    hash::value::raw_bytes,
    hll::{Coupon, HllSketch, HllType, HllUnion},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::click::VisitorId;

/// Base-2 logarithm of the number of registers.
const LG_K: u8 = 12;

/// Relative standard error of a large count, 1.04 / √4096: 95 of 100 counts are within twice, nearly all within three times this.
pub const STANDARD_ERROR: f64 = 0.01625;

/// A set of visitors of which only the size can be told.
#[derive(Clone, Default)]
pub struct Visitors(Option<HllSketch>);

/// A visitor as sketches know them. Hashed once, added to several.
#[derive(Clone, Copy, Debug)]
pub struct Visitor(Coupon);

impl Visitor {
    /// The visitor with this id, the same on every machine.
    pub fn new(id: &VisitorId) -> Self {
        Self(Coupon::from_value(raw_bytes::from_str(id.as_str())))
    }
}

impl Visitors {
    /// Adds a visitor; a second time changes nothing.
    pub fn add(&mut self, visitor: Visitor) {
        self.0.get_or_insert_with(empty).update_with_coupon(visitor.0);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = &other.0 else { return };
        let Some(ours) = &self.0 else {
            self.0 = Some(theirs.clone());
            return;
        };
        let mut union = empty_union();
        union.update(ours);
        union.update(theirs);
        self.0 = Some(union.to_sketch(HllType::Hll4));
    }

    /// Whether these are the same visitors, as far as the sketches can tell. In whatever order they came: a sketch's own estimate depends
    /// on that a little, that of a union does not.
    pub fn is_like(&self, other: &Self) -> bool {
        let united = |first: &Self, second: &Self| {
            let mut union = first.clone();
            union.merge(second);
            union.count()
        };
        let both = united(self, other);
        both == united(self, self) && both == united(other, other)
    }

    /// How many there are, as far as the sketch can tell.
    pub fn count(&self) -> u64 {
        let estimate = self.0.as_ref().map_or(0.0, HllSketch::estimate).round();
        // Not negative, and far below 2^53.
        estimate as u64
    }
}

#[expect(clippy::expect_used, reason = "the constant is in the range that the sketch takes")]
fn empty() -> HllSketch {
    HllSketch::new(LG_K, HllType::Hll4).expect("4 to 21")
}

#[expect(clippy::expect_used, reason = "the constant is in the range that the sketch takes")]
fn empty_union() -> HllUnion {
    HllUnion::new(LG_K).expect("4 to 21")
}

impl fmt::Debug for Visitors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Visitors({})", self.count())
    }
}

impl Serialize for Visitors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(sketch) => serializer.serialize_bytes(&sketch.serialize()),
            None => serializer.serialize_bytes(&[]),
        }
    }
}

impl<'de> Deserialize<'de> for Visitors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Visitors;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes of a sketch")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Visitors, E> {
                if bytes.is_empty() {
                    return Ok(Visitors(None));
                }
                HllSketch::deserialize(bytes).map(|sketch| Visitors(Some(sketch))).map_err(E::custom)
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(number: u32) -> Visitor {
        Visitor::new(&format!("visitor-{number:08}").try_into().unwrap())
    }

    #[test]
    fn counts_stay_within_the_stated_error_however_they_are_split_and_repeated() {
        for visitors in [1_u32, 7, 300, 2_000, 50_000] {
            let mut parts = vec![Visitors::default(); 16];
            for number in 0..visitors {
                // Everyone comes three times, to different parts.
                for part in [number, number / 3, number / 7] {
                    parts[part as usize % 16].add(visitor(number));
                }
            }
            let mut merged = Visitors::default();
            parts.iter().for_each(|part| merged.merge(part));
            let error = (merged.count() as f64 - f64::from(visitors)).abs() / f64::from(visitors);
            assert!(error <= 3.0 * STANDARD_ERROR, "{visitors}: {merged:?}");
            let mut backwards = Visitors::default();
            (0..visitors).rev().for_each(|number| backwards.add(visitor(number)));
            assert!(backwards.is_like(&merged), "{visitors}: {backwards:?} {merged:?}");
            if visitors <= 300 {
                backwards.add(visitor(visitors));
                assert!(!backwards.is_like(&merged), "{visitors}: one more is seen");
                assert_eq!(merged.count(), u64::from(visitors));
            }
        }
    }
}
