//! What the merging of co-views has done so far, so that it does nothing when nothing changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    super::{click::VisitorId, product::ProductId},
    Day,
    co_views::Added,
    weights::Weights,
};

/// By the name of a mark, the version it has: a mark is written whenever a file of its partition and day was.
pub type ChangedDays = BTreeMap<String, String>;

/// The state, as it is stored, several times in a run. Lost, it is made again: every list is then written once more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What the lists were made of by the last run that came to its end.
    pub sources: Sources,
    /// Digest of each product's list as it was written.
    pub lists: BTreeMap<ProductId, String>,
    /// Files of today and yesterday whose visitors have their lists.
    pub served: BTreeSet<Added>,
    /// The file some of whose visitors have theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<Serving>,
    /// Whether a run wrote lists of something else than `sources`, and did not come to its end.
    #[serde(default)]
    pub is_under_way: bool,
}

/// How far a run came among the visitors of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// Which file.
    pub file: Added,
    /// The last visitor, in the order of their ids, who has a list.
    pub visitor: VisitorId,
}

impl State {
    /// Whether every list is made of `sources`.
    pub fn is_of(&self, sources: &Sources) -> bool {
        !self.is_under_way && self.sources == *sources
    }
}

/// All that lists depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// The day for which co-views decayed.
    pub today: Option<Day>,
    /// See [`ChangedDays`].
    pub marks: ChangedDays,
    /// Products that are no longer sold.
    pub discontinued: BTreeSet<ProductId>,
}

/// The days before yesterday, merged: they seldom change and need not be read each time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The day for which co-views decayed.
    pub today: Option<Day>,
    /// The marks of the merged days.
    pub marks: ChangedDays,
    /// The strongest of each product.
    pub weights: Weights,
}
