//! `contoso rebuild`: a projection once more, from the captured events.

mod captured;
mod clear;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use backon::{ExponentialBuilder, Retryable};
use clap::ValueEnum;
use contoso_handlers::app::App;
use contoso_handlers::outcome::Outcome;
use contoso_handlers::registry::{BoxFuture, HubEvent, Trigger, functions};
use futures::StreamExt;
use tokio::time::Instant;

use super::Exit;
use crate::signals::Signals;
use crate::{endpoints, identity, output};
use captured::Captured;

const EXAMPLES: &str = "\
Examples:
  contoso rebuild RecentlyViewed
      What every visitor viewed, from every captured click
  contoso rebuild ProductProjection --clear
      The site's products, from nothing: for documents that are wrong, not merely missing

The function may go on running meanwhile: what it does and what the rebuild does can be repeated and mixed. Events that are
on the hub and not captured yet are the running function's. Running the command again does no harm.";

/// Events given to a function at a time, as the host does.
const BATCH: usize = 500;

/// Rebuild a projection from captured events
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The function whose documents are to be rebuilt
    #[arg(value_enum)]
    projection: Projection,
    /// Delete its documents first: readers miss them until they are back
    #[arg(long)]
    clear: bool,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

/// The functions whose effects are documents alone: giving them old events again tells nobody anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Projection {
    ProductProjection,
    RecentlyViewed,
}

/// What became of the events.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    events: u64,
    applied: u64,
    skipped: u64,
    bad: u64,
    first_cause: Option<String>,
}

type Handle = fn(App, Vec<HubEvent>) -> BoxFuture<Vec<Outcome>>;

/// Gives every captured event of the projection's hub to its function, partition by partition in their order.
pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let endpoints = endpoints::read(&endpoints::locate(args.endpoints.as_deref())?)?;
    identity::sign_in(&endpoints, identity::REBUILD)?;
    let app = App::new(endpoints::handler_settings(&endpoints)?);
    let mut signals = Signals::install()?;
    let mut tally = Tally::default();
    let started = Instant::now();
    let ended = tokio::select! {
        ended = Box::pin(rebuild(&args, &app, &mut tally)) => ended.map(|()| Exit::Done),
        () = signals.next() => Ok(Exit::Interrupted),
    };
    writeln!(
        std::io::stdout().lock(),
        "{} events of {} captured files in {:.1} s: {} applied, {} changed nothing, {} bad",
        tally.events,
        tally.files,
        started.elapsed().as_secs_f64(),
        tally.applied,
        tally.skipped,
        tally.bad,
    )?;
    if let Some(cause) = tally.first_cause {
        output::say(&format!("the first bad event: {cause}"));
    }
    ended
}

async fn rebuild(args: &Args, app: &App, tally: &mut Tally) -> anyhow::Result<()> {
    let (hub, consumer_group, handle) = args.projection.trigger()?;
    if args.clear {
        let deleted = clear::documents(app, args.projection.stores()).await?;
        output::say(&format!("deleted {deleted} documents"));
    }
    let captured = Captured::list(app, hub).await?;
    let bar = output::bar("bytes", captured.bytes());
    for file in captured.files() {
        let mut events = Box::pin(captured::events(app, file, consumer_group).await?.chunks(BATCH));
        while let Some(chunk) = events.next().await {
            let mut batch = Vec::with_capacity(chunk.len());
            for event in chunk {
                tally.events += 1;
                match event? {
                    Ok(event) => batch.push(event),
                    Err(cause) => tally.is_bad(cause),
                }
            }
            apply(app, handle, batch, tally).await?;
        }
        tally.files += 1;
        bar.inc(file.length);
    }
    bar.finish_and_clear();
    Ok(())
}

/// One batch, again and again while the world is broken: everything in it is safe to repeat.
async fn apply(app: &App, handle: Handle, batch: Vec<HubEvent>, tally: &mut Tally) -> anyhow::Result<()> {
    let attempt = || async {
        let outcomes = handle(app.clone(), batch.clone()).await;
        match outcomes
            .iter()
            .find_map(|outcome| if let Outcome::Retry(cause) = outcome { Some(cause.chain()) } else { None })
        {
            Some(cause) => Err(anyhow::Error::msg(cause)),
            None => Ok(outcomes),
        }
    };
    let pauses =
        ExponentialBuilder::default().with_min_delay(Duration::from_millis(200)).with_max_times(6).with_jitter();
    let outcomes =
        attempt.retry(pauses).await.context("the events cannot be applied now; running the command again is safe")?;
    for outcome in outcomes {
        match outcome {
            Outcome::Done => tally.applied += 1,
            Outcome::Skip(_) => tally.skipped += 1,
            Outcome::Park(cause) => tally.is_bad(cause.chain()),
            Outcome::Retry(_) => {}
        }
    }
    Ok(())
}

impl Tally {
    /// Bad events are in the dead letters since they were first delivered; here they are only counted.
    fn is_bad(&mut self, cause: String) {
        self.bad += 1;
        self.first_cause.get_or_insert(cause);
    }
}

impl Projection {
    fn name(self) -> &'static str {
        match self {
            Self::ProductProjection => "ProductProjection",
            Self::RecentlyViewed => "RecentlyViewed",
        }
    }

    /// What feeds it, and what works on that.
    fn trigger(self) -> anyhow::Result<(&'static str, &'static str, Handle)> {
        let function = functions().into_iter().find(|function| function.name == self.name());
        match function.map(|function| function.trigger) {
            Some(Trigger::EventHub { hub, consumer_group, handle, .. }) => Ok((hub, consumer_group, handle)),
            _ => bail!("{} reads no hub", self.name()),
        }
    }

    /// Its documents: container of database `site`, partition key, and which of them `--clear` deletes.
    fn stores(self) -> &'static [clear::Store] {
        match self {
            Self::ProductProjection => &[
                clear::Store { container: "products", key: "id", condition: "true" },
                clear::Store { container: "listings", key: "category", condition: "true" },
            ],
            // An erasure must outlive every rebuild.
            Self::RecentlyViewed => {
                &[clear::Store { container: "visitors", key: "id", condition: "NOT IS_DEFINED(c.erasedBefore)" }]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_projection_is_a_function_that_reads_a_hub() {
        for projection in Projection::value_variants() {
            let name = projection.to_possible_value().expect("not hidden");
            assert_eq!(name.get_name(), projection.name());
            assert!(projection.trigger().is_ok(), "{}", projection.name());
        }
    }
}
