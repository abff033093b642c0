//! What hubs hear about products: `schemas/product/*.avsc` as types.
//!
//! The types of this module have the fields of the Avro schemas one to one. [`ProductEvent`] is what both schemas mean; the form
//! partners and other JSON readers see is in [`super::product_events_json`].

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    product::{Brand, Category, Content, Description, Name, Product, ProductError, ProductId, Reason, Status},
    product_diff::{self, ChangesError, FieldChange},
};

/// Type of the event that announces new content.
pub const CHANGED: &str = "com.contoso.product.changed.v1";
/// Type of the event that announces the end of a product.
pub const DISCONTINUED: &str = "com.contoso.product.discontinued.v1";
/// `source` of both.
pub const SOURCE: &str = "/contoso/catalog";

/// A new state of a product, as announced. `product.status` says which of the two events it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductEvent {
    /// Counts the announcements of this product from 1. Of two events the one with the higher revision is the later state.
    pub revision: i64,
    /// The whole state.
    pub product: Product,
    /// What differs from the state announced before; empty for a discontinued product.
    pub changes: Vec<FieldChange>,
}

/// Why an announcement cannot be, although each of its fields is well-formed. The message names the field.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProductEventError {
    /// Revisions count from 1.
    #[error("revision is {0}, it must be 1 or more")]
    Revision(i64),
    /// The state is none of a product.
    #[error(transparent)]
    Product(#[from] ProductError),
    /// The changes do not lead to the state.
    #[error(transparent)]
    Changes(#[from] ChangesError),
}

impl ProductEvent {
    /// The event, if it is one that could have been announced.
    ///
    /// # Errors
    /// What it breaks.
    pub fn checked(revision: i64, product: Product, changes: Vec<FieldChange>) -> Result<Self, ProductEventError> {
        if revision < 1 {
            return Err(ProductEventError::Revision(revision));
        }
        let product = product.checked()?;
        product_diff::check(&changes, &product)?;
        Ok(Self { revision, product, changes })
    }

    /// The event's id: the same cause always has the same id.
    pub fn id(&self) -> String {
        format!("{}-{}", self.product.id, self.revision)
    }

    /// The `sequence` extension: as text it sorts as the revisions do.
    pub fn sequence(&self) -> String {
        format!("{:019}", self.revision)
    }

    /// The category the product was listed in before, if this event moved it.
    pub fn moved_from(&self) -> Option<Category> {
        let change = self.changes.iter().find(|change| change.field == "category")?;
        Category::try_from(change.from.clone()?).ok()
    }
}

/// Data of [`CHANGED`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductChanged {
    /// Which product.
    pub product_id: ProductId,
    /// See [`ProductEvent::revision`].
    pub revision: i64,
    /// Its version in the catalogue.
    pub version: i64,
    /// The whole state.
    pub state: ProductState,
    /// What differs from the state announced before.
    pub changes: Vec<FieldChange>,
}

/// Data of [`DISCONTINUED`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductDiscontinued {
    /// Which product.
    pub product_id: ProductId,
    /// See [`ProductEvent::revision`].
    pub revision: i64,
    /// Its version in the catalogue.
    pub version: i64,
    /// Why, if staff said.
    pub reason: Option<Reason>,
    /// What it was at the end.
    pub last_state: ProductState,
}

/// A product's content at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductState {
    /// What it is called.
    pub name: Name,
    /// Where it is listed.
    pub category: Category,
    /// Who makes it.
    pub brand: Option<Brand>,
    /// What it is.
    pub description: Option<Description>,
    /// What one costs: minor units and currency.
    #[serde(with = "minor_units")]
    pub price: super::money::Money,
    /// How many are in stock, where that is counted.
    pub stock: Option<u32>,
    /// When the catalogue made this version, in milliseconds since 1970.
    #[serde(with = "millis")]
    pub updated_at: OffsetDateTime,
}

/// The data of a product event, one of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProductEventData {
    /// Of type [`CHANGED`].
    Changed(ProductChanged),
    /// Of type [`DISCONTINUED`].
    Discontinued(ProductDiscontinued),
}

