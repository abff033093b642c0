//! Logging, one line per event. The host takes stdout as information, and stderr as warnings where a line says so and as errors
//! otherwise: warnings and errors go there, all else to stdout.

use std::panic;

use tracing::Level;
use tracing_subscriber::{
    filter::Targets,
    fmt::{self, writer::MakeWriterExt as _},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::settings;

/// The clients below us report each of their own retries; ours are in the invocation's line.
const DEFAULT: &str = "warn,contoso_handlers=info,contoso_handler=info,fe2o3_amqp=error,azure_messaging_eventhubs=error,azure_core_amqp=error";

/// Starts logging with the filter `CONTOSO_LOG`, or a default if that is absent or malformed; panics are logged too.
pub fn start() {
    let asked = settings::log_filter();
    let filter: Option<Targets> = asked.as_deref().unwrap_or(DEFAULT).parse().ok();
    let malformed = filter.is_none();
    let writer = std::io::stderr.with_max_level(Level::WARN).or_else(std::io::stdout);
    let lines = fmt::layer().compact().with_ansi(false).with_target(false).with_writer(writer);
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    // Fails only if a subscriber is set already, which is then as good.
    _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
    if malformed {
        tracing::warn!("CONTOSO_LOG is malformed; logging at level info");
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        // What it says is in the answer or the dead letter of the record that met it.
        tracing::error!(place, "panic");
    }));
}
