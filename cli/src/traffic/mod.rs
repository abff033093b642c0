//! Believable visitors: when they come, what they look at, and how long they stay. Pure: the same seed plans the same clicks.
//!
//! Sessions arrive as a Poisson process whose rate follows the `season`, with bursts on top. What a session looks at is
//! `popularity`'s: some products are far more popular than others, and one product leads to its neighbours.

mod popularity;
mod season;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

use rand::{Rng, rngs::StdRng};
use rand_distr::{Distribution, Exp, Geometric, LogNormal};

use self::{popularity::Popularity, season::Season};
pub use popularity::Item;

/// Clicks of a session on average, as in the log of a real shop (99,180 clicks in 14,444 sessions, UCI data set 553).
const CLICKS_PER_SESSION: f64 = 6.9;
/// Median of the seconds between two clicks of a session, and the spread of their logarithm.
const THINKING: (f64, f64) = (9.0, 0.9);
const LONGEST_THINKING: Duration = Duration::from_secs(600);
/// Sessions begin this long before the first planned click, so that the rate is right from the start.
const WARM_UP: Duration = Duration::from_secs(900);
/// The share of sessions whose visitor was here before, and how many are remembered for that.
const RETURNING: f64 = 0.6;
const REMEMBERED: usize = 10_000;
/// A burst: how many times the usual number of sessions, and the share of them that begin at one product.
const BURST_FACTOR: f64 = 4.0;
const BURST_SHARE: f64 = 0.7;
const BURST_LASTS: std::ops::Range<f64> = 20.0..90.0;

/// What to plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Clicks per second, averaged over a day.
    pub rate: f64,
    /// How long.
    pub duration: Duration,
    /// How long a day lasts; its hours shrink with it.
    pub day: Duration,
    /// What time of that day it is at the start, from 0 (midnight) to 1.
    pub time_of_day: f64,
    /// Bursts per hour on average.
    pub bursts: f64,
    /// When no click arrives.
    pub outages: Vec<Outage>,
    /// The share of visitors who consent to be recognised.
    pub consent: f64,
}

/// A span without clicks, from the start of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When it begins.
    pub after: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

/// One click to come.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// When, from the start of the plan.
    pub at: Duration,
    /// Which product, as a place in the list the plan was made of.
    pub product: usize,
    /// Who; numbers are given in the order of arrival.
    pub visitor: u64,
    /// The visit.
    pub session: u64,
    /// Whether the visitor consents to be recognised.
    pub consent: bool,
}

/// The clicks of a plan in the order of their times.
pub struct Traffic {
    plan: Plan,
    popularity: Popularity,
    season: Season,
    random: StdRng,
    /// Open sessions, the one with the earliest click first.
    open: BinaryHeap<Reverse<Session>>,
    /// When the next session begins, in seconds from the start of the plan; below zero while warming up.
    next_session: f64,
    burst: Option<Burst>,
    next_burst: f64,
    sessions: u64,
    visitors: u64,
    recent: VecDeque<(u64, bool)>,
}

struct Burst {
    ends: f64,
    product: usize,
}

/// Ordered by the time of its next click; the number breaks ties, so that the order never depends on the heap.
#[derive(PartialEq)]
struct Session {
    next: f64,
    number: u64,
    product: usize,
    visitor: u64,
    consent: bool,
    left: u64,
}

impl Eq for Session {}

impl PartialOrd for Session {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Session {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.next.total_cmp(&other.next).then(self.number.cmp(&other.number))
    }
}

impl Traffic {
    /// Plans clicks on `items`, of which there is at least one.
    #[must_use]
    pub fn new(items: &[Item], plan: Plan, mut random: StdRng) -> Self {
        let season = Season::new(plan.day, plan.time_of_day);
        let popularity = Popularity::new(items, &mut random);
        let mut traffic = Self {
            popularity,
            season,
            open: BinaryHeap::new(),
            next_session: -WARM_UP.as_secs_f64(),
            burst: None,
            next_burst: f64::INFINITY,
            sessions: 0,
            visitors: 0,
            recent: VecDeque::new(),
            plan,
            random,
        };
        traffic.next_burst = traffic.pause(traffic.plan.bursts / 3600.0);
        traffic.next_session += traffic.pause(traffic.busiest());
        traffic
    }

    /// Seconds until the next event of a Poisson process of `rate` per second; for ever if nothing happens.
    fn pause(&mut self, rate: f64) -> f64 {
        Exp::new(rate)
            .map_or(f64::INFINITY, |pauses| if rate > 0.0 { pauses.sample(&mut self.random) } else { f64::INFINITY })
    }

    /// The most sessions per second there can ever be.
    fn busiest(&self) -> f64 {
        self.plan.rate / CLICKS_PER_SESSION * Season::PEAK * BURST_FACTOR
    }

    /// Moves on to the moment of `next_session`: perhaps a session begins there (thinning of the busiest process).
    fn arrive(&mut self) {
        let now = self.next_session;
        self.next_session += self.pause(self.busiest());
        if now >= self.next_burst {
            let lasts = self.random.random_range(BURST_LASTS);
            self.burst = Some(Burst { ends: now + lasts, product: self.popularity.any(&mut self.random) });
            self.next_burst = now + lasts + self.pause(self.plan.bursts / 3600.0);
        }
        self.burst.take_if(|burst| burst.ends <= now);
        let factor = if self.burst.is_some() { BURST_FACTOR } else { 1.0 };
        let share = self.season.factor(now) * factor / (Season::PEAK * BURST_FACTOR);
        if !self.random.random_bool(share.clamp(0.0, 1.0)) {
            return;
        }
        let product = match &self.burst {
            Some(burst) if self.random.random_bool(BURST_SHARE) => burst.product,
            _ => self.popularity.first(&mut self.random),
        };
        let (visitor, consent) = self.visitor();
        // Geometric counts the failures before a success: one click, and as many more.
        let more = Geometric::new(1.0 / CLICKS_PER_SESSION).map_or(0, |more| more.sample(&mut self.random));
        self.sessions += 1;
        let session = Session { next: now, number: self.sessions, product, visitor, consent, left: more.min(200) };
        self.open.push(Reverse(session));
    }

