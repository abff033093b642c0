//! The custom handler's process: settings, bind, serve, drain.

use std::{io::Write as _, net::Ipv4Addr, process::ExitCode, time::Duration};

use anyhow::Context as _;
use contoso_handlers::{
    app::App,
    function::Function,
    host, registry,
    settings::{Settings, TelemetrySettings, is_disabled},
    telemetry,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// How long requests under way may take after the process is asked to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// A click of `RecentlyViewed` costs a fifth less processor time than with the system's allocator, for some 20 MiB more (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some("--list") => list(),
        Some(other) => Err(anyhow::anyhow!("unknown argument {other}; the only one is --list")),
        None => run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The host shows the last lines of stderr when its handler dies. Nobody is left to tell if that fails.
            _ = writeln!(std::io::stderr(), "contoso-handler: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One JSON line per function, for packaging and tests.
fn list() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for function in registry::functions() {
        writeln!(out, "{}", serde_json::to_string(&function.listing())?)?;
    }
    Ok(())
}

fn run() -> anyhow::Result<()> {
    // One thread: it starts faster, is smaller, and the AMQP client's race for early accepts cannot happen on it. Scaling is by
    // instance.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let telemetry = telemetry::start(&TelemetrySettings::from_env(), runtime.handle());
    let settings = Settings::from_env()?;
    let functions = host::staged(registry::functions(), settings.host.app_root.as_deref())?;
    runtime.block_on(async {
        let address = (Ipv4Addr::LOCALHOST, settings.host.port);
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("listen on 127.0.0.1:{}", address.1))?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (stopping, stop) = tokio::sync::oneshot::channel::<()>();
        // Those that are disabled here run in another app of the same package.
        let served = functions.iter().filter(|function| !is_disabled(function.name)).map(Function::served).collect();
        let app = App::serving(settings, served, telemetry.clone());
        let server = axum::serve(host::Listener::new(listener), host::router(&app, &functions))
            .with_graceful_shutdown(async { _ = stop.await });
        let server = std::future::IntoFuture::into_future(server);
        tokio::pin!(server);
        tokio::select! {
            served = &mut server => return Ok(served?),
            _ = terminate.recv() => drop(stopping),
        }
        tracing::info!("stopping");
        let drained = tokio::time::timeout(DRAIN, server).await.context("requests under way did not end in time");
        tokio::task::spawn_blocking(move || telemetry.stop()).await?;
        Ok(drained??)
    })
}
