//! Pages of GROUP BY, of aggregates and of DISTINCT. Each looks at all documents and keeps what it returns; rows come in the order of
//! hashes of their keys, or, where one page has them all, in the order in which they were first seen; groups of one property, for which
//! the service reads an index, in the order of its values.

use std::collections::BTreeSet;

use super::{MOST_SKIPPED, Work, held, row, slots, smallest::Smallest};
use crate::{
    Document, Page, QueryError, Resume, Row,
    evaluate::{Accumulator, Flow, group_bytes},
    resolved::{Bind, From, Grouping, Node},
    resume::At,
    value::{Sorted, hash, memory, size},
};

/// Groups whose rows are made distinct, which takes all of them.
const MOST_GROUPS: usize = 200_000;

/// Bytes of a hash in a set.
const HASH: u64 = 32;

/// A row that may be returned, and the how manieth it was seen.
struct HashedRow {
    row: Row,
    size: usize,
    seen: usize,
    /// What rows in one page are sorted by before `seen`.
    key: Option<Sorted>,
}

struct Group {
    keys: Vec<Sorted>,
    accumulators: Vec<Accumulator>,
    seen: usize,
}

/// Whether rows are grouped by one property.
fn is_indexed(grouping: &Grouping) -> bool {
    let mut node = match grouping.keys.as_slice() {
        [node @ Node::Member(..)] => node,
        _ => return false,
    };
    while let Node::Member(of, _) = node {
        node = of;
    }
    matches!(node, Node::Slot(_))
}

