//! Contracts: the event types this binary knows. All that is fixed for a type stands in its entry here; codec, readers, tests, docs
//! and the command take it from there.
//!
//! The text of a schema is part of the binary: that of its newest stored version, and not the file that its owner edits. The same text is
//! registered before a handler starts (by `contoso up` or the pipeline), so asking the registry for its id by content always matches.

use std::sync::LazyLock;

use apache_avro::{Schema, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};

use super::{
    content::{self, Content, ContentError},
    deprecation::Deprecation,
    event::Event,
    hubs,
};
use crate::domain::{anomaly, click, feedback, product_events, sales::events as sales};

/// The audience of events that every partner is told of.
pub const PARTNERS: &str = "all";
/// The audience of events that operators are told of.
pub const OPERATORS: &str = "operations";

/// The promise of one event type.
pub struct Contract {
    /// The event's type.
    pub event_type: &'static str,
    /// Full name of the record: also its name in the registry.
    pub name: &'static str,
    /// The schema as text, exactly as registered.
    pub schema: &'static str,
    /// Where it lies, `schemas/<path>.avsc`, and its stored versions in `schemas/<aggregate>/versions/<event>/`; examples of its data are in `schemas/<aggregate>/examples/<event>/{valid,invalid}/`.
    pub path: &'static str,
    /// The hub that such events are sent to.
    pub hub: &'static str,
    /// What the partition key is made of: events of one key stay in order.
    pub key: &'static str,
    /// The team that answers for it, and whom to ask before it changes.
    pub owner: &'static str,
    /// Whom the Event Grid topic tells of such events, in JSON: the attribute `audience`. Nobody, if none.
    pub audience: Option<&'static str>,
    /// When it ends and what follows, if that was announced.
    pub deprecated: Option<Deprecation>,
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
    audience: Some(PARTNERS),
    deprecated: None,
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
    audience: Some(PARTNERS),
    deprecated: None,
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
    audience: None,
    deprecated: None,
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
    audience: Some(OPERATORS),
    deprecated: None,
    read: content::anomaly_detected,
    forms: LazyLock::new(|| Forms::of(ANOMALY_DETECTED_SCHEMA)),
};

/// What a partner says of a product or a customer, or a correction of that.
pub static FEEDBACK_GIVEN: Contract = Contract {
    event_type: feedback::event::GIVEN,
    name: "com.contoso.feedback.FeedbackGiven",
    schema: FEEDBACK_GIVEN_SCHEMA,
    path: "feedback/given.v1",
    hub: hubs::FEEDBACK,
    key: "product id; of feedback on a customer `customer:` and the pseudonym",
    owner: "partners",
    audience: None,
    deprecated: None,
    read: content::feedback_given,
    forms: LazyLock::new(|| Forms::of(FEEDBACK_GIVEN_SCHEMA)),
};

/// A partner withdrew what it said.
pub static FEEDBACK_WITHDRAWN: Contract = Contract {
    event_type: feedback::event::WITHDRAWN,
    name: "com.contoso.feedback.FeedbackWithdrawn",
    schema: FEEDBACK_WITHDRAWN_SCHEMA,
    path: "feedback/withdrawn.v1",
    hub: hubs::FEEDBACK,
    key: "product id; of feedback on a customer `customer:` and the pseudonym",
    owner: "partners",
    audience: None,
    deprecated: None,
    read: content::feedback_withdrawn,
    forms: LazyLock::new(|| Forms::of(FEEDBACK_WITHDRAWN_SCHEMA)),
};

/// A partner's sales file was read.
pub static SALES_FILE_RECEIVED: Contract = Contract {
    event_type: sales::FILE_RECEIVED,
    name: "com.contoso.sales.SalesFileReceived",
    schema: SALES_FILE_RECEIVED_SCHEMA,
    path: "sales/file-received.v1",
    hub: hubs::SALES,
    key: "file name",
    owner: "sales",
    audience: None,
    deprecated: None,
    read: content::sales_file_received,
    forms: LazyLock::new(|| Forms::of(SALES_FILE_RECEIVED_SCHEMA)),
};

/// A partner's sales file was rejected as a whole.
pub static SALES_FILE_REJECTED: Contract = Contract {
    event_type: sales::FILE_REJECTED,
    name: "com.contoso.sales.SalesFileRejected",
    schema: SALES_FILE_REJECTED_SCHEMA,
    path: "sales/file-rejected.v1",
    hub: hubs::SALES,
    key: "file name",
    owner: "sales",
    audience: None,
    deprecated: None,
    read: content::sales_file_rejected,
    forms: LazyLock::new(|| Forms::of(SALES_FILE_REJECTED_SCHEMA)),
};

