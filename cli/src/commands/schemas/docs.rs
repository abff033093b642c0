//! `contoso schemas docs`.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};

use super::super::Exit;
use crate::{
    contracts::{catalogue, sources::Sources},
    output,
    project::Project,
};

/// What says that a folder is a catalogue, which may be written anew.
const OURS: &str = "events.json";

const EXAMPLES: &str = "\
Examples:
  contoso schemas docs
      Writes target/catalogue/; open index.html there
  contoso schemas docs --out /srv/www/events
      For a web server: any static one will do, below any path

`contoso up` serves the same at /schemas/ of its pages.";

/// Write a static catalogue of the events: pages with search and changelog, and events.json for programs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The folder to write; what an earlier catalogue left there is replaced [default: target/catalogue]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args, project: &Project) -> anyhow::Result<Exit> {
    let files = catalogue::files(&Sources::read(project)?)?;
    let folder = args.out.clone().unwrap_or_else(|| project.root().join("target").join("catalogue"));
    let written = || format!("cannot write the catalogue to {}", folder.display());
    fs::create_dir_all(&folder).with_context(written)?;
    let mut stale = Vec::new();
    for entry in fs::read_dir(&folder).with_context(written)? {
        stale.push(entry.with_context(written)?.path());
    }
    if !stale.is_empty() && !folder.join(OURS).is_file() {
        bail!(
            "{} has files and is no catalogue (no {OURS}): choose an empty folder, or one that is not there yet",
            folder.display()
        );
    }
    // Pages of events that are gone.
    stale.retain(|file| file.extension().is_some_and(|extension| extension == "html"));
    for file in stale
        .iter()
        .filter(|file| file.file_name().and_then(|name| name.to_str()).is_some_and(|name| !files.contains_key(name)))
    {
        fs::remove_file(file).with_context(written)?;
    }
    for (name, text) in &files {
        fs::write(folder.join(name), text).with_context(written)?;
    }
    output::say(&format!("{} files; open {}", files.len(), folder.join("index.html").display()));
    Ok(Exit::Done)
}
