//! `contoso schemas`: the contracts of events, from an edited file to what reads and writes by it.

mod asyncapi;
mod bindings;
mod check;
mod docs;
mod infer;
mod judged;
mod land;
mod usage;

use clap::Subcommand;

use super::Exit;
use crate::project::{NoProject, Project};

const EXAMPLES: &str = "\
Examples:
  contoso schemas check
      Whether every schema of the checkout can take the place of its stored versions
  contoso schemas check --old before.avsc --new after.avsc
      The same for any two files
  contoso schemas land click.recorded
      Stores the edited schema as the next version, which is registered from then on
  contoso schemas usage
      Who still writes and reads each version on the running stack
  contoso schemas infer orders
      A first schema for events of a hub that are JSON so far
  contoso schemas docs --out target/catalogue
      Pages on every event: schema, examples, who sends, who reads, what changed
  contoso schemas bindings --lang typescript --out events.ts
      Types of what partners receive, with functions that check it
  contoso schemas asyncapi
      Writes schemas/asyncapi.json, after a contract or topology.json changed

docs/schemas.md leads from a new field to its place in the catalogue.";

/// Check, land, describe and use the schemas of events
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Land(land::Args),
    Usage(usage::Args),
    Infer(infer::Args),
    Docs(docs::Args),
    Bindings(bindings::Args),
    Asyncapi(asyncapi::Args),
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, a text is not JSON, or the stack does not answer.
pub(super) async fn run(args: Args, project: impl FnOnce() -> Result<Project, NoProject>) -> anyhow::Result<Exit> {
    match args.command {
        Command::Check(args) => check::run(&args, project).await,
        Command::Land(args) => land::run(&args, &project()?),
        Command::Usage(args) => usage::run(&args).await,
        Command::Infer(args) => infer::run(&args).await,
        Command::Docs(args) => docs::run(&args, &project()?),
        Command::Bindings(args) => bindings::run(&args, project).await,
        Command::Asyncapi(args) => asyncapi::run(&args, &project()?),
    }
}
