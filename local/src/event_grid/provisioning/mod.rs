//! Provisioning of subscriptions: validation of the endpoint, then the change.
//!
//! New properties wait as `proposed` until the endpoint agreed. What was in force before stays in force meanwhile, and
//! for good if the endpoint refuses: an update that fails harms nobody. (What Azure keeps then is not documented.)

mod expiry;
mod validation;
mod verdict;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use http::StatusCode;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;
use uuid::Uuid;

use self::verdict::Validation;
use super::{
    delivery::{Delivery, Workers},
    error::{Error, Refusal},
    event::Schema,
    names::{Names, Source},
    registry::{Registry, Subscription, accept, reject},
    resource_manager::operations::{Operations, Status},
    subscription::{self, ProvisioningState, Record},
};

/// Azure's ceiling, which cannot be raised.
const MAX_SUBSCRIPTIONS_PER_TOPIC: usize = 500;
/// Makes, changes and deletes subscriptions.
pub(crate) struct Provisioning {
    pub(crate) registry: Registry,
    pub(crate) operations: Operations,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) workers: Workers,
    names: Names,
    /// Base of the URLs through which endpoints consent by hand.
    base: Url,
    /// Who waits for a consent by hand, by validation code.
    awaited: Mutex<HashMap<Uuid, oneshot::Sender<()>>>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Provisioning {
    pub(crate) fn new(registry: Registry, delivery: Arc<Delivery>, names: Names, base: Url) -> Arc<Self> {
        Arc::new(Self {
            registry,
            operations: Operations::default(),
            workers: Workers::new(delivery.clone()),
            delivery,
            names,
            base,
            awaited: Mutex::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        })
    }

    /// Starts the workers of stored subscriptions, and the validations that a stop interrupted. From now on subscriptions expire.
    pub(crate) fn resume(self: &Arc<Self>) {
        let this = self.clone();
        self.spawn(async move { this.delete_expired().await });
        for subscription in self.registry.all() {
            let record = subscription.record();
            self.workers.serve(subscription.clone());
            if let (Some(proposed), false) = (record.proposed, record.deployed) {
                let operation = self.operations.begin();
                self.validate_in_background(subscription, proposed, operation);
            }
        }
    }

    /// Brings a subscription of the topology into force. It collects events at once; deliveries start when the endpoint
    /// has agreed, and it is asked until it does.
    pub(crate) fn deploy(
        self: &Arc<Self>,
        source: &Source,
        name: &str,
        input: Schema,
        properties: &Value,
    ) -> Result<(), Error> {
        let unusable = |reason| Error::Topology { what: format!("subscription `{name}`"), reason };
        check_name(name).map_err(unusable)?;
        let settings = subscription::parse(properties, input, None).map_err(unusable)?;
        // A host beside the stack may have ended with it: whether it runs shows by its answer only.
        let asks_again = self.delivery.is_external(&settings.target.destination);
        let fill = |record: &mut Record| {
            if asks_again || !record.deployed || record.in_force.as_ref() != Some(properties) {
                record.state = ProvisioningState::Creating;
            }
            record.in_force = Some(properties.clone());
            record.proposed = None;
            record.deployed = true;
        };
        let subscription = match self.registry.find(source, name) {
            Some(subscription) => {
                self.registry.change(&subscription, fill)?;
                subscription
            }
            None => {
                let subscription = self.registry.create(source, name, input, fill)?;
                self.workers.serve(subscription.clone());
                subscription
            }
        };
        if subscription.record().state != ProvisioningState::Succeeded {
            let (this, token) = (self.clone(), subscription.supersede_validation());
            self.spawn(async move { this.ask_until_agreed(&subscription, &token).await });
        }
        Ok(())
    }

    /// Makes or replaces a subscription; the operation that validates it runs on. Returns its id and whether the
    /// subscription is new.
    pub(crate) fn propose(
        self: &Arc<Self>,
        source: &Source,
        name: &str,
        input: Schema,
        properties: Value,
    ) -> Result<(Arc<Subscription>, Uuid), Refusal> {
        check_name(name).map_err(Refusal::invalid)?;
        subscription::parse(&properties, input, Some(self.delivery.clock.now())).map_err(Refusal::invalid)?;
        let subscription = match self.registry.find(source, name) {
            Some(subscription) => {
                self.registry.change(&subscription, |record| {
                    if record.deployed && record.state != ProvisioningState::Succeeded {
                        // Its endpoint never agreed to what the topology says.
                        record.in_force = None;
                    }
                    record.deployed = false;
                    record.proposed = Some(properties.clone());
                    record.state = match record.in_force {
                        Some(_) => ProvisioningState::Updating,
                        None => ProvisioningState::Creating,
                    };
                })?;
                subscription
            }
            None => {
                if self.registry.of(source).len() >= MAX_SUBSCRIPTIONS_PER_TOPIC {
                    return Err(Refusal::new(
                        StatusCode::CONFLICT,
                        "QuotaExceeded",
                        format!("A topic has at most {MAX_SUBSCRIPTIONS_PER_TOPIC} event subscriptions."),
                    ));
                }
                let fill = |record: &mut Record| record.proposed = Some(properties.clone());
                let subscription = self.registry.create(source, name, input, fill)?;
                self.workers.serve(subscription.clone());
                subscription
            }
        };
        let operation = self.operations.begin();
        self.validate_in_background(subscription.clone(), properties, operation);
        Ok((subscription, operation))
    }

    /// Deletes a subscription with what waits for it; the operation is over when this returns.
    pub(crate) fn delete(&self, subscription: &Subscription) -> Result<Uuid, Error> {
        let operation = self.operations.begin();
        self.registry.remove(subscription)?;
        self.operations.end(operation, Status::Succeeded);
        Ok(operation)
    }

    /// Ends all validations; they begin again at the next start.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = work => {}
            }
        });
    }

    fn validate_in_background(self: &Arc<Self>, subscription: Arc<Subscription>, properties: Value, operation: Uuid) {
        let (this, token) = (self.clone(), subscription.supersede_validation());
        self.spawn(async move {
            let status = match this.validate_proposed(&subscription, &properties, &token).await {
                Ok(status) => status,
                Err(error) => {
                    tracing::error!(subscription = %subscription.name, error = &error as &dyn std::error::Error, "a subscription could not be stored");
                    Status::Failed {
                        code: "InternalServerError",
                        message: error.to_string(),
                    }
                }
            };
            this.operations.end(operation, status);
        });
    }

    async fn validate_proposed(
        &self,
        subscription: &Subscription,
        properties: &Value,
        token: &CancellationToken,
    ) -> Result<Status, Error> {
        let settings = match subscription::parse(properties, subscription.input, None) {
            Ok(settings) => settings,
            Err(message) => {
                self.registry.change(subscription, reject)?;
                return Ok(Status::Failed { code: "InvalidRequest", message });
            }
        };
        let validation = self.validate(subscription, &settings, token).await?;
        // Between the answer and this moment newer properties may have come.
        let change = |end: fn(&mut Record)| {
            self.registry.change(subscription, |record| {
                if record.proposed.as_ref() == Some(properties) {
                    end(record);
                }
            })
        };
        match validation {
            Validation::Consent => {
                change(accept)?;
                Ok(Status::Succeeded)
            }
            Validation::Refused(message) => {
                tracing::info!(subscription = %subscription.name, message, "a subscription was refused by its endpoint");
                change(reject)?;
                Ok(Status::Failed { code: "Url validation", message })
            }
            Validation::Superseded => Ok(Status::Canceled),
        }
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = (3..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits {
        Ok(())
    } else {
        Err(format!("`{name}` is not a name of an event subscription: 3 to 64 letters, digits and hyphens."))
    }
}
