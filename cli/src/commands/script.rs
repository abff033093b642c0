//! What the script `contoso` at the top of the checkout does before there is a program: its place in the help.

use std::ffi::OsString;

const SETUP_EXAMPLES: &str = "\
Examples:
  ./contoso setup
      A C compiler, make and perl; Python, Node.js and a browser for the tests

What is there already is left alone. On Debian and its relatives missing packages are installed with apt-get, as root or by sudo; elsewhere they are named.";

const BUILD_EXAMPLES: &str = "\
Examples:
  ./contoso build
      After a change; `up` does it by itself

Most commands run what was built, as it is, and say when it is older than the sources.";

const TEST_EXAMPLES: &str = "\
Examples:
  ./contoso test
      Everything
  ./contoso test crash
      The tests with `crash` in their names
  ./contoso test -- --ignored
      Those that take long, or want data that is not part of the checkout

It takes what `cargo test` takes, and builds what the tests run before.";

/// Install what builds and tests need, where it is missing, and stop there
#[derive(Debug, clap::Args)]
#[command(after_help = SETUP_EXAMPLES, after_long_help = SETUP_EXAMPLES)]
pub(super) struct SetupArgs {}

/// Build the command and the handler for this machine
#[derive(Debug, clap::Args)]
#[command(after_help = BUILD_EXAMPLES, after_long_help = BUILD_EXAMPLES)]
pub(super) struct BuildArgs {}

/// Run the tests, those with official Python and JavaScript clients included
#[derive(Debug, clap::Args)]
#[command(after_help = TEST_EXAMPLES, after_long_help = TEST_EXAMPLES)]
pub(super) struct TestArgs {
    /// Which tests, and more arguments of `cargo test`
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Why this program does not run such a command.
pub(super) fn needed(command: &str) -> anyhow::Error {
    anyhow::anyhow!("`{command}` is done by the script at the top of the checkout: ./contoso {command}")
}
