//! Listener: a partner's command on its own machine that gets events through a queue of its own, for some hours.
//!
//! Event Grid puts the events into the queue, by an event subscription that ends by itself. Queue and event subscription have one name, made
//! of the listener's id; whose document is gone has neither.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Audience, ListenerId, PartnerName, SubscriptionName, selection::Selection, webhook_secret::SecretVersion};

/// The most listeners of a partner at once: a topic has 500 event subscriptions for all.
pub const MOST_LISTENERS: usize = 3;
/// Hours that a listener lasts unless it is renewed: the fewest, unless said, and the most.
pub const SHORTEST_HOURS: u32 = 1;
/// See [`SHORTEST_HOURS`].
pub const USUAL_HOURS: u32 = 2;
/// See [`SHORTEST_HOURS`].
pub const LONGEST_HOURS: u32 = 24;

/// Attempts and minutes after which Event Grid gives an event up: its own limits.
const ATTEMPTS: u32 = 30;
const MINUTES: u32 = 1440;

/// A listener. As JSON the document of `partners/listeners`, with the partition key `partner`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// Which of the partner's.
    pub id: ListenerId,
    /// Whose.
    pub partner: PartnerName,
    /// Which events.
    pub selection: Selection,
    /// The subscription whose events it gets as well, those that are for that one alone too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<SubscriptionName>,
    /// What its own secret is made of.
    pub secret: SecretVersion,
    /// How long it lasts after it was made or renewed.
    pub hours: u32,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    pub expires: OffsetDateTime,
    /// Whether Event Grid was seen to deliver to its queue.
    #[serde(default)]
    pub live: bool,
}

impl Listener {
    /// A new one. `master` is the id of the master key that its secret is made of.
    pub fn new(
        (partner, id): (PartnerName, ListenerId),
        selection: Selection,
        like: Option<SubscriptionName>,
        master: &str,
        hours: u32,
        now: OffsetDateTime,
    ) -> Self {
        let secret = SecretVersion { master: master.to_owned(), number: now.unix_timestamp(), since: now, until: None };
        Self { id, partner, selection, like, secret, hours, created: now, expires: end(hours, now), live: false }
    }

    /// Whether its time is over.
    pub fn is_over(&self, now: OffsetDateTime) -> bool {
        now >= self.expires
    }

    /// The same for as long again.
    #[must_use]
    pub fn renewed(&self, now: OffsetDateTime) -> Self {
        Self { expires: end(self.hours, now), ..self.clone() }
    }

    /// The same, whose time is over: whoever looks next removes what it has.
    #[must_use]
    pub fn ended(&self, now: OffsetDateTime) -> Self {
        Self { expires: self.expires.min(now), ..self.clone() }
    }

    /// Whether events can be sent to it alone: its own audience is left out where the filter of the subscription that it is like has no value to spare.
    pub fn has_own_audience(&self) -> bool {
        self.like.is_none() || self.selection.has_room_for_audience()
    }

    /// The audiences whose events it gets.
    pub fn audiences(&self) -> Vec<Audience> {
        let mut audiences = vec![Audience::All, Audience::Partner(self.partner.clone())];
        audiences.extend(self.like.clone().map(|like| Audience::Subscription(self.partner.clone(), like)));
        audiences.extend(self.has_own_audience().then(|| self.audience()));
        audiences
    }

    /// The audience that is the listener alone.
    pub fn audience(&self) -> Audience {
        Audience::Listener(self.partner.clone(), self.id.clone())
    }

    /// What Resource Manager is told: a subscription to the queue in the account with the resource id `storage`, which ends by itself.
    /// Event Grid writes as the topic's identity, since the account takes no keys. Repeating it changes nothing.
    pub fn event_subscription(&self, storage: Option<&str>) -> Value {
        // A message is of no use when the listener is over, which may be renewed.
        let life = i64::from(self.hours) * 3600 * 2;
        let mut queue = json!({ "queueName": self.id.resource_name(), "queueMessageTimeToLiveInSeconds": life });
        if let Some(storage) = storage {
            queue["resourceId"] = json!(storage);
        }
        let destination = json!({ "endpointType": "StorageQueue", "properties": queue });
        json!({ "properties": {
            "deliveryWithResourceIdentity": { "identity": { "type": "SystemAssigned" }, "destination": destination },
            "eventDeliverySchema": "CloudEventSchemaV1_0",
            "filter": self.selection.filter_for(&self.audiences()),
            "retryPolicy": { "maxDeliveryAttempts": ATTEMPTS, "eventTimeToLiveInMinutes": MINUTES },
            "labels": [format!("partner:{}", self.partner), format!("listener:{}", self.id)],
            "expirationTimeUtc": self.expires.format(&Rfc3339).unwrap_or_default(),
        } })
    }
}

fn end(hours: u32, now: OffsetDateTime) -> OffsetDateTime {
    let end = now.saturating_add(Duration::hours(hours.into()));
    end.replace_nanosecond(0).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::partner::selection::MOST_VALUES;

    const NOW: OffsetDateTime = datetime!(2027-03-04 10:00 UTC);

    fn listener(categories: usize, like: Option<&str>) -> Listener {
        let names: Vec<String> = (0..categories).map(|index| format!("c{index}")).collect();
        let selection: Selection = serde_json::from_value(match categories {
            0 => json!({}),
            _ => json!({ "categories": names }),
        })
        .expect("a selection");
        let like = like.map(|name| name.to_owned().try_into().expect("a name"));
        let names = ("acme".to_owned().try_into().expect("a name"), ListenerId::of("0123456789abcdef").expect("an id"));
        Listener::new(names, selection, like, "m", 2, NOW)
    }

    fn audiences(told: &Value) -> Vec<&str> {
        let filter = &told["properties"]["filter"]["advancedFilters"][0];
        assert_eq!(filter["key"], "audience");
        filter["values"].as_array().expect("a list").iter().filter_map(Value::as_str).collect()
    }

    #[test]
    fn a_listener_is_an_event_subscription_to_its_own_queue_that_ends_by_itself() {
        let listener = listener(0, None);
        let told = listener.event_subscription(Some("/subscriptions/0/storageAccounts/a"));
        let properties = &told["properties"];
        assert_eq!(properties["expirationTimeUtc"], "2027-03-04T12:00:00Z");
        let queue = &properties["deliveryWithResourceIdentity"]["destination"]["properties"];
        assert_eq!(queue["queueName"], "lsn-0123456789abcdef");
        assert_eq!(audiences(&told), ["all", "acme", "acme/lsn_0123456789abcdef"]);
        assert!(properties.get("destination").is_none(), "keys of the account are off");
        let renewed = listener.renewed(NOW + Duration::hours(1));
        assert_eq!(renewed.event_subscription(None)["properties"]["expirationTimeUtc"], "2027-03-04T13:00:00Z");
        assert!(!renewed.is_over(NOW + Duration::hours(2)) && listener.is_over(NOW + Duration::hours(2)));
        assert!(listener.ended(NOW).is_over(NOW));
    }

    #[test]
    fn like_a_subscription_it_gets_what_is_for_that_one_and_keeps_within_the_values() {
        let told = listener(1, Some("prices")).event_subscription(None);
        assert_eq!(audiences(&told), ["all", "acme", "acme/prices", "acme/lsn_0123456789abcdef"]);
        // All 25 values of the subscription are in use.
        let full = listener(22, Some("prices"));
        assert_eq!(full.selection.values(), MOST_VALUES);
        assert_eq!(audiences(&full.event_subscription(None)), ["all", "acme", "acme/prices"]);
        assert!(!full.has_own_audience());
    }
}
