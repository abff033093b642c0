//! Process guard: keeps the handler from outliving this process, whatever kills it.
//!
//! The kernel's parent-death signal needs code between fork and exec that safe Rust does not offer. Instead a small
//! shell waits for the end of its input, which comes when this process dies, and then kills the handler with all it
//! started: the handler leads a process group.

use std::process::Stdio;

use tokio::process::{Child, ChildStdin, Command};

/// Reads until its input ends, then kills the process group given as `$0`.
const SCRIPT: &str = "read -r _; kill -s KILL -- \"-$0\" 2>/dev/null";

/// Dropped, it goes away without killing anything: fields drop in order, so the shell dies before its input ends.
pub(super) struct Guard {
    _shell: Child,
    #[cfg_attr(not(test), expect(dead_code, reason = "held open"))]
    input: Option<ChildStdin>,
}

impl Guard {
    /// Watches over the process group that `pid` leads. Where there is no shell the handler is merely killed on an orderly stop.
    pub(super) fn over(pid: u32) -> Option<Self> {
        let shell = Command::new("/bin/sh")
            .arg("-c")
            .arg(SCRIPT)
            .arg(pid.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt from the terminal goes to the whole group; the guard must outlive it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        match shell {
            Ok(mut shell) => Some(Self { input: shell.stdin.take(), _shell: shell }),
            Err(error) => {
                tracing::debug!("no guard over the handler: {error}");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_this_process_kills_the_handler_and_dropping_the_guard_does_not() {
        let mut handler =
            Command::new("sleep").arg("1000").process_group(0).kill_on_drop(true).spawn().expect("started");
        let pid = handler.id().expect("running");
        drop(Guard::over(pid).expect("a shell"));
        assert!(handler.try_wait().expect("asked").is_none());

        let mut guard = Guard::over(pid).expect("a shell");
        // What the kernel does for a process that dies.
        drop(guard.input.take());
        let ended = handler.wait().await.expect("ended");
        assert!(!ended.success());
    }
}
