//! Rate limits: how many clicks one visitor and one client address may send.
//!
//! The generic cell rate algorithm: an allowance of clicks at once, refilled at a steady rate. Each instance of the app counts for
//! itself. Memory is bounded whatever is sent: callers are told apart by a hash of a few bits, so that there are only so many. That
//! two share an allowance is as rare as the slots are many, and the hash is drawn at each start, so that nobody can aim at another.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use axum::http::HeaderMap;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use crate::{domain::click::VisitorId, settings::SiteSettings};

/// The most clicks of one request.
pub(super) const MAX_CLICKS: u32 = 500;

/// Callers told apart: some megabytes if all are in use.
const SLOTS: u64 = 1 << 18;

/// The fewest clicks at once, whatever the rate: those of one full request.
const LEAST_BURST: u32 = MAX_CLICKS;

/// Seconds of the rate that may come at once.
const BURST_SECONDS: u32 = 10;

/// Who may send how much.
pub(super) struct Limits {
    visitors: Limit,
    addresses: Limit,
}

/// Too much was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany {
    /// How long to wait before the same can be sent again.
    pub(super) wait: Duration,
}

impl Limits {
    pub(super) fn new(settings: &SiteSettings) -> Self {
        Self { visitors: Limit::new(settings.clicks_per_visitor), addresses: Limit::new(settings.clicks_per_address) }
    }

    /// Takes one click from a visitor's allowance.
    pub(super) fn visitor(&self, visitor: &VisitorId) -> Result<(), TooMany> {
        self.visitors.take(visitor, 1)
    }

    /// Takes clicks from the allowance of whoever sent a request with these headers.
    pub(super) fn address(&self, headers: &HeaderMap, clicks: u32) -> Result<(), TooMany> {
        self.addresses.take(&address(headers), clicks)
    }
}

/// One allowance per caller; `None` sets no limit.
struct Limit {
    limiter: Option<DefaultKeyedRateLimiter<u64>>,
    hasher: RandomState,
    clock: DefaultClock,
}

impl Limit {
    fn new(per_second: u32) -> Self {
        let quota = NonZeroU32::new(per_second).map(|rate| {
            let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
            Quota::per_second(rate).allow_burst(burst.max(NonZeroU32::MIN.saturating_add(LEAST_BURST - 1)))
        });
        Self { limiter: quota.map(RateLimiter::keyed), hasher: RandomState::new(), clock: DefaultClock::default() }
    }

    fn take(&self, caller: &impl Hash, clicks: u32) -> Result<(), TooMany> {
        let (Some(limiter), Some(clicks)) = (&self.limiter, NonZeroU32::new(clicks)) else { return Ok(()) };
        let slot = self.hasher.hash_one(caller) % SLOTS;
        match limiter.check_key_n(&slot, clicks) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(TooMany { wait: until.wait_time_from(self.clock.now()) }),
            // More than the whole allowance, which holds one full request: not reached.
            Err(_) => Err(TooMany { wait: Duration::from_secs(1) }),
        }
    }
}

/// The client's address as the platform's front end saw it: the last hop of `X-Forwarded-For`, which it adds itself; what stands before
/// was said by the client. Without a front end all callers are one. Of IPv6 the network counts: a client has 2^64 addresses in it.
fn address(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim();
    let address = last.parse().ok().or_else(|| last.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(match address {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        IpAddr::V4(_) => address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_is_no_flood_of_another() {
        let limit = Limit::new(10);
        let taken = (0..2_000).filter(|_| limit.take(&"flood", 1).is_ok()).count();
        assert!((500..1_000).contains(&taken), "{taken}");
        let wait = limit.take(&"flood", 500).expect_err("too many").wait;
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(50), "{wait:?}");
        assert_eq!(limit.take(&"other", 500), Ok(()));
        assert_eq!(Limit::new(0).take(&"anyone", u32::MAX), Ok(()));
    }

    #[test]
    fn memory_is_bounded_whoever_comes() {
        let limit = Limit::new(10);
        for caller in 0..SLOTS * 2 {
            assert_eq!(limit.take(&caller, 1), Ok(()));
        }
        assert!(limit.limiter.expect("a limit").len() as u64 <= SLOTS);
    }

    #[test]
    fn only_the_last_hop_is_believed() {
        let seen = |value: &'static str| {
            address(&HeaderMap::from_iter([(
                "x-forwarded-for".parse().expect("a name"),
                value.parse().expect("a value"),
            )]))
        };
        assert_eq!(seen("10.0.0.1, 203.0.113.7:4711"), Some([203, 0, 113, 7].into()));
        assert_eq!(seen("203.0.113.7"), Some([203, 0, 113, 7].into()));
        assert_eq!(seen("[2001:db8:1:2:3:4:5:6]:443"), seen("2001:db8:1:2::9"));
        assert_ne!(seen("2001:db8:1:2::9"), seen("2001:db8:1:3::9"));
        assert_eq!(seen("unknown"), None);
        assert_eq!(address(&HeaderMap::new()), None);
    }
}
