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
/// Where settings of autoscale have the percentage by which they grow, and what that may be.
const INCREMENT: &str = "/autoUpgradePolicy/throughputPolicy/incrementPercent";
const PERCENT: std::ops::RangeInclusive<i64> = 0..=100;
/// Stands for an increment that is no whole number: stored offers may have one, from when it was not read.
const NO_PERCENT: i64 = -1;
/// Most that the service gives without being asked by other ways, "Azure Cosmos DB service quotas".
const MOST: u64 = 1_000_000;

/// Request units a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cosmos) enum Throughput {
    Manual(u64),
    /// Up to so much.
    Autoscale {
        maximum: u64,
        /// By how many percent the service raises the maximum by itself, where what is stored outgrows it. Kept and answered;
        /// nothing is raised here.
        increment_percent: Option<i64>,
    },
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
                Self::of_settings(&parsed).ok_or_else(|| none(settings))?.checked().map(Some)
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
            Some(settings) => Self::of_settings(settings),
            None => content.get("offerThroughput").and_then(Value::as_u64).map(Self::Manual),
        };
        throughput.ok_or_else(|| none(&content.to_string()))?.checked()
    }

    /// What settings of autoscale state, in a header as in an offer.
    fn of_settings(settings: &Value) -> Option<Self> {
        let increment = settings.pointer(INCREMENT).filter(|increment| !increment.is_null());
        let increment_percent = increment.map(|increment| increment.as_i64().unwrap_or(NO_PERCENT));
        Some(Self::Autoscale { maximum: settings.get("maxThroughput")?.as_u64()?, increment_percent })
    }

    /// The settings of autoscale as an offer has them.
    fn settings(maximum: u64, increment_percent: Option<i64>) -> Value {
        let mut settings = json!({ "maxThroughput": maximum });
        if let Some(percent) = increment_percent.filter(|percent| PERCENT.contains(percent)) {
            settings["autoUpgradePolicy"] = json!({ "throughputPolicy": { "incrementPercent": percent } });
        }
        settings
    }

    fn checked(self) -> Result<Self, Refusal> {
        match self {
            Self::Manual(number) if number < LEAST => {
                let message = format!("The value of throughput is {number}, and the least is {LEAST} RU/s.");
                Err(Refusal::bad_request(message))
            }
            Self::Autoscale { maximum, .. } if maximum < LEAST_MAXIMUM || !maximum.is_multiple_of(LEAST_MAXIMUM) => {
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
        if let Self::Autoscale { increment_percent: Some(percent), .. } = self
            && !PERCENT.contains(&percent)
        {
            return Err(Refusal::bad_request("incrementPercent of autoscale is a whole number from 0 to 100."));
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
            Self::Autoscale { .. } => LEAST_MAXIMUM,
        }
    }

    /// The most it ever is.
    pub(in crate::cosmos) fn maximum(self) -> u64 {
        match self {
            Self::Manual(number) | Self::Autoscale { maximum: number, .. } => number,
        }
    }

    /// The same as autoscale, or as manual, as the service makes it of the other.
    pub(in crate::cosmos) fn migrated(self, to_autoscale: bool) -> Self {
        match self {
            Self::Manual(number) if to_autoscale => Self::Autoscale {
                maximum: number.div_ceil(LEAST_MAXIMUM).max(1).saturating_mul(LEAST_MAXIMUM),
                increment_percent: None,
            },
            Self::Autoscale { maximum, .. } if !to_autoscale => Self::Manual(maximum),
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
            Throughput::Autoscale { maximum, increment_percent } => {
                content["offerThroughput"] = (maximum / 10).into();
                content["offerAutopilotSettings"] = Throughput::settings(maximum, increment_percent);
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
        let autoscale = |maximum| Throughput::Autoscale { maximum, increment_percent: None };
        assert_eq!(of(None, None), Ok(None));
        assert_eq!(of(Some("400"), None), Ok(Some(Throughput::Manual(400))));
        assert_eq!(of(None, Some(r#"{"maxThroughput":4000}"#)), Ok(Some(autoscale(4000))));
        for (manual, autoscale) in [
            (Some("300"), None),
            (Some("x"), None),
            (None, Some(r#"{"maxThroughput":1500}"#)),
            (None, Some("4000")),
            (Some("400"), Some(r#"{"maxThroughput":4000}"#)),
        ] {
            assert!(of(manual, autoscale).is_err(), "{manual:?} {autoscale:?}");
        }
        assert!(Throughput::Manual(1_000_000).check_most().is_ok() && autoscale(1_001_000).check_most().is_err());
        assert!(Throughput::Manual(u64::MAX).migrated(true).check_most().is_err());
        assert_eq!(Throughput::Manual(1200).migrated(true), autoscale(2000));
        assert_eq!(autoscale(4000).migrated(false), Throughput::Manual(4000));
    }

    #[test]
    fn the_increment_of_autoscale_is_a_percentage_where_it_is_asked_for_and_whatever_it_was_where_it_is_stored() {
        let of = |increment: Value| {
            let policy = json!({ "throughputPolicy": { "incrementPercent": increment } });
            let settings = json!({ "maxThroughput": 4000, "autoUpgradePolicy": policy }).to_string();
            Throughput::of_headers(None, Some(&settings)).unwrap().unwrap()
        };
        let ten = Throughput::Autoscale { maximum: 4000, increment_percent: Some(10) };
        assert_eq!((of(json!(10)), ten.check_most()), (ten, Ok(())));
        assert_eq!(of(Value::Null), Throughput::Autoscale { maximum: 4000, increment_percent: None });
        for wrong in [json!(-5), json!(101), json!("10"), json!(1.5)] {
            assert!(of(wrong.clone()).check_most().is_err(), "{wrong}");
        }
    }
}
