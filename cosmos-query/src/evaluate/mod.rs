//! Expressions over documents. What is undefined stays so, through most of what is done with it.

mod aggregate;
mod flow;
mod like;
mod members;
pub(crate) mod meter;
mod node;
mod operators;
pub(crate) mod patterns;
mod rows;
mod subquery;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use time::OffsetDateTime;

pub(crate) use self::{
    aggregate::{Accumulator, group_bytes},
    flow::Flow,
    meter::Meter,
};
use self::{meter::Reservation, patterns::Pattern};
use crate::{Context, PageLimits, QueryError, resolved::Output, value::Item};

/// Compiled patterns that are kept.
const MOST_PATTERNS: usize = 32;

/// What slots hold.
pub(crate) type Slots<'a> = Vec<Item<'a>>;

/// What evaluation needs beside documents, and what it counts.
pub(crate) struct Evaluator<'a> {
    context: &'a Context,
    pub(crate) meter: Rc<Meter>,
    random: Cell<u64>,
    patterns: RefCell<BTreeMap<String, Pattern>>,
    /// Why the function that was called last refuses its arguments.
    refused: RefCell<Option<QueryError>>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(context: &'a Context, limits: PageLimits) -> Evaluator<'a> {
        Evaluator {
            context,
            meter: Meter::new(limits),
            random: Cell::new(context.seed),
            patterns: RefCell::default(),
            refused: RefCell::default(),
        }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.context.now
    }

    /// A number from 0 to below 1, by SplitMix64.
    pub(crate) fn random(&self) -> f64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mut bits = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ bits >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether a pattern is found in a text; `None` where it cannot be looked for, which the call then refuses.
    pub(crate) fn is_match(&self, pattern: &str, text: &str) -> Option<bool> {
        let mut patterns = self.patterns.borrow_mut();
        if patterns.len() >= MOST_PATTERNS && !patterns.contains_key(pattern) {
            patterns.clear();
        }
        if !patterns.contains_key(pattern) {
            self.pay(patterns::compiling(pattern))?;
            patterns.insert(pattern.to_owned(), self.passed(patterns::compile(pattern))?);
        }
        let compiled = patterns.get(pattern)?;
        self.pay(compiled.searching(text))?;
        Some(compiled.is_match(text))
    }

    /// Counts work that a function is about to do beyond reading its arguments. `None`: it is too much, which the call then refuses.
    pub(crate) fn pay(&self, units: u64) -> Option<()> {
        self.passed(self.meter.charge(units))
    }

    /// Counts what a function is about to build where that may be more than its arguments.
    pub(crate) fn room(&self, bytes: u64) -> Option<()> {
        self.passed(self.meter.room(bytes))
    }

    fn passed<T>(&self, result: Result<T, QueryError>) -> Option<T> {
        result.map_err(|error| self.refused.replace(Some(error))).ok()
    }

    pub(crate) fn held(&self) -> Reservation {
        self.meter.held()
    }

    fn charge(&self, units: u64) -> Result<(), QueryError> {
        self.meter.charge(units)
    }

    /// One row of output.
    pub(crate) fn output(&self, output: &'a Output, slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        match output {
            Output::Value(node) => self.node(node, slots),
            Output::Object(members) => self.object(members, slots),
        }
    }
}
