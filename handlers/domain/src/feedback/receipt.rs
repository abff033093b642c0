//! Receipts: what the door knows of an item, so that it tells a repeat from a correction, and each from what cannot be.
//!
//! A receipt is stored before the hub has the event, and says so until the hub has it: whoever sends the item again after a fault sends the
//! same event again. So one id of an event has one content, and nothing is called taken that the hub does not have.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{About, Customer, ItemId, event::FeedbackWithdrawn, submission::Submission, whole_id};
use crate::{
    partner::{PartnerName, idempotency::Fingerprint},
    product::ProductId,
};

/// Versions of an item that are remembered: a repeat of an older one is refused as too old.
const MOST_VERSIONS: usize = 20;

/// What is known of an item: document of `feedback/receipts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The partner's own id.
    pub id: ItemId,
    /// Who sent it.
    pub partner: PartnerName,
    /// What it is about, which no correction changes.
    pub about: About,
    /// Which product; absent once it is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Which customer it is about or from, by the latest version that says so; absent once it is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// Its versions, the latest last; none once it is withdrawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    versions: Vec<Version>,
    /// When it was withdrawn.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    withdrawn: Option<OffsetDateTime>,
    /// Whether the hub may not have the latest yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unsent: bool,
}

/// One version of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Version {
    /// 1 is as it was given first; the others are corrections.
    number: u32,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    content: Fingerprint,
}

/// What becomes of an item that was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It is to be sent to the hub, once this receipt is stored in place of what there was.
    Take(Box<Receipt>),
    /// It is to be sent to the hub once more: the receipt is stored, and nobody saw whether the hub has it.
    Resume(Box<Receipt>),
    /// It was taken before.
    Repeated,
    /// It contradicts what was taken before.
    Refused(Refusal),
}

/// Why an item is not taken, though well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was withdrawn.
    Withdrawn,
    /// It is about something else than before.
    AboutElse,
    /// It has the time of a version that says something else.
    SameTime,
    /// It is older than what was taken, and none of the versions that are remembered.
    Older,
    /// It came before in the same call, and said something else.
    TwiceInOneCall,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Withdrawn => "id is of an item that was withdrawn; it stays so, and another item needs another id",
            Self::AboutElse => {
                "about, productId or customerRef says that it is about something else, or from somebody else, than what was taken under \
                 this id; withdraw that, and send this under another id"
            }
            Self::SameTime => {
                "id and at are those of an item that was taken and said something else; a correction has the same id and a later at"
            }
            Self::Older => "at is before that of what was taken under this id; a correction has a later one",
            Self::TwiceInOneCall => {
                "id comes twice in this call and says something else the second time; send a correction in a call of its own"
            }
        })
    }
}

impl Decision {
    /// What becomes of `submission`, of whose id `stored` is known.
    pub fn on(stored: Option<Receipt>, submission: &Submission, partner: &PartnerName) -> Self {
        let Some(receipt) = stored else { return Self::Take(Box::new(Receipt::first(submission, partner))) };
        if receipt.withdrawn.is_some() {
            return Self::Refused(Refusal::Withdrawn);
        }
        let content = submission.content();
        let known = receipt.versions.iter().find(|version| version.at == submission.at);
        let latest = receipt.versions.last();
        match (known, latest) {
            // What it is about is part of the content: the more telling reason first.
            _ if !receipt.is_about_the_same(submission) => Self::Refused(Refusal::AboutElse),
            (Some(known), _) if known.content != content => Self::Refused(Refusal::SameTime),
            (Some(known), Some(latest)) if receipt.unsent && known.number == latest.number => {
                Self::Resume(Box::new(receipt))
            }
            (Some(_), _) => Self::Repeated,
            (None, Some(latest)) if submission.at < latest.at => Self::Refused(Refusal::Older),
            (None, _) => Self::Take(Box::new(receipt.corrected(submission, content))),
        }
    }
}

