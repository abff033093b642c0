//! The stack in a process of its own.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use contoso_local::{
    stack::{Endpoints, Ports, Stack, StackOptions},
    storage::Sync as SyncMode,
    topology::Topology,
    transport::Hosts,
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{ChildStdin, Command},
};

use super::Plan;
use crate::{
    bench::process::{Memory, cpu_time, memory},
    endpoints,
};

/// Container of captured files, and of the blob that goes up and down.
pub(super) const CONTAINER: &str = "capture";
/// The hub that is captured; it has one partition.
pub(super) const CAPTURED: &str = "captured";

/// Who the clients of the hubs are.
pub(super) const IDENTITY: &str = "bench";

/// How long a stack may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the stack for a benchmark in `data_dir` until stdin ends, which happens when the parent is gone too. Prints its
/// endpoints as one line of JSON once it is ready.
///
/// # Errors
/// When the stack does not start.
pub async fn serve(data_dir: &Path, sync: SyncMode, capture_bytes: u64) -> Result<()> {
    let hub = |name: String, partitions: u32| json!({ "name": name, "partitions": partitions, "retentionHours": 1 });
    let mut captured = hub(CAPTURED.to_owned(), 1);
    captured["capture"] = json!({
        "container": CONTAINER, "intervalSeconds": 900, "sizeLimitBytes": capture_bytes, "skipEmpty": true
    });
    let topology: Topology = serde_json::from_value(json!({
        "eventHubs": { "namespace": "bench", "hubs": [hub(hub_of(1), 1), hub(hub_of(4), 4), captured] },
        "storage": { "containers": [CONTAINER] },
        "eventGrid": { "topics": [{ "name": "none" }] },
        "identities": [{ "name": IDENTITY, "roles": [{ "role": "Azure Event Hubs Data Owner", "scope": "eventHubs" }] }],
    }))?;
    let options =
        StackOptions { topology, data_dir: data_dir.to_owned(), ports: Ports::auto(), sync, hosts: Hosts::default() };
    let stack = Stack::start(options, &|_| {}).await?;
    let line = endpoints::ready_line(stack.endpoints())?;
    let mut stdout = tokio::io::stdout();
    stdout.write_all(format!("{line}\n").as_bytes()).await?;
    stdout.flush().await?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    stack.stop().await;
    Ok(())
}

/// Name of the hub with so many partitions.
pub(super) fn hub_of(partitions: u32) -> String {
    format!("of-{partitions}")
}

/// A stack that runs as a child. Dropping it ends it.
pub(super) struct Child {
    process: tokio::process::Child,
    stdin: ChildStdin,
    pid: u32,
    pub(super) endpoints: Endpoints,
    directory: TempDir,
}

impl Child {
    /// Starts a stack on an empty directory.
    pub(super) async fn start(plan: &Plan) -> Result<Self> {
        Self::start_in(TempDir::new()?, plan).await
    }

    async fn start_in(directory: TempDir, plan: &Plan) -> Result<Self> {
        let sync = match plan.sync {
            SyncMode::Process => "process",
            SyncMode::Always => "always",
        };
        let mut process = Command::new(this_program()?)
            .args(["bench", "serve", "--sync", sync, "--capture-bytes", &plan.file_bytes.to_string(), "--data-dir"])
            .arg(directory.path().join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the stack")?;
        let stdin = process.stdin.take().context("the stack has no stdin")?;
        let stdout = process.stdout.take().context("the stack has no stdout")?;
        let mut line = String::new();
        let ready = tokio::time::timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await;
        if ready.context("the stack did not become ready")?? == 0 {
            bail!("the stack ended: {}", process.wait().await?);
        }
        let pid = process.id().context("the stack is gone")?;
        Ok(Self { process, stdin, pid, endpoints: contoso_json::from_str(&line)?, directory })
    }

    /// Stops it and starts it again on what it holds.
    pub(super) async fn restart(self, plan: &Plan) -> Result<Self> {
        let directory = self.end().await?;
        Self::start_in(directory, plan).await
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.end().await.map(drop)
    }

    async fn end(self) -> Result<TempDir> {
        let Self { mut process, stdin, directory, .. } = self;
        drop(stdin);
        let status = process.wait().await?;
        if !status.success() {
            bail!("the stack failed: {status}");
        }
        Ok(directory)
    }

    /// Its resident memory.
    pub(super) fn memory(&self) -> Result<Memory> {
        memory(self.pid)
    }

    /// Processor time it has taken so far.
    pub(super) fn cpu_time(&self) -> Result<Duration> {
        cpu_time(self.pid)
    }
}

fn this_program() -> Result<PathBuf> {
    std::env::current_exe().context("cannot find this program to start it again")
}
