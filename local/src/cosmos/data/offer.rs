//! Offers: the throughput of a container, or of a database whose containers share it. Nothing is held to it here but the number
//! of ranges; limits are a lever.

use serde_json::{Value, json};

use crate::cosmos::{
    data::{definition::Stamp, resource_id::OfferId},
    wire::refusal::Refusal,
};

/// What a container has for which nothing is stated.
pub(in crate::cosmos) const DEFAULT: Throughput = Throughput::Manual(LEAST);
/// Least manual throughput, request units a second.
const LEAST: u64 = 400;
/// Least maximum of autoscale, and its steps.
const LEAST_MAXIMUM: u64 = 1000;
/// Manual throughput is a multiple of this.
const STEP: u64 = 100;
/// Most that the service gives without being asked by other ways, "Azure Cosmos DB service quotas".
const MOST: u64 = 1_000_000;

/// Request units a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cosmos) enum Throughput {
    Manual(u64),
    /// Up to so much.
    Autoscale(u64),
}

/// An offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cosmos) struct Offer {
    pub(in crate::cosmos) id: OfferId,
    /// `_self` of what it is for.
    pub(in crate::cosmos) link: String,
    /// `_rid` of what it is for.
    pub(in crate::cosmos) resource_id: String,
    pub(in crate::cosmos) throughput: Throughput,
    pub(in crate::cosmos) stamp: Stamp,
}

impl Throughput {
    /// What the headers of a creation state, `x-ms-offer-throughput` and `x-ms-cosmos-offer-autopilot-settings`.
    ///
    /// # Errors
    /// 400 where that is no throughput.
    pub(in crate::cosmos) fn of_headers(
        manual: Option<&str>,
        autoscale: Option<&str>,
    ) -> Result<Option<Self>, Refusal> {
        match (manual, autoscale) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Refusal::bad_request("Throughput is either manual or autoscale.")),
            (Some(manual), None) => {
                let number = manual.trim().parse().map_err(|_| none(manual))?;
                Self::Manual(number).checked().map(Some)
            }
            (None, Some(settings)) => {
                let parsed: Value = contoso_json::from_str(settings).map_err(|_| none(settings))?;
                let maximum = parsed.get("maxThroughput").and_then(Value::as_u64).ok_or_else(|| none(settings))?;
                Self::Autoscale(maximum).checked().map(Some)
            }
        }
    }

    /// What the body of an offer states.
    ///
    /// # Errors
    /// 400 where that is no throughput.
    pub(in crate::cosmos) fn of_offer(body: &[u8]) -> Result<Self, Refusal> {
        let offer: Value = contoso_json::from_slice(body).map_err(|error| none(&error.to_string()))?;
        let content = &offer["content"];
        let throughput = match content.get("offerAutopilotSettings").filter(|settings| !settings.is_null()) {
            Some(settings) => settings.get("maxThroughput").and_then(Value::as_u64).map(Self::Autoscale),
            None => content.get("offerThroughput").and_then(Value::as_u64).map(Self::Manual),
        };
        throughput.ok_or_else(|| none(&content.to_string()))?.checked()
    }

    fn checked(self) -> Result<Self, Refusal> {
        match self {
            Self::Manual(number) if number < LEAST => {
                let message = format!("The value of throughput is {number}, and the least is {LEAST} RU/s.");
                Err(Refusal::bad_request(message))
            }
            Self::Autoscale(maximum) if maximum < LEAST_MAXIMUM || !maximum.is_multiple_of(LEAST_MAXIMUM) => {
                let message = format!("The maximum of autoscale is a multiple of {LEAST_MAXIMUM} RU/s, not {maximum}.");
                Err(Refusal::bad_request(message))
            }
            _ => Ok(self),
        }
    }

    /// Whether a request may ask for it. What was stored before this was checked is kept.
    ///
    /// # Errors
    /// 400 where it is too much, or no multiple of what the service counts in.
    pub(in crate::cosmos) fn check_most(self) -> Result<(), Refusal> {
        if let Self::Manual(number) = self
            && !number.is_multiple_of(STEP)
        {
            let message = format!("The value of throughput is a multiple of {STEP} RU/s, not {number}.");
            return Err(Refusal::bad_request(message));
        }
        match self.maximum() {
            number if number > MOST => {
                let message = format!("The value of throughput is {number}, and the most is {MOST} RU/s.");
                Err(Refusal::bad_request(message))
            }
            _ => Ok(()),
        }
    }

    /// The least that it could be.
    pub(in crate::cosmos) fn least(self) -> u64 {
        match self {
            Self::Manual(_) => LEAST,
            Self::Autoscale(_) => LEAST_MAXIMUM,
        }
    }

    /// The most it ever is.
    pub(in crate::cosmos) fn maximum(self) -> u64 {
        match self {
            Self::Manual(number) | Self::Autoscale(number) => number,
        }
    }

    /// The same as autoscale, or as manual, as the service makes it of the other.
    pub(in crate::cosmos) fn migrated(self, to_autoscale: bool) -> Self {
        match self {
            Self::Manual(number) if to_autoscale => {
                Self::Autoscale(number.div_ceil(LEAST_MAXIMUM).max(1).saturating_mul(LEAST_MAXIMUM))
            }
            Self::Autoscale(maximum) if !to_autoscale => Self::Manual(maximum),
            same => same,
        }
    }
}

