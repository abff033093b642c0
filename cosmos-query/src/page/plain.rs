//! Pages in the order of the documents: without ORDER BY, GROUP BY, DISTINCT and aggregates.

use super::{Work, row, slots};
use crate::{Document, Page, QueryError, Resume, evaluate::Flow, resume::At};

impl Work<'_> {
    /// Looks at documents until the page is full. It costs the page, not the container.
    pub(super) fn plain(mut self, documents: &mut dyn Iterator<Item = Document<'_>>) -> Result<Page, QueryError> {
        let mut page = Page { rows: Vec::new(), next: None, read: 0 };
        let mut bytes = 0;
        let mut counts = self.counts;
        let mut documents = documents.peekable();
        while let Some(document) = documents.next() {
            let Some(done) = self.done(&document) else { continue };
            self.read += 1;
            let mut seen = 0;
            let mut stopped = None;
            let flow = self.evaluator.rows(self.rows, &mut slots(&document), &mut |slots| {
                let Some(value) = self.evaluator.output(&self.rows.output, slots)? else { return Ok(Flow::Continue) };
                seen += 1;
                if seen <= done {
                    return Ok(Flow::Continue);
                }
                if counts.skip > 0 {
                    counts.skip -= 1;
                    return Ok(Flow::Continue);
                }
                let (row, size) = row(value, &document);
                if self.limits.is_full(page.rows.len(), bytes + size) {
                    stopped = Some(seen - 1);
                    return Ok(Flow::Stop);
                }
                page.rows.push(row);
                bytes += size;
                counts.take = counts.take.map(|take| take.saturating_sub(1));
                Ok(if counts.take == Some(0) { Flow::Stop } else { Flow::Continue })
            })?;
            let is_full = page.rows.len() >= self.limits.rows
                || bytes >= self.limits.bytes
                || self.evaluator.meter.is_half_spent();
            let at = match stopped {
                _ if flow == Flow::Stop && counts.take == Some(0) => break,
                Some(rows) => At::Document(document.position, Some(rows)),
                None if (is_full || self.read >= self.limits.documents) && documents.peek().is_some() => {
                    At::Document(document.position, None)
                }
                None => continue,
            };
            page.next = Some(Resume { at, skip: counts.skip, take: counts.take });
            break;
        }
        page.read = self.read;
        Ok(page)
    }

    /// How many rows of a document earlier pages had; `None`: all.
    fn done(&self, document: &Document<'_>) -> Option<u64> {
        match self.resume.map(|resume| &resume.at) {
            Some(At::Document(position, rows)) if document.position == *position => *rows,
            Some(At::Document(position, _)) if document.position < *position => None,
            _ => Some(0),
        }
    }
}
