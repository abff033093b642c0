//! A thread of its own for what the benchmark does itself: it sends the changes and is the partners' webhooks. So its processor time is
//! not the stack's, which runs in the same process.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

use super::super::process::thread_cpu_time;

/// The thread. It ends when this is dropped, and everything on it does.
pub(super) struct Load {
    handle: Handle,
    /// Its directory below `/proc`.
    task: PathBuf,
    _ends: oneshot::Sender<()>,
}

impl Load {
    pub(super) fn start() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (ends, ended) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        std::thread::Builder::new().name("bench-load".to_owned()).spawn(move || {
            // Nobody hears it where the start failed meanwhile.
            drop(tell.send(std::fs::read_link("/proc/thread-self")));
            drop(runtime.block_on(ended));
        })?;
        let task = told.recv().context("the thread of the load ended at once")??;
        Ok(Self { handle, task: Path::new("/proc").join(task), _ends: ends })
    }

    /// The result of `work`, done there.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.handle.spawn(work).await.context("the load broke off")?
    }

    pub(super) fn cpu_time(&self) -> Result<Duration> {
        thread_cpu_time(&self.task)
    }
}
