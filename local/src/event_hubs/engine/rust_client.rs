//! Workaround for races of the official Rust client, all of it here.
//!
//! `azure_messaging_eventhubs` up to 0.16 sits on a version of fe2o3-amqp with two races that a server on loopback, being
//! quick, hits all the time:
//! * a disposition that arrives before the client has noted its own transfer is dropped, and the send waits for ever.
//!   So every disposition is sent unsettled at once and again and again at growing distances, and settled only in the
//!   end; each copy completes the send if the earlier ones were lost, and the others are ignored. The first copies serve
//!   an idle machine, the last ones a client that a busy one kept from running in between;
//! * an answered detach that arrives while the client ends the session breaks the connection. So the answer is held
//!   back, and dropped if the `end` comes meanwhile.

use std::{collections::VecDeque, time::Duration};

use bytes::BytesMut;
use tokio::time::Instant;

use crate::event_hubs::amqp::{
    Value,
    answer::{DeliveryState, put_detach, put_disposition},
};

/// When the unsettled disposition is repeated.
const REPEATS: [Duration; 4] =
    [Duration::from_millis(1), Duration::from_millis(5), Duration::from_millis(30), Duration::from_millis(250)];
/// When the settled disposition ends it.
const SETTLE: Duration = Duration::from_secs(2);
/// How long the answer to a detach is held back.
const HOLD_DETACH: Duration = Duration::from_millis(100);

/// Whether the properties of an `open` are those of the Rust client.
pub(super) fn is_rust_client(properties: &Value) -> bool {
    properties.entry("user-agent").as_text().is_some_and(|agent| agent.contains("azsdk-rust"))
        || properties.entry("product").as_text() == Some("azure_messaging_eventhubs")
}

/// Frames that wait for their time. Each queue has one delay, so it is in the order of the times.
#[derive(Default)]
pub(super) struct DelayedFrames {
    repeats: [VecDeque<DelayedDisposition>; REPEATS.len()],
    settlements: VecDeque<DelayedDisposition>,
    detaches: VecDeque<DelayedDetach>,
}

#[derive(Clone)]
struct DelayedDisposition {
    due: Instant,
    channel: u16,
    /// First and last delivery id.
    deliveries: (u32, u32),
    outcome: DeliveryState,
}

struct DelayedDetach {
    due: Instant,
    channel: u16,
    handle: u32,
    closed: bool,
}

impl DelayedFrames {
    /// Answers a delivery at once and plans the rest.
    pub(super) fn settle(
        &mut self,
        out: &mut BytesMut,
        now: Instant,
        channel: u16,
        delivery: u32,
        outcome: &DeliveryState,
    ) {
        put_disposition(out, channel, (delivery, delivery), outcome, false);
        let disposition =
            DelayedDisposition { due: now, channel, deliveries: (delivery, delivery), outcome: outcome.clone() };
        for (queue, delay) in self.repeats.iter_mut().zip(REPEATS) {
            plan(queue, disposition.clone(), now + delay);
        }
        plan(&mut self.settlements, disposition, now + SETTLE);
    }

    /// Plans the answer to a detach.
    pub(super) fn detach(&mut self, now: Instant, channel: u16, handle: u32, closed: bool) {
        self.detaches.push_back(DelayedDetach { due: now + HOLD_DETACH, channel, handle, closed });
    }

    /// Sends the answer to an earlier detach of this handle before the handle is used again.
    pub(super) fn finish_detach(&mut self, out: &mut BytesMut, channel: u16, handle: u32) {
        self.detaches.retain(|frame| {
            let same = frame.channel == channel && frame.handle == handle;
            if same {
                put_detach(out, channel, handle, frame.closed, None);
            }
            !same
        });
    }

    /// Forgets the dispositions planned for a session whose sender has gone: a later one might take its handle and tags.
    pub(super) fn forget(&mut self, channel: u16) {
        for queue in self.repeats.iter_mut().chain([&mut self.settlements]) {
            queue.retain(|frame| frame.channel != channel);
        }
    }

    /// Forgets what was planned for a session that has ended.
    pub(super) fn end(&mut self, channel: u16) {
        self.forget(channel);
        self.detaches.retain(|frame| frame.channel != channel);
    }

    /// When the next frame is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let dispositions = self.repeats.iter().chain([&self.settlements]);
        let dispositions = dispositions.filter_map(|queue| queue.front()).map(|frame| frame.due);
        dispositions.chain(self.detaches.front().map(|frame| frame.due)).min()
    }

    /// Writes the frames that are due.
    pub(super) fn fire(&mut self, out: &mut BytesMut, now: Instant) {
        for (queue, settled) in
            self.repeats.iter_mut().map(|queue| (queue, false)).chain([(&mut self.settlements, true)])
        {
            while queue.front().is_some_and(|frame| frame.due <= now)
                && let Some(frame) = queue.pop_front()
            {
                put_disposition(out, frame.channel, frame.deliveries, &frame.outcome, settled);
            }
        }
        while self.detaches.front().is_some_and(|frame| frame.due <= now)
            && let Some(frame) = self.detaches.pop_front()
        {
            put_detach(out, frame.channel, frame.handle, frame.closed, None);
        }
    }
}

/// Adds a disposition, as part of the one before where that is due at the same time for the neighbouring deliveries.
fn plan(queue: &mut VecDeque<DelayedDisposition>, disposition: DelayedDisposition, due: Instant) {
    if let Some(last) = queue.back_mut()
        && last.due == due
        && last.channel == disposition.channel
        && last.outcome == disposition.outcome
        && last.deliveries.1.wrapping_add(1) == disposition.deliveries.0
    {
        last.deliveries.1 = disposition.deliveries.1;
        return;
    }
    queue.push_back(DelayedDisposition { due, ..disposition });
}
