//! `contoso`: see `contoso --help`.

use std::process::ExitCode;

use clap::Parser;
use contoso_cli::{
    backtraces,
    commands::{self, Cli, Exit, WrongUsage},
    output,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The code that the parser of options ends with, too.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    output::log(cli.verbosity());
    backtraces::leave_to_panics();
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(error) if output::is_broken_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            output::report(error.as_ref());
            if error.is::<WrongUsage>() { ExitCode::from(WRONG_USAGE) } else { Exit::Failed.into() }
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit = runtime.block_on(commands::run(cli));
    // Whatever still waits has nothing left to do.
    runtime.shutdown_background();
    exit
}
