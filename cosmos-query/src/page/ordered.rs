//! Pages of ORDER BY. Each looks at all documents and keeps the smallest rows behind those that were returned.

use std::{
    borrow::Cow,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use super::{MOST_HELD, MOST_SKIPPED, Work, row, slots, smallest::Smallest};
use crate::{
    Document, Page, Position, QueryError, Resume, Row,
    evaluate::{Evaluator, Flow, Slots},
    resolved::{Rows, Sort},
    resume::{At, Tie},
    rid,
    value::{Sorted, hash},
};

/// Where a row stands in the result: by its values, then by the number of its document in the direction of the first value, which is what
/// clients that merge several ranges rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    values: Vec<Directed>,
    reversed: bool,
    rid: Option<u64>,
    position: Position,
    row: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Directed {
    value: Sorted,
    descending: bool,
}

impl Ord for Directed {
    fn cmp(&self, other: &Directed) -> Ordering {
        turned(self.value.cmp(&other.value), self.descending)
    }
}

impl PartialOrd for Directed {
    fn partial_cmp(&self, other: &Directed) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        let documents = || self.rid.cmp(&other.rid).then_with(|| self.position.cmp(&other.position));
        self.values
            .cmp(&other.values)
            .then_with(|| turned(documents(), self.reversed))
            .then_with(|| self.row.cmp(&other.row))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn turned(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

/// A row that may be returned; its hash where the rows are distinct.
struct Candidate {
    row: Row,
    size: usize,
    hash: Option<u128>,
}

impl Work<'_> {
    pub(super) fn ordered(mut self, documents: &mut dyn Iterator<Item = Document<'_>>) -> Result<Page, QueryError> {
        let after = self.after()?;
        let mut rows = Smallest::new(self.capacity(), MOST_HELD);
        let mut distinct = Distinct::default();
        for document in documents {
            self.read += 1;
            let mut count = 0;
            self.evaluator.rows(self.rows, &mut slots(&document), &mut |slots| {
                count += 1;
                let key = key(&self.evaluator, &self.rows.order, &document, count, slots)?;
                let is_new = after.as_ref().is_none_or(|after| after.is_before(&key));
                if !(self.rows.distinct || is_new && rows.wants(&key)) {
                    return Ok(Flow::Continue);
                }
                let Some(value) = self.evaluator.output(&self.rows.output, slots)? else { return Ok(Flow::Continue) };
                let hash = self.rows.distinct.then(|| hash([Some(&*value)]));
                if let Some(hash) = hash
                    && !distinct.admits(hash, &key, is_new, &mut rows)
                {
                    return Ok(Flow::Continue);
                }
                if is_new && rows.wants(&key) {
                    let (row, size) = row(value, &document);
                    let bytes = if matches!(row, Row::Document(_)) { 64 } else { size };
                    for gone in rows.insert(key, Candidate { row, size, hash }, bytes) {
                        distinct.forget(gone.hash);
                    }
                }
                Ok(Flow::Continue)
            })?;
        }
        Ok(self.emit(rows, &distinct))
    }

    fn emit(self, rows: Smallest<Key, Candidate>, distinct: &Distinct) -> Page {
        let mut page = Page { rows: Vec::new(), next: None, read: self.read };
        let mut counts = self.counts;
        let mut skipping = counts.skip.min(MOST_SKIPPED);
        let (mut bytes, mut more, mut last) = (0, rows.more, None);
        for (key, held, _) in rows.into_sorted() {
            if held.hash.is_some_and(|hash| distinct.returned.contains(&hash)) {
                last = Some(key);
                continue;
            }
            if skipping > 0 {
                skipping -= 1;
                counts.skip -= 1;
                last = Some(key);
                continue;
            }
            if page.rows.len() >= self.limits.rows || (bytes >= self.limits.bytes && !page.rows.is_empty()) {
                more = true;
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
        let at = match last {
            Some(key) => {
                let tie = Tie::Row(key.rid, key.position, key.row);
                Some(At::Sorted(key.values.into_iter().map(|directed| directed.value).collect(), tie))
            }
            None => self.resume.map(|resume| resume.at.clone()),
        };
        page.next = at.filter(|_| more).map(|at| Resume { at, skip: counts.skip, take: counts.take });
        page
    }

    /// What was returned before this page.
    fn after(&self) -> Result<Option<After>, QueryError> {
        let Some(Resume { at: At::Sorted(values, tie), .. }) = self.resume else { return Ok(None) };
        if values.len() != self.rows.order.len() {
            return Err(QueryError::whole(
                "SC2990",
                "The query is resumed by another number of values than it sorts by.",
            ));
        }
        let values = values.iter().zip(&self.rows.order);
        let values =
            values.map(|(value, sort)| Directed { value: value.clone(), descending: sort.descending }).collect();
        Ok(Some(After { values, tie: tie.clone(), reversed: is_reversed(self.rows) }))
    }
}

fn is_reversed(rows: &Rows) -> bool {
    rows.order.first().is_some_and(|sort| sort.descending)
}

struct After {
    values: Vec<Directed>,
    tie: Tie,
    reversed: bool,
}

impl After {
    fn is_before(&self, key: &Key) -> bool {
        let by_tie = || match &self.tie {
            Tie::Row(rid, position, row) => {
                let documents = rid.cmp(&key.rid).then_with(|| position.cmp(&key.position));
                turned(documents, self.reversed).then_with(|| row.cmp(&key.row))
            }
            Tie::Filter { rid: Some(rid), exclude } => {
                let documents = turned(Some(*rid).cmp(&key.rid), self.reversed);
                if *exclude { documents } else { documents.then(Ordering::Less) }
            }
            Tie::Filter { rid: None, exclude } => {
                if *exclude {
                    Ordering::Equal
                } else {
                    Ordering::Less
                }
            }
        };
        self.values.cmp(&key.values).then_with(by_tie).is_lt()
    }
}

fn key<'v>(
    evaluator: &Evaluator<'v>,
    order: &'v [Sort],
    document: &Document<'_>,
    row: u64,
    slots: &mut Slots<'v>,
) -> Result<Key, QueryError> {
    let mut values = Vec::with_capacity(order.len());
    for sort in order {
        let value = Sorted(evaluator.node(&sort.node, slots)?.map(Cow::into_owned));
        values.push(Directed { value, descending: sort.descending });
    }
    let reversed = order.first().is_some_and(|sort| sort.descending);
    Ok(Key { values, reversed, rid: rid::number(&document.value), position: document.position.clone(), row })
}

/// Which rows of DISTINCT were seen where: each is returned in the place of its first.
#[derive(Default)]
struct Distinct {
    kept: BTreeMap<u128, Key>,
    returned: BTreeSet<u128>,
}

impl Distinct {
    /// Whether this is the first place of the row, as far as is known.
    fn admits(&mut self, hash: u128, key: &Key, is_new: bool, rows: &mut Smallest<Key, Candidate>) -> bool {
        if !is_new {
            self.returned.insert(hash);
            return false;
        }
        match self.kept.get(&hash) {
            Some(kept) if kept <= key => return false,
            Some(kept) => rows.remove(kept),
            None => {}
        }
        if rows.wants(key) {
            self.kept.insert(hash, key.clone());
        } else {
            self.kept.remove(&hash);
        }
        true
    }

    fn forget(&mut self, hash: Option<u128>) {
        if let Some(hash) = hash {
            self.kept.remove(&hash);
        }
    }
}
