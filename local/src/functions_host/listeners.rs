//! Connects the app's triggers with the services: what they refer to is checked first, then all start together.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Services;
use super::access::{Access, Need};
use super::app::{App, AppError, CosmosDbTrigger, EventHubTrigger, Function, Trigger};
use super::invocation::Invoker;
use super::levers::{HubLever, Levers};
use super::triggers::{EventHubListener, Feed, Timer, TimerHandle};
use crate::event_hubs::{EventHubs, Partition};

/// Triggers that are checked and not started.
pub(super) struct Listeners {
    hubs: Vec<(Arc<Function>, EventHubTrigger, Vec<Partition>)>,
    feeds: Vec<(Arc<Function>, CosmosDbTrigger, Feed)>,
    /// This host, as owner of partitions, leases and locks.
    instance: Uuid,
}

impl Listeners {
    /// Checks that every hub, group and container that a trigger names is there.
    pub(super) async fn open(app: &App, services: &Services, instance: Uuid) -> Result<Self, AppError> {
        let (mut hubs, mut feeds) = (Vec::new(), Vec::new());
        for function in app.enabled() {
            match &function.trigger {
                Trigger::EventHub(trigger) => {
                    let partitions = partitions(function, trigger, &services.event_hubs)?;
                    hubs.push((Arc::clone(function), trigger.clone(), partitions));
                }
                Trigger::CosmosDb(trigger) => {
                    let feed = Feed::open(function, trigger, &services.cosmos, instance.to_string()).await?;
                    feeds.push((Arc::clone(function), trigger.clone(), feed));
                }
                Trigger::Http(_) | Trigger::EventGrid(_) | Trigger::Timer(_) => {}
            }
        }
        Ok(Self { hubs, feeds, instance })
    }

    /// Starts them; returns the handles of the timers and the levers of streams and feeds.
    pub(super) fn start(
        self,
        tasks: &TaskTracker,
        invoker: &Invoker,
        app: &App,
        services: &Services,
        access: &Access,
        host_id: &str,
    ) -> (BTreeMap<String, TimerHandle>, Levers) {
        let mut levers = Levers::default();
        for (function, trigger, partitions) in self.hubs {
            let (rewinds, received) = mpsc::channel(1);
            let ids = partitions.iter().map(|partition| partition.id().to_owned()).collect();
            levers.hubs.insert(function.name.clone(), HubLever { partitions: ids, rewinds });
            let listener = EventHubListener {
                function: Arc::clone(&function),
                hubs: services.event_hubs.clone(),
                partitions,
                options: app.host.event_hubs.clone(),
                blobs: services.blobs.clone(),
                invoker: invoker.clone(),
                owner: self.instance,
            };
            let access = access.clone();
            tasks.spawn(async move {
                if access.granted(&function.name, &Need::of_event_hub(&trigger)).await {
                    listener.run(trigger, received).await;
                }
            });
        }
        for (function, trigger, feed) in self.feeds {
            let (rewinds, received) = mpsc::channel(1);
            levers.feeds.insert(function.name.clone(), rewinds);
            let (access, invoker) = (access.clone(), invoker.clone());
            tasks.spawn(async move {
                if access.granted(&function.name, &Need::of_cosmos_db(&trigger)).await {
                    feed.run(invoker, received).await;
                }
            });
        }
        let mut timers = BTreeMap::new();
        for function in app.enabled().filter(|function| matches!(function.trigger, Trigger::Timer(_))).map(Arc::clone) {
            let (timer, fires, handle) = Timer::new(&function, invoker, &services.blobs, host_id, self.instance);
            timers.insert(function.name.clone(), handle);
            let access = access.clone();
            tasks.spawn(async move {
                if let Trigger::Timer(trigger) = &function.trigger
                    && access.granted(&function.name, &Need::of_timer()).await
                {
                    timer.run(trigger, fires).await;
                }
            });
        }
        (timers, levers)
    }
}

/// The partitions of a trigger's hub. A namespace that is neither the local one nor on this machine is refused: it would
/// silently be served from here.
fn partitions(function: &Function, trigger: &EventHubTrigger, hubs: &EventHubs) -> Result<Vec<Partition>, AppError> {
    let label = trigger.namespace.split('.').next().unwrap_or_default();
    let on_this_machine = trigger.namespace == "localhost" || trigger.namespace.starts_with("127.");
    if !on_this_machine && !label.eq_ignore_ascii_case(hubs.namespace()) {
        let problem = format!("names namespace {}; the local one is {}", trigger.namespace, hubs.namespace());
        return Err(function.error("connection", problem));
    }
    let hub = hubs
        .hub(&trigger.hub)
        .ok_or_else(|| function.error("eventHubName", format!("there is no hub '{}'", trigger.hub)))?;
    if !hub.has_consumer_group(&trigger.consumer_group) {
        let problem = format!("hub '{}' has no consumer group '{}'", trigger.hub, trigger.consumer_group);
        return Err(function.error("consumerGroup", problem));
    }
    Ok(hub.partitions().to_vec())
}
