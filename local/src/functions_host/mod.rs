//! Azure Functions host for custom handlers: runs any packaged app the way Azure's host does, unkind parts included.
//!
//! | part | what it does |
//! | --- | --- |
//! | `app` | `host.json`, `function.json`, settings; everything checked before anything starts |
//! | `handler` | the process: spawn, readiness, exit table, three errors stop the host |
//! | `invocation` | one call: body, request, judgement of the answer, retries |
//! | `triggers` | Event Hubs, change feed, queues, blobs, Event Grid, timers, with their checkpoints, leases and locks |
//! | `access` | the roles a listener needs before it starts |
//! | `levers`, `rewinds` | rewinding checkpoints and leases by hand |
//! | `front` | the host's port: HTTP functions, keys, the Event Grid endpoint, the admin API |
//!
//! Not kinder than Azure: a checkpoint and a lease move on after a failed batch unless an unlimited retry policy holds
//! them; a handler that exits with 0 is not restarted; an answer that would hang Azure's host fails loudly.
//!
//! Several hosts of one app share its work through the services alone, as Azure's instances do: ownership and lock blobs,
//! lease items. Schedules, retries and expiries are on the stack's clock; `functionTimeout` is on the machine's, since a
//! test that steps the clock must not kill what is running.

mod access;
mod app;
mod front;
mod handler;
mod host_id;
mod invocation;
mod levers;
mod listeners;
mod rewinds;
mod services;
#[cfg(test)]
pub(crate) mod tests;
mod triggers;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use tracing::{info, warn};
use uuid::Uuid;

use self::{
    access::{Access, Need},
    app::{App, Settings},
    front::{Front, Keys, Routes},
    handler::{Handler, Launch, Supervisor},
    invocation::{Client, Invoker},
    listeners::Listeners,
    triggers::{BlobWebhook, HostLock},
};
use crate::{
    clock::Clock,
    faults::Faults,
    identity::{Caller, Forbidden},
    transport::{self, AcceptedConnections, Terms, Tls},
};
pub use app::AppError;
pub use front::KeysError;
pub use handler::Stopped;
pub use levers::{LeverError, Redelivery};
pub use services::Services;

/// How long a stop waits for connections that are in use.
const STOPPING: Duration = Duration::from_secs(1);

/// What to host, and how.
pub struct HostOptions {
    /// Folder of `host.json`.
    pub app: PathBuf,
    /// App settings; they win over `Values` of `local.settings.json` and over the environment.
    pub settings: BTreeMap<String, String>,
    /// Where the host listens.
    pub listener: std::net::TcpListener,
    /// Asks for function keys, as in Azure; Core Tools does not unless told to.
    pub enforce_keys: bool,
    /// Sends bodies to the handler in chunks, as in Azure; otherwise with a `Content-Length`, as under Core Tools.
    pub chunked_bodies: bool,
    /// This instance of the app, as owner of partitions, leases and locks. One that starts again under the id of one that
    /// is gone goes on at once; under a new id it waits until what the other left behind has expired.
    pub instance: Uuid,
    /// The identity in whose name triggers listen: what its roles do not allow does not start. `None` asks nothing.
    pub identity: Option<Caller>,
    /// What the host's port shows over TLS, and the hosts that it answers to.
    pub tls: Tls,
}

