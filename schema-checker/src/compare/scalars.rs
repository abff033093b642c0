//! Primitive types: which promote to which, and what logical types make of them.

use super::{NOT_RUST, PYTHON, Pair, Said, Walk};
use crate::{
    finding::{EVERY, Reader},
    model::{Logical, Primitive},
};

/// Whether every reader takes what was written as the one for the other.
pub(super) fn promotes(written: Primitive, expected: Primitive) -> bool {
    use Primitive::{Double, Float, Int, Long};
    matches!((written, expected), (Int, Long | Float | Double) | (Long, Float | Double) | (Float, Double))
}

/// JavaScript and Rust take one for the other, Python does not.
pub(super) fn is_text_and_bytes(one: Primitive, other: Primitive) -> bool {
    matches!((one, other), (Primitive::String, Primitive::Bytes) | (Primitive::Bytes, Primitive::String))
}

impl Walk<'_> {
    pub(super) fn primitives(&mut self, pair: Pair<'_>, written: Primitive, expected: Primitive, path: &str) {
        use Primitive::{Double, Float, Int, Long};
        if written == expected {
            return;
        }
        let (old, new) = self.in_time(pair);
        let changed = format!("{} became {}", self.old.shown(old), self.new.shown(new));
        if promotes(written, expected) {
            if matches!((written, expected), (Int, Float) | (Long, Float | Double)) && self.is_forth() {
                let what = format!("{changed}: large whole numbers lose digits");
                self.note(pair, path, Said::warns("digits-lost", what, "keep the type if each digit counts"));
            }
        } else if promotes(expected, written) {
            // Rust's reader takes a long for an int while it is in range, and the like.
            let readers = if (written, expected) == (Long, Int) || (written, expected) == (Double, Float) {
                NOT_RUST
            } else {
                EVERY
            };
            let mend = "keep the type, and add a field of another name beside it, with a default";
            let code = if self.is_forth() { "type-narrowed" } else { "type-widened" };
            self.note(pair, path, Said::fails(code, changed, mend).to(readers));
        } else if is_text_and_bytes(written, expected) {
            let mend = "keep the type, and add a field of another name beside it, with a default";
            self.note(pair, path, Said::fails("string-and-bytes", changed, mend).to(PYTHON));
        } else {
            self.another_type(pair, path);
        }
    }

    /// Logical types are no part of the bytes: readers resolve whatever they are, and take the number for what it is not.
    pub(super) fn logical_types(
        &mut self,
        pair: Pair<'_>,
        written: Option<&Logical>,
        expected: Option<&Logical>,
        path: &str,
    ) {
        let (old, new) = if self.is_forth() { (written, expected) } else { (expected, written) };
        if !self.is_forth() || old == new {
            return;
        }
        let mend = "keep it, and add a field of another name for the new meaning, with a default";
        let said = match (old, new) {
            (
                Some(Logical::Decimal { scale: before, precision: digits }),
                Some(Logical::Decimal { scale: after, precision: more }),
            ) => {
                if before != after {
                    let what =
                        format!("the decimal's scale went from {before} to {after}: readers move the decimal point");
                    self.note(pair, path, Said::misreads("decimal-scale-changed", what, mend));
                }
                if digits == more {
                    return;
                }
                let what = format!("the decimal's precision went from {digits} to {more}");
                Said::fails("decimal-precision-changed", what, mend)
            }
            (Some(before), Some(after)) => {
                let what = format!(
                    "the logical type went from {} to {}: the same numbers mean something else",
                    before.name(),
                    after.name()
                );
                Said::misreads("logical-type-changed", what, mend)
            }
            (before, after) => {
                let (name, verb) = match (before, after) {
                    (Some(name), _) => (name.name(), "is gone"),
                    (None, Some(name)) => (name.name(), "is new here"),
                    (None, None) => return,
                };
                let what = format!("the logical type {name} {verb}");
                match name {
                    // Not each text is a UUID, and the readers that know decimals give another kind of value.
                    "uuid" if after.is_some() => Said::fails("logical-type-changed", what, mend).to(&[Reader::Rust]),
                    "decimal" | "big-decimal" => Said::misreads("logical-type-changed", what, mend),
                    _ => {
                        let mend =
                            "readers that know it get another kind of value from now on, such as a time for a number";
                        Said::warns("logical-type-changed", what, mend)
                    }
                }
            }
        };
        self.note(pair, path, said);
    }
}
