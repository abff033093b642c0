//! Which captured events a redelivery is about: the same for a job and for the preview of one.

use std::collections::BTreeSet;

use cloudevents::AttributesReader as _;

use crate::{
    captured::Captured,
    domain::partner::{
        Audience, PartnerName, SubscriptionName,
        redelivery::{Range, covers},
        selection::Selection,
    },
    functions::partner_notifications::{Notification, notification},
};

/// What is sent again, and to whom.
pub(in crate::functions) struct Choice {
    /// Only what the hub stored then.
    pub(in crate::functions) ranges: Vec<Range>,
    /// Only these, by their ids; all if absent.
    pub(in crate::functions) events: Option<BTreeSet<String>>,
    /// Only what the subscription selects today.
    pub(in crate::functions) selection: Selection,
    /// The subscription.
    pub(in crate::functions) audience: Audience,
}

impl Choice {
    /// For one subscription.
    pub(in crate::functions) fn new(
        partner: &PartnerName,
        subscription: &SubscriptionName,
        selection: Selection,
        ranges: Vec<Range>,
        events: Option<BTreeSet<String>>,
    ) -> Self {
        Self { ranges, events, selection, audience: Audience::Subscription(partner.clone(), subscription.clone()) }
    }

    /// The event as the subscription gets it again; `None` if it is not one of those. `job` is who sends it, if somebody does.
    pub(in crate::functions) fn pick(&self, captured: Captured, job: Option<&str>) -> Option<cloudevents::Event> {
        let Captured { event, enqueued } = captured;
        let is_asked_for = covers(&self.ranges, enqueued)
            && self.events.as_ref().is_none_or(|events| events.contains(event.id.as_str()));
        if !is_asked_for {
            return None;
        }
        // One whose data breaks a rule was parked when it was first read.
        let Notification { event, fields } = notification(event, &self.audience, job).ok().flatten()?;
        let subject = event.subject().unwrap_or_default();
        self.selection.matches(event.ty(), subject, &fields).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;
    use crate::events::{Event, EventData};

    #[test]
    fn an_event_without_a_subject_is_selected_by_the_one_that_partners_get() {
        let state = json!({ "name": "Boots", "category": "Footwear", "brand": null, "description": null, "stock": 3,
            "price": { "amount": "19.99", "currency": "USD" }, "updatedAt": "2026-01-05T10:00:00Z" });
        let data = json!({ "productId": "rope-1", "revision": 2, "version": 4, "state": state, "changes": [] });
        let event = Event {
            id: "e-1".to_owned(),
            source: "/contoso/catalog".to_owned(),
            r#type: crate::domain::product_events::CHANGED.to_owned(),
            subject: None,
            time: Some(OffsetDateTime::UNIX_EPOCH),
            dataschema: None,
            extensions: [("sequence".to_owned(), "2".to_owned())].into(),
            trace: None,
            data: EventData::Json(data),
        };
        let name = |name: &str| name.to_owned();
        let (partner, prices) = (name("acme").try_into().expect("a name"), name("prices").try_into().expect("a name"));
        let picked = |prefix: &str| {
            let selection = json!({ "productPrefix": prefix });
            let selection = Selection::parse(selection.as_object().expect("an object")).expect("a selection");
            let captured = Captured { event: event.clone(), enqueued: None };
            Choice::new(&partner, &prices, selection, Vec::new(), None).pick(captured, Some("rd-1"))
        };
        assert_eq!(picked("rope").expect("selected").subject(), Some("rope-1"));
        assert!(picked("tent").is_none());
    }
}
