//! Processor time while something lasts: whose it was, and whether it is what bounds a rate.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use super::{
    super::process::{cpu_time, machine_time},
    load::Load,
};

/// Shares above which a thread, or the machine, counts as busy: the kernel counts in hundredths of a second, and a thread that has
/// always work still waits for its turn.
const THREAD_IS_BUSY: f64 = 0.85;
const MACHINE_IS_BUSY: f64 = 0.9;

/// Processor time of everybody until a moment.
pub(super) struct Reading {
    pub(super) at: Instant,
    handler: Duration,
    process: Duration,
    load: Duration,
    machine: Duration,
}

impl Reading {
    pub(super) fn now(handler: u32, load: &Load) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            handler: cpu_time(handler)?,
            process: cpu_time(std::process::id())?,
            load: load.cpu_time()?,
            machine: machine_time()?,
        })
    }

    /// From this one to `end`.
    pub(super) fn until(&self, end: &Self) -> Cores {
        let seconds = (end.at - self.at).as_secs_f64().max(f64::MIN_POSITIVE);
        let share = |of: fn(&Self) -> Duration| of(end).saturating_sub(of(self)).as_secs_f64() / seconds;
        let (handler, process) = (share(|reading| reading.handler), share(|reading| reading.process));
        let load = share(|reading| reading.load);
        let machine = share(|reading| reading.machine);
        Cores {
            available: std::thread::available_parallelism().map_or(1, usize::from),
            handler,
            stack: (process - load).max(0.0),
            load,
            others: (machine - handler - process).max(0.0),
        }
    }
}

/// Shares of processor time: 1 is a whole core.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Cores {
    pub(super) available: usize,
    pub(super) handler: f64,
    pub(super) stack: f64,
    /// The benchmark itself: it sends changes and is the webhooks.
    pub(super) load: f64,
    /// Everything else on this machine, and what its host took from it.
    pub(super) others: f64,
}

impl Cores {
    /// What bounds a rate that was taken meanwhile, by these shares.
    pub(super) fn bound(&self) -> String {
        let Self { available, handler, stack, load, others } = *self;
        #[expect(clippy::cast_precision_loss, reason = "no machine has 2^52 cores")]
        let available = available as f64;
        let ours = [("the handler", handler), ("the stack", stack), ("the load", load)];
        let (most, share) = ours.into_iter().max_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or(ours[0]);
        if handler + stack + load + others >= MACHINE_IS_BUSY * available {
            let beside = if others > share { ", and others even more" } else { "" };
            return format!("the processor: {most} takes most of it{beside}");
        }
        // Both have one thread.
        for (name, share) in [ours[0], ours[2]] {
            if share >= THREAD_IS_BUSY {
                return format!("{name}, on its one thread");
            }
        }
        "no processor: something waits".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_what_has_no_time_left() {
        let bound = |handler, stack, load, others| Cores { available: 2, handler, stack, load, others }.bound();
        assert_eq!(bound(0.6, 1.0, 0.3, 0.1), "the processor: the stack takes most of it");
        assert_eq!(bound(0.5, 0.2, 0.1, 1.2), "the processor: the handler takes most of it, and others even more");
        assert_eq!(bound(0.9, 0.3, 0.1, 0.0), "the handler, on its one thread");
        assert_eq!(bound(0.2, 0.3, 0.9, 0.0), "the load, on its one thread");
        assert_eq!(bound(0.2, 0.3, 0.1, 0.0), "no processor: something waits");
    }
}
