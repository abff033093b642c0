//! Validation of endpoints: they are asked once for an operation, until they agree for the topology.

use std::{
    collections::HashMap,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::{Provisioning, verdict::Validation};
use crate::event_grid::{
    delivery::client::Recipient,
    error::Error,
    event::Schema,
    handshake::{self, MANUAL_WINDOW, Question, ValidationAnswer},
    registry::{Subscription, accept},
    subscription::{ProvisioningState, Settings},
};

/// Waits between the questions to an endpoint that the topology names: it may start after the stack.
const DEPLOYED_RETRY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];
const QUICK_RETRIES: u32 = 30;

impl Provisioning {
    /// An endpoint consents by hand; false if nobody waits for this code.
    pub(crate) fn consent(&self, code: Uuid) -> bool {
        let waiting = self.awaited().remove(&code);
        waiting.is_some_and(|waiting| waiting.send(()).is_ok())
    }

    fn awaited(&self) -> MutexGuard<'_, HashMap<Uuid, oneshot::Sender<()>>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn ask_until_agreed(&self, subscription: &Subscription, token: &CancellationToken) {
        let mut tries: u32 = 0;
        let mut said = None;
        loop {
            let Some(settings) = subscription.settings() else { return };
            match self.validate(subscription, &settings, token).await {
                Ok(Validation::Consent) => match self.registry.change(subscription, accept) {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::error!(subscription = %subscription.name, error = &error as &dyn std::error::Error, "a subscription could not be stored");
                    }
                },
                Ok(Validation::Superseded) => return,
                Ok(Validation::Refused(message)) if said.as_ref() == Some(&message) => {
                    tracing::debug!(subscription = %subscription.name, message, "the endpoint has still not agreed");
                }
                // A host beside the stack is usually started after it.
                Ok(Validation::Refused(message))
                    if tries == 0 && self.delivery.is_external(&settings.target.destination) =>
                {
                    tracing::info!(subscription = %subscription.name, message, "deliveries wait for the functions host");
                    said = Some(message);
                }
                Ok(Validation::Refused(message)) => {
                    tracing::warn!(subscription = %subscription.name, message, "deliveries wait until the endpoint agrees; it is asked again");
                    said = Some(message);
                }
                Err(error) => {
                    tracing::error!(subscription = %subscription.name, error = &error as &dyn std::error::Error, "a subscription could not be stored");
                }
            }
            tries = tries.saturating_add(1);
            let wait = DEPLOYED_RETRY[usize::from(tries > QUICK_RETRIES)];
            tokio::select! {
                () = token.cancelled() => return,
                () = self.delivery.clock.sleep(wait) => {}
            }
        }
    }

    /// Asks the endpoint, and waits for a consent by hand if it says "later". Functions of the stack's own host need no
    /// handshake.
    pub(super) async fn validate(
        &self,
        subscription: &Subscription,
        settings: &Settings,
        token: &CancellationToken,
    ) -> Result<Validation, Error> {
        let Some((endpoint, recipient)) = self.delivery.asked_first(&settings.target.destination) else {
            return Ok(Validation::Consent);
        };
        let question = self.question(subscription, (endpoint, recipient), settings.schema);
        let answer = tokio::select! {
            () = token.cancelled() => return Ok(Validation::Superseded),
            answer = handshake::ask(&self.delivery, &question) => answer,
        };
        match answer {
            ValidationAnswer::Consent => return Ok(Validation::Consent),
            ValidationAnswer::Refusal(message) => return Ok(Validation::Refused(message)),
            // Nobody consents for a function by hand: its host is not ready yet.
            ValidationAnswer::Later if self.delivery.is_external(&settings.target.destination) => {
                return Ok(Validation::Refused(question.without_consent()));
            }
            ValidationAnswer::Later => {}
        }
        // From here on the callback counts: Azure ignores it while the handshake's answer is outstanding.
        let (consent, consented) = oneshot::channel();
        self.awaited().insert(question.code, consent);
        self.registry.change(subscription, |record| {
            record.state = ProvisioningState::AwaitingManualAction;
        })?;
        tracing::info!(subscription = %subscription.name, "the endpoint may consent within 10 minutes at the URL that it was told");
        let validation = tokio::select! {
            () = token.cancelled() => Validation::Superseded,
            Ok(()) = consented => Validation::Consent,
            () = self.delivery.clock.sleep(MANUAL_WINDOW) => Validation::Refused(question.too_late()),
        };
        self.awaited().remove(&question.code);
        Ok(validation)
    }

    fn question(
        &self,
        subscription: &Subscription,
        (endpoint, recipient): (Url, Recipient),
        schema: Schema,
    ) -> Question {
        let code = Uuid::new_v4();
        let mut callback = self.base.clone();
        callback.set_path(&format!("/eventsubscriptions/{}/validate", subscription.name));
        callback.query_pairs_mut().append_pair("id", &code.to_string());
        Question {
            endpoint,
            recipient,
            schema,
            subscription: subscription.name.clone(),
            topic: self.names.source(&subscription.source),
            callback,
            code,
        }
    }
}
