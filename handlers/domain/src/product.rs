//! The product, valid by construction.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};

use super::money::Money;
pub use super::text::{Brand, Category, Description, Name, ProductId, Reason};

/// What staff write about a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Content {
    /// What it is called.
    pub name: Name,
    /// Where it is listed.
    pub category: Category,
    /// Who makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// What one costs.
    pub price: Money,
    /// How many are in stock, where that is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<u32>,
}

/// Whether a product is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Sold.
    Active,
    /// No longer sold; kept, so that orders and reviews still find it.
    Discontinued {
        /// Why, if staff said.
        reason: Option<Reason>,
    },
}

impl Status {
    /// The word for it in documents and events.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Discontinued { .. } => "discontinued",
        }
    }
}

/// A product of the catalogue at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Document", into = "Document")]
pub struct Product {
    /// Which.
    pub id: ProductId,
    /// What staff wrote.
    pub content: Content,
    /// Whether it is sold.
    pub status: Status,
    /// 1 when created, one more with each effective change.
    pub version: i64,
    /// When this version was made.
    pub updated_at: OffsetDateTime,
}

impl Product {
    /// The product, if it is one: what its fields' types do not rule out by themselves, whoever made it.
    ///
    /// # Errors
    /// A version below 1, a time that cannot be written down.
    pub fn checked(self) -> Result<Self, ProductError> {
        if self.version < 1 {
            return Err(ProductError::Version(self.version));
        }
        let updated_at = self.updated_at.checked_to_offset(UtcOffset::UTC);
        if !updated_at.is_some_and(|time| (0..=9999).contains(&time.year())) {
            return Err(ProductError::UpdatedAt);
        }
        Ok(self)
    }

    /// Whether it is no longer sold.
    pub fn is_discontinued(&self) -> bool {
        matches!(self.status, Status::Discontinued { .. })
    }

    /// Whether `other` says the same, whatever their versions and times.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.content == other.content && self.status == other.status
    }
}

/// A product as JSON: in the catalogue, inside other documents, and as HTTP clients see it. Fields it does not know (a store's own,
/// another writer's) are passed over when it is read.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    id: ProductId,
    name: Name,
    category: Category,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brand: Option<Brand>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<Description>,
    price: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stock: Option<u32>,
    status: StatusWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discontinued_reason: Option<Reason>,
    version: i64,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StatusWord {
    Active,
    Discontinued,
}

/// Why something is not a product although each field is well-formed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProductError {
    /// Versions count from 1.
    #[error("version is {0}, it must be 1 or more")]
    Version(i64),
    /// No document could hold the time.
    #[error("updatedAt must lie in the years 0 to 9999, UTC")]
    UpdatedAt,
    /// A reason, but nothing it is the reason of.
    #[error("discontinuedReason is only of a discontinued product, this one is active")]
    ReasonOfActive,
}

impl TryFrom<Document> for Product {
    type Error = ProductError;

    fn try_from(document: Document) -> Result<Self, ProductError> {
        let status = match (document.status, document.discontinued_reason) {
            (StatusWord::Active, None) => Status::Active,
            (StatusWord::Active, Some(_)) => return Err(ProductError::ReasonOfActive),
            (StatusWord::Discontinued, reason) => Status::Discontinued { reason },
        };
        let product = Self {
            id: document.id,
            content: Content {
                name: document.name,
                category: document.category,
                brand: document.brand,
                description: document.description,
                price: document.price,
                stock: document.stock,
            },
            status,
            version: document.version,
            updated_at: document.updated_at,
        };
        product.checked()
    }
}

impl From<Product> for Document {
    fn from(product: Product) -> Self {
        let (status, discontinued_reason) = match product.status {
            Status::Active => (StatusWord::Active, None),
            Status::Discontinued { reason } => (StatusWord::Discontinued, reason),
        };
        Self {
            id: product.id,
            name: product.content.name,
            category: product.content.category,
            brand: product.content.brand,
            description: product.content.description,
            price: product.content.price,
            stock: product.content.stock,
            status,
            discontinued_reason,
            version: product.version,
            updated_at: product.updated_at,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    /// Any product a catalogue may hold, of a small world so that ids and categories meet.
    pub(crate) fn any_product() -> impl Strategy<Value = Product> {
        (any_content(), any_status(), 1..1_000_i64, 0..4_000_000_000_i64).prop_map(
            |(content, status, version, seconds)| Product {
                id: ProductId::try_from("p-1".to_owned()).expect("valid"),
                content,
                status,
                version,
                updated_at: OffsetDateTime::from_unix_timestamp(seconds).expect("in range"),
            },
        )
    }

    pub(crate) fn any_content() -> impl Strategy<Value = Content> {
        let price = (0..1_000_000_i64, prop::sample::select(vec!["USD", "JPY", "KWD"]));
        (
            "[A-Za-zé/]{1,12}",
            "[ABC]",
            prop::option::of("[a-z]{1,4}"),
            prop::option::of("[a-z\n]{0,3}[a-z]"),
            price,
            prop::option::of(0..9_u32),
        )
            .prop_map(|(name, category, brand, description, (minor_units, code), stock)| Content {
                name: name.try_into().expect("valid"),
                category: category.try_into().expect("valid"),
                brand: brand.map(|brand| brand.try_into().expect("valid")),
                description: description.map(|text| text.try_into().expect("valid")),
                price: Money::from_minor_units(minor_units, code).expect("valid"),
                stock,
            })
    }

    pub(crate) fn any_status() -> impl Strategy<Value = Status> {
        prop_oneof![
            3 => Just(Status::Active),
            1 => prop::option::of("[a-z]{1,5}").prop_map(|reason| Status::Discontinued {
                reason: reason.map(|text| text.try_into().expect("valid")),
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_product_survives_its_document(product in any_product()) {
            let document = serde_json::to_value(&product).expect("serializes");
            prop_assert_eq!(serde_json::from_value::<Product>(document).expect("its own document"), product);
        }
    }

    #[test]
    fn a_stored_document_has_the_documented_shape_and_may_have_more() {
        let product: Product = serde_json::from_value(json!({
            "id": "1", "name": "Boots", "category": "Footwear", "price": { "amount": "109.99", "currency": "USD" }, "status": "active",
            "version": 3, "updatedAt": "2026-01-05T10:00:00Z", "_etag": "\"e\"", "_ts": 1,
        }))
        .expect("a product");
        assert_eq!(product.updated_at, datetime!(2026-01-05 10:00 UTC));
        assert_eq!(
            serde_json::to_value(&product).expect("serializes"),
            json!({
                "id": "1", "name": "Boots", "category": "Footwear", "price": { "amount": "109.99", "currency": "USD" },
                "status": "active", "version": 3, "updatedAt": "2026-01-05T10:00:00Z",
            })
        );
    }
}