impl Receipt {
    fn first(submission: &Submission, partner: &PartnerName) -> Self {
        let version = Version { number: 1, at: submission.at, content: submission.content() };
        Self {
            id: submission.item.clone(),
            partner: partner.clone(),
            about: submission.about,
            product_id: submission.product_id.clone(),
            customer: submission.customer.clone(),
            versions: vec![version],
            withdrawn: None,
            unsent: true,
        }
    }

    fn is_about_the_same(&self, submission: &Submission) -> bool {
        self.about == submission.about
            && match self.about {
                About::Product => self.product_id == submission.product_id && !self.is_from_another(submission),
                About::Customer => self.customer == submission.customer,
            }
    }

    /// Who gave it stays, or an erasure of that customer would pass it by. A correction may leave it out, or name who was not named.
    fn is_from_another(&self, submission: &Submission) -> bool {
        matches!((&self.customer, &submission.customer), (Some(before), Some(now)) if before != now)
    }

    fn corrected(mut self, submission: &Submission, content: Fingerprint) -> Self {
        let number = self.versions.last().map_or(1, |latest| latest.number.saturating_add(1));
        self.versions.push(Version { number, at: submission.at, content });
        let forgotten = self.versions.len().saturating_sub(MOST_VERSIONS);
        self.versions.drain(..forgotten);
        self.customer = submission.customer.clone().or(self.customer);
        self.unsent = true;
        self
    }

    /// The same item, withdrawn. What it said is forgotten, and whom it was about or from once the hub has the event.
    #[must_use]
    pub fn withdrawn(self, now: OffsetDateTime) -> Self {
        match self.withdrawn {
            Some(_) => self,
            None => Self { versions: Vec::new(), withdrawn: Some(now), unsent: true, ..self },
        }
    }

    /// The same, of which the hub has the latest.
    #[must_use]
    pub fn sent(self) -> Self {
        match self.withdrawn {
            Some(_) => Self { product_id: None, customer: None, unsent: false, ..self },
            None => Self { unsent: false, ..self },
        }
    }

    /// Whether the hub may not have the latest yet.
    pub fn is_unsent(&self) -> bool {
        self.unsent
    }

    /// The event that withdraws it; `None` of one that was not withdrawn.
    pub fn withdrawal(&self) -> Option<FeedbackWithdrawn> {
        let (product_id, customer) = match self.about {
            About::Product => (self.product_id.clone(), None),
            About::Customer => (None, self.customer.clone()),
        };
        let (partner, item, about) = (self.partner.clone(), self.id.clone(), self.about);
        self.withdrawn.map(|at| FeedbackWithdrawn { partner, item, about, product_id, customer, at })
    }

