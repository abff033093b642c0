//! `contoso rebuild`: a projection once more, from the captured events.

mod captured;
mod clear;
mod recommendations;
mod replayed;
mod rest;
mod rollup;
mod tally;
mod trends;

use std::{io::Write, path::PathBuf};

use anyhow::bail;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use contoso_handlers::{
    app::App,
    function::{Documents, Trigger},
    registry,
    settings::EventHubsSettings,
    stores,
};
use tokio::time::Instant;

use self::{replayed::Replay, tally::Tally};
use super::Exit;
use crate::{endpoints, identity, output, signals::Signals};

/// Events that were in no captured file.
const FROM_HUB: &str = "more of the hub";

const EXAMPLES: &str = "\
Examples:
  contoso rebuild RecentlyViewed
      What every visitor viewed, from the captured clicks of the last 30 days, as long as lists are kept; in Azure the files themselves go after 23 days
  contoso rebuild ProductProjection --clear
      The site's products, from nothing: for documents that are wrong, not merely missing
  contoso rebuild Trends
      The counted clicks of every minute, from captured clicks and those that only the hub has yet
  contoso rebuild TrendRollup
      The minutes and what is trending, from the counted clicks
  contoso rebuild Recommendations --clear
      What is viewed together and for you, from the sessions in captured clicks

The functions may go on running meanwhile: what they do and what the rebuild does can be repeated and mixed. Events come from captured files, and behind them from the hub; those of Recommendations are in captured files alone. Running the command again does no harm, and makes right what a rebuild left that was stopped.

A captured file that cannot be read to its end counts as none: it is named, gets a dead letter as CaptureBatch makes them, and the others are rebuilt; the exit code is 1 then. --clear deletes only when all is read that can be, and nothing if that is nothing.

Trends replaces only windows whose clicks it knows all, and only if they count something else than the clicks say. TrendRollup sums changed windows within its next runs, so that minutes follow by themselves.";

/// Rebuild a projection from captured events
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The function whose documents are to be rebuilt
    #[arg(value_parser = target())]
    projection: Target,
    /// Delete its documents once all files are read: readers miss them until they are back, and Anomalies may take missing minutes for an outage.
    /// Not for Trends, which replaces documents one by one
    #[arg(long)]
    clear: bool,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

/// How a projection is made again.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// Its function gets the captured events of its hub again.
    Replayed(Replay),
    Trends,
    TrendRollup,
    Recommendations,
}

/// Those that have code of their own here, by function.
const OWN: [(&str, Target); 3] =
    [("Trends", Target::Trends), ("TrendRollup", Target::TrendRollup), ("Recommendations", Target::Recommendations)];

/// Every projection that can be made again: those of functions on hubs whose effects are documents alone, and those with code of their
/// own here. Making one again tells nobody anything.
fn targets() -> Vec<(&'static str, Target)> {
    let replayed =
        registry::functions().into_iter().filter_map(|function| match (function.trigger, function.projection) {
            (Trigger::EventHub { hub, consumer_group, handle, .. }, Some(projection)) => {
                let replay = Replay { function: function.name, hub, consumer_group, handle, projection };
                Some((function.name, Target::Replayed(replay)))
            }
            _ => None,
        });
    replayed.chain(OWN).collect()
}

/// The function's name on the command line.
fn target() -> impl TypedValueParser<Value = Target> {
    PossibleValuesParser::new(targets().into_iter().map(|(name, _)| name)).try_map(|given| {
        let target = targets().into_iter().find(|(name, _)| *name == given);
        target.map(|(_, target)| target).ok_or("there is no such projection")
    })
}

/// Makes the projection again, and says what became of it.
pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    if args.clear && matches!(args.projection, Target::Trends) {
        bail!(
            "--clear is not for Trends: windows whose clicks are no longer captured would be lost for good, and the others are replaced \
             one by one wherever they are wrong"
        );
    }
    let endpoints = endpoints::read(&endpoints::locate(args.endpoints.as_deref())?)?;
    identity::sign_in(&endpoints, identity::REBUILD)?;
    let settings = endpoints::handler_settings(&endpoints)?;
    let hubs = settings.event_hubs.clone();
    let app = App::new(settings);
    let mut signals = Signals::install()?;
    let mut tally = Tally::of(args.projection.results());
    let started = Instant::now();
    let ended = tokio::select! {
        ended = Box::pin(rebuild(&args, &app, &hubs, &mut tally)) => ended.map(|()| Exit::Done),
        () = signals.next() => Ok(Exit::Interrupted),
    };
    tally.tell();
    if !matches!(ended, Ok(Exit::Done)) {
        output::say(&match args.clear {
            true => tally.cleared.advice(args.projection.name()),
            false => "what was rebuilt stays; running the command again does the rest".to_owned(),
        });
    }
    writeln!(std::io::stdout().lock(), "{tally}, in {:.1} s", started.elapsed().as_secs_f64())?;
    match ended {
        Ok(Exit::Done) if !tally.is_whole() => Ok(Exit::Failed),
        ended => ended,
    }
}

async fn rebuild(args: &Args, app: &App, hubs: &EventHubsSettings, tally: &mut Tally) -> anyhow::Result<()> {
    // Each deletes when it has read what it needs.
    let cleared = args.clear.then(|| args.projection.documents());
    match &args.projection {
        Target::Replayed(replay) => replayed::rebuild(app, hubs, replay, cleared, tally).await,
        Target::Trends => trends::rebuild(app, hubs, tally).await,
        Target::TrendRollup => rollup::rebuild(app, cleared, tally).await,
        Target::Recommendations => recommendations::rebuild(app, cleared, tally).await,
    }
}

impl Target {
    /// The function's name.
    fn name(self) -> &'static str {
        match self {
            Self::Replayed(replay) => replay.function,
            Self::Trends => "Trends",
            Self::TrendRollup => "TrendRollup",
            Self::Recommendations => "Recommendations",
        }
    }

    /// What the summary always tells.
    fn results(self) -> &'static [&'static str] {
        match self {
            Self::Replayed(_) => &[FROM_HUB, replayed::APPLIED, replayed::THERE],
            Self::Trends => &[FROM_HUB, trends::REPLACED, trends::SAME, trends::LEFT],
            Self::TrendRollup => &[rollup::SUMMED],
            Self::Recommendations => &[recommendations::WRITTEN],
        }
    }

    /// Its documents, and which of them `--clear` deletes.
    fn documents(self) -> &'static [Documents] {
        match self {
            Self::Replayed(replay) => replay.projection.documents,
            Self::Trends => &[],
            // Not how far the function read, which has no minute.
            Self::TrendRollup => {
                &[Documents { container: stores::minutes::NAME, key: "day", cleared: "IS_DEFINED(c.minute)" }]
            }
            Self::Recommendations => {
                &[Documents { container: stores::recommendations::NAME, key: "id", cleared: Documents::ALL }]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_projection_is_a_function() {
        let functions = registry::functions();
        for (name, target) in targets() {
            assert_eq!(target.name(), name);
            assert!(functions.iter().any(|function| function.name == name), "{name}");
        }
    }
}
