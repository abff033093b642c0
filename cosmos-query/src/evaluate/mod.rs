//! Expressions over documents. What is undefined stays so, through most of what is done with it.

mod aggregate;
mod like;
mod node;
mod operators;
pub(crate) mod patterns;
mod rows;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use regex::Regex;
use time::OffsetDateTime;

pub(crate) use self::{
    aggregate::Accumulator,
    rows::{Flow, accumulators},
};
use crate::{Context, QueryError, resolved::Output, value::Item};

/// Rows that one page may go through, of joins and subqueries too; beyond it, a query is refused rather than left to run for minutes.
const MOST_WORK: u64 = 20_000_000;
/// Bytes that one page may read and build in expressions: what keeps a text of a few kilobytes from asking for hours with values of megabytes.
const MOST_BYTES: u64 = 4 << 30;
/// Bytes of one value that an expression builds.
const MOST_BUILT: u64 = 64 << 20;
/// What compiling a pattern counts as.
const PATTERN: u64 = 64 << 10;
/// Compiled patterns that are kept.
const MOST_PATTERNS: usize = 64;

/// What slots hold.
pub(crate) type Slots<'a> = Vec<Item<'a>>;

/// What evaluation needs beside documents, and what it counts.
pub(crate) struct Evaluator<'a> {
    context: &'a Context,
    work: Cell<u64>,
    bytes: Cell<u64>,
    random: Cell<u64>,
    patterns: RefCell<BTreeMap<String, Regex>>,
    /// Why the function that was called last refuses its arguments.
    refused: RefCell<Option<QueryError>>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(context: &'a Context) -> Evaluator<'a> {
        Evaluator {
            context,
            work: Cell::new(0),
            bytes: Cell::new(0),
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
        if let Some(compiled) = patterns.get(pattern) {
            return Some(compiled.is_match(text));
        }
        if let Err(error) = self.charge(PATTERN) {
            self.refused.replace(Some(error));
            return None;
        }
        match patterns::compile(pattern) {
            Ok(compiled) => Some(patterns.entry(pattern.to_owned()).or_insert(compiled).is_match(text)),
            Err(error) => {
                self.refused.replace(Some(error));
                None
            }
        }
    }

    /// Counts bytes that are read, or a product of lengths where a comparison may take as much.
    pub(crate) fn charge(&self, bytes: u64) -> Result<(), QueryError> {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        if self.bytes.get() <= MOST_BYTES {
            return Ok(());
        }
        Err(QueryError::whole("SC3021", "The query reads or builds more than is allowed in one page."))
    }

    /// Counts what a value that is being built grows by.
    fn grow(&self, built: &mut u64, by: u64) -> Result<(), QueryError> {
        *built = built.saturating_add(by);
        if *built > MOST_BUILT {
            return Err(QueryError::whole("SC3021", "The query builds a value that is larger than is allowed."));
        }
        self.charge(by)
    }

    fn step(&self) -> Result<(), QueryError> {
        self.work.set(self.work.get() + 1);
        if self.work.get() <= MOST_WORK {
            return Ok(());
        }
        Err(QueryError::whole("SC3020", "The query does more work than is allowed in one page."))
    }

    /// One row of output.
    pub(crate) fn output(&self, output: &'a Output, slots: &mut Slots<'a>) -> Result<Item<'a>, QueryError> {
        match output {
            Output::Value(node) => self.node(node, slots),
            Output::Object(members) => self.object(members, slots),
        }
    }
}