    /// The id of the event that says the latest: of the first version `<partner>|<id>`, of a correction with its number behind, so that
    /// nobody who drops repeats by their id drops it.
    pub fn event_id(&self) -> String {
        let id = whole_id(&self.partner, &self.id);
        match (self.withdrawn, self.versions.last()) {
            (Some(_), _) => format!("{id}|withdrawn"),
            (None, Some(Version { number, .. })) if *number > 1 => format!("{id}|{number}"),
            (None, _) => id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    fn acme() -> PartnerName {
        "acme".to_owned().try_into().expect("a name")
    }

    fn submission(minute: u8, change: Value) -> Submission {
        let mut item = json!({ "id": "r-1", "about": "product", "productId": "boots", "rating": 5, "customerRef": "jo",
                               "at": format!("2026-06-01T11:{minute:02}:00Z") });
        for (name, value) in change.as_object().expect("an object") {
            item[name] = value.clone();
        }
        Submission::parse(&item, &acme(), NOW).expect("valid")
    }

    /// What is stored after an item was taken and sent.
    fn taken(stored: Option<Receipt>, submission: &Submission) -> Receipt {
        match Decision::on(stored, submission, &acme()) {
            Decision::Take(receipt) => {
                let json = serde_json::to_value(receipt.sent()).expect("JSON");
                serde_json::from_value(json).expect("its own document")
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_repeat_is_told_from_a_correction_and_from_what_cannot_be() {
        let first = submission(0, json!({}));
        let receipt = taken(None, &first);
        assert_eq!(receipt.event_id(), "acme|r-1");
        let decide =
            |stored: &Receipt, submission: &Submission| Decision::on(Some(stored.clone()), submission, &acme());
        assert_eq!(decide(&receipt, &first), Decision::Repeated);
        assert_eq!(decide(&receipt, &submission(0, json!({ "rating": 5.0 }))), Decision::Repeated);
        for (change, refusal) in [
            (json!({ "rating": 1 }), Refusal::SameTime),
            (json!({ "customerRef": "jane" }), Refusal::AboutElse),
            (json!({ "customerRef": "jane", "at": "2026-06-01T11:30:00Z" }), Refusal::AboutElse),
            (json!({ "productId": "tent" }), Refusal::AboutElse),
            (json!({ "about": "customer" }), Refusal::AboutElse),
            (json!({ "at": "2026-06-01T10:59:59Z" }), Refusal::Older),
        ] {
            assert_eq!(decide(&receipt, &submission(0, change.clone())), Decision::Refused(refusal), "{change}");
        }
        let corrected = taken(Some(receipt), &submission(1, json!({ "rating": 1 })));
        assert_eq!(corrected.event_id(), "acme|r-1|2");
        assert_eq!(decide(&corrected, &first), Decision::Repeated, "an old call, sent again");
        assert_eq!(decide(&corrected, &submission(1, json!({ "rating": 1 }))), Decision::Repeated);
        // Back to what it said first is a correction like any other.
        let back = taken(Some(corrected), &submission(2, json!({})));
        assert_eq!(back.event_id(), "acme|r-1|3");
        let withdrawn = back.withdrawn(NOW).sent();
        assert_eq!(withdrawn.event_id(), "acme|r-1|withdrawn");
        for minute in 0..4 {
            assert_eq!(decide(&withdrawn, &submission(minute, json!({}))), Decision::Refused(Refusal::Withdrawn));
        }
        let left = serde_json::to_string(&withdrawn).expect("JSON");
        assert!(!left.contains("boots") && !left.contains("cst_") && !left.contains("content"), "{left}");
    }

    #[test]
    fn a_correction_that_leaves_out_who_gave_it_is_still_from_them() {
        let first = taken(None, &submission(0, json!({})));
        let anonymous = taken(Some(first.clone()), &submission(1, json!({ "customerRef": null })));
        assert_eq!(anonymous.customer, first.customer);
        let unnamed = taken(None, &submission(0, json!({ "customerRef": null })));
        assert_eq!(taken(Some(unnamed), &submission(1, json!({}))).customer, first.customer);
    }

    #[test]
    fn what_nobody_saw_sent_is_sent_again_as_it_was() {
        let first = submission(0, json!({}));
        let Decision::Take(unsent) = Decision::on(None, &first, &acme()) else { panic!("it is new") };
        assert_eq!(Decision::on(Some((*unsent).clone()), &first, &acme()), Decision::Resume(unsent.clone()));
        let withdrawn = unsent.withdrawn(NOW);
        let event = withdrawn.withdrawal().expect("an event");
        let later = withdrawn.withdrawn(NOW + time::Duration::HOUR);
        assert_eq!((later.withdrawal(), later.is_unsent()), (Some(event), true), "one id, one content");
    }

    #[test]
    fn a_receipt_stays_small_however_often_an_item_is_corrected() {
        let mut receipt = taken(None, &submission(0, json!({})));
        for minute in 1..60 {
            receipt = taken(Some(receipt), &submission(minute, json!({ "rating": minute % 5 + 1 })));
        }
        assert_eq!((receipt.event_id().as_str(), receipt.versions.len()), ("acme|r-1|60", MOST_VERSIONS));
        assert_eq!(Decision::on(Some(receipt), &submission(0, json!({})), &acme()), Decision::Refused(Refusal::Older));
    }
}
