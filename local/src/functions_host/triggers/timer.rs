//! `timerTrigger`: fires by its schedule on the stack's clock; runs never overlap, and a failed run is only logged.

use std::sync::Arc;

use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use super::{
    host_lock::{HostLock, RECOVERY, RENEWAL},
    timer_status::{Status, StatusBlob},
};
use crate::{
    blobs::{self, Blobs},
    functions_host::{
        app::{Function, TimerTrigger},
        invocation::{Invoker, Metadata, Outcome, Payload, Value},
    },
};

/// Fires a timer by hand.
#[derive(Clone)]
pub(crate) struct TimerHandle {
    fires: mpsc::Sender<Fire>,
}

impl TimerHandle {
    /// Runs the function now, after a run that is under way. Returns whether it succeeded; `None` when the host stops.
    pub(crate) async fn fire(&self, input: Option<String>) -> Option<bool> {
        let (done, ran) = oneshot::channel();
        self.fires.send(Fire { input, done }).await.ok()?;
        ran.await.ok()
    }
}

/// A run that was asked for by hand, with what it was given; who asked is told whether it succeeded.
pub(crate) struct Fire {
    input: Option<String>,
    done: oneshot::Sender<bool>,
}

/// One timer.
pub(crate) struct Timer {
    function: Arc<Function>,
    invoker: Invoker,
    status: Result<StatusBlob, blobs::Error>,
    lock: HostLock,
}

/// The state of a monitored timer.
struct Monitor<'a> {
    blob: &'a StatusBlob,
    status: Status,
    /// Whether there was no status before.
    is_first: bool,
}

impl Monitor<'_> {
    /// The status as a run is told it.
    fn shown(&self) -> Status {
        if self.is_first { self.status.first() } else { self.status }
    }
}

/// Runs that were asked for by hand.
pub(crate) type Fires = mpsc::Receiver<Fire>;

impl Timer {
    /// `instance` is this host, as holder of the lock.
    pub(crate) fn new(
        function: &Arc<Function>,
        invoker: &Invoker,
        blobs: &Blobs,
        host_id: &str,
        instance: Uuid,
    ) -> (Self, Fires, TimerHandle) {
        let (sender, fires) = mpsc::channel(8);
        let timer = Self {
            function: Arc::clone(function),
            invoker: invoker.clone(),
            status: StatusBlob::open(blobs, host_id, &function.name),
            lock: HostLock::new(blobs, host_id, &function.name, instance),
        };
        (timer, fires, TimerHandle { fires: sender })
    }

    /// Runs until the host stops: waits for the lock, listens while it has it. By hand it runs with or without.
    pub(crate) async fn run(self, trigger: &TimerTrigger, mut fires: Fires) {
        while self.wait_for_lock(trigger, &mut fires).await {
            if self.listen(trigger, &mut fires).await {
                warn!("'Functions.{}' lost its lock; another host runs the timer", self.function.name);
                continue;
            }
            break;
        }
        if self.invoker.leaving.is_cancelled()
            && let Err(error) = self.lock.release()
        {
            warn!("'Functions.{}' could not give its lock back: {error}", self.function.name);
        }
    }

    /// `false` where the host stops.
    async fn wait_for_lock(&self, trigger: &TimerTrigger, fires: &mut Fires) -> bool {
        loop {
            match self.lock.acquire() {
                Ok(true) => return true,
                Ok(false) => {
                    debug!("another host has the lock of 'Functions.{}'", self.function.name);
                }
                Err(error) => error!("'Functions.{}' cannot ask for its lock: {error}", self.function.name),
            }
            tokio::select! {
                biased;
                () = self.invoker.stopping.cancelled() => return false,
                asked = fires.recv() => {
                    let Some(asked) = asked else { return false };
                    let monitor = self.monitor(trigger, Missing::Unknown);
                    if !self.by_hand(trigger, monitor.as_ref(), asked).await {
                        return false;
                    }
                }
                () = self.invoker.clock.sleep(RECOVERY) => {}
            }
        }
    }

    /// Fires by the schedule while this host has the lock: `true` where it lost it, `false` where the host stops.
    async fn listen(&self, trigger: &TimerTrigger, fires: &mut Fires) -> bool {
        let clock = &self.invoker.clock;
        let mut monitor = self.monitor(trigger, Missing::Created);
        if let Some(due) = monitor.as_mut().and_then(|monitor| self.missed(trigger, monitor)) {
            info!("'Functions.{}' is past due on startup, it was due at {due}. Executing now.", self.function.name);
            if !self.by_schedule(trigger, &mut monitor, true).await {
                return false;
            }
        } else if trigger.run_on_startup && !self.by_schedule(trigger, &mut monitor, false).await {
            return false;
        }
        let mut next = trigger.schedule.next(clock.now());
        let mut renew_at = clock.now() + RENEWAL;
        loop {
            let wake_at = next.map_or(renew_at, |next| next.min(renew_at));
            tokio::select! {
                biased;
                () = self.invoker.stopping.cancelled() => return false,
                asked = fires.recv() => {
                    let Some(asked) = asked else { return false };
                    if !self.by_hand(trigger, monitor.as_ref(), asked).await {
                        return false;
                    }
                    continue;
                }
                () = clock.sleep_until(wake_at) => {}
            }
            // Also before a run: where the clock was stepped, the lock may be another host's by now.
            if !self.renew() {
                return true;
            }
            renew_at = clock.now() + RENEWAL;
            if next.is_some_and(|next| next <= clock.now()) {
                if !self.by_schedule(trigger, &mut monitor, false).await {
                    return false;
                }
                next = trigger.schedule.next(clock.now());
            }
        }
    }

