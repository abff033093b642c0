//! The beginning of a run, and of the next listener where one is gone: found or made, live, and said to be ready.

use serde_json::json;
use time::OffsetDateTime;

use super::Session;
use crate::{
    clock,
    commands::partners::listen::{backfill::Backfill, listener::Listener, report::written, state::Left},
    output,
};

/// What was published so long before the app was heard last may still have been on its way to the queue.
const ON_ITS_WAY: time::Duration = time::Duration::minutes(2);

impl Session {
    /// Finds the listener that an earlier run left, or makes one, and waits until it is live.
    pub(super) async fn start(&mut self, resume: Option<String>) -> anyhow::Result<Listener> {
        let left = self.state.left();
        let id = resume.clone().or_else(|| left.as_ref().map(|left| left.listener.clone()));
        let found = match id {
            Some(id) => self.found(&id).await?,
            None => None,
        };
        let is_resumed = found.is_some();
        let listener = match found {
            Some(listener) => {
                // Its queue has what came since the run before; what was asked for may be older.
                self.fetch_before(&listener, None);
                listener
            }
            None if resume.is_some() => {
                anyhow::bail!("there is no such listener any more; `contoso partners listeners` shows them")
            }
            None => {
                // What came since the run before, which did not end as it should, its listener would have had.
                let heard = left.and_then(|left| left.heard).as_deref().and_then(parsed);
                self.made(heard).await?
            }
        };
        self.ready(&listener, is_resumed).await?;
        Ok(listener)
    }

    async fn found(&mut self, id: &str) -> anyhow::Result<Option<Listener>> {
        loop {
            match Listener::find(&self.api, id).await {
                Ok(listener) => match listener.live().await {
                    Ok(live) => return Ok(Some(live)),
                    Err(error) => self.unreached(error).await?,
                },
                Err(error) if error.status().is_some_and(|status| status.as_u16() == 404) => return Ok(None),
                Err(error) => self.unreached(error).await?,
            }
        }
    }

    /// Makes a listener; what was captured since `heard`, or as long before as was asked for, is forwarded as well.
    pub(super) async fn made(&mut self, heard: Option<OffsetDateTime>) -> anyhow::Result<Listener> {
        let repeat = format!("listen-{:032x}", rand::random::<u128>());
        let listener = loop {
            let made = match Listener::make(&self.api, &self.wanted, &repeat).await {
                Ok(made) => {
                    // Before it is live, so that one that is killed now is found again.
                    self.state.write(&Left { listener: made.id.clone(), heard: heard.map(written) })?;
                    made.live().await
                }
                Err(error) => Err(error),
            };
            match made {
                Ok(listener) => break listener,
                Err(error) => self.unreached(error).await?,
            }
        };
        self.fetch_before(&listener, heard);
        Ok(listener)
    }

    /// Begins to fetch what was captured since `heard`, or as long before as was asked for, or still was to be fetched for a listener before.
    fn fetch_before(&mut self, listener: &Listener, heard: Option<OffsetDateTime>) {
        // By the app's clock. All that was published before may have missed the queue.
        let live = listener.time("now").unwrap_or_else(clock::now);
        let asked = self.limits.since.take().and_then(|since| live.checked_sub(time::Duration::try_from(since).ok()?));
        let unfinished = self.backfill.as_ref().map(Backfill::since);
        let since = [heard.map(|heard| heard - ON_ITS_WAY), asked, unfinished].into_iter().flatten().min();
        self.backfill = since.map(|since| Backfill::new(&listener.id, since, live));
    }

    pub(super) async fn ready(&mut self, listener: &Listener, is_resumed: bool) -> anyhow::Result<()> {
        self.back()?;
        self.forwarder.set_headers(&listener.shown);
        self.heard = listener.time("now").or(self.heard);
        self.state.write(&Left { listener: listener.id.clone(), heard: self.heard.map(written) })?;
        let url = self.forwarder.shown();
        let members = json!({
            "listener": listener.id,
            "partner": self.api.partner(),
            "forwardTo": url,
            "expires": listener.shown["expires"],
            "secretOf": listener.shown["secretOf"],
            "resumed": is_resumed,
            "kept": self.kept.lines().len(),
        });
        let again = if is_resumed { ", where the run before stopped" } else { "" };
        let secret = match listener.shown["secretOf"] == "subscription" {
            true => format!("the secret of {}", self.like().unwrap_or_default()),
            false => format!("a secret of the listener's own, which GET {} shows", self.path(listener)),
        };
        let line =
            format!("Ready: events of {} go to {url}{again} ({}), with {secret}", self.api.partner(), listener.id);
        self.report.say("ready", &members, &line)?;
        if !self.kept.lines().is_empty() {
            output::say(&format!(
                "kept: {} that your server did not take; r and Enter send them",
                output::counted(self.kept.lines().len(), "event")
            ));
        }
        if let Some(fault) = self.forwarder.handshake_fault().await {
            output::say(&format!("note: {fault}"));
        }
        Ok(())
    }
}

fn parsed(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()
}
