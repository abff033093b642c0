//! Pages of results.

mod grouped;
mod key;
mod ordered;
mod plain;
mod smallest;

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    Context, Document, Page, PageLimits, Query, QueryError, Resume, Row,
    evaluate::Evaluator,
    resolved::Rows,
    resume::At,
    syntax::Count,
    value::{Item, memory, size},
};

/// Rows that OFFSET leaves out at a time where rows are sorted: a page has at most these and its own in memory.
const MOST_SKIPPED: u64 = 20_000;

/// What is left to skip and to take.
#[derive(Debug, Clone, Copy)]
struct Counts {
    skip: u64,
    take: Option<u64>,
}

/// One page under way.
struct Work<'w> {
    rows: &'w Rows,
    evaluator: Evaluator<'w>,
    limits: PageLimits,
    counts: Counts,
    resume: Option<&'w Resume>,
    read: usize,
}

impl Query {
    /// One page. `documents` come in the order of their positions, from where [`Resume::start`] says on; all of one range of partition
    /// keys, or of one partition key, or of the container.
    ///
    /// # Errors
    /// What only shows while it runs: a parameter without a value, a count that is no number, a result too large to be held.
    pub fn page<'d>(
        &self,
        context: &Context,
        documents: impl Iterator<Item = Document<'d>>,
        limits: PageLimits,
        resume: Option<&Resume>,
    ) -> Result<Page, QueryError> {
        if self.user_defined {
            return Err(QueryError::whole("SC2990", "User-defined functions are not served."));
        }
        for name in &self.parameters {
            if !context.parameters.has(name) {
                let message = format!("The parameter '{name}' has no value among the parameters of the request.");
                return Err(QueryError::whole("SC2011", message));
            }
        }
        let counts = match resume {
            Some(Resume { at: At::Sorted(_, crate::resume::Tie::Filter { .. }), .. }) | None => self.counts(context)?,
            Some(resume) => Counts { skip: resume.skip, take: resume.take },
        };
        if counts.take == Some(0) {
            return Ok(Page { rows: Vec::new(), next: None, read: 0 });
        }
        let limits = PageLimits { rows: limits.rows.max(1), ..limits };
        let evaluator = Evaluator::new(context, limits);
        let work = Work { rows: &self.rows, evaluator, limits, counts, resume, read: 0 };
        if self.rows.sources.is_empty() {
            // Without FROM there is one row, whatever the container has.
            let nothing = Document { position: crate::Position(Vec::new()), value: Cow::Owned(Value::Null) };
            return work.run(&mut std::iter::once(nothing).filter(|_| resume.is_none()));
        }
        work.run(&mut { documents })
    }

    /// What TOP, OFFSET and LIMIT say.
    pub(crate) fn counts_of(&self, parameters: &crate::Parameters) -> Result<[Option<u64>; 3], QueryError> {
        let number = |count: &Count, clause: &str| match count {
            Count::Number(number) => Ok(*number),
            Count::Parameter(name) => {
                let number = parameters.get(name).and_then(Value::as_f64);
                let whole = number.filter(|number| number.fract() == 0.0 && (0.0..=4_294_967_295.0).contains(number));
                let message = || format!("The count value provided for the {clause} clause must be a whole number.");
                whole.map(|number| number as u64).ok_or_else(|| QueryError::whole("SC2060", message()))
            }
        };
        let top = self.select.top.as_ref().map(|(count, _)| number(count, "TOP")).transpose()?;
        let page = self.select.offset_limit.as_ref();
        let offset = page.map(|page| number(&page.offset, "OFFSET")).transpose()?;
        let limit = page.map(|page| number(&page.limit, "LIMIT")).transpose()?;
        Ok([top, offset, limit])
    }

    fn counts(&self, context: &Context) -> Result<Counts, QueryError> {
        let [top, offset, limit] = self.counts_of(&context.parameters)?;
        let take = top.into_iter().chain(limit).min();
        Ok(Counts { skip: offset.unwrap_or(0), take })
    }
}

impl Work<'_> {
    /// Bytes of rows that a sorted page has in memory at most.
    fn most_held(&self) -> u64 {
        self.limits.memory / 2
    }

    fn run(self, documents: &mut dyn Iterator<Item = Document<'_>>) -> Result<Page, QueryError> {
        match &self.rows.grouping {
            Some(grouping) => self.grouped(grouping, documents),
            None if !self.rows.order.is_empty() => self.ordered(documents),
            None if self.rows.distinct => self.distinct(documents),
            None => self.plain(documents),
        }
    }

    /// Rows that a page sorts: those that it may return, and those before them that OFFSET leaves out, if these are not too many.
    fn capacity(&self) -> usize {
        let skipped = self.counts.skip.min(MOST_SKIPPED) as usize;
        let own = if self.counts.skip > MOST_SKIPPED { 0 } else { self.limits.rows };
        let own = self.counts.take.map_or(own, |take| own.min(usize::try_from(take).unwrap_or(usize::MAX)));
        skipped.saturating_add(own).max(1)
    }
}

/// A row, with about how many bytes it takes in a response. A document that is returned as it is stays the store's.
fn row(value: Cow<'_, Value>, document: &Document<'_>) -> (Row, usize) {
    let bytes = size(&value);
    match value {
        Cow::Borrowed(value) if std::ptr::eq(value, &*document.value) => {
            (Row::Document(document.position.clone()), bytes)
        }
        value => (Row::Value(value.into_owned()), bytes),
    }
}

/// Bytes of memory that a row takes as long as it may be returned.
fn held(row: &Row) -> u64 {
    match row {
        Row::Document(position) => 64 + position.0.len() as u64,
        Row::Value(value) => 64 + memory(value),
    }
}

/// Slots with a document in the first.
fn slots<'v>(document: &'v Document<'_>) -> Vec<Item<'v>> {
    vec![Some(Cow::Borrowed(&*document.value))]
}
