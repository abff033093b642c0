//! Reads a selection as partners write it, and says everything that is wrong with it at once.

use serde_json::{Map, Value};

use super::{EVENT_TYPES, EventType, MOST_VALUES, NOTICE_TYPES, Products, Selection, same};
use crate::{
    mismatch::mismatch,
    partner::{
        health::HealthKind,
        percent::{Percent, PercentError},
    },
    product::{Category, ProductId},
    product_body::FieldError,
};

/// Why a selection is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// What is wrong with each field.
    #[error("fields of the selection are not what they should be")]
    Fields(Vec<FieldError>),
    /// More values than Event Grid takes.
    #[error(
        "the selection uses {used} filter values (3 for the audience, 1 for each category and product, 1 for a price drop), Event Grid takes \
         {MOST_VALUES}: make two subscriptions"
    )]
    TooManyValues {
        /// How many it uses.
        used: usize,
    },
}

impl TryFrom<Map<String, Value>> for Selection {
    type Error = SelectionError;

    fn try_from(object: Map<String, Value>) -> Result<Self, SelectionError> {
        Self::parse(&object)
    }
}

impl Selection {
    /// The fields of a selection; all may be absent.
    pub const FIELDS: [&str; 5] = ["eventTypes", "productPrefix", "products", "categories", "priceDropPercent"];

    /// Reads a selection from the members of an object that have its [`Selection::FIELDS`]; null is absent, other members are passed over.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(object: &Map<String, Value>) -> Result<Self, SelectionError> {
        let mut errors = Vec::new();
        let mut fields = Fields { object, errors: &mut errors };
        let event_types = fields.list("eventTypes", event_type, |one: &EventType, other| one == other);
        let prefix = fields.one("productPrefix", prefix);
        let ids = fields.list("products", checked::<ProductId>, |one, other| one == other);
        let categories = fields.list("categories", checked::<Category>, same);
        let price_drop_percent = fields.one("priceDropPercent", percent);
        let products = match (prefix, ids) {
            (Some(_), Some(_)) => {
                errors.push(FieldError::new("products", "is either a list or a prefix (productPrefix), not both"));
                None
            }
            (Some(prefix), None) => Some(Products::Prefix(prefix)),
            (None, ids) => ids.map(Products::List),
        };
        let event_types = event_types.unwrap_or_else(|| Self::default().event_types);
        if price_drop_percent.is_some() && event_types == [EventType::Discontinued] {
            errors.push(FieldError::new(
                "priceDropPercent",
                "never matches the end of a product, the only type selected",
            ));
        }
        if event_types.iter().any(|kind| kind.is_notice()) {
            if !event_types.iter().all(|kind| kind.is_notice()) {
                errors.push(FieldError::new(
                    "eventTypes",
                    "has types of products and of notices; make a subscription for each",
                ));
            }
            let filters = Self::FIELDS.iter().filter(|name| **name != "eventTypes");
            for name in filters.filter(|name| object.get(**name).is_some_and(|value| !value.is_null())) {
                errors.push(FieldError::new(*name, "is of products; notices have none"));
            }
        }
        if !errors.is_empty() {
            return Err(SelectionError::Fields(errors));
        }
        let selection = Self { event_types, products, categories: categories.unwrap_or_default(), price_drop_percent };
        match selection.values() {
            used if used > MOST_VALUES => Err(SelectionError::TooManyValues { used }),
            _ => Ok(selection),
        }
    }
}

struct Fields<'a> {
    object: &'a Map<String, Value>,
    errors: &'a mut Vec<FieldError>,
}

impl Fields<'_> {
    fn value(&self, name: &str) -> Option<&Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn one<T>(&mut self, name: &str, read: fn(&Value) -> Result<T, String>) -> Option<T> {
        match read(self.value(name)?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.errors.push(FieldError::new(name, message));
                None
            }
        }
    }

    /// A list that is not empty, without those that are `same` as one before.
    fn list<T>(
        &mut self,
        name: &str,
        read: fn(&Value) -> Result<T, String>,
        same: fn(&T, &T) -> bool,
    ) -> Option<Vec<T>> {
        let values = match self.value(name)? {
            Value::Array(values) if !values.is_empty() => values.clone(),
            other => {
                let message = mismatch("must be a list that is not empty, or left out for all", other);
                self.errors.push(FieldError::new(name, message));
                return None;
            }
        };
        let mut list: Vec<T> = Vec::new();
        for (index, value) in values.iter().enumerate() {
            match read(value) {
                Ok(value) if list.iter().any(|other| same(other, &value)) => {}
                Ok(value) => list.push(value),
                Err(message) => self.errors.push(FieldError::new(format!("{name}[{index}]"), message)),
            }
        }
        Some(list)
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| mismatch("must be a string", value))
}

fn checked<T: TryFrom<String, Error: std::fmt::Display>>(value: &Value) -> Result<T, String> {
    T::try_from(text(value)?.to_owned()).map_err(|error| error.to_string())
}

fn event_type(value: &Value) -> Result<EventType, String> {
    const ALL: [EventType; 5] = [
        EventType::Changed,
        EventType::Discontinued,
        EventType::Notice(HealthKind::Failing),
        EventType::Notice(HealthKind::Paused),
        EventType::Notice(HealthKind::Recovered),
    ];
    let name = text(value)?;
    let known = ALL.into_iter().find(|kind| kind.as_str() == name);
    known.ok_or_else(|| {
        mismatch(&format!("must be one of {}, {}", EVENT_TYPES.join(", "), NOTICE_TYPES.join(", ")), value)
    })
}

/// A text with which the id of a product can begin.
fn prefix(value: &Value) -> Result<String, String> {
    let prefix = text(value)?;
    let begins_an_id = |text: String| ProductId::try_from(text).is_ok();
    if !prefix.is_empty() && (begins_an_id(prefix.to_owned()) || begins_an_id(format!("{prefix}x"))) {
        Ok(prefix.to_owned())
    } else {
        Err(mismatch("must be the begin of a product id: 1 to 64 of the characters A-Z a-z 0-9 _ - .", value))
    }
}

fn percent(value: &Value) -> Result<Percent, String> {
    let percent = value.as_f64().ok_or(PercentError).and_then(Percent::try_from);
    percent.map_err(|error| mismatch(&error.to_string(), value))
}
