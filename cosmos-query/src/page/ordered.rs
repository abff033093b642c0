//! Pages of ORDER BY. Each looks at all documents and keeps the smallest rows behind those that were returned.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    MOST_SKIPPED, Work, held,
    key::{After, Directed, Key, check_carried, key},
    row, slots,
    smallest::Smallest,
};
use crate::{
    Document, Page, QueryError, Resume, Row,
    evaluate::{Flow, meter::Reservation},
    resolved::Rows,
    resume::{At, Tie},
    value::{Sorted, hash as hash_of, size},
};

/// Bytes of a hash in a set.
const HASH: u64 = 32;
/// A row that may be returned; its hash where the rows are distinct.
struct Candidate {
    row: Row,
    size: usize,
    hash: Option<u128>,
}

impl Work<'_> {
    pub(super) fn ordered(mut self, documents: &mut dyn Iterator<Item = Document<'_>>) -> Result<Page, QueryError> {
        let after = self.after()?;
        let mut rows = Smallest::new(self.capacity(), self.most_held());
        let mut distinct = Distinct { kept: BTreeMap::new(), returned: BTreeSet::new(), held: self.evaluator.held() };
        for document in documents {
            self.read += 1;
            let mut count = 0;
            self.evaluator.rows(self.rows, &mut slots(&document), &mut |slots| {
                count += 1;
                let key = key(&self.evaluator, &self.rows.order, &document, count, slots)?;
                // It is compared with the last row and with where the page begins, and, if it is kept, with more.
                self.evaluator.meter.charge(2 * key.bytes())?;
                let is_new = after.as_ref().is_none_or(|after| after.is_before(&key));
                if !(self.rows.distinct || is_new && rows.wants(&key)) {
                    return Ok(Flow::Continue);
                }
                let Some(value) = self.evaluator.output(&self.rows.output, slots)? else { return Ok(Flow::Continue) };
                let mut hash = None;
                if self.rows.distinct {
                    self.evaluator.meter.charge(size(&value) as u64)?;
                    self.evaluator.meter.search(key.bytes(), rows.len())?;
                    let own = hash_of([Some(&*value)]);
                    if !distinct.admits(own, &key, is_new, &mut rows)? {
                        return Ok(Flow::Continue);
                    }
                    hash = Some(own);
                }
                if is_new && rows.wants(&key) {
                    let (row, size) = row(value, &document);
                    // A distinct row's key is kept twice.
                    let bytes = held(&row) + key.bytes() * if hash.is_some() { 2 } else { 1 };
                    self.evaluator.meter.charge(bytes)?;
                    self.evaluator.meter.search(key.bytes(), rows.len())?;
                    for gone in rows.insert(key, Candidate { row, size, hash }, bytes) {
                        distinct.forget(gone.hash);
                    }
                }
                Ok(Flow::Continue)
            })?;
        }
        self.emit(rows, &distinct)
    }

    fn emit(self, rows: Smallest<Key, Candidate>, distinct: &Distinct) -> Result<Page, QueryError> {
        let mut page = Page { rows: Vec::new(), next: None, read: self.read };
        let mut counts = self.counts;
        let mut skipping = counts.skip.min(MOST_SKIPPED);
        let (mut bytes, mut more, mut last) = (0, rows.more, None);
        for (key, held) in rows.into_sorted() {
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
            if self.limits.is_full(page.rows.len(), bytes + held.size) {
                more = true;
                break;
            }
            bytes += held.size;
            page.rows.push(held.row);
            last = Some(key);
            counts.take = counts.take.map(|take| take.saturating_sub(1));
            if counts.take == Some(0) {
                return Ok(page);
            }
        }
        if !more {
            return Ok(page);
        }
        let at = match last {
            Some(key) => {
                let values: Vec<Sorted> = key.values.into_iter().map(|directed| directed.value).collect();
                check_carried(&values)?;
                Some(At::Sorted(values, Tie::Row(key.rid, key.position, key.row)))
            }
            None => self.resume.map(|resume| resume.at.clone()),
        };
        page.next = at.map(|at| Resume { at, skip: counts.skip, take: counts.take });
        Ok(page)
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

/// Which rows of DISTINCT were seen where: each is returned in the place of its first.
struct Distinct {
    kept: BTreeMap<u128, Key>,
    returned: BTreeSet<u128>,
    /// What is returned already, which may be more than a page has.
    held: Reservation,
}

impl Distinct {
    /// Whether this is the first place of the row, as far as is known.
    fn admits(
        &mut self,
        hash: u128,
        key: &Key,
        is_new: bool,
        rows: &mut Smallest<Key, Candidate>,
    ) -> Result<bool, QueryError> {
        if !is_new {
            if self.returned.insert(hash) {
                self.held.grow(HASH)?;
            }
            return Ok(false);
        }
        match self.kept.get(&hash) {
            Some(kept) if kept <= key => return Ok(false),
            Some(kept) => rows.remove(kept),
            None => {}
        }
        if rows.wants(key) {
            self.kept.insert(hash, key.clone());
        } else {
            self.kept.remove(&hash);
        }
        Ok(true)
    }

    fn forget(&mut self, hash: Option<u128>) {
        if let Some(hash) = hash {
            self.kept.remove(&hash);
        }
    }
}
