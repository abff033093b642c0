//! What came of a look into the queue: events, or that there is no listener, or no app.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Session;
use crate::{
    commands::partners::{
        api::ApiError,
        listen::{
            listener::{Listener, Received},
            report::written,
            state::Left,
        },
    },
    output,
};

/// Pause before another look at an empty queue.
const IDLE: Duration = Duration::from_millis(500);
/// How often the app is asked what the queue did not take.
const UNDELIVERED: Duration = Duration::from_secs(60);

impl Session {
    /// What came, or that nothing could be had. Returns the pause before the next look.
    pub(super) async fn handle(
        &mut self,
        listener: &mut Listener,
        received: Result<Received, ApiError>,
    ) -> anyhow::Result<Duration> {
        let received = match received {
            Ok(received) => received,
            Err(error) if error.status().is_some_and(|status| status.as_u16() == 404) => {
                let line = "the listener is gone: it ended, or the stack began anew; another is made, and what was missed is fetched";
                self.report.say("gone", &json!({ "listener": listener.id }), line)?;
                *listener = self.made(self.heard).await?;
                self.ready(listener, false).await?;
                return Ok(Duration::ZERO);
            }
            Err(error) => {
                self.unreached(error).await?;
                return Ok(Duration::ZERO);
            }
        };
        self.back()?;
        let is_empty = received.events.is_empty();
        let (now, expires) = (received.now, received.expires);
        self.forward(received.events, Some(&*listener), None).await?;
        let room = self.room_before();
        if room > 0
            && let Some(mut backfill) = self.backfill.take_if(|backfill| backfill.is_due())
            && !self.fill(&mut backfill, room).await?
        {
            self.backfill = Some(backfill);
        }
        if now.is_some() {
            self.heard = now;
        }
        if self.asked.elapsed() >= UNDELIVERED {
            self.asked = Instant::now();
            self.undelivered(listener).await?;
        }
        // Half of its time is over: what is left is for a machine that sleeps, or an app that is down.
        if let (Some(now), Some(expires)) = (now, expires)
            && expires - now < time::Duration::minutes(30 * i64::from(self.hours()))
        {
            match listener.renew().await {
                Ok(renewed) => {
                    self.forwarder.set_headers(&renewed.shown);
                    *listener = renewed;
                    self.state.write(&Left { listener: listener.id.clone(), heard: self.heard.map(written) })?;
                }
                Err(error) => output::say(&format!("the listener is renewed later: {}", output::chain(&error))),
            }
        }
        Ok(if is_empty { IDLE } else { Duration::ZERO })
    }

    fn hours(&self) -> u32 {
        self.wanted["hours"].as_u64().and_then(|hours| u32::try_from(hours).ok()).unwrap_or(1)
    }
}
