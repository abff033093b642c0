//! Diff: what differs between two states of a product, in words.

use serde::{Deserialize, Serialize};

use super::product::{Category, Product, Status};

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

/// The most characters in the name of a field.
const LONGEST_FIELD: usize = 100;

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

/// Why a list of changes does not go with the state it led to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("changes: {field} {reason}")]
pub struct ChangesError {
    field: String,
    reason: &'static str,
}

/// Checks changes that somebody announces against the state that they led to. Fields that are not known here may come from a later
/// version of the schema; of them only the form is looked at.
///
/// # Errors
/// The first field whose change cannot be.
pub fn check(changes: &[FieldChange], after: &Product) -> Result<(), ChangesError> {
    let known = fields(after);
    for (index, FieldChange { field, from, to }) in changes.iter().enumerate() {
        let wrong = |reason| Err(ChangesError { field: field.chars().take(LONGEST_FIELD).collect(), reason });
        if field.is_empty() || field.chars().count() > LONGEST_FIELD {
            return wrong("is no name of a field");
        }
        if changes[..index].iter().any(|other| other.field == *field) {
            return wrong("comes twice");
        }
        if from == to {
            return wrong("is said to differ and does not");
        }
        if known.iter().any(|(name, value)| name == field && value != to) {
            return wrong("is not what the state says");
        }
        let is_category = |name: &String| Category::try_from(name.clone()).is_ok();
        if field == "category" && !from.as_ref().is_none_or(is_category) {
            return wrong("was never a category");
        }
    }
    Ok(())
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
