//! What encoding and decoding an event costs, for each contract, beside the same event in plain JSON.
//!
//! The stack's registry runs in this process and the codec in a child, as an identity of the stack has it: schemas are asked for once, and
//! then known, as in the handler. One thread, the examples of `schemas/` as data.

mod measure;

use std::{fmt, path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail};
use contoso_local::{
    stack::{Ports, Stack, StackOptions},
    storage::Sync as SyncMode,
    topology::Topology,
    transport::Hosts,
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::process::Command;

pub use self::measure::run as codec;
use crate::{
    endpoints::{self, Published},
    identity::{self, SignedIn},
    project::Project,
    schemas,
};

/// The figures of all contracts.
#[derive(Debug, Deserialize, Serialize)]
pub struct Figures {
    /// For each event type.
    pub events: Vec<Figure>,
}

/// Events a second of one type, on one thread.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// The type.
    pub event_type: String,
    /// Bytes of the data in Avro.
    pub avro_bytes: usize,
    /// Bytes of the data in JSON, as partners get it.
    pub json_bytes: usize,
    /// Data and attributes to a message for the hub.
    pub encode_avro: f64,
    /// The same attributes, data as JSON.
    pub encode_json: f64,
    /// A message to an event: attributes read, data by its schema.
    pub decode_avro: f64,
    /// The same with data as JSON.
    pub decode_json: f64,
    /// Its attributes alone, of which a message of no type that is known here consists.
    pub attributes: f64,
    /// The decoded event to its Rust type, with the rules of the type.
    pub content_avro: f64,
    /// The same of JSON.
    pub content_json: f64,
}

/// Runs the measurement on a stack of its own; each figure is taken for `duration`.
///
/// # Errors
/// When the stack does not start, or an example cannot be encoded.
pub async fn run(project: &Project, duration: Duration) -> Result<Figures> {
    let directory = TempDir::new()?;
    let options = StackOptions {
        topology: Topology::read(&project.topology())?,
        data_dir: directory.path().join("data"),
        ports: Ports::auto(),
        sync: SyncMode::Process,
        hosts: Hosts::default(),
    };
    let stack = Stack::start(options, &|_| {}).await?;
    let measured = beside(&stack, directory.path(), project, duration).await;
    stack.stop().await;
    measured
}

async fn beside(stack: &Stack, directory: &Path, project: &Project, duration: Duration) -> Result<Figures> {
    let at = stack.endpoints();
    let deployment = SignedIn::new(at, identity::DEPLOYMENT)?;
    schemas::register(&deployment, &at.event_hubs.schema_registry).await?;
    let _published = Published::write(directory, &endpoints::ready_line(at)?)?;
    let child = Command::new(std::env::current_exe().context("cannot find this program to start it again")?)
        .arg("--project")
        .arg(project.root())
        .args(["bench", "codec", "--duration", &format!("{}ms", duration.as_millis()), "--endpoints"])
        .arg(directory.join(endpoints::FILE))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = child.await.context("cannot start the codec")?;
    if !output.status.success() {
        bail!("the codec failed, {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    contoso_json::from_slice(&output.stdout).context("the codec printed something else")
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "events a second on one thread, Avro (JSON)")?;
        for figure in &self.events {
            writeln!(out, "{}: {} bytes ({})", figure.event_type, figure.avro_bytes, figure.json_bytes)?;
            let mut row = |name: &str, avro: f64, json: f64| writeln!(out, "  {name:28} {avro:>11.0} ({json:.0})");
            row("encode", figure.encode_avro, figure.encode_json)?;
            row("decode", figure.decode_avro, figure.decode_json)?;
            row("to its type, rules checked", figure.content_avro, figure.content_json)?;
            writeln!(out, "  {:28} {:>11.0}", "attributes alone", figure.attributes)?;
        }
        Ok(())
    }
}
