//! `contoso stop`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal};
use tokio::time::Instant;

use super::Exit;
use crate::{
    clock,
    data_dir::{self, Holder},
    output,
};

const EXAMPLES: &str = "\
Examples:
  contoso stop
      Whatever runs on .contoso here or above, in this terminal, another one or the background
  contoso stop --data-dir /tmp/second
      What was started with that directory";

/// How long an orderly end may take.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// End the running `contoso up`, and wait until it is gone; what is stored stays
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The data directory it uses [default: .contoso here or above]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Asks the process to end as Ctrl-C does, and waits for it.
pub(super) async fn run(args: &Args) -> anyhow::Result<Exit> {
    let directory = data_dir::locate(args.data_dir.as_deref());
    let Some(holder) = Holder::of(&directory)? else {
        output::say(&format!("Nothing runs on {}.", directory.display()));
        return Ok(Exit::Done);
    };
    let Some(pid) = holder.pid else {
        bail!("what uses {} does not say which process it is; it may just be starting: try again", directory.display());
    };
    let process = Pid::from_raw(pid.cast_signed()).with_context(|| format!("{pid} is no process"))?;
    match rustix::process::kill_process(process, Signal::TERM) {
        // It ended by itself just now.
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => return Err(error).with_context(|| format!("cannot ask process {pid} to end")),
    }
    if !is_gone(&directory, holder).await? {
        bail!(
            "process {pid} was asked to end {} s ago, and still runs; `kill -KILL {pid}` ends it, and loses nothing that \
             was acknowledged",
            PATIENCE.as_secs()
        );
    }
    output::say(&format!("Stopped process {pid}; what is stored stays in {}.", directory.display()));
    Ok(Exit::Done)
}

/// Waits until the directory is free, or somebody else's.
async fn is_gone(directory: &Path, holder: Holder) -> anyhow::Result<bool> {
    let started = Instant::now();
    loop {
        if Holder::of(directory)?.is_none_or(|now| now.pid.is_some_and(|pid| Some(pid) != holder.pid)) {
            return Ok(true);
        }
        if started.elapsed() >= PATIENCE {
            return Ok(false);
        }
        clock::until_next_look(LOOK_AGAIN).await;
    }
}
