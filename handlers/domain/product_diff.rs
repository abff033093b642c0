//! What differs between two states of a product, in words.

use serde::{Deserialize, Serialize};

use super::product::{Product, Status};

/// One field that changed. Values are text as people read them (a price as `19.99 USD`); `None` is "not there".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field's name.
    pub field: String,
    /// What it was.
    pub from: Option<String>,
    /// What it is.
    pub to: Option<String>,
}

/// The fields in which `after` differs from `before`; without a `before`, every field that `after` has.
pub fn diff(before: Option<&Product>, after: &Product) -> Vec<FieldChange> {
    let before = before.map(fields);
    fields(after)
        .into_iter()
        .enumerate()
        .filter_map(|(index, (field, to))| {
            let from = before.as_ref().and_then(|fields| fields[index].1.clone());
            (from != to).then(|| FieldChange { field: field.to_owned(), from, to })
        })
        .collect()
}

/// Every field that can change, always all of them and in one order.
fn fields(product: &Product) -> [(&'static str, Option<String>); 8] {
    let content = &product.content;
    let reason = match &product.status {
        Status::Discontinued { reason } => reason.as_ref().map(ToString::to_string),
        Status::Active => None,
    };
    [
        ("name", Some(content.name.to_string())),
        ("category", Some(content.category.to_string())),
        ("brand", content.brand.as_ref().map(ToString::to_string)),
        ("description", content.description.as_ref().map(ToString::to_string)),
        ("price", Some(content.price.to_string())),
        ("stock", content.stock.map(|stock| stock.to_string())),
        ("status", Some(product.status.as_str().to_owned())),
        ("discontinuedReason", reason),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::product::tests::any_product, *};

    proptest! {
        #[test]
        fn applying_a_difference_gives_the_later_state(before in prop::option::of(any_product()), after in any_product()) {
            let changes = diff(before.as_ref(), &after);
            let mut state = before.as_ref().map_or_else(|| fields(&after).map(|(field, _)| (field, None)), fields);
            for change in &changes {
                let field = state.iter_mut().find(|(name, _)| *name == change.field).expect("a known field");
                prop_assert_eq!(&field.1, &change.from);
                field.1.clone_from(&change.to);
            }
            prop_assert_eq!(state, fields(&after));
            prop_assert_eq!(changes.is_empty(), before.is_some_and(|before| before.says_the_same_as(&after)));
        }
    }
}
