//! Scans: the items of a part of a container, a few at a time, so that writes go on meanwhile.

use std::{ops::Range, sync::Arc};

use crate::cosmos::data::{
    container::Container, item::Item, item_key::Interval, order::Part, scan_position::ScanPosition,
};

/// Items that a scan takes at a time.
const CHUNK: usize = 256;

/// The items in an interval that have not expired, range by range, as they were created. One that is created meanwhile may
/// be among them; none is twice.
pub(in crate::cosmos) struct Scan {
    container: Arc<Container>,
    interval: Interval,
    now_millis: i64,
    /// Numbers of the ranges that are left.
    ranges: Range<usize>,
    /// Number of the last item that was looked at of the first of them.
    after: u64,
    waiting: std::vec::IntoIter<(ScanPosition, Arc<Item>)>,
}

impl Scan {
    /// Of `interval`, after a place or from its beginning on.
    pub(in crate::cosmos) fn new(
        container: &Arc<Container>,
        interval: Interval,
        after: Option<ScanPosition>,
        now_millis: i64,
    ) -> Self {
        let ScanPosition { range, number } = after.unwrap_or(ScanPosition { range: 0, number: 0 });
        let (container, ranges) = (Arc::clone(container), range..container.ranges.len());
        Self { container, interval, now_millis, ranges, after: number, waiting: Vec::new().into_iter() }
    }

    /// Looks at the next items of the range, and goes on to the next range behind the last of them.
    fn look(&mut self, range: usize) {
        let all = self.container.interval(range);
        let mut part = Part { items: Vec::new(), is_last: true };
        if self.interval.meets(&all) {
            let state = self.container.state();
            let interval = (!self.interval.covers(&all)).then_some(&self.interval);
            part = state.created(range, self.after, interval, CHUNK);
            self.after = part.items.last().map_or(self.after, |last| last.number);
            part.items.retain(|item| !state.expiry().is_over(item, self.now_millis));
        }
        if part.is_last {
            (self.ranges.start, self.after) = (range + 1, 0);
        }
        let placed = |item: Arc<Item>| (ScanPosition { range, number: item.number }, item);
        self.waiting = part.items.into_iter().map(placed).collect::<Vec<_>>().into_iter();
    }
}

impl Iterator for Scan {
    type Item = (ScanPosition, Arc<Item>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(next) = self.waiting.next() {
                return Some(next);
            }
            if self.ranges.is_empty() {
                return None;
            }
            self.look(self.ranges.start);
        }
    }
}