impl Work<'_> {
    pub(super) fn distinct(mut self, documents: &mut dyn Iterator<Item = Document<'_>>) -> Result<Page, QueryError> {
        let after = self.after_hash();
        let mut rows = Smallest::new(self.capacity(), self.most_held());
        let mut seen = 0;
        for document in documents {
            self.read += 1;
            self.evaluator.rows(self.rows, &mut slots(&document), &mut |slots| {
                let Some(value) = self.evaluator.output(&self.rows.output, slots)? else { return Ok(Flow::Continue) };
                self.evaluator.meter.charge(size(&value) as u64)?;
                let key = hash([Some(&*value)]);
                if after.is_some_and(|after| key <= after) || rows.get_mut(&key).is_some() || !rows.wants(&key) {
                    return Ok(Flow::Continue);
                }
                seen += 1;
                let (row, size) = row(value, &document);
                let bytes = held(&row);
                self.evaluator.meter.charge(bytes)?;
                rows.insert(key, HashedRow { row, size, seen, key: None }, bytes);
                Ok(Flow::Continue)
            })?;
        }
        let more = rows.more;
        let rows = rows.into_sorted().collect();
        Ok(self.emit_hashed(rows, more, None))
    }

    pub(super) fn grouped(
        mut self,
        grouping: &Grouping,
        documents: &mut dyn Iterator<Item = Document<'_>>,
    ) -> Result<Page, QueryError> {
        // Which groups make the same row shows only at the end.
        let (after, capacity) =
            if self.rows.distinct { (None, MOST_GROUPS) } else { (self.after_hash(), self.capacity()) };
        let mut groups = Smallest::new(capacity, self.most_held());
        if grouping.keys.is_empty() && self.resume.is_none() {
            let accumulators = self.evaluator.accumulators(grouping);
            groups.insert(hash([]), Group { keys: Vec::new(), accumulators, seen: 0 }, 0);
        }
        let mut seen = 0;
        let mut distinct = self.counts_distinct().then(BTreeSet::new);
        let mut hashes = self.evaluator.held();
        for document in documents {
            self.read += 1;
            self.evaluator.rows(self.rows, &mut slots(&document), &mut |slots| {
                if let (Some(distinct), Some(value)) = (&mut distinct, slots.get(1)) {
                    self.evaluator.meter.charge(value.as_deref().map_or(0, size) as u64)?;
                    if !distinct.insert(hash([value.as_deref()])) {
                        return Ok(Flow::Continue);
                    }
                    hashes.grow(HASH)?;
                }
                let keys = self.evaluator.keys(grouping, slots)?;
                let key = hash(keys.iter().map(|key| key.0.as_ref()));
                if after.is_some_and(|after| key <= after) {
                    return Ok(Flow::Continue);
                }
                if groups.get_mut(&key).is_none() && groups.wants(&key) {
                    seen += 1;
                    let bytes = group_bytes(grouping, &keys);
                    self.evaluator.meter.charge(bytes)?;
                    let accumulators = self.evaluator.accumulators(grouping);
                    groups.insert(key, Group { keys, accumulators, seen }, bytes);
                }
                if groups.more && self.rows.distinct {
                    let message = "DISTINCT of GROUP BY has more groups than can be held.";
                    return Err(QueryError::whole("SC3021", message));
                }
                if let Some(group) = groups.get_mut(&key) {
                    self.evaluator.add(grouping, &mut group.accumulators, slots)?;
                }
                Ok(Flow::Continue)
            })?;
        }
        let more = groups.more;
        let (mut rows, mut through) = (Vec::new(), None);
        let mut gathered = self.evaluator.held();
        let is_indexed = is_indexed(grouping);
        for (key, group) in groups.into_sorted() {
            through = Some(key);
            let sorted = group.keys.first().filter(|_| is_indexed).cloned();
            let output = self.evaluator.group_output(self.rows, group.keys, group.accumulators, &mut vec![None])?;
            let Some(value) = output else { continue };
            let key_bytes = sorted.as_ref().and_then(|key| key.0.as_ref()).map_or(0, memory);
            gathered.grow(memory(&value) + key_bytes)?;
            let size = size(&value);
            let key = if self.rows.distinct { hash([Some(&*value)]) } else { key };
            rows.push((key, HashedRow { row: Row::Value(value.into_owned()), size, seen: group.seen, key: sorted }));
        }
        if self.rows.distinct {
            rows.sort_by_key(|(key, _)| *key);
            rows.dedup_by_key(|(key, _)| *key);
            let after = self.after_hash();
            rows.retain(|(key, _)| after.is_none_or(|after| *key > after));
        }
        Ok(self.emit_hashed(rows, more, through))
    }

    /// Whether all rows are of one subquery with DISTINCT: it counts for the container, though it is evaluated by document.
    fn counts_distinct(&self) -> bool {
        matches!(self.rows.sources.as_slice(), [Bind { from: From::Rows(inner), iterates: false }] if inner.distinct)
    }

    fn after_hash(&self) -> Option<u128> {
        match self.resume?.at {
            At::Hash(hash) => Some(hash),
            _ => None,
        }
    }

    /// Groups that became no row may be beyond the last row: they go `through` this one.
    fn emit_hashed(self, mut rows: Vec<(u128, HashedRow)>, mut more: bool, through: Option<u128>) -> Page {
        let mut page = Page { rows: Vec::new(), next: None, read: self.read };
        let mut counts = self.counts;
        let total: usize = rows.iter().map(|(_, held)| held.size).sum();
        let is_whole = !more && self.resume.is_none() && counts.skip == 0 && counts.take.is_none();
        if is_whole && rows.len() <= self.limits.rows && total <= self.limits.bytes {
            rows.sort_by(|(_, left), (_, right)| left.key.cmp(&right.key).then(left.seen.cmp(&right.seen)));
        }
        let mut skipping = counts.skip.min(MOST_SKIPPED);
        let (mut bytes, mut last, mut is_full) = (0, None, false);
        for (key, held) in rows {
            if skipping > 0 {
                skipping -= 1;
                counts.skip -= 1;
                last = Some(key);
                continue;
            }
            if self.limits.is_full(page.rows.len(), bytes + held.size) {
                (more, is_full) = (true, true);
                break;
            }
            bytes += held.size;
            page.rows.push(held.row);
            last = Some(key);
            counts.take = counts.take.map(|take| take.saturating_sub(1));
            if counts.take == Some(0) {
                return page;
            }
        }
        let last = if is_full { last } else { last.max(through) };
        let at = last.map(At::Hash).or_else(|| self.resume.map(|resume| resume.at.clone()));
        page.next = at.filter(|_| more).map(|at| Resume { at, skip: counts.skip, take: counts.take });
        page
    }
}
