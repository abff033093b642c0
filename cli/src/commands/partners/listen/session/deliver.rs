//! Events on their way to the local server: forwarded, kept where they were not taken, sent again when that is wished.

use futures::{StreamExt, stream};
use serde_json::json;

use super::Session;
use crate::{
    clock,
    commands::partners::listen::{
        backfill::Backfill,
        commands::Wish,
        forward::Answer,
        listener::{AT_ONCE, Listener},
        report::{Done, written},
        taken::Taken,
    },
    output,
};

impl Session {
    /// Forwards events, keeps what was not taken, and lets the queue forget both.
    pub(super) async fn forward(
        &mut self,
        events: Vec<Taken>,
        from: Option<&Listener>,
        how: Option<&'static str>,
    ) -> anyhow::Result<()> {
        let answers = self.answered(events).await;
        for (event, answer) in &answers {
            if let Some(fault) = &answer.fault {
                self.kept.keep(event, fault, written(clock::now()))?;
                self.refused.insert(event.key());
                if self.kept.is_full() {
                    output::say(
                        "as many events are kept as may be; others wait in the queue until r and Enter were of use",
                    );
                }
            }
            if answer.is_taken() {
                self.taken += 1;
            }
            if let (Some(status @ (401 | 403 | 404)), Some(listener)) = (answer.status, from) {
                self.explain(status, listener);
            }
            self.came = self.came.saturating_add(1);
            let is_repeat = self.seen.note(event.key());
            self.report.event(&Done { event, answer, is_repeat, how })?;
        }
        let receipts: Vec<&str> = answers.iter().filter_map(|(event, _)| event.receipt.as_deref()).collect();
        if let (Some(listener), false) = (from, receipts.is_empty())
            && let Err(error) = listener.acknowledge(&receipts).await
        {
            // They come again, and are marked as repeats.
            output::say(&format!("what was forwarded last will come once more: {}", output::chain(&error)));
        }
        Ok(())
    }

    /// Sends events beside each other; the answers are in their order.
    async fn answered(&self, events: Vec<Taken>) -> Vec<(Taken, Answer)> {
        let sent = stream::iter(events).map(|event| {
            let forwarder = self.forwarder.clone();
            async move {
                let answer = forwarder.send(&event).await;
                (event, answer)
            }
        });
        sent.buffered(AT_ONCE).collect().await
    }

    /// Forwards what came before, at most so many events of a page; whether that was all.
    pub(super) async fn fill(&mut self, backfill: &mut Backfill, most: usize) -> anyhow::Result<bool> {
        match backfill.next(&self.api, most).await {
            Ok((events, is_over)) => {
                let new = events.into_iter().filter(|event| !self.seen.has(&event.key())).collect();
                self.forward(new, None, Some("since")).await?;
                if is_over {
                    self.report.say("filled", &json!({}), "all that came before is forwarded")?;
                }
                Ok(is_over)
            }
            Err(error) if error.is_transient() => Ok(false),
            Err(error) => {
                output::say(&format!("what came before cannot be had: {}", output::chain(&error)));
                Ok(true)
            }
        }
    }

    /// Does what was typed.
    pub(super) async fn typed(&mut self, wish: Wish) -> anyhow::Result<()> {
        if wish == Wish::List {
            return self.report.kept(self.kept.lines());
        }
        let was_full = self.kept.is_full();
        let events = self.kept.events();
        if events.is_empty() {
            return self.report.kept(&[]);
        }
        let mut still = Vec::new();
        for (event, answer) in self.answered(events).await {
            self.report.event(&Done { event: &event, answer: &answer, is_repeat: true, how: Some("resend") })?;
            match answer.fault {
                Some(fault) => still.push((event, fault)),
                None => {
                    self.taken += 1;
                    self.refused.remove(&event.key());
                }
            }
        }
        self.kept.replace(still, &written(clock::now()))?;
        if was_full && !self.kept.is_full() {
            output::say("events are taken from the queue again");
        }
        Ok(())
    }

    /// Tells of events that the queue did not take, each once.
    pub(super) async fn undelivered(&mut self, listener: &Listener) -> anyhow::Result<()> {
        for item in listener.undelivered().await {
            let (id, outcome) = (item["event"].as_str().unwrap_or("?"), item["outcome"].as_str().unwrap_or("?"));
            if self.seen.note(format!("undelivered {id}")) {
                continue;
            }
            let why = match item["isTooLarge"] == true {
                true => "it has more than 48 KiB, which no message holds".to_owned(),
                false => format!("Event Grid says {outcome}"),
            };
            let line =
                format!("event {id} could not come through the queue: {why}; the list of events (GET …/events) has it");
            let members = json!({
                "id": item["event"],
                "eventType": item["type"],
                "failedAt": item["at"],
                "outcome": item["outcome"],
                "status": item["status"],
                "isTooLarge": item["isTooLarge"],
            });
            self.report.say("undelivered", &members, &line)?;
        }
        Ok(())
    }

    /// Says once what may be the cause of such an answer of the local server.
    fn explain(&mut self, status: u16, listener: &Listener) {
        if self.explained.contains(&status) {
            return;
        }
        self.explained.push(status);
        if status == 404 {
            return output::say(match self.forwarder.has_path() {
                true => "note: your server knows nothing at the path of --forward-to",
                false => "note: is the path missing? --forward-to has none",
            });
        }
        let (path, partner) = (self.path(listener), self.api.partner());
        output::say(&match (listener.shown["secretOf"] == "subscription", self.like()) {
            (true, like) => {
                let like = like.unwrap_or_default();
                format!(
                    "note: events have the secret of {like} in x-contoso-secret, which your server has to know; GET \
                     /api/partners/{partner}/subscriptions/{like}/secret shows it"
                )
            }
            (false, Some(like)) => format!(
                "note: the key may only read, so this listener has a secret of its own: use a key that may write for that of {like}, or give \
                 your server the x-contoso-secret that GET {path} shows"
            ),
            (false, None) => format!(
                "note: this listener has a secret of its own: use --like SUBSCRIPTION for one that your server knows, or give it the \
                 x-contoso-secret that GET {path} shows"
            ),
        });
    }
}
