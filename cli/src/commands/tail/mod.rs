//! `contoso tail`: events of a hub as they arrive, decoded as the functions decode them.

mod line;
mod source;
mod words;

use std::{io::Write, path::PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use contoso_handlers::{app::App, settings::EventHubsSettings};
use futures::StreamExt;

use self::{line::Line, source::Source};
use super::Exit;
use crate::{endpoints, identity, output::Paint, signals::Signals};

const EXAMPLES: &str = "\
Examples:
  contoso tail products
      New events of the hub products, until Ctrl-C: when, partition and sequence number, what happened
  contoso tail products --from earliest --limit 10
      The ten oldest
  contoso tail products --json | jq -r .subject
      One JSON object a line, for scripts";

/// Show the events of a hub as they arrive, decoded
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The event hub, such as products or clicks; where there is none of that name, those that there are are named
    hub: String,
    /// Where to begin
    #[arg(long, value_enum, default_value_t = From::Latest)]
    from: From,
    /// Only this partition
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
    /// End after this many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// One JSON object a line, with everything that the event holds
    #[arg(long)]
    json: bool,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum From {
    Earliest,
    Latest,
}

/// Prints events until the limit, or until somebody stops it.
pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let endpoints = endpoints::read(&endpoints::locate(args.endpoints.as_deref())?)?;
    endpoints::check_hub(&endpoints, &args.hub)?;
    identity::sign_in(&endpoints, identity::OPERATOR)?;
    let settings = endpoints::handler_settings(&endpoints)?;
    let hubs = settings.event_hubs.clone();
    let app = App::new(settings);
    let mut signals = Signals::install()?;
    tokio::select! {
        ended = Box::pin(follow(&args, &app, &hubs)) => ended.map(|()| Exit::Done),
        () = signals.next() => Ok(Exit::Interrupted),
    }
}

async fn follow(args: &Args, app: &App, hubs: &EventHubsSettings) -> anyhow::Result<()> {
    let source = Source::open(hubs, &args.hub, args.partition, args.from == From::Earliest).await?;
    let mut events = source.events();
    let paint = if args.json { Paint::plain() } else { Paint::stdout() };
    let mut left = args.limit;
    while let Some(received) = events.next().await {
        let (partition, event) = received.with_context(|| format!("cannot receive from the hub {}", args.hub))?;
        let line = Line::decode(app.events(), partition, &event).await;
        let text = if args.json { line.json() } else { line.text(paint) };
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush())?;
        if let Some(left) = &mut left {
            *left -= 1;
            if *left == 0 {
                break;
            }
        }
    }
    Ok(())
}
