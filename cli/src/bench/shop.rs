//! A stack in this process, and apps that hold some of the functions.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use axum::http::{HeaderMap, HeaderValue, Method};
use bytes::Bytes;
use contoso_local::{
    stack::{AppOptions, Ports, Stack, StackOptions},
    storage::Sync as SyncMode,
    topology::Topology,
    transport::Hosts,
};
use reqwest::Client;

use super::FEED_POLL_MILLIS;
use crate::{
    app_settings, clock, endpoints,
    identity::{self, SignedIn},
    package::{self, Profile, Request},
    products::Products,
    project::Project,
    schemas,
};

/// The hub of the product flow.
pub(super) const HUB: &str = "products";

/// The app setting that overrides `host.json`.
const LARGEST_BATCH: &str = "AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize";

/// How long the flow may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The stack under measurement.
pub(super) struct Shop {
    pub(super) stack: Stack,
    pub(super) http: Client,
    project: Project,
    handler: PathBuf,
    directory: tempfile::TempDir,
}

impl Shop {
    pub(super) async fn prepare(project: &Project) -> Result<Self> {
        // Who measures with a debug build, to compare, has both built so.
        let profile = if cfg!(debug_assertions) { Profile::Debug } else { Profile::Release };
        let handler = tokio::task::block_in_place(|| package::build(project, profile))?;
        let directory = tempfile::TempDir::new()?;
        let options = StackOptions {
            topology: Topology::read(&project.topology())?,
            data_dir: directory.path().join("data"),
            ports: Ports::auto(),
            sync: SyncMode::Process,
            hosts: Hosts::default(),
        };
        let stack = Stack::start(options, &|_| {}).await?;
        let http = Client::new();
        let deployment = SignedIn::new(stack.endpoints(), identity::DEPLOYMENT)?;
        schemas::register(&deployment, &stack.endpoints().event_hubs.schema_registry).await?;
        Ok(Self { stack, http, project: project.clone(), handler, directory })
    }

    /// Packages an app with `functions` (none means all).
    pub(super) fn package(&self, name: &str, functions: &[&str]) -> Result<PathBuf> {
        let poll = format!("ProductChanges.feedPollDelay={FEED_POLL_MILLIS}");
        let polls = functions.is_empty() || functions.contains(&"ProductChanges");
        let request = Request {
            functions: functions.iter().map(|&name| name.to_owned()).collect(),
            changes: if polls { vec![poll.parse()?] } else { Vec::new() },
            handler: self.handler.clone(),
            out: self.directory.path().join(name),
        };
        Ok(package::stage(&self.project, &request)?.directory().to_owned())
    }

    /// Runs an app in place of the one before, and returns the handler's process id.
    pub(super) async fn run(&self, app: &Path) -> Result<u32> {
        self.run_with(app, None).await
    }

    /// The same with another largest batch of hub events than `host.json` says.
    pub(super) async fn run_with(&self, app: &Path, batch: Option<u32>) -> Result<u32> {
        self.stack.stop_app().await;
        let mut settings = app_settings::of(&self.stack, identity::APP)?;
        if let Some(batch) = batch {
            settings.insert(LARGEST_BATCH.to_owned(), batch.to_string());
        }
        let app = AppOptions { dir: app.to_owned(), settings, enforce_keys: false };
        self.stack.run_app(app).await?;
        let host = self.stack.host().context("the functions host stopped at once")?;
        host.ready().await.map_err(|stopped| anyhow!("the handler does not start: {stopped}"))?;
        self.stack.handler_pid().context("no handler runs")
    }

    /// The door to the catalogue.
    pub(super) fn products(&self) -> Products {
        Products::new(self.http.clone(), &self.stack.endpoints().functions, None)
    }

    /// Events on `hub` so far.
    pub(super) fn events(&self, hub: &str) -> Result<i64> {
        let hub = self.stack.event_hubs().hub(hub).with_context(|| format!("no hub {hub}"))?;
        Ok(hub.partitions().iter().map(|partition| partition.state().last_sequence + 1).sum())
    }

    /// Events of `hub` that `group` has handled, by its checkpoints.
    pub(super) fn handled(&self, hub: &str, group: &str) -> Result<i64> {
        let namespace = self.stack.event_hubs().namespace();
        let prefix = format!("{namespace}.servicebus.windows.net/{hub}/{group}/checkpoint/");
        let mut handled = 0;
        for (_, checkpoint) in self.stack.blobs().list("azure-webjobs-eventhub", &prefix)? {
            let sequence: i64 = checkpoint.metadata.get("sequencenumber").context("no sequence number")?.parse()?;
            handled += sequence + 1;
        }
        Ok(handled)
    }

    /// Waits until `count` reaches `goal`, looking every few milliseconds.
    pub(super) async fn reach(&self, what: &str, goal: i64, count: impl Fn(&Self) -> Result<i64>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = count(self)?;
            if now >= goal {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{what}: {now} of {goal} after {PATIENCE:?}");
            }
            clock::until_next_look(Duration::from_millis(2)).await;
        }
    }

    /// A document of database `site`, read inside the stack so that looking costs the handler nothing.
    pub(super) async fn document(&self, container: &str, id: &str) -> Result<Option<serde_json::Value>> {
        self.document_in(container, id, id).await
    }

    /// The same of one whose partition key is not its id.
    pub(super) async fn document_in(
        &self,
        container: &str,
        partition: &str,
        id: &str,
    ) -> Result<Option<serde_json::Value>> {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-documentdb-partitionkey", HeaderValue::from_str(&format!("[\"{partition}\"]"))?);
        let path = format!("/dbs/site/colls/{container}/docs/{id}");
        let answer = self.stack.cosmos().execute(Method::GET, &path, headers, Bytes::new()).await?;
        if !answer.status().is_success() {
            return Ok(None);
        }
        Ok(Some(contoso_json::from_slice(answer.body())?))
    }

    /// The file by which other processes find the stack.
    pub(super) fn endpoints_file(&self) -> Result<PathBuf> {
        let file = self.directory.path().join(endpoints::FILE);
        std::fs::write(&file, endpoints::ready_line(self.stack.endpoints())?)?;
        Ok(file)
    }

    pub(super) async fn stop(self) {
        self.stack.stop().await;
    }
}
