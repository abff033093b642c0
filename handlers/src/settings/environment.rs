//! The environment of this process.

use std::env;

/// An environment variable, if it is set to some text.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}
