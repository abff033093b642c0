//! Supervisor: starts the handler, waits until it serves, and reacts to its end by the table of the real host.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{Command, Handler, Launch, Running, State, Stopped, process::Process};
use crate::{clock::Clock, functions_host::invocation::Client};

/// How often readiness is probed.
const PROBE: Duration = Duration::from_millis(25);
/// Errors further apart than this do not add up.
const ERROR_WINDOW: time::Duration = time::Duration::minutes(30);
/// The error that stops the host.
const LAST_ERROR: u32 = 3;

/// Owns the process.
pub(crate) struct Supervisor {
    task: JoinHandle<()>,
    stopping: CancellationToken,
}

impl Supervisor {
    /// Starts the handler; the returned [`Handler`] tells when it is ready.
    pub(crate) fn start(launch: Launch, client: Client, clock: Clock, stopping: CancellationToken) -> (Self, Handler) {
        let (state_sender, state) = watch::channel(State::Starting);
        let (pid_sender, pid) = watch::channel(None);
        let (commands, received) = mpsc::channel(16);
        let patience = launch.initialization_timeout * 4;
        let watcher = Watcher {
            launch,
            client,
            clock,
            state: state_sender,
            pid: pid_sender,
            commands: received,
            errors: Errors::default(),
            generation: 0,
            stopping: stopping.clone(),
        };
        let handler = Handler { state, pid, commands, patience, stopping: stopping.clone() };
        let task = tokio::spawn(watcher.run());
        (Self { task, stopping }, handler)
    }

    /// Kills the process and waits until it is gone.
    pub(crate) async fn stop(self) {
        self.stopping.cancel();
        if let Err(error) = self.task.await {
            error!("the supervisor of the handler failed: {error}");
        }
    }
}

/// Errors of the handler, each at most [`ERROR_WINDOW`] after the one before.
#[derive(Default)]
struct Errors {
    count: u32,
    last: Option<time::OffsetDateTime>,
}

impl Errors {
    /// Counts one; true if it is the one that stops the host.
    fn add(&mut self, now: time::OffsetDateTime) -> bool {
        let continues = self.last.is_some_and(|last| now - last <= ERROR_WINDOW);
        self.count = if continues { self.count + 1 } else { 1 };
        self.last = Some(now);
        self.count >= LAST_ERROR
    }
}

/// How one start ended.
enum End {
    /// Start it again.
    Again,
    /// An error, counted.
    Error {
        reason: String,
        stderr: Vec<String>,
    },
    GiveUp(String),
    Stop,
}

struct Watcher {
    launch: Launch,
    client: Client,
    clock: Clock,
    state: watch::Sender<State>,
    pid: watch::Sender<Option<u32>>,
    commands: mpsc::Receiver<Command>,
    errors: Errors,
    generation: u64,
    stopping: CancellationToken,
}

impl Watcher {
    async fn run(mut self) {
        loop {
            self.generation += 1;
            let end = self.one_start().await;
            self.pid.send_replace(None);
            match end {
                End::Again => info!("restarting the handler"),
                End::Error { reason, stderr } => {
                    if self.errors.add(self.clock.now()) {
                        let reason = format!("{reason}; that was error {LAST_ERROR}, so the host stops");
                        return self.give_up(reason, stderr);
                    }
                    warn!("{reason}; restarting it (error {} of {LAST_ERROR})", self.errors.count);
                }
                End::GiveUp(reason) => return self.give_up(reason, Vec::new()),
                End::Stop => return,
            }
            self.state.send_replace(State::Starting);
        }
    }

    fn give_up(&self, reason: String, stderr: Vec<String>) {
        let stopped = Stopped { reason, stderr };
        error!("{stopped}");
        // First of all the triggers stop: an invocation that fails from now on must not move a checkpoint.
        self.stopping.cancel();
        self.state.send_replace(State::Stopped(Arc::new(stopped)));
    }

    /// One process from spawn to end.
    async fn one_start(&mut self) -> End {
        let mut process = match Process::spawn(&self.launch) {
            Ok(process) => process,
            Err(error) => {
                return End::Error {
                    reason: format!("cannot start {}: {error}", self.launch.executable.display()),
                    stderr: Vec::new(),
                };
            }
        };
        self.pid.send_replace(process.id());
        let (client, port) = (self.client.clone(), process.port);
        let mut readiness =
            std::pin::pin!(tokio::time::timeout(self.launch.initialization_timeout, became_ready(client, port)));
        let mut ready = false;
        loop {
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => {
                    process.kill().await;
                    return End::Stop;
                }
                exited = process.exited() => match exited {
                    Ok(status) if status.code() == Some(0) => {
                        error!("the handler exited with code 0: the host does not restart it, and every call fails from now on");
                        return self.after_exit_zero().await;
                    }
                    Ok(status) if status.code() == Some(200) => return End::Again,
                    Ok(status) => {
                        return End::Error { reason: format!("the handler ended ({status})"), stderr: process.last_words().await };
                    }
                    Err(error) => {
                        return End::Error { reason: format!("the handler was lost: {error}"), stderr: process.last_words().await };
                    }
                },
                in_time = &mut readiness, if !ready => {
                    if in_time.is_err() {
                        let reason = format!("the handler did not listen within {:?}", self.launch.initialization_timeout);
                        process.kill().await;
                        return End::Error { reason, stderr: Vec::new() };
                    }
                    ready = true;
                    self.state.send_replace(State::Ready(Running { port, generation: self.generation }));
                }
                command = self.commands.recv() => match command {
                    Some(Command::Restart(generation)) if generation == self.generation => {
                        // No invocation may be sent to the process that is about to die.
                        self.state.send_replace(State::Starting);
                        process.kill().await;
                        return End::Again;
                    }
                    Some(Command::Restart(_)) => {}
                    Some(Command::GiveUp(reason)) => {
                        process.kill().await;
                        return End::GiveUp(reason);
                    }
                    None => {
                        process.kill().await;
                        return End::Stop;
                    }
                },
            }
        }
    }

    /// The process is gone for good; calls go to its port and are refused.
    async fn after_exit_zero(&mut self) -> End {
        self.pid.send_replace(None);
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => return End::Stop,
                command = self.commands.recv() => match command {
                    Some(Command::Restart(generation)) if generation == self.generation => return End::Again,
                    Some(Command::Restart(_)) => {}
                    Some(Command::GiveUp(reason)) => return End::GiveUp(reason),
                    None => return End::Stop,
                },
            }
        }
    }
}

/// Probes until anything answers; only a socket error means "wait".
async fn became_ready(client: Client, port: u16) {
    while !client.is_ready(port).await {
        crate::clock::pause(PROBE).await;
    }
}
