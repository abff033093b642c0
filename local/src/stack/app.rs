//! The app on the stack: a functions host, and the watch over it.

use std::{
    collections::BTreeMap,
    net::TcpListener as StdListener,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{
    ExternalHost, StackError,
    ports::{FUNCTIONS, unbound},
};
use crate::{
    clock::Clock,
    functions_host::{FunctionsHost, HostOptions, Services},
    identity::Caller,
    transport::Tls,
};

/// Pause before the host starts again after it gave up, as a platform would make.
const HOST_RESTART_PAUSE: Duration = Duration::from_secs(1);

/// What the ids of instances count from. They are the same after a crash, which no host survives: what each held goes on
/// at once.
const INSTANCES: u128 = 0xc0a7_050e_0000_4000_8000_0000_0000_0001;

/// The app to run.
#[derive(Clone)]
pub struct AppOptions {
    /// The packaged app: `host.json` and one folder a function.
    pub dir: PathBuf,
    /// App settings; they win over `local.settings.json`.
    pub settings: BTreeMap<String, String>,
    /// Function keys are asked for, as in Azure.
    pub enforce_keys: bool,
}

/// The instances of the app.
#[derive(Default)]
pub(crate) struct App {
    instances: Mutex<Vec<Instance>>,
    /// Address of the external host that runs the app instead.
    external: Option<String>,
}

/// The host that runs now, and the task that watches it.
struct Instance {
    host: CurrentHost,
    supervisor: JoinHandle<()>,
}

type CurrentHost = Arc<Mutex<Option<Arc<FunctionsHost>>>>;

impl App {
    /// The app where a host beside the stack runs it.
    pub(super) fn on(external: Option<&ExternalHost>) -> Self {
        Self { external: external.map(|host| host.address().to_owned()), ..Self::default() }
    }

    /// Address of the host beside the stack that runs the app; `None` where the stack's own does.
    pub(crate) fn external(&self) -> Option<&str> {
        self.external.as_deref()
    }

    /// Starts one host more and watches over it: where it gives up, as Azure's does after the third death of the handler,
    /// it is started again, loudly, as the platform would.
    pub(super) async fn run(&self, starter: HostStarter) -> Result<Arc<FunctionsHost>, StackError> {
        let first = Arc::new(starter.start().await?);
        let host = CurrentHost::default();
        set(&host, Some(Arc::clone(&first)));
        let supervisor = tokio::spawn(supervise(starter, Arc::clone(&first), Arc::clone(&host)));
        self.lock().push(Instance { host, supervisor });
        Ok(first)
    }

    /// The host that was started first of those that run now.
    pub(crate) fn host(&self) -> Option<Arc<FunctionsHost>> {
        self.hosts().into_iter().next()
    }

    /// The hosts that run now.
    pub(super) fn hosts(&self) -> Vec<Arc<FunctionsHost>> {
        let running = |instance: &Instance| instance.host.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.lock().iter().filter_map(running).collect()
    }

    pub(super) async fn stop(&self) {
        let instances = std::mem::take(&mut *self.lock());
        for instance in instances {
            instance.supervisor.abort();
            let host = instance.host.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(host) = host {
                host.stop().await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn supervise(starter: HostStarter, first: Arc<FunctionsHost>, current: CurrentHost) {
    let mut host = first;
    loop {
        let pause = tokio::select! {
            stopped = host.stopped() => {
                tracing::error!("THE FUNCTIONS HOST STOPPED: {stopped}. It starts again, as the platform would.");
                HOST_RESTART_PAUSE
            }
            () = host.restart_asked() => Duration::ZERO,
        };
        set(&current, None);
        host.stop().await;
        crate::clock::pause(pause).await;
        host = loop {
            match starter.start().await {
                Ok(next) => break Arc::new(next),
                Err(error) => tracing::error!("the functions host does not start: {error}"),
            }
            crate::clock::pause(HOST_RESTART_PAUSE).await;
        };
        set(&current, Some(Arc::clone(&host)));
    }
}

/// Starts the functions host, again and again, on the one listener that stays bound between two hosts.
pub(super) struct HostStarter {
    pub(super) app: AppOptions,
    pub(super) services: Services,
    pub(super) clock: Clock,
    pub(super) listener: StdListener,
    /// Which instance of the app, from 0.
    pub(super) instance: u16,
    /// In whose name the triggers listen.
    pub(super) identity: Option<Caller>,
    pub(super) tls: Tls,
}

impl HostStarter {
    async fn start(&self) -> Result<FunctionsHost, StackError> {
        let listener = self.listener.try_clone().map_err(|source| unbound(FUNCTIONS, 0, source))?;
        let options = HostOptions {
            app: self.app.dir.clone(),
            settings: self.app.settings.clone(),
            listener,
            enforce_keys: self.app.enforce_keys,
            chunked_bodies: true,
            instance: Uuid::from_u128(INSTANCES + u128::from(self.instance)),
            identity: self.identity.clone(),
            tls: self.tls.clone(),
        };
        Ok(FunctionsHost::start(options, self.services.clone(), &self.clock).await?)
    }
}

fn set(slot: &CurrentHost, host: Option<Arc<FunctionsHost>>) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = host;
}
