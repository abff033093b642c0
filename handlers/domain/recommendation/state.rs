//! What the merging of co-views has done so far, so that it does nothing when nothing changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{super::product::ProductId, Day, co_views::Added, weights::Weights};

/// By the name of a mark, the version it has: a mark is written whenever a file of its partition and day was.
pub type Marks = BTreeMap<String, String>;

/// The state, as it is stored. Lost, it is made again: every list is then written once more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What the lists were made of.
    pub sources: Sources,
    /// Digest of each product's list as it was written.
    pub lists: BTreeMap<ProductId, String>,
    /// Files of today and yesterday whose visitors have their lists.
    pub served: BTreeSet<Added>,
}

/// All that lists depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// The day for which co-views decayed.
    pub today: Option<Day>,
    /// See [`Marks`].
    pub marks: Marks,
    /// Products that are no longer sold.
    pub discontinued: BTreeSet<ProductId>,
}

/// The days before yesterday, merged: they seldom change and need not be read each time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The day for which co-views decayed.
    pub today: Option<Day>,
    /// The marks of the merged days.
    pub marks: Marks,
    /// The strongest of each product.
    pub weights: Weights,
}
