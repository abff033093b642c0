//! Decides what a request does to a product of the catalogue.

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{
    preconditions::Preconditions,
    product::{Content, Product, ProductId, Reason, Status},
    product_body::{self, FieldError},
};

/// What staff want done to one product.
#[derive(Clone, Debug)]
pub enum Command {
    /// Make it this, whatever it is now: creates, replaces, revives.
    Put(Content),
    /// Change what this JSON merge patch names.
    Patch(Value),
    /// Discontinue it.
    Discontinue {
        /// Why, if they say.
        reason: Option<Reason>,
    },
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Store it as new.
    Create(Product),
    /// Store it over the version that was read.
    Replace(Product),
    /// It is as wanted already: nothing to store, the version stays.
    Unchanged(Product),
}

/// Why it cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such product.
    #[error("there is no product {0}")]
    Missing(ProductId),
    /// The preconditions are not met.
    #[error("product {id} {}", .version.map_or_else(|| "does not exist".to_owned(), |version| format!("is at version {version}")))]
    Precondition {
        /// The product.
        id: ProductId,
        /// Its version, if it exists.
        version: Option<i64>,
    },
    /// A patch of a product that is no longer sold.
    #[error("product {0} is discontinued: PUT revives it, a patch does not")]
    Discontinued(ProductId),
    /// The patch does not give a valid product.
    #[error("the patch does not give a valid product")]
    Invalid(Vec<FieldError>),
}

/// Decides `command` on the product `id`, which is `current` now (`None`: does not exist). Deciding the same again on the outcome
/// changes nothing.
///
/// # Errors
/// When the command cannot be done; nothing is to be stored then.
pub fn decide(
    id: &ProductId,
    current: Option<&Product>,
    command: &Command,
    preconditions: &Preconditions,
    now: OffsetDateTime,
) -> Result<Decision, Refusal> {
    let version = current.map(|product| product.version);
    if !preconditions.allow(version.map(|version| version.to_string()).as_deref()) {
        return Err(Refusal::Precondition { id: id.clone(), version });
    }
    let (content, status) = match (command, current) {
        (Command::Put(content), _) => (content.clone(), Status::Active),
        (_, None) => return Err(Refusal::Missing(id.clone())),
        (Command::Patch(_), Some(product)) if product.is_discontinued() => {
            return Err(Refusal::Discontinued(id.clone()));
        }
        (Command::Patch(patch), Some(product)) => {
            let content = product_body::merge(&product.content, patch, id).map_err(Refusal::Invalid)?;
            (content, Status::Active)
        }
        (Command::Discontinue { .. }, Some(product)) if product.is_discontinued() => {
            return Ok(Decision::Unchanged(product.clone()));
        }
        (Command::Discontinue { reason }, Some(product)) => {
            (product.content.clone(), Status::Discontinued { reason: reason.clone() })
        }
    };
    let wanted = Product { id: id.clone(), content, status, version: 1, updated_at: whole_millis(now) };
    Ok(match current {
        None => Decision::Create(wanted),
        Some(product) if product.says_the_same_as(&wanted) => Decision::Unchanged(product.clone()),
        Some(product) => {
            // A later version is a later state, also where the clock that wrote the last one was ahead.
            let updated_at = wanted.updated_at.max(product.updated_at + Duration::MILLISECOND);
            Decision::Replace(Product { version: product.version + 1, updated_at, ..wanted })
        }
    })
}

/// Events carry times in milliseconds; finer ones would differ between catalogue and event.
fn whole_millis(time: OffsetDateTime) -> OffsetDateTime {
    time - Duration::nanoseconds(i64::from(time.nanosecond() % 1_000_000))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-01-05 10:00:00.123456789 UTC);

    fn id() -> ProductId {
        "p-1".to_owned().try_into().expect("valid")
    }

    fn put(price: &str) -> Command {
        let body = json!({ "name": "Boots", "category": "Footwear", "price": { "amount": price, "currency": "USD" } });
        Command::Put(product_body::parse(&body, &id()).expect("valid"))
    }

    fn run(current: Option<&Product>, command: &Command) -> Result<Decision, Refusal> {
        decide(&id(), current, command, &Preconditions::default(), NOW)
    }

    fn created() -> Product {
        match run(None, &put("19.99")) {
            Ok(Decision::Create(product)) => product,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn versions_count_effective_changes_only() {
        let first = created();
        assert_eq!((first.version, first.updated_at), (1, datetime!(2026-01-05 10:00:00.123 UTC)));
        assert_eq!(run(Some(&first), &put("19.99")), Ok(Decision::Unchanged(first.clone())));
        let Ok(Decision::Replace(second)) = run(Some(&first), &put("17.50")) else { panic!("replaced") };
        assert_eq!(second.version, 2);
        assert!(second.updated_at > first.updated_at, "within a millisecond, or by a clock that is behind");
        assert_eq!(run(Some(&second), &Command::Patch(json!({}))), Ok(Decision::Unchanged(second.clone())));
    }

    #[test]
    fn discontinuing_is_repeatable_and_put_revives() {
        let gone = Command::Discontinue { reason: Some("out of season".to_owned().try_into().expect("valid")) };
        assert_eq!(run(None, &gone), Err(Refusal::Missing(id())));
        let Ok(Decision::Replace(discontinued)) = run(Some(&created()), &gone) else { panic!("replaced") };
        assert!(discontinued.is_discontinued());
        let again = Command::Discontinue { reason: None };
        assert_eq!(run(Some(&discontinued), &again), Ok(Decision::Unchanged(discontinued.clone())));
        assert_eq!(run(Some(&discontinued), &Command::Patch(json!({ "stock": 1 }))), Err(Refusal::Discontinued(id())));
        let Ok(Decision::Replace(revived)) = run(Some(&discontinued), &put("19.99")) else { panic!("replaced") };
        assert_eq!((revived.version, revived.status), (3, Status::Active));
    }

    #[test]
    fn preconditions_come_before_everything_else() {
        let create_only =
            Preconditions { if_none_match: Some("*".parse().expect("valid")), ..Preconditions::default() };
        let version_1 = Preconditions { if_match: Some("\"1\"".parse().expect("valid")), ..Preconditions::default() };
        let first = created();
        let refused = |version| Err(Refusal::Precondition { id: id(), version });
        assert_eq!(decide(&id(), Some(&first), &put("1"), &create_only, NOW), refused(Some(1)));
        assert_eq!(decide(&id(), None, &put("1"), &version_1, NOW), refused(None));
        assert!(matches!(decide(&id(), Some(&first), &put("1"), &version_1, NOW), Ok(Decision::Replace(_))));
    }
}