/// The host did not start; nothing of it runs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The app is not valid. One line that names file and field.
    #[error(transparent)]
    App(#[from] AppError),
    /// Keys cannot be read or created.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The app's identity may not keep keys.
    #[error("the functions host cannot keep the app's keys. 403 (Forbidden): {0}")]
    KeysForbidden(#[from] Forbidden),
    /// The listener cannot be used.
    #[error("the functions host cannot listen")]
    Listener(#[source] std::io::Error),
    /// The host's own queue cannot be made.
    #[error("the functions host cannot make its queue of new blobs; repeating is safe")]
    Queue(#[from] crate::queues::Error),
    /// No such timer.
    #[error("{0} is not a timer of this app, or it is disabled")]
    NoTimer(String),
}

/// A running host. Dropped without [`stop`](Self::stop), it kills its handler and stops listening all the same, but keeps
/// what it owns until that expires, as a host does that crashes.
pub struct FunctionsHost {
    address: SocketAddr,
    front: Arc<Front>,
    faults: Faults,
    supervisor: Mutex<Option<Supervisor>>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    leaving: CancellationToken,
    _on_drop: DropGuard,
}

impl FunctionsHost {
    /// Loads and checks the app, starts the handler, listens, and starts the triggers. Invocations wait for the handler.
    ///
    /// # Errors
    /// When the app is not valid, refers to something that does not exist, or the listener cannot be used.
    pub async fn start(options: HostOptions, services: Services, clock: &Clock) -> Result<Self, Error> {
        let settings = Settings::load(&options.app, &options.settings)?;
        let app = App::load(&options.app, settings)?;
        let host_id = host_id::of(&app.settings)?;
        let listeners = Listeners::open(&app, &services, options.instance).await?;
        let (stopping, leaving) = (CancellationToken::new(), CancellationToken::new());
        let access = Access { caller: options.identity, clock: clock.clone(), stopping: stopping.clone() };
        if options.enforce_keys {
            access.check(&Need::of_keys())?;
        }
        let keys = match options.enforce_keys {
            true => Some(Keys::open(&services.blobs, &host_id)?),
            false => None,
        };
        options.listener.set_nonblocking(true).map_err(Error::Listener)?;
        let listener = tokio::net::TcpListener::from_std(options.listener).map_err(Error::Listener)?;
        let listener = AcceptedConnections::new("functions host", listener, &options.tls).map_err(Error::Listener)?;
        let address = listener.address();
        // A client that forwards follows no redirects, those of invocations neither.
        let client = Client::new(options.chunked_bodies, !app.host.custom_handler.forward_http).await;

        let (supervisor, handler) = if app.enabled().next().is_some() {
            let (supervisor, handler) =
                Supervisor::start(launch(&app), client.clone(), clock.clone(), stopping.clone());
            (Some(supervisor), handler)
        } else {
            warn!("No job functions found.");
            (None, Handler::absent(stopping.clone()))
        };
        let invoker = Invoker {
            handler,
            client,
            clock: clock.clone(),
            timeout: app.host.function_timeout,
            stopping: stopping.clone(),
            leaving: leaving.clone(),
        };
        let tasks = TaskTracker::new();
        let new_blobs = listeners.new_blobs(&app, &services, &host_id)?;
        let (timers, levers) = listeners.start(&listeners::Host {
            tasks: &tasks,
            invoker: &invoker,
            app: &app,
            services: &services,
            access: &access,
            host_id: &host_id,
            new_blobs: new_blobs.as_ref(),
        });
        let blob_webhook = BlobWebhook { blobs: services.blobs.clone(), new_blobs };
        for function in app.enabled() {
            info!("{}: {}", function.name, function.trigger.kind());
        }
        if app.settings.connection("AzureWebJobsStorage").is_some() {
            let (lock, access) = (HostLock::of_host(&services.blobs, &host_id, options.instance), access.clone());
            let invoker = invoker.clone();
            tasks.spawn(async move {
                if access.granted_to_host(&Need::of_timer()).await {
                    lock.hold(invoker).await;
                }
            });
        }
        let hosts = options.tls.hosts();
        let routes = Routes::new(&app);
        let front = Arc::new(Front {
            app,
            invoker,
            host_id,
            instance: options.instance,
            started: Instant::now(),
            restart: CancellationToken::new(),
            keys,
            timers,
            levers,
            blob_webhook,
            routes,
            hosts: hosts.clone(),
        });
        let faults = front::faults();
        let router = hosts.guard(front::router(Arc::clone(&front), &faults));
        tasks.spawn(transport::serve(listener, router, Terms::WHOLE_BODIES, stopping.clone()));
        let on_drop = stopping.clone().drop_guard();
        let supervisor = Mutex::new(supervisor);
        Ok(Self { address, front, faults, supervisor, tasks, stopping, leaving, _on_drop: on_drop })
    }

    /// Where the host listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Process id of the handler, while there is one.
    #[must_use]
    pub fn handler_pid(&self) -> Option<u32> {
        self.front.invoker.handler.pid()
    }

    /// Names of the functions that are not disabled, sorted.
    #[must_use]
    pub fn function_names(&self) -> Vec<String> {
        self.front.app.enabled().map(|function| function.name.clone()).collect()
    }

    /// Waits until the handler serves; returns at once where there is nothing to run.
    ///
    /// # Errors
    /// When the host gave up on its handler.
    pub async fn ready(&self) -> Result<(), Stopped> {
        if self.front.app.enabled().next().is_none() {
            return Ok(());
        }
        self.front.invoker.handler.ready().await.map(drop).map_err(|stopped| (*stopped).clone())
    }

    /// Resolves when the host gave up: the third error of the handler, or one that never became ready.
    pub async fn stopped(&self) -> Stopped {
        (*self.front.invoker.handler.stopped().await).clone()
    }

    /// Resolves when somebody asked through the admin API that the host be started anew, with its handler and listeners. It
    /// goes on until whoever runs it does so.
    pub async fn restart_asked(&self) {
        self.front.restart.cancelled().await;
    }

    /// The master key, which opens everything; `None` where keys are not asked for.
    #[must_use]
    pub fn master_key(&self) -> Option<String> {
        self.key(|keys| keys.master().map(Some))
    }

    /// The default key of a function; `None` where keys are not asked for or there is no such function.
    #[must_use]
    pub fn function_key(&self, function: &str) -> Option<String> {
        self.front.app.functions.iter().find(|known| known.name == function)?;
        self.key(|keys| keys.of_function(function))
    }

    /// The `code` that the webhook of an extension such as `eventgrid` asks for; `None` where keys are not asked for.
    #[must_use]
    pub fn extension_key(&self, extension: &str) -> Option<String> {
        self.key(|keys| keys.of_extension(extension).map(Some))
    }

    fn key(&self, read: impl FnOnce(&Keys) -> Result<Option<String>, KeysError>) -> Option<String> {
        read(self.front.keys.as_ref()?).inspect_err(|error| tracing::error!("{error}")).ok()?
    }

    /// Runs a timer now, after a run that is under way, and waits for it. Returns whether the run succeeded.
    ///
    /// # Errors
    /// When there is no such timer, or the host is stopping.
    pub async fn fire_timer(&self, function: &str) -> Result<bool, Error> {
        let missing = || Error::NoTimer(function.to_owned());
        self.front.timers.get(function).ok_or_else(missing)?.fire(None).await.ok_or_else(missing)
    }

    /// Faults that strike requests to this host's port. They end with it.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops triggers, port and handler. Invocations under way are not acknowledged, so their events come again.
    /// Partitions, leases and locks are given back, so that another host has them at once.
    pub async fn stop(&self) {
        self.leaving.cancel();
        self.stopping.cancel();
        let supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor {
            supervisor.stop().await;
        }
        self.tasks.close();
        // A caller that is still sending must not keep the host.
        if tokio::time::timeout(STOPPING, self.tasks.wait()).await.is_err() {
            warn!("the functions host left connections open");
        }
    }
}

/// How the handler is started.
fn launch(app: &App) -> Launch {
    let handler = &app.host.custom_handler;
    let executable = app.settings.expand_or_empty(&handler.executable);
    let beside = app.root.join(&executable);
    Launch {
        // A relative path that is not a file of the app is left to the system's search path.
        executable: if beside.is_file() { beside } else { PathBuf::from(executable) },
        arguments: app::split_arguments(&app.settings.expand_or_empty(&handler.arguments)),
        working_directory: handler
            .working_directory
            .as_ref()
            .map_or_else(|| app.root.clone(), |path| app.root.join(path)),
        app_root: app.root.clone(),
        environment: app.settings.environment().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        fixed_port: handler.port,
        initialization_timeout: handler.initialization_timeout,
    }
}
