//! `contoso rebuild`: a projection once more, from the captured events.

mod captured;
mod clear;
mod recommendations;
mod replayed;
mod rest;
mod rollup;
mod tally;
mod trends;

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;
use contoso_handlers::app::App;
use contoso_handlers::domain::recently_viewed;
use contoso_handlers::function::Trigger;
use contoso_handlers::functions::{self, product_projection};
use contoso_handlers::settings::EventHubsSettings;
use contoso_handlers::{registry, stores};
use tokio::time::Instant;

use super::Exit;
use crate::signals::Signals;
use crate::{endpoints, identity, output};
use replayed::Replay;
use tally::Tally;

/// Events that were in no captured file.
const FROM_HUB: &str = "more of the hub";

const EXAMPLES: &str = "\
Examples:
  contoso rebuild RecentlyViewed
      What every visitor viewed, from the captured clicks of the last 30 days, as long as lists are kept
  contoso rebuild ProductProjection --clear
      The site's products, from nothing: for documents that are wrong, not merely missing
  contoso rebuild Trends
      The counted clicks of every minute, from captured clicks and those that only the hub has yet
  contoso rebuild TrendRollup
      The minutes and what is trending, from the counted clicks
  contoso rebuild Recommendations --clear
      What is viewed together and for you, from the sessions in captured clicks

The functions may go on running meanwhile: what they do and what the rebuild does can be repeated and mixed. Events come from
captured files, and behind them from the hub; those of Recommendations are in captured files alone. Running the command again does no
harm, and makes right what a rebuild left that was stopped.

A captured file that cannot be read to its end counts as none: it is named, gets a dead letter as CaptureBatch makes them, and the
others are rebuilt; the exit code is 1 then. --clear deletes only when all is read that can be, and nothing if that is nothing.

Trends replaces only windows whose clicks it knows all, and only if they count something else than the clicks say. TrendRollup sums
changed windows within its next runs, so that minutes follow by themselves.";

/// Rebuild a projection from captured events
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The function whose documents are to be rebuilt
    #[arg(value_enum)]
    projection: Target,
    /// Delete its documents once all files are read: readers miss them until they are back, and Anomalies may take missing minutes for an outage.
    /// Not for Trends, which replaces documents one by one
    #[arg(long)]
    clear: bool,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

/// The functions whose effects are documents alone: making them again tells nobody anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Target {
    ProductProjection,
    RecentlyViewed,
    Trends,
    TrendRollup,
    Recommendations,
}

/// How a projection is made again.
enum Rebuild {
    /// Its function gets the captured events of its hub again.
    Replayed(Replay),
    Trends,
    TrendRollup,
    Recommendations,
}

/// Makes the projection again, and says what became of it.
pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    if args.clear && args.projection == Target::Trends {
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
            true => tally.cleared.advice(&args.projection.name()),
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
    let cleared = args.clear.then(|| args.projection.stores());
    match args.projection.rebuild()? {
        Rebuild::Replayed(replay) => replayed::rebuild(app, hubs, &replay, cleared, tally).await,
        Rebuild::Trends => trends::rebuild(app, hubs, tally).await,
        Rebuild::TrendRollup => rollup::rebuild(app, cleared, tally).await,
        Rebuild::Recommendations => recommendations::rebuild(app, cleared, tally).await,
    }
}

impl Target {
    /// As it is written on the command line, which is the function's name.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn rebuild(self) -> anyhow::Result<Rebuild> {
        let name = self.name();
        Ok(match self {
            Self::Trends => Rebuild::Trends,
            Self::TrendRollup => Rebuild::TrendRollup,
            Self::Recommendations => Rebuild::Recommendations,
            Self::ProductProjection | Self::RecentlyViewed => {
                let function = registry::functions().into_iter().find(|function| function.name == name);
                match function.map(|function| function.trigger) {
                    Some(Trigger::EventHub { hub, consumer_group, handle, .. }) => {
                        let (kept, there) = match self {
                            Self::RecentlyViewed => (Some(recently_viewed::KEPT), functions::recently_viewed::THERE),
                            _ => (None, product_projection::THERE),
                        };
                        Rebuild::Replayed(Replay { hub, consumer_group, handle, kept, there })
                    }
                    _ => bail!("{name} reads no hub"),
                }
            }
        })
    }

    /// What the summary always tells.
    fn results(self) -> &'static [&'static str] {
        match self {
            Self::ProductProjection | Self::RecentlyViewed => &[FROM_HUB, replayed::APPLIED, replayed::THERE],
            Self::Trends => &[FROM_HUB, trends::REPLACED, trends::SAME, trends::LEFT],
            Self::TrendRollup => &[rollup::SUMMED],
            Self::Recommendations => &[recommendations::WRITTEN],
        }
    }

    /// Its documents, and which of them `--clear` deletes.
    fn stores(self) -> &'static [clear::Store] {
        use clear::{EVERY, Store};
        match self {
            Self::ProductProjection => &[
                Store { container: stores::products::NAME, key: "id", condition: EVERY },
                Store { container: stores::listings::NAME, key: "category", condition: EVERY },
            ],
            // An erasure must outlive every rebuild.
            Self::RecentlyViewed => {
                &[Store { container: stores::visitors::NAME, key: "id", condition: "NOT IS_DEFINED(c.erasedBefore)" }]
            }
            Self::Trends => &[],
            // Not how far the function read, which has no minute.
            Self::TrendRollup => {
                &[Store { container: stores::minutes::NAME, key: "day", condition: "IS_DEFINED(c.minute)" }]
            }
            Self::Recommendations => &[Store { container: stores::recommendations::NAME, key: "id", condition: EVERY }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_projection_is_a_function_that_can_be_rebuilt() {
        for projection in Target::value_variants() {
            let name = projection.name();
            assert!(registry::functions().iter().any(|function| function.name == name), "{name}");
            assert!(projection.rebuild().is_ok(), "{name}");
        }
    }
}
