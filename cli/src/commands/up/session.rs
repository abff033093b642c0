//! What `up` brings to life on a started stack, until it is ready.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use contoso_local::stack::{AppOptions, Endpoints, ExternalHost, Stack};
use serde_json::Value;

use super::beside;
use crate::{
    app_settings,
    catalogue::Product,
    catalogue_writer::CatalogueWriter,
    contracts::{self, sources::Sources},
    data_dir::{DataDir, Seeded},
    endpoints::{self, Published},
    identity::{self, SignedIn},
    local_settings::{self, Access},
    output::{self, Paint},
    pages::{self, Pages},
    products::Products,
    project::Project,
    schemas, seed, subscription,
};

/// The function that products are written through.
pub(super) const PRODUCTS: &str = "Products";

/// The products to seed, and whether somebody asked for them.
pub(super) struct Catalogue {
    pub(super) name: String,
    pub(super) products: Vec<Product>,
    pub(super) wanted: bool,
}

/// What runs the functions.
pub(super) enum App {
    /// The stack's own host, which runs the app in this folder.
    Staged(PathBuf),
    /// A host beside the stack.
    Beside(ExternalHost),
}

impl App {
    /// The folder of the app that the stack runs.
    pub(super) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Staged(directory) => Some(directory),
            Self::Beside(_) => None,
        }
    }

    /// The host beside the stack.
    pub(super) fn host(&self) -> Option<&ExternalHost> {
        match self {
            Self::Staged(_) => None,
            Self::Beside(host) => Some(host),
        }
    }
}

/// What one `up` brings to life on a started stack.
pub(super) struct Session<'a> {
    pub(super) project: &'a Project,
    pub(super) stack: &'a Stack,
    pub(super) data_dir: &'a DataDir,
    pub(super) app: App,
    pub(super) catalogue: Catalogue,
    pub(super) demo: bool,
    pub(super) auth: bool,
    /// Origins of other pages that may call.
    pub(super) origins: Vec<String>,
    /// Whether partners' webhooks may lead to addresses that are not public.
    pub(super) private_webhooks: bool,
    pub(super) is_in_background: bool,
}

/// What lives as long as the stack.
pub(super) struct Running {
    _published: Published,
}

