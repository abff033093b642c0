//! Events that are made for one subscription, to welcome or to try it: they pass the filter that they are to try.

use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::{EventType, Products, Selection};
use crate::{
    money::Money,
    partner::match_fields::{CaseKey, MatchFields},
    product::{Category, Description, Product, ProductId, Status},
    product_diff::diff,
    product_events::{ProductChanged, ProductDiscontinued, ProductEvent},
};

/// What an event that passes a subscription's own filter has beside its audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleMatch {
    /// Its subject, a product id.
    pub subject: String,
    /// Its `data.match`.
    pub fields: MatchFields,
}

/// An event to try a receiver with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The event.
    pub event: ProductEvent,
    /// The product before it: what changes are made of.
    pub before: Product,
}

/// Examples that lie beside the schemas.
const CHANGE: &str = include_str!("../../../../../schemas/product/examples/changed.v1/valid/price-and-stock.json");
const END: &str = include_str!("../../../../../schemas/product/examples/discontinued.v1/valid/out-of-season.json");
const DESCRIPTION: &str = "An example, which no product has.";

/// The product of samples where none is selected.
const PRODUCT: &str = "sample-product";
const CATEGORY: &str = "Samples";

impl Selection {
    /// Subject and fields that every part of the selection wants.
    pub fn sample_match(&self) -> SampleMatch {
        let subject = match &self.products {
            None => PRODUCT.to_owned(),
            Some(Products::List(ids)) => ids.first().map_or_else(|| PRODUCT.to_owned(), ToString::to_string),
            // Dots alone begin an id and are none.
            Some(Products::Prefix(prefix)) if prefix.bytes().all(|byte| byte == b'.') => format!("{prefix}x"),
            Some(Products::Prefix(prefix)) => prefix.clone(),
        };
        let fields = MatchFields {
            categories: self.sample_category().into_iter().collect(),
            price_drop_percent: self.price_drop_percent,
            product: CaseKey::of_text(&subject),
        };
        SampleMatch { subject, fields }
    }

    /// The example of an event type's schema, moved to what is selected: it passes the selection's filter, if that takes the type. It is
    /// revision 1, the lowest that there is. None for notices, which are about no product, and never else: the examples are valid.
    pub fn example(&self, kind: EventType, at: OffsetDateTime) -> Option<Example> {
        let event = match kind {
            EventType::Changed => ProductEvent::try_from(read::<ProductChanged>(CHANGE)?),
            EventType::Discontinued => ProductEvent::try_from(read::<ProductDiscontinued>(END)?),
            EventType::Notice(_) => return None,
        };
        let mut product = event.ok()?.product;
        product.id = ProductId::try_from(self.sample_match().subject).ok()?;
        product.updated_at = at;
        // Every member that an event can have, so that each can be set.
        product.content.description = Some(Description::try_from(DESCRIPTION.to_owned()).ok()?);
        if let Some(category) = self.categories.first() {
            product.content.category = category.clone();
        }
        let mut before = product.clone();
        before.status = Status::Active;
        before.content.stock = None;
        before.content.price = Money::from_minor_units(10_999, "USD").ok()?;
        if let (EventType::Changed, Some(percent)) = (kind, self.price_drop_percent) {
            // From 100.00 dollars, of which a cent is a hundredth of a per cent.
            before.content.price = Money::from_minor_units(10_000, "USD").ok()?;
            product.content.price = Money::from_minor_units(10_000 - i64::from(percent.hundredths()), "USD").ok()?;
        }
        let changes = if kind == EventType::Changed { diff(Some(&before), &product) } else { Vec::new() };
        let event = ProductEvent::checked(1, product, changes).ok()?;
        Some(Example { event, before })
    }

    fn sample_category(&self) -> Option<Category> {
        self.categories.first().cloned().or_else(|| Category::try_from(CATEGORY.to_owned()).ok())
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    contoso_json::from_str(text).ok()
}
