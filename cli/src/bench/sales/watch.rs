//! Looks at the file's report and at the handler's memory, and kills the handler when told to.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{
    super::{
        process::{cpu_time, memory},
        shop::Shop,
    },
    NAME, PAUSE,
};
use crate::clock;

/// How long nothing may change before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) struct Watch<'a> {
    shop: &'a Shop,
    kills_left: u32,
    killed: u64,
    peak: u64,
    last: Value,
    changed: Instant,
}

impl<'a> Watch<'a> {
    pub(super) fn new(shop: &'a Shop, kills: u32) -> Self {
        Self { shop, kills_left: kills, killed: 0, peak: 0, last: Value::Null, changed: Instant::now() }
    }

    /// The report as it is now, null before there is one; notes the handler's memory.
    pub(super) fn look(&mut self) -> Result<Value> {
        // A handler that was just killed has none.
        let peak = self.shop.stack.handler_pid().and_then(|pid| memory(pid).ok()).map_or(0, |memory| memory.peak);
        self.peak = self.peak.max(peak);
        let report = match self.shop.stack.blobs().get("sales-reports", &format!("reports/{NAME}.json"))? {
            Some(blob) => contoso_json::from_slice(&blob.body)?,
            None => Value::Null,
        };
        let state = Value::Array(vec![report.clone(), self.shop.handled(super::HUB, super::GROUP)?.into()]);
        if state != self.last {
            (self.last, self.changed) = (state, Instant::now());
        } else if self.changed.elapsed() > PATIENCE {
            bail!("nothing has changed for {PATIENCE:?}: {}", self.last);
        }
        Ok(report)
    }

    /// Kills the handler if it was not yet killed so often.
    pub(super) fn kill_after(&mut self, share: u64) -> Result<()> {
        if self.kills_left == 0 || share <= self.killed {
            return Ok(());
        }
        let Some(pid) = self.shop.stack.handler_pid() else { return Ok(()) };
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).context("a process id")?;
        // One that ended meanwhile is as good as killed.
        if rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok() {
            self.kills_left -= 1;
            self.killed += 1;
        }
        Ok(())
    }

    pub(super) async fn pause(&self) {
        clock::until_next_look(PAUSE).await;
    }

    pub(super) fn peak(&self) -> u64 {
        self.peak
    }

    pub(super) fn processor_time(&self) -> Result<Duration> {
        cpu_time(self.shop.stack.handler_pid().context("no handler runs")?)
    }
}
