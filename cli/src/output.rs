//! What people see: errors, colour, progress, logs. Results go to stdout, everything else to stderr.

use std::{
    error::Error as StdError,
    io::{IsTerminal, Write},
};

use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::{OwoColorize, Style};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::environment;

/// Colours where the reader is a terminal that wants them, plain text elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    colour: bool,
}

impl Paint {
    /// For text that goes to stdout.
    #[must_use]
    pub fn stdout() -> Self {
        Self { colour: std::io::stdout().is_terminal() && wanted() }
    }

    /// For text that goes to stderr.
    #[must_use]
    pub fn stderr() -> Self {
        Self { colour: std::io::stderr().is_terminal() && wanted() }
    }

    /// Never any colour.
    #[must_use]
    pub fn plain() -> Self {
        Self { colour: false }
    }

    /// What the eye should find first.
    #[must_use]
    pub fn strong(self, text: &str) -> String {
        self.apply(text, Style::new().bold())
    }

    /// What the eye may skip.
    #[must_use]
    pub fn faint(self, text: &str) -> String {
        self.apply(text, Style::new().dimmed())
    }

    /// Names of things.
    #[must_use]
    pub fn name(self, text: &str) -> String {
        self.apply(text, Style::new().cyan())
    }

    /// What went wrong.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.apply(text, Style::new().red().bold())
    }

    fn apply(self, text: &str, style: Style) -> String {
        if self.colour { text.style(style).to_string() } else { text.to_owned() }
    }
}

/// <https://no-color.org>: any non-empty value of `NO_COLOR` means no; a dumb terminal cannot.
fn wanted() -> bool {
    let refused = environment::variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = environment::variable("TERM").is_some_and(|term| term == "dumb");
    !refused && !dumb
}

/// Prints `error: …` on stderr, once, with its causes joined by colons.
pub fn report(error: &(dyn StdError + 'static)) {
    say(&format!("{} {}", Paint::stderr().bad("error:"), chain(error)));
}

/// One line for the whole chain. A cause that the line already ends with, because its parent quotes it, is not repeated,
/// and line breaks become spaces, so that one failure is one line.
#[must_use]
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = cause.source();
    }
    line.split('\n').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A number and its noun: 1 event, 2 events.
#[must_use]
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The cause below all others.
#[must_use]
pub fn root(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

/// A line for people, on stderr.
pub fn say(line: &str) {
    // A reader who closed stderr wants no more words; there is nobody left to tell.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// A bar on stderr for `total` steps; shows nothing where stderr is no terminal.
#[must_use]
pub fn bar(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(what);
    match ProgressStyle::with_template("{msg:>12} [{bar:30}] {pos}/{len} {elapsed}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// Sends log lines to stderr. `RUST_LOG` wins (`warn,contoso_local=debug`); otherwise warnings, and more with each `-v`.
pub fn log(verbosity: u8) {
    let asked = environment::text("RUST_LOG").filter(|asked| !asked.is_empty());
    let default = match verbosity {
        // The AMQP client warns of what it also returns as an error.
        0 => "warn,azure_messaging_eventhubs=off,azure_core_amqp=off,fe2o3_amqp=off",
        1 => "warn,contoso_cli=info,contoso_local=info",
        2 => "info,contoso_cli=debug,contoso_local=debug",
        _ => "debug",
    };
    let filter: Result<Targets, _> = asked.as_deref().unwrap_or(default).parse();
    let malformed = filter.is_err();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(Paint::stderr().colour)
        .with_target(false);
    let filter = filter.unwrap_or_else(|_| Targets::new().with_default(tracing::Level::WARN));
    // A process has one subscriber; where a test has set its own, that one stays.
    _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
    if malformed {
        tracing::warn!("RUST_LOG is malformed; logging warnings");
    }
}

/// Whether the reader of our output has gone away, as `head` does: a reason to stop, not an error.
#[must_use]
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot seed: {source}")]
    struct Quoting {
        source: std::num::ParseIntError,
    }

    #[test]
    fn a_chain_is_one_line_and_says_nothing_twice() {
        let cause = "x".parse::<u8>().expect_err("no number");
        let error = anyhow::Error::new(Quoting { source: cause }).context("up\n  failed");
        assert_eq!(chain(error.as_ref()), "up failed: cannot seed: invalid digit found in string");
    }

    #[test]
    fn a_closed_pipe_is_found_below_its_context() {
        let error = anyhow::Error::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).context("cannot write");
        assert!(is_broken_pipe(&error));
        assert!(!is_broken_pipe(&anyhow::anyhow!("else")));
    }
}
