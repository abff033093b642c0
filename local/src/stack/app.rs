//! The app on the stack: a functions host, and the watch over it.

use std::collections::BTreeMap;
use std::net::TcpListener as StdListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::StackError;
use super::ports::{FUNCTIONS, unbound};
use crate::clock::Clock;
use crate::functions_host::{FunctionsHost, HostOptions, Services};
use crate::transport::Tls;

/// Pause before the host starts again after it gave up, as a platform would make.
const HOST_RESTART_PAUSE: Duration = Duration::from_secs(1);

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

/// The host that runs now, and the task that watches it.
#[derive(Default)]
pub(super) struct App {
    host: Arc<Mutex<Option<Arc<FunctionsHost>>>>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl App {
    /// Starts the host and watches over it: where it gives up, as Azure's does after the third death of the handler, it
    /// is started again, loudly, as the platform would.
    pub(super) async fn run(&self, starter: HostStarter) -> Result<Arc<FunctionsHost>, StackError> {
        let first = Arc::new(starter.start().await?);
        set(&self.host, Some(Arc::clone(&first)));
        let supervisor = tokio::spawn(supervise(starter, Arc::clone(&first), Arc::clone(&self.host)));
        *self.supervisor.lock().unwrap_or_else(PoisonError::into_inner) = Some(supervisor);
        Ok(first)
    }

    pub(super) fn host(&self) -> Option<Arc<FunctionsHost>> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn stop(&self) {
        let supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor {
            supervisor.abort();
        }
        let host = self.host.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(host) = host {
            host.stop().await;
        }
    }
}

async fn supervise(starter: HostStarter, first: Arc<FunctionsHost>, current: Arc<Mutex<Option<Arc<FunctionsHost>>>>) {
    let mut host = first;
    loop {
        let stopped = host.stopped().await;
        tracing::error!("THE FUNCTIONS HOST STOPPED: {stopped}. It starts again, as the platform would.");
        set(&current, None);
        host.stop().await;
        host = loop {
            tokio::time::sleep(HOST_RESTART_PAUSE).await;
            match starter.start().await {
                Ok(next) => break Arc::new(next),
                Err(error) => tracing::error!("the functions host does not start: {error}"),
            }
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
            tls: self.tls.clone(),
        };
        Ok(FunctionsHost::start(options, self.services.clone(), &self.clock).await?)
    }
}

fn set(slot: &Mutex<Option<Arc<FunctionsHost>>>, host: Option<Arc<FunctionsHost>>) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = host;
}
