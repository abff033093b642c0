//! What a page may do and hold: work is counted before it is done, and what is gathered before it is kept.

use std::{cell::Cell, rc::Rc};

use serde_json::Value;

use crate::{
    PageLimits, QueryError,
    value::{Item, memory},
};

/// Rows that one page may go through, of joins and subqueries too.
const MOST_ROWS: u64 = 20_000_000;
/// What going to one more row counts as.
const ROW: u64 = 64;
/// What evaluating one node of an expression counts as, and taking one step of a path.
pub(super) const NODE: u64 = 32;

/// Counts the work of one page, in units of about a nanosecond, and the bytes that its values take.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: PageLimits,
    work: Cell<u64>,
    rows: Cell<u64>,
    held: Cell<u64>,
}

impl Meter {
    pub(crate) fn new(limits: PageLimits) -> Rc<Meter> {
        Rc::new(Meter { limits, work: Cell::new(0), rows: Cell::new(0), held: Cell::new(0) })
    }

    /// Counts work, of which a unit is a byte that is read or written, or as much as that takes.
    pub(crate) fn charge(&self, units: u64) -> Result<(), QueryError> {
        self.work.set(self.work.get().saturating_add(units));
        if self.work.get() <= self.limits.work {
            return Ok(());
        }
        Err(QueryError::whole("SC3020", "The query does more work than is allowed in one page."))
    }

    /// Counts looking a value of so many bytes up among so many that are sorted: it may be compared with several at each level of a tree.
    pub(crate) fn search(&self, bytes: u64, among: usize) -> Result<(), QueryError> {
        self.charge(searching(bytes, among))
    }

    pub(super) fn row(&self) -> Result<(), QueryError> {
        self.rows.set(self.rows.get() + 1);
        if self.rows.get() > MOST_ROWS {
            return Err(QueryError::whole("SC3020", "The query does more work than is allowed in one page."));
        }
        self.charge(ROW)
    }

    /// Whether so much is done that a page which may end here does.
    pub(crate) fn is_half_spent(&self) -> bool {
        self.work.get() >= self.limits.work / 2
    }

    /// Counts the work of making so many bytes, for which there must be room.
    pub(super) fn room(&self, bytes: u64) -> Result<(), QueryError> {
        self.charge(bytes)?;
        if self.held.get().saturating_add(bytes) <= self.limits.memory {
            return Ok(());
        }
        Err(QueryError::whole("SC3021", "The query builds or gathers more than may be held for one page."))
    }

    pub(crate) fn held(self: &Rc<Meter>) -> Reservation {
        Reservation { meter: Rc::clone(self), bytes: 0 }
    }
}

/// What looking a value up counts as.
pub(crate) fn searching(bytes: u64, among: usize) -> u64 {
    bytes.saturating_mul(3 * u64::from(usize::BITS - among.leading_zeros()).max(1))
}

/// Bytes that something holds for as long as this lives.
#[derive(Debug)]
pub(crate) struct Reservation {
    meter: Rc<Meter>,
    bytes: u64,
}

impl Reservation {
    /// Counts so many bytes more, and the work of making them.
    pub(crate) fn grow(&mut self, by: u64) -> Result<(), QueryError> {
        self.meter.room(by)?;
        self.bytes += by;
        self.meter.held.set(self.meter.held.get() + by);
        Ok(())
    }

    /// Counts a value that was made for this query; those of documents and parameters are there anyway.
    pub(crate) fn keep(&mut self, value: &Item<'_>) -> Result<(), QueryError> {
        match value {
            Some(std::borrow::Cow::Owned(value @ (Value::String(_) | Value::Array(_) | Value::Object(_)))) => {
                self.grow(memory(value))
            }
            _ => Ok(()),
        }
    }

    /// Gives back what is held, since something else takes its place.
    pub(crate) fn clear(&mut self) {
        self.meter.held.set(self.meter.held.get().saturating_sub(self.bytes));
        self.bytes = 0;
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.clear();
    }
}
