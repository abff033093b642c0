//! The handler process: started, watched, restarted and in the end killed.

mod console;
mod guard;
mod process;
mod supervisor;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use supervisor::Supervisor;

/// The host gave up: the third error of its handler, or a handler that never became ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", shown(.stderr))]
pub struct Stopped {
    /// Why, one sentence.
    pub reason: String,
    /// The last three lines the handler wrote to stderr.
    pub stderr: Vec<String>,
}

fn shown(stderr: &[String]) -> String {
    if stderr.is_empty() { String::new() } else { format!("; its last words: {}", stderr.join(" | ")) }
}

/// One start of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) port: u16,
    /// Counts starts, so that a stale complaint does not hit the next process.
    pub(crate) generation: u64,
}

/// Where the process stands.
#[derive(Clone, Debug)]
pub(crate) enum State {
    Starting,
    Ready(Running),
    Stopped(Arc<Stopped>),
}

/// How to start the process.
#[derive(Clone)]
pub(crate) struct Launch {
    pub(crate) executable: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) working_directory: PathBuf,
    pub(crate) app_root: PathBuf,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) fixed_port: Option<u16>,
    pub(crate) initialization_timeout: Duration,
}

/// A request of an invocation to the supervisor.
#[derive(Debug)]
enum Command {
    /// Kill this start and begin another; not counted as an error.
    Restart(u64),
    /// Stop the host.
    GiveUp(String),
}

/// The invocations' view of the process.
#[derive(Clone)]
pub(crate) struct Handler {
    state: watch::Receiver<State>,
    pid: watch::Receiver<Option<u32>>,
    commands: mpsc::Sender<Command>,
    patience: Duration,
    stopping: CancellationToken,
}

impl Handler {
    /// Of an app without functions: no process is started.
    pub(crate) fn absent(stopping: CancellationToken) -> Self {
        Self {
            state: watch::channel(State::Starting).1,
            pid: watch::channel(None).1,
            commands: mpsc::channel(1).0,
            patience: Duration::ZERO,
            stopping,
        }
    }

    /// Waits until the handler serves. After four initialization timeouts the host stops.
    pub(crate) async fn ready(&self) -> Result<Running, Arc<Stopped>> {
        if let State::Ready(running) = *self.state.borrow() {
            return Ok(running);
        }
        let mut state = self.state.clone();
        let waiting = state.wait_for(|state| !matches!(state, State::Starting));
        let reached = tokio::time::timeout(self.patience, waiting).await.map(|state| state.map(|state| state.clone()));
        match reached {
            Ok(Ok(State::Ready(running))) => Ok(running),
            Ok(Ok(State::Stopped(stopped))) => Err(stopped),
            Ok(Ok(State::Starting) | Err(_)) => {
                Err(Arc::new(Stopped { reason: "the host is stopping".to_owned(), stderr: Vec::new() }))
            }
            Err(_) => {
                let reason = format!("the handler was not ready after {:?}", self.patience);
                self.send(Command::GiveUp(reason.clone())).await;
                Err(Arc::new(Stopped { reason, stderr: Vec::new() }))
            }
        }
    }

    /// Has the process of `running` killed and restarted, unless that happened already.
    pub(crate) async fn kill(&self, running: Running) {
        self.send(Command::Restart(running.generation)).await;
    }

    pub(crate) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        *self.pid.borrow()
    }

    /// Resolves when the host gave up.
    pub(crate) async fn stopped(&self) -> Arc<Stopped> {
        let mut state = self.state.clone();
        let given_up = state.wait_for(|state| matches!(state, State::Stopped(_))).await.map(|state| state.clone());
        match given_up {
            Ok(State::Stopped(stopped)) => stopped,
            // The supervisor ended because the host was stopped on request.
            _ => std::future::pending().await,
        }
    }

    async fn send(&self, command: Command) {
        tokio::select! {
            () = self.stopping.cancelled() => {}
            // A closed channel means that the supervisor has ended, and with it the process.
            _ = self.commands.send(command) => {}
        }
    }
}
