//! `timerTrigger`: fires by its schedule on the stack's clock; runs never overlap, and a failed run is only logged.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info};

use super::timer_status::{Status, StatusBlob};
use crate::blobs::Blobs;
use crate::clock::Clock;
use crate::functions_host::app::{Function, TimerTrigger};
use crate::functions_host::invocation::{Invoker, Metadata, Outcome, Payload, Value};

/// Fires a timer by hand.
#[derive(Clone)]
pub(crate) struct TimerHandle {
    fires: mpsc::Sender<oneshot::Sender<bool>>,
}

impl TimerHandle {
    /// Runs the function now, after a run that is under way. Returns whether it succeeded; `None` when the host stops.
    pub(crate) async fn fire(&self) -> Option<bool> {
        let (done, ran) = oneshot::channel();
        self.fires.send(done).await.ok()?;
        ran.await.ok()
    }

    /// Asks for a run without waiting for it.
    pub(crate) async fn ask(&self) -> bool {
        self.fires.send(oneshot::channel().0).await.is_ok()
    }
}

/// One timer.
pub(crate) struct Timer {
    function: Arc<Function>,
    invoker: Invoker,
    clock: Clock,
    blobs: Blobs,
    host_id: String,
    fires: mpsc::Receiver<oneshot::Sender<bool>>,
}

/// The state of a monitored timer.
struct Monitor {
    blob: StatusBlob,
    status: Status,
}

impl Timer {
    pub(crate) fn new(
        function: &Arc<Function>,
        invoker: &Invoker,
        blobs: &Blobs,
        host_id: &str,
    ) -> (Self, TimerHandle) {
        let (sender, fires) = mpsc::channel(8);
        let timer = Self {
            function: Arc::clone(function),
            invoker: invoker.clone(),
            clock: invoker.clock.clone(),
            blobs: blobs.clone(),
            host_id: host_id.to_owned(),
            fires,
        };
        (timer, TimerHandle { fires: sender })
    }

    /// Runs until the host stops.
    pub(crate) async fn run(mut self, trigger: &TimerTrigger) {
        let stopping = self.invoker.stopping.clone();
        let mut monitor = self.monitor(trigger);
        if let Some(due) = monitor.as_mut().and_then(|monitor| self.missed(trigger, monitor)) {
            info!("'Functions.{}' is past due on startup, it was due at {due}. Executing now.", self.function.name);
            if self.invoke(trigger, &mut monitor, true).await.is_none() {
                return;
            }
        } else if trigger.run_on_startup && self.invoke(trigger, &mut monitor, false).await.is_none() {
            return;
        }
        loop {
            let next = trigger.schedule.next(self.clock.now());
            let due = async {
                match next {
                    Some(next) => self.clock.sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            let asked = tokio::select! {
                () = stopping.cancelled() => return,
                () = due => None,
                asked = self.fires.recv() => match asked {
                    Some(asked) => Some(asked),
                    None => return,
                },
            };
            let Some(succeeded) = self.invoke(trigger, &mut monitor, false).await else { return };
            // Who asked may not be waiting for the answer.
            let _unheard = asked.map(|asked| asked.send(succeeded));
        }
    }

    /// Reads or creates the status; forced off for schedules that fire more than once a minute.
    fn monitor(&self, trigger: &TimerTrigger) -> Option<Monitor> {
        let now = self.clock.now();
        if !trigger.use_monitor || trigger.schedule.is_frequent(now) {
            return None;
        }
        let opened = StatusBlob::open(&self.blobs, &self.host_id, &self.function.name)
            .and_then(|blob| blob.read().map(|status| (blob, status)));
        match opened {
            Ok((blob, Some(status))) => Some(Monitor { blob, status }),
            Ok((blob, None)) => {
                let status = Status::new(trigger.schedule.next(now).unwrap_or(now), now);
                let monitor = Monitor { blob, status };
                self.save(&monitor);
                Some(monitor)
            }
            Err(error) => {
                error!(
                    "the status of 'Functions.{}' cannot be read, missed runs stay unknown: {error}",
                    self.function.name
                );
                None
            }
        }
    }

    /// When the run was due that no host made. By the present schedule: where it was changed meanwhile, the recorded
    /// time is replaced.
    fn missed(&self, trigger: &TimerTrigger, monitor: &mut Monitor) -> Option<OffsetDateTime> {
        let now = self.clock.now();
        let expected = trigger.schedule.next(monitor.status.since())?;
        if expected != monitor.status.next {
            monitor.status.next = expected;
            monitor.status.last_updated = now;
            self.save(monitor);
        }
        (now > expected).then_some(expected)
    }

    /// One run; `None` when the host is stopping.
    async fn invoke(&self, trigger: &TimerTrigger, monitor: &mut Option<Monitor>, past_due: bool) -> Option<bool> {
        let started = self.clock.now();
        let status = monitor.as_ref().map(|monitor| monitor.status);
        let payload = payload(&self.function.binding, status, past_due);
        let outcome = self.invoker.run(&self.function, "Timer fired", Ok(payload)).await;
        if outcome == Outcome::Cancelled {
            return None;
        }
        if let Some(monitor) = monitor {
            monitor.status = Status {
                last: started,
                next: trigger.schedule.next(started).unwrap_or(started),
                last_updated: self.clock.now(),
            };
            self.save(monitor);
        }
        Some(matches!(outcome, Outcome::Succeeded(_)))
    }

    fn save(&self, monitor: &Monitor) {
        if let Err(error) = monitor.blob.write(&monitor.status) {
            error!("the status of 'Functions.{}' cannot be written: {error}", self.function.name);
        }
    }
}

/// `TimerInfo`: its status is null where the timer is not monitored.
pub(crate) fn payload(binding: &str, status: Option<Status>, past_due: bool) -> Payload<'_> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct TimerInfo {
        schedule: serde_json::Value,
        schedule_status: Option<Status>,
        is_past_due: bool,
    }

    let mut metadata = Metadata::default();
    metadata.add_sys();
    let info = TimerInfo { schedule: json!({"AdjustForDST": true}), schedule_status: status, is_past_due: past_due };
    Payload { data: (binding, Value::json(info)), metadata, size_hint: 256 }
}
