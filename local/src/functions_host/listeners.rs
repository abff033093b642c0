//! Listeners: connects the app's triggers with the services. What they refer to is checked first, then all start
//! together.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{
    access::{Access, Need},
    app::{App, AppError, BlobSource, CosmosDbTrigger, EventHubTrigger, Function, Trigger},
    invocation::Invoker,
    rewinds::{HubLever, Levers},
    services::Services,
    triggers::{BlobScan, EventHubListener, Feed, NewBlobs, Timer, TimerHandle, run_queue},
};
use crate::{
    event_hubs::{EventHubs, Partition},
    queues,
};

/// Triggers that are checked and not started.
pub(super) struct Listeners {
    hubs: Vec<(Arc<Function>, EventHubTrigger, Vec<Partition>)>,
    feeds: Vec<(Arc<Function>, CosmosDbTrigger, Feed)>,
    /// This host, as owner of partitions, leases and locks.
    instance: Uuid,
}

/// What running triggers need of their host.
pub(super) struct Host<'a> {
    pub(super) tasks: &'a TaskTracker,
    pub(super) invoker: &'a Invoker,
    pub(super) app: &'a App,
    pub(super) services: &'a Services,
    pub(super) access: &'a Access,
    pub(super) host_id: &'a str,
    pub(super) new_blobs: Option<&'a NewBlobs>,
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
                Trigger::Http(_) | Trigger::EventGrid(_) | Trigger::Timer(_) | Trigger::Queue(_) | Trigger::Blob(_) => {
                }
            }
        }
        Ok(Self { hubs, feeds, instance })
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

    /// Starts them; returns the handles of the timers and the levers of streams and feeds.
    pub(super) fn start(self, host: &Host<'_>) -> (BTreeMap<String, TimerHandle>, Levers) {
        let Host { tasks, invoker, app, services, access, host_id, .. } = *host;
        let mut levers = Levers::default();
        start_storage(host);
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

/// Starts queue and blob triggers.
fn start_storage(host: &Host<'_>) {
    let Host { tasks, invoker, app, services, access, host_id, new_blobs } = *host;
    let mut of_blobs = BTreeMap::new();
    for function in app.enabled() {
        match &function.trigger {
            Trigger::Queue(trigger) => {
                let (function, trigger, invoker) = (Arc::clone(function), trigger.clone(), invoker.clone());
                let (access, queues, options) = (access.clone(), services.queues.clone(), app.host.queues.clone());
                tasks.spawn(async move {
                    if access.granted(&function.name, &Need::of_queue(&trigger)).await {
                        run_queue(function, trigger, queues, options, invoker).await;
                    }
                });
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
                    let (invoker, access) = (invoker.clone(), access.clone());
                    tasks.spawn(async move {
                        if access.granted(&scan.function.name, &Need::of_blob(&scan.trigger)).await {
                            scan.run(&invoker).await;
                        }
                    });
                }
            }
            _ => {}
        }
    }
    if let Some(new_blobs) = new_blobs {
        let (blobs, options) = (services.blobs.clone(), app.host.blobs.clone());
        let (new_blobs, access, invoker) = (new_blobs.clone(), access.clone(), invoker.clone());
        // One queue for all blob triggers of the host; what it lacks is said in the name of the first.
        let first = of_blobs.values().next().map(|function| function.name.clone()).unwrap_or_default();
        tasks.spawn(async move {
            if access.granted(&first, &Need::of_new_blobs(&new_blobs)).await {
                new_blobs.work_off(of_blobs, blobs, options, invoker).await;
            }
        });
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
