//! Browsing a hub: which events of its partitions a page shows, newest first, and where the next page goes on.
//!
//! Within a partition events are in the order of their sequence numbers, which have no gaps. Between partitions there is no order
//! but that of the times at which the hub stored them, which each partition's clock tells for itself.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use time::OffsetDateTime;

/// Characters of the longest cursor: of a hub of 1,024 partitions.
const LONGEST: usize = 40_000;

/// A piece of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The partition id.
    pub partition: String,
    /// The first sequence number.
    pub begin: i64,
    /// The sequence number behind the last one.
    pub end: i64,
}

impl Span {
    /// Its end, of at most so many events.
    #[must_use]
    pub fn newest(&self, most: i64) -> Self {
        Self { begin: self.begin.max(self.end.saturating_sub(most)), ..self.clone() }
    }

    /// What is before `sequence`.
    #[must_use]
    pub fn before(&self, sequence: i64) -> Self {
        Self { end: self.end.min(sequence).max(self.begin), ..self.clone() }
    }

    /// Whether it has no event.
    pub fn is_empty(&self) -> bool {
        self.begin >= self.end
    }
}

/// An event that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// Its sequence number.
    pub sequence: i64,
    /// When the hub stored it.
    pub enqueued: OffsetDateTime,
    /// What is shown of it.
    pub item: T,
}

/// What was read of a partition.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// All that may be read of it.
    pub span: Span,
    /// The lowest sequence number that was looked at; the end of the span if none was.
    pub from: i64,
    /// Those that fit what is looked for, in the order of their sequence numbers.
    pub found: Vec<Found<T>>,
    /// Whether all that is before is too old.
    pub is_ended: bool,
}

/// Takes the newest `limit` events, newest first, and tells where the next page goes on, if there is one. Of each partition either
/// `limit` fitting events must have been read, or all that there are, or the only one is read.
pub fn page<T>(mut reads: Vec<Read<T>>, limit: usize) -> (Vec<T>, Option<Cursor>) {
    let mut shown = Vec::with_capacity(limit);
    let mut ends: Vec<i64> = reads.iter().map(|read| read.span.end).collect();
    while shown.len() < limit {
        let newest = reads
            .iter()
            .enumerate()
            .filter_map(|(index, read)| read.found.last().map(|found| ((found.enqueued, found.sequence), index)))
            .max();
        let Some((_, index)) = newest else { break };
        if let Some(found) = reads[index].found.pop() {
            ends[index] = found.sequence;
            shown.push(found.item);
        }
    }
    let left = reads.into_iter().zip(ends).filter_map(|(read, end)| {
        let end = if read.found.is_empty() { read.from.min(end) } else { end };
        let goes_on = !read.found.is_empty() || (!read.is_ended && end > read.span.begin);
        goes_on.then_some((read.span.partition, end))
    });
    let left: Vec<_> = left.collect();
    (shown, (!left.is_empty()).then_some(Cursor { left }))
}

/// Where each partition goes on that has more: its id, and the sequence number before which. Events that come meanwhile are newer,
/// and on pages before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    left: Vec<(String, i64)>,
}

/// No cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be taken from an answer to the same hub, partition, key and times")]
pub struct CursorError;

impl Cursor {
    /// What is left of the partitions: of those that it does not name, nothing.
    pub fn left(&self, held: Vec<Span>) -> Vec<Span> {
        let left = |span: Span| {
            let (_, end) = self.left.iter().find(|(partition, _)| *partition == span.partition)?;
            Some(span.before(*end))
        };
        held.into_iter().filter_map(left).collect()
    }

    /// As text, for the list that `digest` stands for alone.
    pub fn text(&self, digest: u32) -> String {
        let left: Vec<String> = self.left.iter().map(|(partition, end)| format!("{partition}.{end}")).collect();
        URL_SAFE_NO_PAD.encode(format!("{digest:08x} {}", left.join(" ")))
    }