impl Offer {
    /// `_self`.
    pub(in crate::cosmos) fn self_link(&self) -> String {
        format!("offers/{}/", self.id)
    }

    /// As the service answers it. `Invalid` is its type for throughput of any number ("Offers", REST reference).
    pub(in crate::cosmos) fn answered(&self) -> Value {
        let mut content = json!({ "offerIsRUPerMinuteThroughputEnabled": false });
        match self.throughput {
            Throughput::Manual(number) => content["offerThroughput"] = number.into(),
            Throughput::Autoscale(maximum) => {
                content["offerThroughput"] = (maximum / 10).into();
                content["offerAutopilotSettings"] = json!({ "maxThroughput": maximum });
            }
        }
        json!({
            "id": self.id.to_string(),
            "_rid": self.id.to_string(),
            "_self": self.self_link(),
            "_etag": self.stamp.etag,
            "_ts": self.stamp.seconds(),
            "resource": self.link,
            "offerResourceId": self.resource_id,
            "offerType": "Invalid",
            "offerVersion": "V2",
            "content": content,
        })
    }
}

fn none(stated: &str) -> Refusal {
    Refusal::bad_request(format!("{stated} is no throughput."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_is_manual_or_autoscale_and_not_too_little() {
        let of = Throughput::of_headers;
        assert_eq!(of(None, None), Ok(None));
        assert_eq!(of(Some("400"), None), Ok(Some(Throughput::Manual(400))));
        assert_eq!(of(None, Some(r#"{"maxThroughput":4000}"#)), Ok(Some(Throughput::Autoscale(4000))));
        for (manual, autoscale) in [
            (Some("300"), None),
            (Some("x"), None),
            (None, Some(r#"{"maxThroughput":1500}"#)),
            (None, Some("4000")),
            (Some("400"), Some(r#"{"maxThroughput":4000}"#)),
        ] {
            assert!(of(manual, autoscale).is_err(), "{manual:?} {autoscale:?}");
        }
        assert!(
            Throughput::Manual(1_000_000).check_most().is_ok()
                && Throughput::Autoscale(1_001_000).check_most().is_err()
        );
        assert!(Throughput::Manual(u64::MAX).migrated(true).check_most().is_err());
        assert_eq!(Throughput::Manual(1200).migrated(true), Throughput::Autoscale(2000));
        assert_eq!(Throughput::Autoscale(4000).migrated(false), Throughput::Manual(4000));
    }
}
