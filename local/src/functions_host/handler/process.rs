//! One start of the handler.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::Pid;
use tokio::{
    process::{Child, Command},
    task::JoinHandle,
};
use uuid::Uuid;

use super::{
    Launch,
    console::{LastWords, forward_stderr, forward_stdout},
    guard::Guard,
};

/// How long the host waits for a killed process, and for the rest of its console.
const REAPING: Duration = Duration::from_secs(1);

/// A started process. Dropped, it is killed with all it started.
pub(super) struct Process {
    // Before the child: once the child is reaped its id may be another's, so the guard goes first.
    guard: Option<Guard>,
    child: Child,
    /// The process group that the child leads.
    group: Option<Pid>,
    console: Vec<JoinHandle<()>>,
    last_words: LastWords,
    pub(super) port: u16,
}

impl Process {
    pub(super) fn spawn(launch: &Launch) -> io::Result<Self> {
        let port = match launch.fixed_port {
            Some(port) => port,
            None => free_port()?,
        };
        let id = Uuid::new_v4().to_string();
        let mut child = Command::new(&launch.executable)
            .args(&launch.arguments)
            .current_dir(&launch.working_directory)
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
            .env("FUNCTIONS_HTTPWORKER_PORT", port.to_string())
            .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", &id)
            .env("FUNCTIONS_HTTPWORKER_ID", &id)
            .env("FUNCTIONS_APP_ROOT_PATH", &launch.app_root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own group: an interrupt from the terminal is ours to handle, and what a wrapper script starts dies with it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let last_words = LastWords::default();
        let mut console = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            console.push(tokio::spawn(forward_stdout(stdout)));
        }
        if let Some(stderr) = child.stderr.take() {
            console.push(tokio::spawn(forward_stderr(stderr, last_words.clone())));
        }
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self { guard: child.id().and_then(Guard::over), child, group, console, last_words, port })
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Resolves when the process has ended by itself. Cancel-safe.
    pub(super) async fn exited(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills the process and all it started at once, without asking: the host sends no SIGTERM.
    pub(super) async fn kill(mut self) {
        self.guard = None;
        self.kill_group();
        if let Err(error) = self.child.start_kill() {
            tracing::debug!("the handler could not be killed: {error}");
        }
        if tokio::time::timeout(REAPING, self.child.wait()).await.is_err() {
            tracing::warn!("the handler did not die within {REAPING:?}");
        }
        self.abandon_console();
    }

    /// The last lines of stderr of a process that ended, once its console is read to the end. A grandchild may hold the
    /// console open, so the wait is bounded.
    pub(super) async fn last_words(mut self) -> Vec<String> {
        for reader in &mut self.console {
            if tokio::time::timeout(REAPING, reader).await.is_err() {
                break;
            }
        }
        self.abandon_console();
        self.last_words.lines()
    }

    /// Kills what is left of the process group. Its id stays taken for as long as anything of it lives.
    fn kill_group(&self) {
        let Some(group) = self.group else { return };
        match rustix::process::kill_process_group(group, rustix::process::Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => tracing::debug!("what the handler started could not be killed: {error}"),
        }
    }

    fn abandon_console(&self) {
        for reader in &self.console {
            reader.abort();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Also after the child ended by itself, while its id cannot have gone round yet: a wrapper may leave others behind.
        self.kill_group();
    }
}

/// A port that was free a moment ago; the real host takes the same small risk.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
