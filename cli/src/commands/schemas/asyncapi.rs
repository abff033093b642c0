//! `contoso schemas asyncapi`.

use anyhow::Context as _;

use super::super::Exit;
use crate::{
    contracts::{asyncapi::document, sources::Sources},
    output,
    project::Project,
};

/// Write schemas/asyncapi.json, the AsyncAPI document of hubs and topic
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write nothing, and fail if it is not as it would be written
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args, project: &Project) -> anyhow::Result<Exit> {
    let file = project.schemas().join("asyncapi.json");
    let made = document(&Sources::read(project)?)?;
    if args.check {
        let is_same = std::fs::read_to_string(&file).is_ok_and(|kept| kept == made);
        if !is_same {
            output::say(&format!("{} is not that of the contracts: run `contoso schemas asyncapi`", file.display()));
        }
        return Ok(if is_same { Exit::Done } else { Exit::Failed });
    }
    std::fs::write(&file, made).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(Exit::Done)
}
