//! Backtraces of errors that nobody reads.
//!
//! With `RUST_BACKTRACE=1`, as many have it in their shell for the sake of panics, the standard library also walks the stack
//! for each error of a library that keeps a backtrace. The Azure clients, and the hosted Cosmos DB with them, make such an
//! error for each absent header: half of the stack's processor time would go there, unseen.

use std::{ffi::OsStr, os::unix::process::CommandExt, process::Command};

use crate::environment;

/// The variable for errors; the other one is for panics too.
const OF_ERRORS: &str = "RUST_LIB_BACKTRACE";
const OF_ALL: &str = "RUST_BACKTRACE";

/// Goes on as a process whose errors carry no backtraces, and its children's neither, unless the user asks for just those
/// (`RUST_LIB_BACKTRACE`). Panics keep theirs. Returns where this is that process; and where it cannot be had, since it
/// only costs time.
pub fn leave_to_panics() {
    if !are_wanted(environment::variable(OF_ERRORS).as_deref(), environment::variable(OF_ALL).as_deref()) {
        return;
    }
    // The standard library reads the variables once, so a process cannot change its mind.
    if let Ok(program) = std::env::current_exe() {
        let error = Command::new(program).args(std::env::args_os().skip(1)).env(OF_ERRORS, "0").exec();
        tracing::debug!(%error, "errors keep their backtraces");
    }
}

/// Whether errors would carry backtraces only because panics are to.
fn are_wanted(of_errors: Option<&OsStr>, of_all: Option<&OsStr>) -> bool {
    of_errors.is_none() && of_all.is_some_and(|value| value != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_meant_for_panics_is_changed() {
        let changes = |of_errors: Option<&str>, of_all: Option<&str>| {
            are_wanted(of_errors.map(OsStr::new), of_all.map(OsStr::new))
        };
        assert!(changes(None, Some("1")) && changes(None, Some("full")));
        assert!(!changes(None, None) && !changes(None, Some("0")), "errors carry none");
        assert!(!changes(Some("1"), Some("1")) && !changes(Some("0"), Some("1")), "the user said it, or we did");
    }
}