    /// Somebody new, or somebody who was here before.
    fn visitor(&mut self) -> (u64, bool) {
        if !self.recent.is_empty() && self.random.random_bool(RETURNING) {
            return self.recent[self.random.random_range(0..self.recent.len())];
        }
        self.visitors += 1;
        let visitor = (self.visitors, self.random.random_bool(self.plan.consent));
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(visitor);
        visitor
    }

    /// The earliest click of all open sessions.
    fn click(&mut self) -> Option<(f64, Planned)> {
        loop {
            let earliest = self.open.peek().map_or(f64::INFINITY, |Reverse(session)| session.next);
            if self.next_session > earliest {
                break;
            }
            if self.next_session > self.plan.duration.as_secs_f64() {
                break;
            }
            self.arrive();
        }
        let Reverse(mut session) = self.open.pop()?;
        let seconds = session.next;
        let planned = Planned {
            at: Duration::from_secs_f64(seconds.max(0.0)),
            product: session.product,
            visitor: session.visitor,
            session: session.number,
            consent: session.consent,
        };
        if session.left > 0 {
            session.left -= 1;
            session.product = self.popularity.next(session.product, &mut self.random);
            let thinking = LogNormal::new(THINKING.0.ln(), THINKING.1)
                .map_or(THINKING.0, |seconds| seconds.sample(&mut self.random));
            session.next += thinking.min(LONGEST_THINKING.as_secs_f64());
            self.open.push(Reverse(session));
        }
        Some((seconds, planned))
    }
}

impl Iterator for Traffic {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        loop {
            let (seconds, planned) = self.click()?;
            if seconds >= self.plan.duration.as_secs_f64() {
                return None;
            }
            let is_out = self.plan.outages.iter().any(|outage| {
                let begins = outage.after.as_secs_f64();
                (begins..begins + outage.lasts.as_secs_f64()).contains(&seconds)
            });
            if seconds >= 0.0 && !is_out {
                return Some(planned);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::SeedableRng;

    use super::*;

    fn items() -> Vec<Item> {
        (0..60).map(|number| Item { id: format!("p{number}"), category: format!("c{}", number % 6) }).collect()
    }

    fn plan() -> Plan {
        Plan {
            rate: 50.0,
            duration: Duration::from_secs(3600),
            day: Duration::from_secs(3600),
            time_of_day: 0.0,
            bursts: 0.0,
            outages: Vec::new(),
            consent: 0.9,
        }
    }

    fn clicks(plan: Plan, seed: u64) -> Vec<Planned> {
        Traffic::new(&items(), plan, StdRng::seed_from_u64(seed)).collect()
    }

    #[test]
    fn the_same_seed_plans_the_same_clicks_in_order() {
        let planned = clicks(plan(), 7);
        assert_eq!(planned, clicks(plan(), 7));
        assert_ne!(planned, clicks(plan(), 8));
        assert!(planned.is_sorted_by_key(|click| click.at));
    }

    #[test]
    fn the_rate_is_kept_over_a_day_and_follows_its_hours() {
        let planned = clicks(plan(), 1);
        let wanted = 50.0 * 3600.0;
        let got = planned.len() as f64;
        assert!((0.9..1.1).contains(&(got / wanted)), "{got} of {wanted}");
        // A session goes on for as long as an hour of this short day lasts, which levels the hours.
        let of_hour = |hour: u64| planned.iter().filter(|click| click.at.as_secs() / 150 == hour).count() as f64;
        assert!(of_hour(20) > 2.0 * of_hour(4), "{} at 20, {} at 4", of_hour(20), of_hour(4));
    }

    #[test]
    fn a_few_products_get_most_clicks_and_sessions_are_as_long_as_real_ones() {
        let planned = clicks(plan(), 2);
        let mut views = HashMap::<usize, usize>::new();
        let mut sessions = HashMap::<u64, usize>::new();
        for click in &planned {
            *views.entry(click.product).or_default() += 1;
            *sessions.entry(click.session).or_default() += 1;
        }
        let mut views: Vec<usize> = views.into_values().collect();
        views.sort_unstable_by(|a, b| b.cmp(a));
        let top: usize = views.iter().take(6).sum();
        assert!(top * 10 > planned.len() * 2, "the top tenth has {top} of {}", planned.len());
        let mean = planned.len() as f64 / sessions.len() as f64;
        assert!((6.0..8.0).contains(&mean), "{mean} clicks a session");
    }

    #[test]
    fn nothing_arrives_during_an_outage_and_more_during_a_burst() {
        let outage = Outage { after: Duration::from_secs(600), lasts: Duration::from_secs(60) };
        let planned = clicks(Plan { outages: vec![outage], ..plan() }, 3);
        assert!(!planned.iter().any(|click| (600..660).contains(&click.at.as_secs())));
        assert!(planned.iter().any(|click| (590..600).contains(&click.at.as_secs())));
        let usual = clicks(plan(), 3).len();
        let with_bursts = clicks(Plan { bursts: 30.0, ..plan() }, 3).len();
        assert!(with_bursts > usual * 5 / 4, "{with_bursts} with bursts, {usual} without");
    }
}
