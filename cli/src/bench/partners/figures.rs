//! The figures, for people and for scripts.

use std::fmt;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{Plan, cores::Cores};

/// What the pipeline is to deliver, notifications a second.
const AIM: f64 = 300.0;

/// Everything that was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    partners: usize,
    /// Of each partner.
    subscriptions: usize,
    products: usize,
    aim_notifications_per_second: f64,
    pub(super) latencies: Vec<Latency>,
    pub(super) rates: Vec<Throughput>,
    pub(super) bad: Vec<BadFigure>,
}

/// From a change to the webhooks that were told of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Latency {
    /// Endpoints beside that are bad.
    bad_endpoints: usize,
    changes_per_second: u32,
    samples: u64,
    p50_millis: f64,
    p99_millis: f64,
    max_millis: f64,
    /// Notifications that did not come.
    missing: usize,
    cores: Cores,
}

/// How many notifications came in a time.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Throughput {
    from: &'static str,
    bad_endpoints: usize,
    notifications: usize,
    missing: usize,
    seconds: f64,
    notifications_per_second: f64,
    /// Processor time of a notification.
    handler_millis: f64,
    stack_millis: f64,
    cores: Cores,
    bound: String,
}

/// What Event Grid counted of a bad endpoint, since it joined.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BadFigure {
    pub(super) endpoint: &'static str,
    pub(super) delivered: u64,
    pub(super) failed_attempts: u64,
}

impl Figures {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            partners: plan.partners,
            subscriptions: plan.subscriptions,
            products: plan.products,
            aim_notifications_per_second: AIM,
            latencies: Vec::new(),
            rates: Vec::new(),
            bad: Vec::new(),
        }
    }
}

impl Latency {
    pub(super) fn new(bad: Option<usize>, rate: u32, micros: &Histogram<u64>, missing: usize, cores: Cores) -> Self {
        let millis = |micros: u64| {
            #[expect(clippy::cast_precision_loss, reason = "at most a minute")]
            let micros = micros as f64;
            micros / 1000.0
        };
        Self {
            bad_endpoints: bad.unwrap_or(0),
            changes_per_second: rate,
            samples: micros.len(),
            p50_millis: millis(micros.value_at_quantile(0.5)),
            p99_millis: millis(micros.value_at_quantile(0.99)),
            max_millis: millis(micros.max()),
            missing,
            cores,
        }
    }
}

impl Throughput {
    pub(super) fn new(
        from: &'static str,
        bad: Option<usize>,
        notifications: usize,
        missing: usize,
        seconds: f64,
        cores: Cores,
    ) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let rate = notifications as f64 / seconds.max(f64::MIN_POSITIVE);
        Self {
            from,
            bad_endpoints: bad.unwrap_or(0),
            notifications,
            missing,
            seconds,
            notifications_per_second: rate,
            handler_millis: cores.handler * 1000.0 / rate,
            stack_millis: cores.stack * 1000.0 / rate,
            cores,
            bound: cores.bound(),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partners, subscriptions, products, .. } = self;
        writeln!(
            out,
            "{partners} partners with good webhooks, subscriptions of each: {subscriptions}; {products} products\n"
        )?;
        writeln!(out, "change → webhook      changes/s       p50        p99        max  samples  missing  {CORES}")?;
        for row in &self.latencies {
            writeln!(
                out,
                "{:<20}  {:>9}  {:>8.1}  {:>9.1}  {:>9.1}  {:>7}  {:>7}  {}",
                beside(row.bad_endpoints),
                row.changes_per_second,
                row.p50_millis,
                row.p99_millis,
                row.max_millis,
                row.samples,
                row.missing,
                row.cores
            )?;
        }
        writeln!(out, "(milliseconds)\n")?;
        writeln!(
            out,
            "notifications from    beside                     /s  missing  {CORES}  ms each: handler, stack"
        )?;
        for row in &self.rates {
            writeln!(
                out,
                "{:<20}  {:<20}  {:>7.0}  {:>7}  {}  {:.2}, {:.2}; bound by {}",
                row.from,
                beside(row.bad_endpoints),
                row.notifications_per_second,
                row.missing,
                row.cores,
                row.handler_millis,
                row.stack_millis,
                row.bound
            )?;
        }
        writeln!(out, "(the aim is {AIM:.0} from changes of products)\n")?;
        writeln!(out, "bad endpoint          delivered  failed attempts")?;
        for row in &self.bad {
            writeln!(out, "{:<20}  {:>9}  {:>15}", row.endpoint, row.delivered, row.failed_attempts)?;
        }
        Ok(())
    }
}

fn beside(bad_endpoints: usize) -> String {
    match bad_endpoints {
        0 => "no bad endpoint".to_owned(),
        many => format!("{many} bad endpoints"),
    }
}

/// The head over [`Cores`].
const CORES: &str = "cores: handler, stack, load, others";

impl fmt::Display for Cores {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handler, stack, load, others, .. } = self;
        let shares = format!("{handler:.2}, {stack:.2}, {load:.2}, {others:.2}");
        write!(out, "{shares:<width$}", width = CORES.len())
    }
}
