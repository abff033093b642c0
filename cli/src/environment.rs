//! Environment variables: the one place of this package that reads them. Everything else that a user may choose is an option of the
//! command line.

use std::ffi::OsString;

/// A variable, where it is set.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A variable that is text, where it is set to some.
#[must_use]
pub(crate) fn text(name: &str) -> Option<String> {
    variable(name)?.into_string().ok()
}