impl Session<'_> {
    /// Serves the pages, from now until the result is dropped. `None` where they are served already.
    pub(super) fn pages(&self) -> anyhow::Result<Option<Pages>> {
        let functions = self.stack.endpoints().functions.clone();
        let hosts = self.stack.identity().tls().hosts().clone();
        let options = pages::Options {
            functions,
            external: self.app.host().is_some(),
            partner: self.demo,
            telemetry: Some(self.stack.telemetry().clone()),
            schemas: self.catalogue_of_events(),
            hosts,
        };
        let listener = self.stack.take_site_listener();
        listener.map(|listener| Pages::start(listener, options)).transpose().context("cannot serve the pages")
    }

    /// The catalogue of events. Whoever is just changing a schema still gets a stack, without it.
    fn catalogue_of_events(&self) -> BTreeMap<String, String> {
        let made = Sources::read(self.project).and_then(|sources| contracts::catalogue::files(&sources));
        made.unwrap_or_else(|error| {
            tracing::warn!(
                cause = format!("{error:#}"),
                "the catalogue of events cannot be made, so its pages are missing"
            );
            BTreeMap::new()
        })
    }

    /// Registers, runs, subscribes and seeds, then says that all is ready.
    pub(super) async fn begin(&self) -> anyhow::Result<Running> {
        let endpoints = self.stack.endpoints();
        let http = reqwest::Client::new();
        let deployment = SignedIn::new(endpoints, identity::DEPLOYMENT)?;
        schemas::register(&deployment, &endpoints.event_hubs.schema_registry).await?;

        match &self.app {
            App::Staged(directory) => self.run(directory, endpoints).await?,
            App::Beside(_) => beside::write_settings(self.project, self.data_dir.path(), endpoints)?,
        }
        // The partner first, so that it hears of the seeded products too.
        if self.demo {
            let webhook = format!("{}{}", endpoints.site, pages::WEBHOOK);
            subscription::subscribe(&deployment, &endpoints.event_grid, &webhook).await?;
        } else {
            subscription::unsubscribe(&deployment, &endpoints.event_grid).await?;
        }
        self.seed(&http, endpoints).await?;

        let line = endpoints::ready_line(endpoints)?;
        let published = Published::write(self.data_dir.path(), &line)?;
        self.summary(endpoints);
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{line}").and_then(|()| stdout.flush()).context("cannot print the ready line")?;
        Ok(Running { _published: published })
    }

    /// Runs the app, until its handler is ready.
    async fn run(&self, directory: &Path, endpoints: &Endpoints) -> anyhow::Result<()> {
        let mut settings = app_settings::of(self.stack, identity::APP)?;
        app_settings::allow(&mut settings, &self.origins);
        if !self.private_webhooks {
            app_settings::public_webhooks(&mut settings);
        }
        app_settings::tell(&mut settings, &endpoints.otlp);
        let app = AppOptions { dir: directory.to_owned(), settings, enforce_keys: self.auth };
        Box::pin(self.stack.run_app(app)).await?;
        self.handler_ready().await
    }

    async fn handler_ready(&self) -> anyhow::Result<()> {
        let host = self.stack.host().context("the functions host stopped at once")?;
        host.ready().await.map_err(|stopped| anyhow!("the handler does not start: {stopped}"))
    }

    /// The functions whose definitions ask for a key, each with it, where keys are asked for.
    fn keys(&self) -> Vec<(String, String)> {
        let functions = self.stack.host().map(|host| host.function_names()).unwrap_or_default();
        let asks = |name: &String| {
            let file = self.app.directory().map(|app| app.join(name).join("function.json"));
            let definition = file.and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
            let definition: Value = contoso_json::from_slice(&definition).unwrap_or_default();
            definition["bindings"][0]["authLevel"] == "function"
        };
        let key = |name: String| self.function_key(&name).map(|key| (name, key));
        functions.into_iter().filter(asks).filter_map(key).collect()
    }

    /// The key of a function, where keys are asked for.
    fn function_key(&self, function: &str) -> Option<String> {
        self.stack.host()?.function_key(function)
    }

    async fn seed(&self, http: &reqwest::Client, endpoints: &Endpoints) -> anyhow::Result<()> {
        let Catalogue { name, products, wanted } = &self.catalogue;
        let is_there = !wanted && self.data_dir.seeded().is_some();
        if products.is_empty() || is_there || !self.app.directory().is_none_or(takes_products) {
            return Ok(());
        }
        let bar = output::bar("catalogue", products.len() as u64);
        let seeded = match self.app {
            App::Staged(_) => {
                let api = Products::new(http.clone(), &endpoints.functions, self.function_key(PRODUCTS));
                seed::seed(&api, name, products, &bar).await
            }
            App::Beside(_) => seed::seed(&CatalogueWriter::new(endpoints).await?, name, products, &bar).await,
        };
        bar.finish_and_clear();
        seeded?;
        self.data_dir.set_seeded(&Seeded::of(products))?;
        Ok(())
    }

    /// What people read while scripts read the ready line.
    fn summary(&self, endpoints: &Endpoints) {
        let paint = Paint::stderr();
        let Endpoints { functions, site, .. } = endpoints;
        let key = self.function_key(PRODUCTS);
        let file = self.data_dir.path().join(endpoints::FILE).display().to_string();
        let row = |what: &str, value: &str| output::say(&format!("  {what:<18}{}", paint.name(value)));
        output::say(&paint.strong("Contoso Events is ready."));
        for (name, address) in endpoints::addresses(endpoints) {
            row(name, address);
        }
        row("All addresses", &file);
        for (function, key) in self.keys() {
            row(&format!("{function} key"), &key);
        }
        if let App::Beside(host) = &self.app {
            for (access, file) in local_settings::files(self.data_dir.path()) {
                let by = match access {
                    Access::Key => "Settings by key",
                    Access::Identity => "or by identity",
                };
                row(by, &file.display().to_string());
            }
            output::say(&format!(
                "No functions run here: their host is that at {}, which Event Grid asks until it answers. Start it, such as by",
                host.address()
            ));
            output::say(&format!(
                "  func start --script-root target/app --port {}   after ./contoso package has staged the app there",
                host.port()
            ));
        }
        output::say(&paint.strong("Try"));
        if let Some(Seeded { example, .. }) = self.data_dir.seeded() {
            let key = key.map(|key| format!(" -H 'x-functions-key: {key}'")).unwrap_or_default();
            output::say(&format!(
                "  curl -X PATCH {functions}/api/products/{example} -H 'content-type: application/json'{key} \
                 -d '{{\"price\":{{\"amount\":\"9.99\",\"currency\":\"USD\"}}}}'"
            ));
            output::say(&format!("  curl {functions}/api/site/products/{example}"));
        }
        if self.demo {
            output::say(&format!("  curl '{site}/partner?format=json'   or open {site}/partner"));
        }
        let is_default = self.data_dir.path() == Path::new(endpoints::DATA_DIR);
        let here = if is_default { String::new() } else { format!(" --endpoints {file}") };
        output::say(&format!("  open {site}, {site}/operations.html and {site}/partners.html"));
        output::say(&format!("  ./contoso tail products --from earliest{here}"));
        if self.data_dir.seeded().is_some() {
            output::say(&format!("  ./contoso simulate --rate 5 --duration 60s{here}"));
        }
        output::say(&paint.faint(&if self.is_in_background {
            let here =
                if is_default { String::new() } else { format!(" --data-dir {}", self.data_dir.path().display()) };
            format!("It goes on in the background: `contoso status{here}` looks at it, `contoso stop{here}` ends it.")
        } else {
            "Ctrl-C stops everything.".to_owned()
        }));
    }
}

/// Whether products can be written through the packaged app.
pub(super) fn takes_products(app: &Path) -> bool {
    app.join(PRODUCTS).join("function.json").is_file()
}
