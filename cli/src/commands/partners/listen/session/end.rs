//! The end of a run: what it had is removed, and what stays is said.

use std::time::Duration;

use serde_json::json;

use super::Session;
use crate::{
    commands::{Exit, partners::listen::listener::Listener},
    output,
};

/// How long the end may take.
const GOODBYE: Duration = Duration::from_secs(5);

impl Session {
    pub(super) fn time_is_up(&self) -> anyhow::Result<Exit> {
        let Some(most) = self.limits.exit_after else { return Ok(Exit::Done) };
        output::say(&format!("the time is up: {} of {most} events came", self.came));
        Ok(Exit::Failed)
    }

    /// Removes what the run had, and says what stays.
    pub(super) async fn goodbye(&mut self) -> anyhow::Result<()> {
        if let Some(left) = self.state.left() {
            let id = left.listener;
            match tokio::time::timeout(GOODBYE, Listener::remove(&self.api, &id)).await {
                Ok(Ok(())) => self.state.forget(),
                _ => output::say(&format!(
                    "listener {id} could not be removed; it ends by itself, and the same command goes on with it until then"
                )),
            }
        }
        let kept = self.kept.lines().len();
        if kept > 0 {
            let file = self.kept.file().display();
            output::say(&format!(
                "{} that your server did not take: kept in {file}; r and Enter in the next run send them again",
                output::counted(kept, "event")
            ));
        }
        let members = json!({ "forwarded": self.taken, "refused": self.refused.len(), "kept": kept });
        self.report.say("end", &members, &self.counts())
    }

    /// What the local server took, and what it did not take to the end.
    pub(super) fn counts(&self) -> String {
        let refused = match self.refused.len() {
            0 => String::new(),
            refused => format!(", {refused} not"),
        };
        format!("{} taken{refused}", output::counted(self.taken as usize, "event"))
    }
}