impl From<ProductEvent> for ProductEventData {
    fn from(event: ProductEvent) -> Self {
        let ProductEvent { revision, product: Product { id, content, status, version, updated_at }, changes } = event;
        let state = ProductState::new(content, updated_at);
        match status {
            Status::Active => Self::Changed(ProductChanged { product_id: id, revision, version, state, changes }),
            Status::Discontinued { reason } => {
                Self::Discontinued(ProductDiscontinued { product_id: id, revision, version, reason, last_state: state })
            }
        }
    }
}

impl TryFrom<ProductChanged> for ProductEvent {
    type Error = ProductEventError;

    fn try_from(data: ProductChanged) -> Result<Self, ProductEventError> {
        let product = data.state.into_product(data.product_id, data.version, Status::Active);
        Self::checked(data.revision, product, data.changes)
    }
}

impl TryFrom<ProductDiscontinued> for ProductEvent {
    type Error = ProductEventError;

    fn try_from(data: ProductDiscontinued) -> Result<Self, ProductEventError> {
        let status = Status::Discontinued { reason: data.reason };
        let product = data.last_state.into_product(data.product_id, data.version, status);
        Self::checked(data.revision, product, Vec::new())
    }
}

impl ProductState {
    fn new(content: Content, updated_at: OffsetDateTime) -> Self {
        let Content { name, category, brand, description, price, stock } = content;
        Self { name, category, brand, description, price, stock, updated_at }
    }

    fn into_product(self, id: ProductId, version: i64, status: Status) -> Product {
        let Self { name, category, brand, description, price, stock, updated_at } = self;
        let content = Content { name, category, brand, description, price, stock };
        Product { id, content, status, version, updated_at }
    }
}

/// Money as the schemas have it: libraries of other languages disagree on Avro decimals, nobody on a long.
mod minor_units {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::money::Money;

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Price {
        minor_units: i64,
        currency: String,
    }

    pub(super) fn serialize<S: Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
        Price { minor_units: money.minor_units(), currency: money.currency().to_owned() }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        let price = Price::deserialize(deserializer)?;
        Money::from_minor_units(price.minor_units, &price.currency).map_err(D::Error::custom)
    }
}

/// Avro's `timestamp-millis`.
pub(super) mod millis {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use time::OffsetDateTime;

    pub(in super::super) fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        let millis =
            i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).map_err(serde::ser::Error::custom)?;
        serializer.serialize_i64(millis)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<OffsetDateTime, D::Error> {
        let nanos = i128::from(i64::deserialize(deserializer)?) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(D::Error::custom)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use apache_avro::{reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
    use proptest::prelude::*;

    use super::{super::product::tests::any_product, super::product_diff::diff, *};

    pub(crate) fn any_event() -> impl Strategy<Value = ProductEvent> {
        (prop::option::of(any_product()), any_product(), 1..i64::MAX).prop_map(|(before, product, revision)| {
            let changes = if product.is_discontinued() { Vec::new() } else { diff(before.as_ref(), &product) };
            ProductEvent { revision, product, changes }
        })
    }

    proptest! {
        #[test]
        fn an_event_survives_avro(event in any_event()) {
            let back: ProductEvent = match ProductEventData::from(event.clone()) {
                ProductEventData::Changed(data) => through_avro(include_str!("../../../schemas/product/changed.v1.avsc"), &data).try_into().expect("valid"),
                ProductEventData::Discontinued(data) => {
                    through_avro(include_str!("../../../schemas/product/discontinued.v1.avsc"), &data).try_into().expect("valid")
                }
            };
            prop_assert_eq!(back, event);
        }

        #[test]
        fn sequences_sort_as_revisions_do(a in any_event(), b in any_event()) {
            prop_assert_eq!(a.sequence().cmp(&b.sequence()), a.revision.cmp(&b.revision));
        }
    }

    fn through_avro<T: Serialize + serde::de::DeserializeOwned>(schema: &str, data: &T) -> T {
        let schema = apache_avro::Schema::parse_str(schema).expect("a schema");
        let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
        let bytes = writer.write_ser_to_vec(data).expect("fits the schema");
        let reader = GenericDatumReader::builder(&schema).build().expect("a reader");
        let value = reader.read_value(&mut bytes.as_slice()).expect("decodes");
        apache_avro::from_value(&value).expect("has the fields")
    }
}
