//! Events that are made for one subscription, to welcome or to try it: they pass the filter that they are to try.

use time::OffsetDateTime;

use super::{EventType, Products, Selection};
use crate::{
    money::Money,
    partner::match_fields::{CaseKey, MatchFields},
    product::{Category, Content, Name, Product, ProductId, Status},
    product_diff::diff,
    product_events::ProductEvent,
};

/// What an event that passes a subscription's own filter has beside its audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleMatch {
    /// Its subject, a product id.
    pub subject: String,
    /// Its `data.match`.
    pub fields: MatchFields,
}

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

    /// A product event that the selection wants: a change if it wants changes, else an end of sale. None never occurs in practice, it
    /// would mean that a constant of this module is not valid.
    pub fn sample_event(&self, at: OffsetDateTime) -> Option<ProductEvent> {
        let is_change = self.event_types.contains(&EventType::Changed);
        let content = |minor_units| {
            Some(Content {
                name: Name::try_from("Sample product".to_owned()).ok()?,
                category: self.sample_category()?,
                brand: None,
                description: None,
                price: Money::from_minor_units(minor_units, "USD").ok()?,
                stock: Some(3),
            })
        };
        // From 100.00 dollars, of which a cent is a hundredth of a per cent. Some change must be: the stock, where no price is asked for.
        let now = 10_000 - i64::from(self.price_drop_percent.map_or(0, |percent| percent.hundredths()));
        let product = Product {
            id: ProductId::try_from(self.sample_match().subject).ok()?,
            content: content(now)?,
            status: if is_change { Status::Active } else { Status::Discontinued { reason: None } },
            version: 2,
            updated_at: at,
        };
        let mut before = Product { content: content(10_000)?, ..product.clone() };
        before.content.stock = Some(4);
        let changes = if is_change { diff(Some(&before), &product) } else { Vec::new() };
        ProductEvent::checked(2, product, changes).ok()
    }

    fn sample_category(&self) -> Option<Category> {
        self.categories.first().cloned().or_else(|| Category::try_from(CATEGORY.to_owned()).ok())
    }
}