    /// Whether this host still has the lock. A store that fails proves nothing.
    fn renew(&self) -> bool {
        self.lock.renew().unwrap_or_else(|error| {
            error!("'Functions.{}' cannot renew its lock: {error}", self.function.name);
            true
        })
    }

    /// The status as it is stored; `None` for schedules that fire more than once a minute, which are never monitored.
    fn monitor(&self, trigger: &TimerTrigger, missing: Missing) -> Option<Monitor<'_>> {
        let now = self.invoker.clock.now();
        if !trigger.use_monitor || trigger.schedule.is_frequent(now) {
            return None;
        }
        let unreadable = |error: &blobs::Error| {
            error!(
                "the status of 'Functions.{}' cannot be read, missed runs stay unknown: {error}",
                self.function.name
            );
        };
        let blob = self.status.as_ref().inspect_err(|error| unreadable(error)).ok()?;
        match blob.read().inspect_err(unreadable).ok()? {
            Some(status) => Some(Monitor { blob, status, is_first: false }),
            None if missing == Missing::Unknown => None,
            None => {
                let status = Status::new(trigger.schedule.next(now).unwrap_or(now), trigger.schedule.local(now));
                let monitor = Monitor { blob, status, is_first: true };
                self.save(&monitor);
                Some(monitor)
            }
        }
    }

    /// When the run was due that no host made. A status of another schedule is replaced first; where the present schedule
    /// had a run due meanwhile, nobody missed that one.
    fn missed(&self, trigger: &TimerTrigger, monitor: &mut Monitor<'_>) -> Option<OffsetDateTime> {
        let now = self.invoker.clock.now();
        let since = monitor.status.since();
        let expected = trigger.schedule.next(since)?;
        if expected != monitor.status.next {
            monitor.status = if now > expected {
                Status::rescheduled(trigger.schedule.next(now)?, trigger.schedule.local(now))
            } else {
                Status::rescheduled(expected, since)
            };
            self.save(monitor);
        }
        (now > monitor.status.next).then_some(monitor.status.next)
    }

    /// One run of the schedule; `false` when the host is stopping.
    async fn by_schedule(&self, trigger: &TimerTrigger, monitor: &mut Option<Monitor<'_>>, past_due: bool) -> bool {
        let started = trigger.schedule.local(self.invoker.clock.now());
        let status = monitor.as_ref().map(Monitor::shown);
        if self.invoke(trigger, status, past_due, None).await.is_none() {
            return false;
        }
        if let Some(monitor) = monitor {
            let next = trigger.schedule.next(started).unwrap_or(started);
            monitor.status = Status { last: started, next, last_updated: started };
            monitor.is_first = false;
            self.save(monitor);
        }
        true
    }

    /// A run that was asked for, which the schedule takes no notice of; `false` when the host is stopping.
    async fn by_hand(&self, trigger: &TimerTrigger, monitor: Option<&Monitor<'_>>, asked: Fire) -> bool {
        let ran = self.invoke(trigger, monitor.map(Monitor::shown), false, asked.input.as_deref()).await;
        let Some(succeeded) = ran else { return false };
        // Who asked may not be waiting for the answer.
        let _unheard = asked.done.send(succeeded);
        true
    }

    /// Whether a run succeeded; `None` when the host is stopping. The lock is held on to meanwhile.
    async fn invoke(
        &self,
        trigger: &TimerTrigger,
        status: Option<Status>,
        past_due: bool,
        input: Option<&str>,
    ) -> Option<bool> {
        let payload = payload(&self.function.binding, trigger.schedule.adjusts_for_dst(), status, past_due);
        let payload = payload.by_hand(input);
        let holding = async {
            loop {
                self.invoker.clock.sleep(RENEWAL).await;
                if !self.renew() {
                    // The run goes on; what follows it finds out.
                    std::future::pending::<()>().await;
                }
            }
        };
        let outcome = tokio::select! {
            outcome = self.invoker.run(&self.function, "Timer fired", Ok(payload)) => outcome,
            () = holding => return None,
        };
        match outcome {
            Outcome::Succeeded(_) => Some(true),
            Outcome::Failed(_) => Some(false),
            Outcome::Cancelled => None,
        }
    }

    fn save(&self, monitor: &Monitor<'_>) {
        if let Err(error) = monitor.blob.write(&monitor.status) {
            error!("the status of 'Functions.{}' cannot be written: {error}", self.function.name);
        }
    }
}

/// What becomes of a status that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// It is written, so that from now on a run can be missed.
    Created,
    /// It is left to the host that has the lock.
    Unknown,
}

/// `TimerInfo`: its status is null where the timer is not monitored.
pub(crate) fn payload(binding: &str, adjust_for_dst: bool, status: Option<Status>, past_due: bool) -> Payload<'_> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct TimerInfo {
        schedule: Schedule,
        schedule_status: Option<Status>,
        is_past_due: bool,
    }

    #[derive(Serialize)]
    struct Schedule {
        #[serde(rename = "AdjustForDST")]
        adjust_for_dst: bool,
    }

    let mut metadata = Metadata::default();
    metadata.add_sys();
    let info = TimerInfo { schedule: Schedule { adjust_for_dst }, schedule_status: status, is_past_due: past_due };
    Payload { data: (binding, Value::json(info)), metadata, size_hint: 256 }
}