/// An invoice stands in a sales file.
pub static SALES_CONFIRMED: Contract = Contract {
    event_type: sales::CONFIRMED,
    name: "com.contoso.sales.SalesConfirmed",
    schema: SALES_CONFIRMED_SCHEMA,
    path: "sales/confirmed.v1",
    hub: hubs::SALES,
    key: "invoice number",
    owner: "sales",
    audience: None,
    deprecated: None,
    read: content::sales_invoice,
    forms: LazyLock::new(|| Forms::of(SALES_CONFIRMED_SCHEMA)),
};

/// A refund stands in a sales file.
pub static SALES_REFUNDED: Contract = Contract {
    event_type: sales::REFUNDED,
    name: "com.contoso.sales.SalesRefunded",
    schema: SALES_REFUNDED_SCHEMA,
    path: "sales/refunded.v1",
    hub: hubs::SALES,
    key: "invoice number",
    owner: "sales",
    audience: None,
    deprecated: None,
    read: content::sales_invoice,
    forms: LazyLock::new(|| Forms::of(SALES_REFUNDED_SCHEMA)),
};

/// An invoice is gone from a sales file.
pub static SALES_WITHDRAWN: Contract = Contract {
    event_type: sales::WITHDRAWN,
    name: "com.contoso.sales.SalesWithdrawn",
    schema: SALES_WITHDRAWN_SCHEMA,
    path: "sales/withdrawn.v1",
    hub: hubs::SALES,
    key: "invoice number",
    owner: "sales",
    audience: None,
    deprecated: None,
    read: content::sales_withdrawn,
    forms: LazyLock::new(|| Forms::of(SALES_WITHDRAWN_SCHEMA)),
};

/// Every contract. All of them are registered before a handler starts.
pub static ALL: [&Contract; 11] = [
    &PRODUCT_CHANGED,
    &PRODUCT_DISCONTINUED,
    &CLICK_RECORDED,
    &ANOMALY_DETECTED,
    &FEEDBACK_GIVEN,
    &FEEDBACK_WITHDRAWN,
    &SALES_FILE_RECEIVED,
    &SALES_FILE_REJECTED,
    &SALES_CONFIRMED,
    &SALES_REFUNDED,
    &SALES_WITHDRAWN,
];

const PRODUCT_CHANGED_SCHEMA: &str = include_str!("../../../schemas/product/versions/changed.v1/latest.avsc");
const PRODUCT_DISCONTINUED_SCHEMA: &str = include_str!("../../../schemas/product/versions/discontinued.v1/latest.avsc");
const CLICK_RECORDED_SCHEMA: &str = include_str!("../../../schemas/click/versions/recorded.v1/latest.avsc");
const ANOMALY_DETECTED_SCHEMA: &str =
    include_str!("../../../schemas/analytics/versions/anomaly-detected.v1/latest.avsc");
const FEEDBACK_GIVEN_SCHEMA: &str = include_str!("../../../schemas/feedback/versions/given.v1/latest.avsc");
const FEEDBACK_WITHDRAWN_SCHEMA: &str = include_str!("../../../schemas/feedback/versions/withdrawn.v1/latest.avsc");
const SALES_FILE_RECEIVED_SCHEMA: &str = include_str!("../../../schemas/sales/versions/file-received.v1/latest.avsc");
const SALES_FILE_REJECTED_SCHEMA: &str = include_str!("../../../schemas/sales/versions/file-rejected.v1/latest.avsc");
const SALES_CONFIRMED_SCHEMA: &str = include_str!("../../../schemas/sales/versions/confirmed.v1/latest.avsc");
const SALES_REFUNDED_SCHEMA: &str = include_str!("../../../schemas/sales/versions/refunded.v1/latest.avsc");
const SALES_WITHDRAWN_SCHEMA: &str = include_str!("../../../schemas/sales/versions/withdrawn.v1/latest.avsc");

impl Contract {
    /// The contract of an event type, if there is one.
    pub fn of(event_type: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|contract| contract.event_type == event_type)
    }

    /// Of these event types the first to end, if the end of one was announced: an answer about several has room for one date.
    pub(crate) fn first_to_end<'t>(event_types: impl IntoIterator<Item = &'t str>) -> Option<Deprecation> {
        let ending = event_types.into_iter().filter_map(|event_type| Self::of(event_type)?.deprecated);
        ending.min_by_key(|deprecation| deprecation.sunset)
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
    fn what_ends_has_a_successor_that_stays() {
        for contract in ALL {
            let Some(Deprecation { since, sunset, successor }) = contract.deprecated else { continue };
            let next = Contract::of(successor).unwrap_or_else(|| panic!("{successor} has no contract"));
            assert!(next.deprecated.is_none(), "{}: {successor} ends as well", contract.event_type);
            assert!(sunset > since, "{}", contract.event_type);
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
