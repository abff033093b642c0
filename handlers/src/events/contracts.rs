//! Contracts: the event types this binary knows. All that is fixed for a type stands in its entry here; codec, readers, tests, docs
//! and the command take it from there.
//!
//! The text of a schema is part of the binary; the same text is registered before a handler starts (by `contoso up` or the
//! pipeline), so asking the registry for its id by content always matches.

use std::sync::LazyLock;

use apache_avro::{Schema, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};

use super::{
    content::{self, Content, ContentError},
    event::Event,
    hubs,
};
use crate::domain::{anomaly, click, product_events};

/// The promise of one event type.
pub struct Contract {
    /// The event's type.
    pub event_type: &'static str,
    /// Full name of the record: also its name in the registry.
    pub name: &'static str,
    /// The schema as text, exactly as registered.
    pub schema: &'static str,
    /// Where it lies, `schemas/<path>.avsc`; examples of its data are in `schemas/<aggregate>/examples/<event>/{valid,invalid}/`.
    pub path: &'static str,
    /// The hub that such events are sent to.
    pub hub: &'static str,
    /// What the partition key is made of: events of one key stay in order.
    pub key: &'static str,
    /// The team that answers for it, and whom to ask before it changes.
    pub owner: &'static str,
    /// Reads the data as its Rust type and checks the rules of the type.
    read: fn(&Event) -> Result<Content, ContentError>,
    forms: LazyLock<Result<Forms, apache_avro::Error>>,
}

/// A schema with what reads and writes its data. Both look up every name in it when they are made, which costs more than an event.
pub(super) struct Forms {
    pub(super) schema: &'static Schema,
    pub(super) reader: GenericDatumReader<'static>,
    pub(super) writer: GenericDatumWriter<'static>,
}

impl Forms {
    fn of(text: &str) -> Result<Self, apache_avro::Error> {
        // Not lost: the contract, a static, keeps it.
        let schema: &'static Schema = Box::leak(Box::new(Schema::parse_str(text)?));
        let reader = GenericDatumReader::builder(schema).build()?;
        let writer = GenericDatumWriter::builder(schema).build()?;
        Ok(Self { schema, reader, writer })
    }
}

/// A product's content differs from what was last announced.
pub static PRODUCT_CHANGED: Contract = Contract {
    event_type: product_events::CHANGED,
    name: "com.contoso.product.ProductChanged",
    schema: PRODUCT_CHANGED_SCHEMA,
    path: "product/changed.v1",
    hub: hubs::PRODUCTS,
    key: "product id",
    owner: "catalogue",
    read: content::product_changed,
    forms: LazyLock::new(|| Forms::of(PRODUCT_CHANGED_SCHEMA)),
};

/// A product is no longer sold.
pub static PRODUCT_DISCONTINUED: Contract = Contract {
    event_type: product_events::DISCONTINUED,
    name: "com.contoso.product.ProductDiscontinued",
    schema: PRODUCT_DISCONTINUED_SCHEMA,
    path: "product/discontinued.v1",
    hub: hubs::PRODUCTS,
    key: "product id",
    owner: "catalogue",
    read: content::product_discontinued,
    forms: LazyLock::new(|| Forms::of(PRODUCT_DISCONTINUED_SCHEMA)),
};

/// Somebody looked at a product on the site.
pub static CLICK_RECORDED: Contract = Contract {
    event_type: click::RECORDED,
    name: "com.contoso.click.ClickRecorded",
    schema: CLICK_RECORDED_SCHEMA,
    path: "click/recorded.v1",
    hub: hubs::CLICKS,
    key: "visitor id, or the event id of a click of nobody known",
    owner: "site",
    read: content::click_recorded,
    forms: LazyLock::new(|| Forms::of(CLICK_RECORDED_SCHEMA)),
};

/// Views left what was expected of them.
pub static ANOMALY_DETECTED: Contract = Contract {
    event_type: anomaly::event::DETECTED,
    name: "com.contoso.analytics.AnomalyDetected",
    schema: ANOMALY_DETECTED_SCHEMA,
    path: "analytics/anomaly-detected.v1",
    hub: hubs::ANALYTICS,
    key: "scope: the shop, a category or a product",
    owner: "analytics",
    read: content::anomaly_detected,
    forms: LazyLock::new(|| Forms::of(ANOMALY_DETECTED_SCHEMA)),
};

/// Every contract. All of them are registered before a handler starts.
pub static ALL: [&Contract; 4] = [&PRODUCT_CHANGED, &PRODUCT_DISCONTINUED, &CLICK_RECORDED, &ANOMALY_DETECTED];

const PRODUCT_CHANGED_SCHEMA: &str = include_str!("../../../schemas/product/changed.v1.avsc");
const PRODUCT_DISCONTINUED_SCHEMA: &str = include_str!("../../../schemas/product/discontinued.v1.avsc");
const CLICK_RECORDED_SCHEMA: &str = include_str!("../../../schemas/click/recorded.v1.avsc");
const ANOMALY_DETECTED_SCHEMA: &str = include_str!("../../../schemas/analytics/anomaly-detected.v1.avsc");

impl Contract {
    /// The contract of an event type, if there is one.
    pub fn of(event_type: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|contract| contract.event_type == event_type)
    }

    /// The schema, parsed once.
    ///
    /// # Errors
    /// If the text is no Avro schema; a test rules that out for [`ALL`].
    pub fn avro(&self) -> Result<&'static Schema, &apache_avro::Error> {
        self.forms().map(|forms| forms.schema)
    }

    /// Whether `schema` is this contract's own, so that nothing has to be resolved.
    pub(super) fn is_current(&self, schema: &Schema) -> bool {
        self.avro().is_ok_and(|current| current == schema)
    }

    /// The schema with its reader and writer, made once.
    pub(super) fn forms(&self) -> Result<&Forms, &apache_avro::Error> {
        self.forms.as_ref()
    }
}

impl Event {
    /// What the event says, valid by the rules of its type.
    ///
    /// # Errors
    /// Which rule of its type it breaks.
    pub fn content(&self) -> Result<Content, ContentError> {
        Contract::of(&self.r#type).map_or(Ok(Content::Other), |contract| (contract.read)(self))
    }
}

#[cfg(test)]
mod tests {
    use apache_avro::schema::Name;

    use super::*;
    use crate::domain::bounds;

    #[test]
    fn every_schema_is_a_record_with_the_contracts_name() {
        for contract in ALL {
            let schema = contract.avro().unwrap();
            assert!(matches!(schema, Schema::Record(_)), "{}", contract.event_type);
            assert_eq!(schema.name().map(Name::to_string).as_deref(), Some(contract.name));
            bounds::check(schema).expect(contract.name);
        }
    }

    #[test]
    fn no_schema_uses_decimals() {
        // Resolving a bytes-decimal against an identical schema fails for small values, and other libraries ignore its scale.
        for contract in ALL {
            assert!(
                !contract.schema.contains("\"decimal\""),
                "{}: money is a long of minor units",
                contract.event_type
            );
        }
    }
}
