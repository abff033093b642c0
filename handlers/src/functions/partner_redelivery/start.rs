//! Jobs that nobody asks for by a request of its own: new subscriptions with `startFrom`, once they deliver.

use crate::{
    app::App,
    azure::cosmos::CosmosError,
    domain::partner::{redelivery::start_job, subscription::Subscription},
    outcome::Cause,
};

/// Makes the jobs of all new subscriptions that deliver since a while ago.
pub(super) async fn begin_all(app: &App) -> Result<(), Cause> {
    let found = app.stores().partners.subscriptions.to_be_started().await;
    for subscription in found.map_err(|error| Cause::from_error("look for new subscriptions", error))? {
        begin(app, &subscription).await.map_err(|error| Cause::from_error("begin what was missed", error))?;
    }
    Ok(())
}

/// Makes the job of one, if it is time for it and there is none.
pub(in crate::functions) async fn begin(app: &App, subscription: &Subscription) -> Result<(), CosmosError> {
    let Some(job) = start_job(subscription, app.now()) else { return Ok(()) };
    let store = &app.stores().partners.redeliveries;
    if store.read(&job.partner, &job.id).await?.is_some() {
        return Ok(());
    }
    match store.create(&job, None).await {
        // Another was first.
        Err(error) if error.is_lost_race() => Ok(()),
        created => created,
    }
}
