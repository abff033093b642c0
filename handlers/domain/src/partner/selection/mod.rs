//! Selection: which product events a subscription gets, as partners say it, and as Event Grid is told.
//!
//! Event Grid compares all values of advanced filters without case, counts 25 of them in a subscription, and wants every filter to match.

mod read;
mod sample;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use self::{
    read::SelectionError,
    sample::{Example, SampleMatch},
};
use super::{
    Audience, FAILING, PAUSED, PartnerName, RECOVERED, SubscriptionName, TEST, WELCOME,
    health::HealthKind,
    match_fields::{CaseKey, MatchFields},
    percent::Percent,
};
use crate::{
    product::{Category, ProductId},
    product_events::{CHANGED, DISCONTINUED},
};

/// The most values that the advanced filters of one subscription have in all: a limit of Event Grid.
pub const MOST_VALUES: usize = 25;
/// How many of them every subscription needs for its three audiences.
const AUDIENCE_VALUES: usize = 3;

/// What partners can select by type: what happens to products …
pub const EVENT_TYPES: [&str; 2] = [CHANGED, DISCONTINUED];
/// … or, in a subscription to these alone, notices about the other subscriptions of the same partner.
pub const NOTICE_TYPES: [&str; 3] = [FAILING, PAUSED, RECOVERED];

/// Which events a subscription gets: those that every part wants. Its JSON, stored and shown, is what partners write, see
/// [`Selection::FIELDS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Document")]
pub struct Selection {
    event_types: Vec<EventType>,
    products: Option<Products>,
    categories: Vec<Category>,
    price_drop_percent: Option<Percent>,
}

/// A type of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// New content of a product.
    Changed,
    /// The end of a product.
    Discontinued,
    /// A notice about another subscription of the partner.
    Notice(HealthKind),
}

impl EventType {
    /// The type's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => CHANGED,
            Self::Discontinued => DISCONTINUED,
            Self::Notice(kind) => kind.event_type(),
        }
    }

    fn is_notice(self) -> bool {
        matches!(self, Self::Notice(_))
    }
}

/// Which products.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Products {
    /// Those whose id begins so, with regard to case.
    Prefix(String),
    /// These and no others, with regard to case. Each uses up a value.
    List(Vec<ProductId>),
}

impl Default for Selection {
    /// Everything.
    fn default() -> Self {
        Self {
            event_types: vec![EventType::Changed, EventType::Discontinued],
            products: None,
            categories: Vec::new(),
            price_drop_percent: None,
        }
    }
}

impl Selection {
    /// The types wanted, at least one.
    pub fn event_types(&self) -> &[EventType] {
        &self.event_types
    }

    /// Whether it is of notices, and of no products.
    pub fn is_of_notices(&self) -> bool {
        self.event_types.iter().any(|kind| kind.is_notice())
    }

    /// Whether it is of such notices.
    pub fn tells(&self, kind: HealthKind) -> bool {
        self.event_types.contains(&EventType::Notice(kind))
    }

    /// The products wanted; none is all.
    pub fn products(&self) -> Option<&Products> {
        self.products.as_ref()
    }

    /// The categories wanted; none is all.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The least fall in price wanted; none is any event, whatever the price.
    pub fn price_drop_percent(&self) -> Option<Percent> {
        self.price_drop_percent
    }

    /// How many of the [`MOST_VALUES`] it uses: 3 for the audiences, one for each category and each product listed, one for a price drop.
    pub fn values(&self) -> usize {
        let products = match &self.products {
            Some(Products::List(ids)) => ids.len(),
            Some(Products::Prefix(_)) | None => 0,
        };
        AUDIENCE_VALUES + self.categories.len() + products + usize::from(self.price_drop_percent.is_some())
    }

    /// Whether a fourth audience fits into the values.
    pub(super) fn has_room_for_audience(&self) -> bool {
        self.values() < MOST_VALUES
    }

    /// The `filter` of the Event Grid event subscription. The welcome and test types pass it whatever is selected.
    pub fn event_grid_filter(&self, partner: &PartnerName, subscription: &SubscriptionName) -> Value {
        self.filter_for(&Audience::reaching(partner, subscription))
    }

    /// The same for other audiences.
    pub(super) fn filter_for(&self, audiences: &[Audience]) -> Value {
        let types: Vec<_> = self.event_types.iter().map(|kind| kind.as_str()).chain([WELCOME, TEST]).collect();
        let audiences: Vec<_> = audiences.iter().map(ToString::to_string).collect();
        let mut advanced = vec![json!({ "operatorType": "StringIn", "key": Audience::ATTRIBUTE, "values": audiences })];
        if !self.categories.is_empty() {
            advanced
                .push(json!({ "operatorType": "StringIn", "key": "data.match.categories", "values": self.categories }));
        }
        if let Some(Products::List(ids)) = &self.products {
            let keys: Vec<_> = ids.iter().map(CaseKey::of).collect();
            advanced.push(json!({ "operatorType": "StringIn", "key": "data.match.product", "values": keys }));
        }
        if let Some(percent) = self.price_drop_percent {
            let operator = "NumberGreaterThanOrEquals";
            advanced.push(json!({ "operatorType": operator, "key": "data.match.priceDropPercent", "value": percent }));
        }
        let mut filter = json!({
            "includedEventTypes": types,
            "isSubjectCaseSensitive": true,
            "enableAdvancedFilteringOnArrays": true,
            "advancedFilters": advanced,
        });
        if let Some(Products::Prefix(prefix)) = &self.products {
            filter["subjectBeginsWith"] = json!(prefix);
        }
        filter
    }

    /// Whether a product notification passes [`Selection::event_grid_filter`], whatever its audience. `event_type` and `subject` are its
    /// attributes, `fields` its `data.match`.
    pub fn matches(&self, event_type: &str, subject: &str, fields: &MatchFields) -> bool {
        let is_of = |wanted: &str| wanted.eq_ignore_ascii_case(event_type);
        let of_types = self.event_types.iter().any(|kind| is_of(kind.as_str())) || is_of(WELCOME) || is_of(TEST);
        let of_products = match &self.products {
            None => true,
            Some(Products::Prefix(prefix)) => subject.starts_with(prefix),
            Some(Products::List(ids)) => ids.iter().any(|id| CaseKey::of(id) == fields.product),
        };
        let is_wanted = |category: &Category| self.categories.iter().any(|wanted| same(wanted, category));
        let of_categories = self.categories.is_empty() || fields.categories.iter().any(is_wanted);
        let falls =
            self.price_drop_percent.is_none_or(|least| fields.price_drop_percent.is_some_and(|fall| fall >= least));
        of_types && of_products && of_categories && falls
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    event_types: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    products: Option<Vec<ProductId>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<Category>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_drop_percent: Option<Percent>,
}

impl From<Selection> for Document {
    fn from(selection: Selection) -> Self {
        let (product_prefix, products) = match selection.products {
            None => (None, None),
            Some(Products::Prefix(prefix)) => (Some(prefix), None),
            Some(Products::List(ids)) => (None, Some(ids)),
        };
        Self {
            event_types: selection.event_types.into_iter().map(EventType::as_str).collect(),
            product_prefix,
            products,
            categories: selection.categories,
            price_drop_percent: selection.price_drop_percent,
        }
    }
}

/// Whether Event Grid takes two categories for the same.
fn same(one: &Category, other: &Category) -> bool {
    one.as_str().to_lowercase() == other.as_str().to_lowercase()
}

#[cfg(test)]
mod tests;
