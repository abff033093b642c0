//! `contoso up`.

mod app;
mod background;
mod beside;
mod ports;
mod session;

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use contoso_local::{
    cosmos::Replay,
    files,
    stack::{ExternalHost, Stack, StackError, StackOptions},
    storage::Sync,
    topology::{Topology, WebhookEgress},
    transport::HostName,
};

use self::session::{App, Catalogue, Session};
use super::{
    Exit,
    package::{self, AppArgs},
};
use crate::{
    app_settings, catalogue, data_dir::DataDir, endpoints, output, package::Profile, project::Project,
    renewed::Executable, signals::Signals,
};

const EXAMPLES: &str = "\
Examples:
  contoso up
      Everything on its default port, with a generated catalogue and a demo partner
  contoso up --catalogue catalog.json --fresh
      Starts from nothing, with your products
  contoso up --ports auto --data-dir /tmp/second | jq .functions
      A second stack beside the first, which keeps its ports; its addresses as JSON
  contoso up --detach
      Returns when everything is ready; `contoso status` looks at it, `contoso stop` ends it
  contoso up --origin http://localhost:5173
      Pages of your own, served there, may send clicks and read the site
  contoso up --no-demo --set ProductChanges.feedPollDelay=50
      Without the demo partner, and with a quicker change feed
  contoso up --services-only
      No functions host and no app, for `func start --script-root target/app` beside it

Press Ctrl-C to stop everything, twice to kill it.";

/// Build and run everything on this machine: the local stack, the app, a catalogue and a demo partner
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
#[command(mut_arg("functions", |functions| functions
    .value_name("A,B|URL")
    .help("Only these functions; with --services-only, the address of the Functions host beside it, by default http://127.0.0.1:7071")))]
