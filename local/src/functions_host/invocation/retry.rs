//! Retry policies of `function.json` and `host.json`.

use std::time::Duration;

use rand::Rng as _;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::exception::Exception;
use crate::functions_host::app::time_span;

/// When a failed invocation is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryPolicy {
    /// Retries after the first attempt; `None` is unlimited (`-1`).
    pub(crate) max: Option<u32>,
    strategy: Strategy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strategy {
    FixedDelay(Duration),
    ExponentialBackoff { minimum: Duration, maximum: Duration },
}

/// What the handler is told of earlier attempts.
#[derive(Clone, Debug, Default)]
pub(crate) struct RetryContext {
    /// 0 at the first attempt.
    pub(crate) count: u32,
    pub(crate) max: Option<u32>,
    /// Null at the first attempt.
    pub(crate) exception: Option<Exception>,
}

impl Serialize for RetryContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("RetryCount", &self.count)?;
        map.serialize_entry("MaxRetryCount", &self.max.map_or(-1, i64::from))?;
        map.serialize_entry("Exception", &self.exception)?;
        map.serialize_entry("Instance", &())?;
        map.serialize_entry("State", &serde_json::Map::new())?;
        map.end()
    }
}

impl RetryPolicy {
    /// Reads the fields of a `retry` section; `None` where there is no strategy. Every field of the chosen strategy is
    /// required.
    ///
    /// # Errors
    /// The field at fault and what is wrong with it.
    pub(crate) fn read(field: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, (&'static str, String)> {
        let required = |name: &'static str| field(name).ok_or((name, "is missing".to_owned()));
        let interval = |name: &'static str| {
            let text = required(name)?;
            time_span::parse(&text).ok_or((name, format!("'{text}' is not a time span such as 00:00:10")))
        };
        let strategy = match field("strategy") {
            None if field("maxRetryCount").is_none() => return Ok(None),
            None => return Err(("strategy", "is missing".to_owned())),
            Some(name) if name.eq_ignore_ascii_case("fixedDelay") => Strategy::FixedDelay(interval("delayInterval")?),
            Some(name) if name.eq_ignore_ascii_case("exponentialBackoff") => Strategy::ExponentialBackoff {
                minimum: interval("minimumInterval")?,
                maximum: interval("maximumInterval")?,
            },
            Some(other) => return Err(("strategy", format!("'{other}' is neither fixedDelay nor exponentialBackoff"))),
        };
        let count = required("maxRetryCount")?;
        let max = match count.parse::<i64>() {
            Ok(-1) => None,
            Ok(max) => Some(u32::try_from(max).map_err(|_| ("maxRetryCount", format!("{count} is out of range")))?),
            Err(_) => return Err(("maxRetryCount", format!("'{count}' is not a number"))),
        };
        if let Strategy::ExponentialBackoff { minimum, maximum } = strategy
            && minimum > maximum
        {
            return Err(("minimumInterval", "is longer than maximumInterval".to_owned()));
        }
        Ok(Some(Self { max, strategy }))
    }

    /// The delays of one retry loop.
    pub(crate) fn delays(self) -> Delays {
        Delays { policy: self, retry: 0, at_maximum: false }
    }
}

/// State of one retry loop. It lives in the host's memory alone and is lost when the host stops.
pub(crate) struct Delays {
    policy: RetryPolicy,
    retry: u32,
    at_maximum: bool,
}

impl Iterator for Delays {
    type Item = Duration;

    /// How long to wait before the next retry; `None` when there is none.
    fn next(&mut self) -> Option<Duration> {
        if self.policy.max.is_some_and(|max| self.retry >= max) {
            return None;
        }
        self.retry = self.retry.saturating_add(1);
        Some(match self.policy.strategy {
            Strategy::FixedDelay(delay) => delay,
            Strategy::ExponentialBackoff { maximum, .. } if self.at_maximum => maximum,
            Strategy::ExponentialBackoff { minimum, .. } if self.retry == 1 => minimum,
            Strategy::ExponentialBackoff { minimum, maximum } => {
                // Beyond 2^62 every interval is at its maximum, or the minimum is zero.
                let doublings = i32::try_from((self.retry - 2).min(62)).unwrap_or(62);
                let growth = rand::rng().random_range(0.8..1.2) * 2_f64.powi(doublings);
                let delay = minimum.as_secs_f64() * (1.0 + growth);
                self.at_maximum = delay >= maximum.as_secs_f64();
                if self.at_maximum { maximum } else { Duration::from_secs_f64(delay) }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(fields: &[(&str, &str)]) -> Result<Option<RetryPolicy>, (&'static str, String)> {
        RetryPolicy::read(&|name| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_fixed_delay_ends_after_its_count() {
        let policy = policy(&[("strategy", "fixedDelay"), ("maxRetryCount", "2"), ("delayInterval", "00:00:10")]);
        let delays: Vec<_> = policy.expect("valid").expect("a policy").delays().collect();
        assert_eq!(delays, [Duration::from_secs(10); 2]);
    }

    #[test]
    fn exponential_delays_grow_within_bounds_and_stay_at_the_maximum() {
        let policy = policy(&[
            ("strategy", "exponentialBackoff"),
            ("maxRetryCount", "-1"),
            ("minimumInterval", "00:00:05"),
            ("maximumInterval", "00:01:00"),
        ]);
        let delays: Vec<f64> =
            policy.expect("valid").expect("a policy").delays().take(100).map(|delay| delay.as_secs_f64()).collect();
        assert!((delays[0] - 5.0).abs() < 1e-9);
        assert!((9.0..11.0).contains(&delays[1]), "{}", delays[1]);
        assert!((13.0..17.0).contains(&delays[2]), "{}", delays[2]);
        assert!(delays[6..].iter().all(|delay| (delay - 60.0).abs() < 1e-9), "{delays:?}");
    }

    #[test]
    fn every_field_of_a_strategy_is_required() {
        assert_eq!(policy(&[]), Ok(None));
        let missing = policy(&[("strategy", "fixedDelay"), ("maxRetryCount", "1")]);
        assert_eq!(missing, Err(("delayInterval", "is missing".to_owned())));
    }
}
