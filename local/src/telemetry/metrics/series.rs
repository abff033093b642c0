//! Series: what one process tells under one name with one set of attributes.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use time::OffsetDateTime;

use super::{
    message::{Temporality, Told},
    reading::Reading,
};
use crate::telemetry::attributes::{Attributes, Resource, written};

/// The minutes that rates and quantiles are of.
pub const WINDOW: Duration = Duration::from_secs(5 * 60);

/// How far two readings that are kept are apart at least.
const STEP: Duration = Duration::from_secs(5);

/// A series and its newest point.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Who tells.
    pub resource: Arc<Resource>,
    /// What part of it tells.
    pub scope: String,
    /// Name of the metric.
    pub name: String,
    /// What it means.
    pub description: String,
    /// Its unit ("UCUM"); empty where there is none.
    pub unit: String,
    /// Attributes.
    pub attributes: Attributes,
    /// What it shows now.
    pub reading: Reading,
    /// When the newest point came.
    pub received: OffsetDateTime,
    /// When what is counted began to be counted, where somebody says so.
    started: Option<OffsetDateTime>,
    /// Earlier readings, `STEP` apart, as far back as a window needs; none where it does not grow.
    earlier: VecDeque<(OffsetDateTime, Reading)>,
}

impl Series {
    pub(super) fn new(
        told: Told,
        reading: Reading,
        temporality: Temporality,
        started: Option<OffsetDateTime>,
        received: OffsetDateTime,
    ) -> Self {
        let Told { resource, scope, name, description, unit, attributes } = told;
        // What came since last time did not begin before it.
        let started = started.or((temporality == Temporality::Delta).then_some(received));
        let earlier = reading.grows().then(|| (received, reading.clone())).into_iter().collect();
        Self { resource, scope, name, description, unit, attributes, reading, received, started, earlier }
    }

    pub(super) fn update(
        &mut self,
        reading: Reading,
        temporality: Temporality,
        started: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) {
        let (reading, started) = match temporality {
            Temporality::Delta => (self.reading.plus(reading), self.started),
            Temporality::Cumulative => (reading, started),
        };
        if reading.grows() {
            if started != self.started || reading.since(&self.reading).is_none() {
                self.started = started;
                self.earlier.clear();
            }
            if self.earlier.back().is_none_or(|(at, _)| now - *at >= STEP) {
                self.earlier.push_back((now, reading.clone()));
            }
            // One of before the window, and those within.
            while self.earlier.get(1).is_some_and(|(at, _)| *at <= now - WINDOW) {
                self.earlier.pop_front();
            }
        }
        self.reading = reading;
        self.received = now;
    }

    /// What it grew by within the window before `now`, and within how long; `None` where it does not grow.
    pub(super) fn growth(&self, now: OffsetDateTime) -> Option<(Reading, Duration)> {
        let over = |since: OffsetDateTime| (now - since).try_into().unwrap_or(Duration::ZERO).min(WINDOW);
        if !self.reading.grows() {
            return None;
        }
        let begins = now - WINDOW;
        let before = self.earlier.iter().rev().find(|(at, _)| *at <= begins);
        match (before, self.started) {
            (Some((_, reading)), _) => Some((self.reading.since(reading)?, WINDOW)),
            (None, Some(started)) if started >= begins => Some((self.reading.clone(), over(started))),
            _ => self.earlier.front().and_then(|(at, reading)| Some((self.reading.since(reading)?, over(*at)))),
        }
    }

    /// An attribute as one would write it.
    pub(super) fn written(&self, name: &str) -> Option<String> {
        self.attributes.get(name).map(written)
    }

    /// Bytes in memory, roughly.
    pub(super) fn size(&self) -> usize {
        let texts = [&self.scope, &self.name, &self.description, &self.unit];
        let earlier = self.earlier.iter().map(|(at, reading)| size_of_val(at) + reading.size());
        16 + 2 * size_of::<Self>()
            + texts.iter().map(|text| text.len()).sum::<usize>()
            + self.resource.size()
            + self.attributes.size()
            + self.reading.size()
            + earlier.sum::<usize>()
    }
}
