//! Connects the app's triggers with the services: what they refer to is checked first, then all start together.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Services;
use super::app::{App, AppError, BlobSource, EventHubTrigger, Function, Trigger};
use super::invocation::Invoker;
use super::triggers::{BlobScan, EventHubListener, Feed, NewBlobs, Timer, TimerHandle, run_queue};
use crate::event_hubs::{EventHubs, Partition};
use crate::queues;

/// Triggers that are checked and not started.
pub(super) struct Listeners {
    hubs: Vec<(Arc<Function>, Vec<Partition>)>,
    feeds: Vec<(Arc<Function>, Feed)>,
    /// This host, as owner of partitions and leases.
    owner: Uuid,
}

impl Listeners {
    /// Checks that every hub, group and container that a trigger names is there.
    pub(super) async fn open(app: &App, services: &Services) -> Result<Self, AppError> {
        let owner = Uuid::new_v4();
        let (mut hubs, mut feeds) = (Vec::new(), Vec::new());
        for function in app.enabled() {
            match &function.trigger {
                Trigger::EventHub(trigger) => {
                    hubs.push((Arc::clone(function), partitions(function, trigger, &services.event_hubs)?));
                }
                Trigger::CosmosDb(trigger) => {
                    let feed = Feed::open(function, trigger, &services.cosmos, owner.to_string()).await?;
                    feeds.push((Arc::clone(function), feed));
                }
                Trigger::Http(_) | Trigger::EventGrid(_) | Trigger::Timer(_) | Trigger::Queue(_) | Trigger::Blob(_) => {
                }
            }
        }
        Ok(Self { hubs, feeds, owner })
    }

    /// The host's own queue of new blobs, where the app has a blob trigger.
    pub(super) fn new_blobs(
        &self,
        app: &App,
        services: &Services,
        host_id: &str,
    ) -> Result<Option<NewBlobs>, queues::Error> {
        let needed = app.enabled().any(|function| matches!(function.trigger, Trigger::Blob(_)));
        needed.then(|| NewBlobs::open(&services.queues, host_id)).transpose()
    }

    /// Starts them; returns the levers of the timers.
    pub(super) fn start(
        self,
        tasks: &TaskTracker,
        invoker: &Invoker,
        app: &App,
        services: &Services,
        host_id: &str,
        new_blobs: Option<&NewBlobs>,
    ) -> BTreeMap<String, TimerHandle> {
        let blobs = &services.blobs;
        start_storage(tasks, invoker, app, services, host_id, new_blobs);
        for (function, partitions) in self.hubs {
            for partition in partitions {
                let function = Arc::clone(&function);
                let listener = EventHubListener {
                    function: Arc::clone(&function),
                    partition,
                    options: app.host.event_hubs.clone(),
                    blobs: blobs.clone(),
                    invoker: invoker.clone(),
                    owner: self.owner,
                };
                tasks.spawn(async move {
                    if let Trigger::EventHub(trigger) = &function.trigger {
                        listener.run(trigger).await;
                    }
                });
            }
        }
        for (function, feed) in self.feeds {
            for range in feed.ranges.clone() {
                let (function, feed, invoker) = (Arc::clone(&function), feed.clone(), invoker.clone());
                tasks.spawn(async move {
                    if let Trigger::CosmosDb(trigger) = &function.trigger {
                        feed.run(trigger, &range, &invoker).await;
                    }
                });
            }
        }
        let mut timers = BTreeMap::new();
        for function in app.enabled().filter(|function| matches!(function.trigger, Trigger::Timer(_))).map(Arc::clone) {
            let (timer, handle) = Timer::new(&function, invoker, blobs, host_id);
            timers.insert(function.name.clone(), handle);
            tasks.spawn(async move {
                if let Trigger::Timer(trigger) = &function.trigger {
                    timer.run(trigger).await;
                }
            });
        }
        timers
    }
}

/// Starts queue and blob triggers.
fn start_storage(
    tasks: &TaskTracker,
    invoker: &Invoker,
    app: &App,
    services: &Services,
    host_id: &str,
    new_blobs: Option<&NewBlobs>,
) {
    let mut of_blobs = BTreeMap::new();
    for function in app.enabled() {
        match &function.trigger {
            Trigger::Queue(trigger) => {
                let (function, trigger, invoker) = (Arc::clone(function), trigger.clone(), invoker.clone());
                tasks.spawn(run_queue(function, trigger, services.queues.clone(), app.host.queues.clone(), invoker));
            }
            Trigger::Blob(trigger) => {
                of_blobs.insert(format!("Host.Functions.{}", function.name), Arc::clone(function));
                if let (BlobSource::Scan, Some(new_blobs)) = (trigger.source, new_blobs) {
                    let scan = BlobScan {
                        function: Arc::clone(function),
                        trigger: trigger.clone(),
                        blobs: services.blobs.clone(),
                        new_blobs: new_blobs.clone(),
                        host_id: host_id.to_owned(),
                    };
                    let invoker = invoker.clone();
                    tasks.spawn(async move { scan.run(&invoker).await });
                }
            }
            _ => {}
        }
    }
    if let Some(new_blobs) = new_blobs {
        let (blobs, options) = (services.blobs.clone(), app.host.blobs.clone());
        tasks.spawn(new_blobs.clone().work_off(of_blobs, blobs, options, invoker.clone()));
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
