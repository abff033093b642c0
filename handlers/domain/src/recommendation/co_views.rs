//! Co-occurrence counts: what was viewed together on one day in one partition of the hub `clicks`.
//!
//! Files are added in the hub's order. A session that goes on in the next file goes on here too, for what is open is kept; at
//! midnight UTC of the hub's clock a new table begins, and cuts it. Adding file by file, with or without stops in between, is the
//! same as adding one file that has all their clicks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    super::{
        click::{SessionId, VisitorId},
        product::ProductId,
    },
    Day, SESSION_GAP,
    sessions::{FileSessions, Visit},
    weights::Weights,
};

/// A view counts for the views up to so many places later in its session.
pub const REACH: usize = 5;

/// Weight of the product looked at next. One `n` places later has this, divided by `n²`.
pub const NEXT: u64 = 3600;

/// The way back from the later to the earlier view counts this part of it.
pub const BACK: u64 = 5;

/// Views of a session that count, repeated ones aside.
pub const SESSION_VIEWS: u32 = 100;

/// The most pairs in a table: some 20 MB of document.
pub const DAY_PAIRS: usize = 1_000_000;

/// The table, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoViews {
    /// The files in it, in the hub's order.
    pub files: Vec<Added>,
    /// Weights by the day of the later view.
    pub days: BTreeMap<Day, Weights>,
    /// Sessions that may go on in the next file.
    pub open: Vec<Open>,
}

/// A file that is in the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Added {
    /// Name of its document in container `co-views`.
    pub name: String,
    /// Version of that document.
    pub etag: String,
}

/// A session that may go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    visitor: VisitorId,
    session: Option<SessionId>,
    /// Time of its last click, in seconds since 1970.
    at: i64,
    /// When the hub stored that.
    stored: i64,
    /// Views that counted.
    views: u32,
    /// The last [`REACH`] of them, newest last.
    tail: Vec<ProductId>,
}

impl CoViews {
    /// Whether more files can be added, where `listed` are all that there are, in the hub's order: its own are the first of them, as they
    /// were. Some of its own may be there no more, since sessions are kept for less long than tables; made anew, it would lack them.
    pub fn goes_on_with(&self, listed: &[Added]) -> bool {
        let names: BTreeSet<&str> = listed.iter().map(|file| file.name.as_str()).collect();
        listed.starts_with(&self.files) || self.files.iter().any(|file| !names.contains(file.name.as_str()))
    }

    /// Ends the sessions that are open, which name visitors; says whether there were any. For a day whose files are all there.
    pub fn close(&mut self) -> bool {
        let is_any = !self.open.is_empty();
        self.open.clear();
        is_any
    }

    /// Adds the next file of the partition; without `sessions` if there is nothing to learn from it.
    pub fn add(&mut self, file: Added, sessions: Option<&FileSessions>) {
        self.files.push(file);
        let Some(sessions) = sessions else { return };
        let key = |open: &Open| (open.visitor.clone(), open.session.clone());
        let mut open: BTreeMap<_, Open> =
            std::mem::take(&mut self.open).into_iter().map(|open| (key(&open), open)).collect();
        let mut pairs: usize = self.days.values().map(Weights::pairs).sum();
        for visit in &sessions.visits {
            let session =
                open.entry((visit.visitor.clone(), visit.session.clone())).or_insert_with(|| Open::new(visit));
            session.go_on(visit, &sessions.products, &mut |day, earlier, later, weight| {
                let table = self.days.entry(day).or_default();
                let before = table.pairs();
                let room = before + DAY_PAIRS.saturating_sub(pairs);
                table.add(earlier, later, weight, room);
                table.add(later, earlier, weight / BACK, room);
                pairs += table.pairs() - before;
            });
        }
        // The hub's clock does not go back within a partition: who has been silent for so long begins anew.
        let latest = sessions.visits.iter().flat_map(|visit| &visit.views).map(|view| view.stored).max();
        self.open =
            open.into_values().filter(|open| latest.is_none_or(|now| now - open.stored <= SESSION_GAP)).collect();
    }
}

impl Open {
    fn new(visit: &Visit) -> Self {
        Self {
            visitor: visit.visitor.clone(),
            session: visit.session.clone(),
            at: 0,
            stored: 0,
            views: 0,
            tail: Vec::new(),
        }
    }

    /// Adds the views of a piece of the session, and hands out the pairs they make.
    fn go_on(
        &mut self,
        visit: &Visit,
        products: &[ProductId],
        pair: &mut impl FnMut(Day, &ProductId, &ProductId, u64),
    ) {
        for view in &visit.views {
            let Some(product) = products.get(view.product as usize) else { continue };
            if (view.at - self.at).abs() > SESSION_GAP || view.stored - self.stored > SESSION_GAP {
                self.views = 0;
                self.tail.clear();
            }
            (self.at, self.stored) = (view.at, view.stored);
            // The same page again is no step.
            if self.views == SESSION_VIEWS || self.tail.last() == Some(product) {
                continue;
            }
            self.views += 1;
            let day = Day::of_seconds(view.at);
            for (earlier, distance) in self.tail.iter().rev().zip(1..) {
                if earlier != product {
                    pair(day, earlier, product, NEXT / (distance * distance));
                }
            }
            if self.tail.len() == REACH {
                self.tail.remove(0);
            }
            self.tail.push(product.clone());
        }
    }
}