pub(super) struct Args {
    /// Seed these products: a JSON array in our own shape or that of dotnet/eShop [default: a generated one, once]
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Seed no products
    #[arg(long, conflicts_with = "catalogue")]
    no_catalogue: bool,
    /// Without the demo partner
    #[arg(long)]
    no_demo: bool,
    /// Everything but the functions: no host of theirs and no app process, for `func start` or another Functions host beside it
    #[arg(long)]
    services_only: bool,
    /// With --services-only: the key that Event Grid shows to that host, its system key eventgrid_extension or its master key
    /// [env: CONTOSO_FUNCTIONS_KEY]
    #[arg(long, value_name = "KEY", requires = "services_only")]
    functions_key: Option<String>,
    /// Run this packaged app instead of building one
    #[arg(long, value_name = "DIR", conflicts_with_all = ["functions", "changes", "debug", "no_build"])]
    app: Option<PathBuf>,
    #[command(flatten)]
    package: AppArgs,
    /// Where everything is kept between runs
    #[arg(long, value_name = "DIR", default_value = endpoints::DATA_DIR)]
    data_dir: PathBuf,
    /// Empty the data directory first
    #[arg(long)]
    fresh: bool,
    /// Where to listen: the ports of the official tools, or any free ones, which a data directory keeps from then on
    #[arg(long, value_enum, default_value_t = PortChoice::Default)]
    ports: PortChoice,
    #[arg(long = "origin", value_name = "URL", value_parser = app_settings::origin)]
    #[arg(
        help = "Let pages of this origin call the functions, like http://localhost:5173, or * for any; may be repeated"
    )]
    origins: Vec<String>,
    /// Ask for function keys, as Azure does
    #[arg(long)]
    auth: bool,
    /// Answer to this host name too, beside localhost and loopback addresses; repeatable
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<HostName>,
    /// Where webhooks may lead: to public addresses as in Azure (the demo partner is left out then), to this machine too, or to private networks as well
    #[arg(long, value_enum, default_value_t = WebhookChoice::Loopback)]
    webhooks: WebhookChoice,
    /// How far a write goes before it is acknowledged: to the operating system, or to the disk
    #[arg(long, value_enum, default_value_t = SyncChoice::Process)]
    sync: SyncChoice,
    /// Go on in the background once everything is ready; the log goes to up.log in the data directory
    #[arg(long)]
    detach: bool,
    /// Be the process that `--detach` starts, with this staged app, if any
    #[arg(long, value_name = "DIR", num_args = 0..=1, hide = true)]
    in_background: Option<Option<PathBuf>>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PortChoice {
    Default,
    Auto,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum WebhookChoice {
    Public,
    Loopback,
    Any,
}

impl From<WebhookChoice> for WebhookEgress {
    fn from(choice: WebhookChoice) -> Self {
        match choice {
            WebhookChoice::Public => Self::Public,
            WebhookChoice::Loopback => Self::Loopback,
            WebhookChoice::Any => Self::Any,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SyncChoice {
    Process,
    Always,
}

/// Runs the stack until somebody stops it.
pub(super) async fn run(args: Args, project: &Project) -> anyhow::Result<Exit> {
    if args.in_background.is_some() {
        background::leave_terminal();
    }
    // What can be wrong is looked at before the long build, before anything starts, and before anything is removed.
    let external = beside::host(&args)?;
    files::allow_many()?;
    let mut topology = Topology::read(&project.topology())?;
    topology.event_grid.webhook_egress = args.webhooks.into();
    let catalogue = match &args.catalogue {
        Some(file) => Catalogue { name: file.display().to_string(), products: catalogue::read(file)?, wanted: true },
        None if args.no_catalogue || external.is_some() => {
            Catalogue { name: "no catalogue".to_owned(), products: Vec::new(), wanted: false }
        }
        None => Catalogue { name: "generated catalogue".to_owned(), products: catalogue::generated(), wanted: false },
    };
    let given = args.in_background.as_ref().and_then(Option::as_ref).or(args.app.as_ref());
    let takes_products = match (given, &external) {
        // They are stored without it.
        (_, Some(_)) => true,
        (Some(app), None) => {
            app::check(app)?;
            session::takes_products(app)
        }
        (None, None) => {
            package::check(&args.package, None, project)?;
            args.package.includes(session::PRODUCTS)
        }
    };
    if catalogue.wanted && !takes_products {
        bail!("--catalogue: the app has no function {} to seed through", session::PRODUCTS);
    }
    let data_dir = DataDir::open(&args.data_dir, args.fresh)?;
    let ports = ports::choose(args.ports, external.is_some(), &topology, &data_dir)?;
    let app = match (given, external) {
        (_, Some(host)) => App::Beside(host),
        (Some(app), None) => App::Staged(app.clone()),
        (None, None) => {
            let running = Executable::running();
            let staged = package::stage(&args.package, None, project, Profile::Local)?;
            if let Some(running) = running {
                // The build may have made this command anew too.
                running.go_on_if_replaced().context("cannot go on as the command that was just built")?;
            }
            package::lead_to_stack(&staged, data_dir.path(), project)?;
            App::Staged(staged.directory().to_owned())
        }
    };
    if args.detach && args.in_background.is_none() {
        // The next process takes it.
        drop(data_dir);
        return background::start(&args.data_dir, app.directory()).await;
    }
    if args.fresh {
        data_dir.empty()?;
    }
    endpoints::forget(data_dir.path())?;

    files::keep_private();
    let mut signals = Signals::install()?;
    let options = StackOptions {
        topology,
        data_dir: data_dir.path().to_owned(),
        ports,
        sync: match args.sync {
            SyncChoice::Process => Sync::Process,
            SyncChoice::Always => Sync::Always,
        },
        hosts: args.hosts.into_iter().collect(),
    };
    let stack = tokio::select! {
        stack = start(options, app.host()) => stack?,
        () = signals.next() => return Ok(Exit::Interrupted),
    };
    if matches!(args.ports, PortChoice::Auto)
        && let Err(error) = data_dir.set_ports(stack.ports())
    {
        // A convenience: on a full disk, what is stored must still be served.
        tracing::warn!("the ports are not remembered: {}", output::chain(&error));
    }
    let session = Session {
        project,
        stack: &stack,
        data_dir: &data_dir,
        app,
        catalogue,
        // The demo partner is on this machine.
        demo: !args.no_demo && !matches!(args.webhooks, WebhookChoice::Public),
        auth: args.auth,
        origins: args.origins,
        private_webhooks: !matches!(args.webhooks, WebhookChoice::Public),
        is_in_background: args.in_background.is_some(),
    };
    // They outlive the stack: what it still delivers to the demo partner while it stops is taken.
    let _pages = session.pages()?;
    let exit = tokio::select! {
        running = Box::pin(session.begin()) => match running {
            // What keeps running is held until the signal comes.
            Ok(_running) => tokio::select! {
                () = signals.next() => Ok(Exit::Done),
                reason = stack.store_stopped() => Err(anyhow!(
                    "a write to {} failed ({reason}); what was acknowledged is kept, and `contoso up` recovers it once \
                     the disk has room and works",
                    data_dir.path().display()
                )),
            },
            Err(error) => Err(error),
        },
        () = signals.next() => Ok(Exit::Interrupted),
    };
    let handler = stack.handler_pid();
    output::say("Stopping…");
    tokio::select! {
        () = stack.stop() => exit,
        () = signals.next() => {
            kill(handler);
            Ok(Exit::Interrupted)
        }
    }
}

async fn start(options: StackOptions, external: Option<&ExternalHost>) -> anyhow::Result<Stack> {
    let bar = output::bar("replay", 0);
    let progress = |Replay { done, total }: Replay| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let started = match external {
        None => Stack::start(options, &progress).await,
        Some(host) => Stack::start_services_only(options, host.clone(), &progress).await,
    };
    bar.finish_and_clear();
    started.map_err(|error| match error {
        StackError::Port(error) => ports::refused(error),
        error => error.into(),
    })
}

/// The second Ctrl-C: nobody waits any longer. The handler would outlive us, so it goes too.
fn kill(handler: Option<u32>) {
    if let Some(pid) = handler {
        let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        if let Err(error) = killed {
            tracing::warn!("cannot kill the handler, process {pid}: {error}");
        }
    }
}
