//! What a query sorts by, for whoever checks it against the indexes of a container.

use crate::{
    Query,
    resolve::{document_path, is_descending},
};

/// One expression of ORDER BY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy {
    /// Steps from the document's root as the paths of an indexing policy name them, with `[]` for an element of an array: `/a/[]/b` is
    /// `["a", "[]", "b"]`. `None` where it is no path, such as `VectorDistance`.
    pub path: Option<Vec<String>>,
    pub descending: bool,
}

impl Query {
    /// What rows are sorted by, in its order; nothing where there is no ORDER BY, or where rows become groups, which have no order.
    pub fn order_by_paths(&self) -> Vec<OrderBy> {
        let sorted = if self.rows.grouping.is_some() { &[][..] } else { &self.select.order_by };
        let order = sorted.iter().map(|item| OrderBy {
            path: document_path(&item.expr, &self.select.from),
            descending: is_descending(item),
        });
        order.collect()
    }
}
