//! Whether the app is in reach: its loss is said when it is noticed, then as often as that all is well, and its return.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Session;
use crate::{
    clock,
    commands::partners::{api::ApiError, listen::report::written},
    output,
};

/// Pauses while the app is out of reach: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The app, as far as calls to it tell.
pub(super) struct Contact {
    /// Since when it is out of reach, and why.
    lost: Option<(Instant, String)>,
    /// Before the next try.
    pause: Duration,
    /// When it was said last whether all is well.
    said: Instant,
}

impl Contact {
    pub(super) fn new() -> Self {
        Self { lost: None, pause: FIRST_PAUSE, said: Instant::now() }
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Until it is to be said again whether all is well.
    pub(super) fn until_said(&self, often: Duration) -> Duration {
        (self.said + often).saturating_duration_since(Instant::now())
    }
}

impl Session {
    /// The app could not be reached: says so, waits, and gives up after the time for it.
    pub(super) async fn unreached(&mut self, error: ApiError) -> anyhow::Result<()> {
        if !error.is_transient() {
            return Err(error.into());
        }
        self.lose(output::chain(&error))?;
        let since = self.contact.lost.as_ref().map_or(Duration::ZERO, |(since, _)| since.elapsed());
        if since >= self.limits.give_up_after {
            let seconds = since.as_secs();
            return Err(
                anyhow::Error::from(error).context(format!("given up after {seconds} s; the same command goes on"))
            );
        }
        if self.contact.until_said(self.limits.heartbeat).is_zero() {
            self.heartbeat()?;
        }
        clock::until_next_look(self.contact.pause).await;
        self.contact.pause = (self.contact.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }

    /// The app is out of reach from now on, if it was not before.
    pub(super) fn lose(&mut self, cause: String) -> anyhow::Result<()> {
        if let Some((_, before)) = &mut self.contact.lost {
            *before = cause;
            return Ok(());
        }
        let heard = self.heard.map(written);
        let last = heard.as_deref().map(|at| format!("; the app was heard last at {at}")).unwrap_or_default();
        let line = format!("connection lost: {cause}{last}; trying again, nothing is lost");
        self.report.say("lost", &json!({ "error": cause, "seconds": 0, "heard": heard }), &line)?;
        self.contact.said = Instant::now();
        self.contact.lost = Some((self.contact.said, cause));
        Ok(())
    }

    /// The app was reached.
    pub(super) fn back(&mut self) -> anyhow::Result<()> {
        self.contact.pause = FIRST_PAUSE;
        let Some((since, _)) = self.contact.lost.take() else { return Ok(()) };
        let seconds = since.elapsed().as_secs();
        self.contact.said = Instant::now();
        self.report.say(
            "back",
            &json!({ "seconds": seconds }),
            &format!("connected again after {seconds} s; what came meanwhile follows"),
        )
    }

    /// Says that all is well, or that the app still is out of reach.
    pub(super) fn heartbeat(&mut self) -> anyhow::Result<()> {
        self.contact.said = Instant::now();
        let heard = self.heard.map(written);
        if let Some((since, cause)) = &self.contact.lost {
            let seconds = since.elapsed().as_secs();
            let members = json!({ "error": cause, "seconds": seconds, "heard": heard });
            return self.report.say("lost", &members, &format!("out of reach for {seconds} s: {cause}; trying again"));
        }
        let kept = self.kept.lines().len();
        let members = json!({
            "connected": true,
            "heard": heard,
            "forwarded": self.taken,
            "refused": self.refused.len(),
            "kept": kept,
        });
        self.report.say("heartbeat", &members, &format!("listening; {}, {kept} kept", self.counts()))
    }
}
