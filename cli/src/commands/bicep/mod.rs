//! `contoso bicep`: what belongs to the templates that deploy to Azure.

mod check;
mod format;

use std::path::Path;

use anyhow::Context as _;
use contoso_local::topology::Topology;

use super::Exit;
use crate::{bicep::slice::slice, output, project::Project};

const EXAMPLES: &str = "\
Examples:
  contoso bicep check --types ~/bicep-types-az/generated
      What is wrong with bicep/, without the compiler
  contoso bicep format
      Writes its files as `bicep format` does
  contoso bicep topology
      Writes bicep/topology.json, after topology.json changed
  contoso bicep topology --check
      Says whether that is to be done, as pipelines ask";

/// Work on the Bicep templates that deploy to Azure
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(check::Args),
    Format(format::Args),
    Topology(TopologyArgs),
}

/// Write bicep/topology.json, the part of topology.json that templates read
#[derive(Debug, clap::Args)]
struct TopologyArgs {
    /// Write nothing, and fail if it is not as it would be written
    #[arg(long)]
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, or templates have no place for a part of the topology.
pub(super) fn run(args: &Args, project: &Project) -> anyhow::Result<Exit> {
    match &args.command {
        Command::Check(args) => check::run(args, project),
        Command::Format(args) => format::run(args, project),
        Command::Topology(args) => topology(args, project),
    }
}

fn topology(args: &TopologyArgs, project: &Project) -> anyhow::Result<Exit> {
    let file = project.bicep_topology();
    let made = made_topology(project)?;
    if args.check {
        let is_same = std::fs::read_to_string(&file).is_ok_and(|kept| kept == made);
        if !is_same {
            output::say(&format!("{} is not that of topology.json: run `contoso bicep topology`", file.display()));
        }
        return Ok(if is_same { Exit::Done } else { Exit::Failed });
    }
    std::fs::write(&file, made).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(Exit::Done)
}

/// What bicep/topology.json is to be.
fn made_topology(project: &Project) -> anyhow::Result<String> {
    Ok(slice(&Topology::read(&project.topology())?)?.to_json()?)
}

/// A path as people look for it: from the checkout, if it is in there.
fn shown(path: &Path, project: &Project) -> String {
    path.strip_prefix(project.root()).unwrap_or(path).display().to_string()
}
