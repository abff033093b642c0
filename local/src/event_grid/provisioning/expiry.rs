//! Expiry of subscriptions: one whose `expirationTimeUtc` has come is deleted, with what waits for it.

use std::time::Duration;

use super::Provisioning;

/// Wait before another try after the store failed.
const RETRY: Duration = Duration::from_secs(1);

impl Provisioning {
    /// Deletes subscriptions when their time has come, by the stack's clock, until the service stops.
    pub(super) async fn delete_expired(&self) {
        let clock = &self.delivery.clock;
        loop {
            let now = clock.now();
            let mut next = None;
            for subscription in self.registry.all() {
                let Some(at) = subscription.expires() else { continue };
                if at > now {
                    next = next.into_iter().chain([at]).min();
                } else if let Err(error) = self.delete(&subscription) {
                    tracing::error!(subscription = %subscription.name, error = &error as &dyn std::error::Error, "an expired subscription could not be deleted");
                    next = Some(now + RETRY);
                } else {
                    tracing::info!(subscription = %subscription.name, "deleted: it has expired");
                }
            }
            let time_comes = async {
                match next {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.registry.changed() => {}
                () = time_comes => {}
            }
        }
    }
}
