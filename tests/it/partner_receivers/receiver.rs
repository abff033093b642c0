//! A receiver of `examples/` as a child process.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use crate::support::within;

/// How long a receiver may take to start; the first one waits for its framework to be installed.
const START: std::time::Duration = std::time::Duration::from_secs(60);

/// A receiver that runs, and what it said so far. It ends with this.
pub(super) struct Receiver {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    /// Where it listens: `http://127.0.0.1:<port>`.
    pub(super) url: String,
}

impl Receiver {
    /// Starts it, and waits until it says where it listens.
    pub(super) async fn start(mut command: Command) -> Self {
        // What Python compiles stays out of the checkout.
        command.env("PYTHONUNBUFFERED", "1").env("PYTHONDONTWRITEBYTECODE", "1");
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let said = Arc::default();
        follow(child.stdout.take().expect("piped"), &said);
        follow(child.stderr.take().expect("piped"), &said);
        let mut this = Self { child, said, url: String::new() };
        this.url = within(START, "a receiver that listens", || async {
            let said = this.said();
            let url = said.iter().find_map(|line| Some(format!("http://127.0.0.1:{}", port(line)?)));
            url.ok_or_else(|| format!("{said:?}"))
        })
        .await;
        this
    }

    /// All lines so far.
    pub(super) fn said(&self) -> Vec<String> {
        self.said.lock().expect("no panic").clone()
    }

    /// Its port.
    pub(super) fn port(&self) -> &str {
        self.url.rsplit(':').next().expect("a port")
    }

    /// Kills it.
    pub(super) fn kill(&mut self) {
        // Already gone is as good.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.kill();
    }
}

fn port(line: &str) -> Option<u16> {
    let digits = line.split_once("http://127.0.0.1:")?.1;
    digits.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

fn follow(stream: impl Read + Send + 'static, said: &Arc<Mutex<Vec<String>>>) {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            said.lock().expect("no panic").push(line);
        }
    });
}
