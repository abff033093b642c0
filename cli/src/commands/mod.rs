//! The commands, one file each.

mod bench;
mod evaluate;
mod package;
mod rebuild;
mod replay;
mod script;
mod simulate;
mod status;
mod stop;
mod tail;
mod up;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgAction, Parser, Subcommand};

use crate::project::{NoProject, Project};

const GLOBAL: &str = "Global options";

/// Runs, packages, drives and watches Contoso Events.
#[derive(Debug, Parser)]
#[command(
    name = "contoso",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.")]
pub struct Cli {
    /// Log more on stderr: -v what happens, -vv details, -vvv everything. RUST_LOG wins
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = GLOBAL)]
    verbose: u8,
    /// The checkout to work in [default: the one around the current directory]
    #[arg(long, global = true, value_name = "DIR", env = "CONTOSO_PROJECT", hide_env = true, help_heading = GLOBAL)]
    project: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(Box<up::Args>),
    Status(status::Args),
    Stop(stop::Args),
    Package(package::Args),
    Tail(tail::Args),
    Simulate(simulate::Args),
    Replay(replay::Args),
    Rebuild(rebuild::Args),
    Bench(bench::Args),
    Evaluate(evaluate::Args),
    Setup(script::SetupArgs),
    Test(script::TestArgs),
}

/// How a command ended, when it did not fail with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it should.
    Done,
    /// It said itself what went wrong.
    Failed,
    /// Somebody stopped it before its end.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::FAILURE,
            Exit::Interrupted => Self::from(130),
        }
    }
}

impl Cli {
    /// How much to log, from 0.
    #[must_use]
    pub fn verbosity(&self) -> u8 {
        self.verbose
    }
}

/// Runs the command.
///
/// # Errors
/// With everything `main` has to print: one line, causes joined by colons.
pub async fn run(cli: Cli) -> anyhow::Result<Exit> {
    let project = || project(cli.project.as_deref());
    match cli.command {
        Command::Up(args) => Box::pin(up::run(*args, &project()?)).await,
        Command::Status(args) => status::run(&args).await,
        Command::Stop(args) => stop::run(&args).await,
        Command::Package(args) => package::run(&args, &project()?),
        Command::Tail(args) => Box::pin(tail::run(args)).await,
        Command::Simulate(args) => Box::pin(simulate::run(args)).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Rebuild(args) => Box::pin(rebuild::run(args)).await,
        Command::Bench(args) => Box::pin(bench::run(args, project)).await,
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Setup(_) => Err(script::needed("setup")),
        Command::Test(_) => Err(script::needed("test")),
    }
}

fn project(chosen: Option<&Path>) -> Result<Project, NoProject> {
    Project::find(chosen.unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_has_examples_and_no_conflicting_flags() {
        let mut cli = Cli::command();
        cli.build();
        cli.clone().debug_assert();
        for command in cli.get_subcommands().filter(|command| command.get_name() != "help") {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Examples:"), "{}", command.get_name());
        }
    }

    #[test]
    fn what_the_script_does_stands_in_the_help() {
        let help = Cli::command().render_help().to_string();
        for command in ["setup", "test"] {
            assert!(help.contains(&format!("\n  {command} ")), "{help}");
            let asked = Cli::try_parse_from(["contoso", command, "--help"]).expect_err("help");
            assert_eq!(asked.kind(), clap::error::ErrorKind::DisplayHelp, "{command}");
        }
        // What follows is cargo's.
        let test = Cli::try_parse_from(["contoso", "test", "crash", "--", "--ignored", "--help"]).expect("understood");
        assert!(matches!(test.command, Command::Test(_)));
    }
}