    /// Reads a cursor of that list.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(text: &str, digest: u32) -> Result<Self, CursorError> {
        let read = || {
            let bytes = (text.len() <= LONGEST).then(|| URL_SAFE_NO_PAD.decode(text).ok())??;
            let text = String::from_utf8(bytes).ok()?;
            let mut words = text.split(' ');
            if words.next()? != format!("{digest:08x}") {
                return None;
            }
            let one = |word: &str| {
                let (partition, end) = word.rsplit_once('.')?;
                Some((partition.to_owned(), end.parse().ok()?))
            };
            let left: Option<Vec<_>> = words.map(one).collect();
            left.filter(|left| !left.is_empty()).map(|left| Self { left })
        };
        read().ok_or(CursorError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Partitions of events, each with the second at which it was stored and whether it fits.
    type Partitions = Vec<Vec<(i64, bool)>>;

    fn partitions() -> impl Strategy<Value = Partitions> {
        let events = prop::collection::vec((0_i64..3, any::<bool>()), 0..30);
        prop::collection::vec(events, 1..4).prop_map(|partitions| {
            let stored = |events: Vec<(i64, bool)>| {
                let mut at = 0;
                events
                    .into_iter()
                    .map(|(after, fits)| {
                        at += after;
                        (at, fits)
                    })
                    .collect()
            };
            partitions.into_iter().map(stored).collect()
        })
    }

    /// Reads as the function does: `limit` events of each of several partitions, or windows of one until enough fit.
    fn read(span: Span, events: &[(i64, bool)], limit: usize, only_fitting: bool, since: i64) -> Read<(String, i64)> {
        let (mut found, mut from, mut is_ended) = (Vec::new(), span.end, false);
        while found.len() < limit && from > span.begin && !is_ended {
            from -= 1;
            let (at, fits) = events[usize::try_from(from).unwrap()];
            is_ended = at < since;
            if !is_ended && (fits || !only_fitting) {
                let enqueued = OffsetDateTime::from_unix_timestamp(at).unwrap();
                found.insert(0, Found { sequence: from, enqueued, item: (span.partition.clone(), from) });
            }
        }
        Read { span, from, found, is_ended }
    }

    proptest! {
        /// Page by page each event that fits is shown once, newest first, whatever came meanwhile.
        #[test]
        fn pages_show_each_event_once(partitions in partitions(), limit in 1_usize..9, since in 0_i64..20, only_fitting: bool) {
            let spans: Vec<Span> = partitions
                .iter()
                .enumerate()
                .map(|(id, events)| Span { partition: id.to_string(), begin: 0, end: i64::try_from(events.len()).unwrap() })
                .collect();
            let (mut shown, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let left = match &cursor {
                    Some(text) => Cursor::read(text, 7).unwrap().left(spans.clone()),
                    None => spans.clone(),
                };
                let reads = left.into_iter().map(|span| {
                    let id: usize = span.partition.parse().unwrap();
                    read(span, &partitions[id], limit, only_fitting, since)
                });
                let (items, next) = page(reads.collect(), limit);
                prop_assert!(items.len() <= limit);
                shown.extend(items);
                let Some(next) = next else { break };
                let text = next.text(7);
                prop_assert_ne!(Some(&text), cursor.as_ref(), "each page goes on");
                cursor = Some(text);
            }
            let mut expected: Vec<(i64, i64, String)> = Vec::new();
            for (id, events) in partitions.iter().enumerate() {
                for (sequence, (at, fits)) in events.iter().enumerate() {
                    if *at >= since && (*fits || !only_fitting) {
                        expected.push((*at, i64::try_from(sequence).unwrap(), id.to_string()));
                    }
                }
            }
            let order: Vec<i64> = shown.iter().map(|(id, sequence)| {
                partitions[id.parse::<usize>().unwrap()][usize::try_from(*sequence).unwrap()].0
            }).collect();
            prop_assert!(order.is_sorted_by(|a, b| a >= b), "{order:?}");
            let mut seen: Vec<(String, i64)> = shown;
            seen.sort();
            let mut wanted: Vec<(String, i64)> = expected.into_iter().map(|(_, sequence, id)| (id, sequence)).collect();
            wanted.sort();
            prop_assert_eq!(seen, wanted);
        }

        #[test]
        fn a_cursor_of_chance_is_refused_or_one(text in "\\PC{0,60}") {
            _ = Cursor::read(&text, 7);
            _ = Cursor::read(&URL_SAFE_NO_PAD.encode(format!("00000007 {text}")), 7);
        }
    }

    #[test]
    fn a_cursor_is_of_one_list() {
        let cursor = Cursor { left: vec![("0".to_owned(), 12), ("1".to_owned(), i64::MAX)] };
        assert_eq!(Cursor::read(&cursor.text(7), 7), Ok(cursor.clone()));
        assert_eq!(Cursor::read(&cursor.text(7), 8), Err(CursorError));
    }
}
