//! `up --detach`: the stack as a process of its own, which outlives the terminal.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::Stdio,
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::Exit;
use crate::{data_dir::LOG, output, signals::Signals};

/// Lines of the log that are shown: what is said when all is ready, or why it is not.
const LAST_LINES: usize = 30;

/// Makes this process the leader of a session without a terminal, so that closing the one it was started from does not end it.
pub(super) fn leave_terminal() {
    // A process that leads its group already, as one that somebody started by hand, cannot; it goes on where it is.
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!("no session of its own: {error}");
    }
}

/// Starts this command once more, with `app`, if any, in the background, and waits until it is ready or has failed.
///
/// # Errors
/// When it does not become ready; the last lines of its log are shown.
pub(super) async fn start(data_dir: &Path, app: Option<&Path>) -> anyhow::Result<Exit> {
    let log = data_dir.join(LOG);
    let mut signals = Signals::install()?;
    let mut child = spawn(&log, app)?;
    output::say(&format!("Starting in the background; the log is {}", log.display()));
    let stdout = child.stdout.take().context("the output of the background process is not piped")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = tokio::select! {
        line = lines.next_line() => line.context("cannot read the ready line")?,
        () = signals.next() => {
            stop(&mut child, &mut signals).await?;
            return Ok(Exit::Interrupted);
        }
    };
    let Some(line) = line else {
        let status = child.wait().await.context("cannot wait for the background process")?;
        for line in last_lines(&log) {
            output::say(&format!("  {line}"));
        }
        bail!("the stack did not start ({status}); its last words stand above, all of them in {}", log.display());
    };
    // It said what people read, function keys included, where nobody saw it.
    for line in last_lines(&log) {
        output::say(&line);
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).context("cannot print the ready line")?;
    Ok(Exit::Done)
}

fn spawn(log: &Path, app: Option<&Path>) -> anyhow::Result<Child> {
    let what = || format!("cannot write {}", log.display());
    // Of one start; keys are in it, where they are asked for.
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(log).with_context(what)?;
    Command::new(std::env::current_exe().context("cannot find this program's own file")?)
        .args(std::env::args_os().skip(1))
        .arg("--in-background")
        .args(app)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(file)
        .spawn()
        .context("cannot start this program in the background")
}

/// Somebody waits no longer: nothing is left behind. Whoever asks twice does not wait for an orderly end either.
async fn stop(child: &mut Child, signals: &mut Signals) -> anyhow::Result<()> {
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        // It may have ended by itself meanwhile.
        let asked = rustix::process::kill_process(pid, Signal::TERM);
        tracing::debug!(?asked, "the background process is asked to end");
    }
    tokio::select! {
        ended = child.wait() => ended.map(drop),
        () = signals.next() => child.kill().await,
    }
    .context("cannot end the background process")
}

fn last_lines(log: &Path) -> Vec<String> {
    let text = File::open(log).and_then(std::io::read_to_string).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(|line| (*line).to_owned()).collect()
}
