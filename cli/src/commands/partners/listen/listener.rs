//! The listener of this run, at the app: made or found, renewed, removed; and what waits in its queue.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::taken::Taken;
use crate::{
    clock,
    commands::partners::api::{Api, ApiError},
};

/// Events that are taken at once, and forwarded beside each other: all within the minute after which the queue hands them out again.
pub(super) const AT_ONCE: usize = 4;
/// How often a listener is looked at that does not deliver yet.
const LOOK: Duration = Duration::from_millis(500);

/// A listener.
#[derive(Clone)]
pub(super) struct Listener {
    api: Api,
    pub(super) id: String,
    /// As the app showed it last.
    pub(super) shown: Value,
}

/// What came, and what time it is where it came from.
pub(super) struct Received {
    pub(super) events: Vec<Taken>,
    pub(super) now: Option<OffsetDateTime>,
    pub(super) expires: Option<OffsetDateTime>,
}

impl Listener {
    /// Makes a new one. The same `repeat` finds what an earlier try made.
    pub(super) async fn make(api: &Api, wanted: &Value, repeat: &str) -> Result<Self, ApiError> {
        let answer = api.bytes(Method::POST, "/listeners", Some(wanted), Some(repeat), "make a listener").await?;
        let made: Value = contoso_json::plain(&answer).unwrap_or_default();
        let id = made["id"].as_str().unwrap_or_default().to_owned();
        // An answer that was kept for a repeat has no secret.
        Self::find(api, &id).await
    }

    /// One that is there.
    pub(super) async fn find(api: &Api, id: &str) -> Result<Self, ApiError> {
        let shown = api.call(Method::GET, &format!("/listeners/{id}"), None, "look at the listener").await?;
        Ok(Self { api: api.clone(), id: id.to_owned(), shown })
    }

    pub(super) fn is_live(&self) -> bool {
        self.shown["state"] == "live"
    }

    /// Waits until Event Grid delivers to it.
    pub(super) async fn live(mut self) -> Result<Self, ApiError> {
        while !self.is_live() {
            clock::until_next_look(LOOK).await;
            self = Self::find(&self.api, &self.id).await?;
        }
        Ok(self)
    }

    pub(super) fn time(&self, member: &str) -> Option<OffsetDateTime> {
        time(&self.shown[member])
    }

    /// Takes what waits, after a pause.
    pub(super) async fn receive(self, pause: Duration, most: usize) -> Result<Received, ApiError> {
        if !pause.is_zero() {
            clock::until_next_look(pause).await;
        }
        let path = format!("/listeners/{}/receive", self.id);
        let answer = self.api.call(Method::POST, &path, Some(&json!({ "max": most })), "receive events").await?;
        Ok(Received { events: Taken::of_answer(&answer), now: time(&answer["now"]), expires: time(&answer["expires"]) })
    }

    /// Lets the queue forget what was forwarded or kept.
    pub(super) async fn acknowledge(&self, receipts: &[&str]) -> Result<(), ApiError> {
        let path = format!("/listeners/{}/acknowledge", self.id);
        let body = json!({ "receipts": receipts });
        self.api.call(Method::POST, &path, Some(&body), "acknowledge events").await.map(drop)
    }

    /// What Event Grid could not put into the queue; nothing where nobody knows.
    pub(super) async fn undelivered(&self) -> Vec<Value> {
        let path = format!("/listeners/{}/undelivered", self.id);
        let told = self.api.call(Method::GET, &path, None, "ask what was not delivered").await;
        told.ok().and_then(|told| told["items"].as_array().cloned()).unwrap_or_default()
    }

    /// Lets it last on, and learns its headers anew.
    pub(super) async fn renew(&self) -> Result<Self, ApiError> {
        let path = format!("/listeners/{}/renew", self.id);
        let shown = self.api.call(Method::POST, &path, None, "renew the listener").await?;
        Ok(Self { shown, ..self.clone() })
    }

    /// Takes nothing, and learns what `receive` would beside events.
    pub(super) async fn rest(self, pause: Duration) -> Result<Received, ApiError> {
        clock::until_next_look(pause).await;
        let found = Self::find(&self.api, &self.id).await?;
        Ok(Received { events: Vec::new(), now: found.time("now"), expires: found.time("expires") })
    }

    /// Removes one. That it is gone is fine.
    pub(super) async fn remove(api: &Api, id: &str) -> Result<(), ApiError> {
        let removed = api.call(Method::DELETE, &format!("/listeners/{id}"), None, "remove the listener").await;
        match removed {
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(()),
            removed => removed.map(drop),
        }
    }
}

fn time(value: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()
}
