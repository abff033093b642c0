//! The commands, one file each.

mod bench;
mod bicep;
mod dead_letters;
mod evaluate;
mod package;
mod partners;
mod rebuild;
mod replay;
mod sales;
mod schemas;
mod script;
mod simulate;
mod status;
mod stop;
mod tail;
mod trace;
mod up;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{ArgAction, Parser, Subcommand};
use futures::{FutureExt, future::LocalBoxFuture};

use crate::{
    environment, output,
    project::{NoProject, Project},
    renewed::Executable,
};

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
    Trace(trace::Args),
    Simulate(simulate::Args),
    Replay(replay::Args),
    Rebuild(rebuild::Args),
    Partners(partners::Args),
    Sales(sales::Args),
    DeadLetters(dead_letters::Args),
    Schemas(schemas::Args),
    Bench(bench::Args),
    Evaluate(evaluate::Args),
    Bicep(bicep::Args),
    Setup(script::SetupArgs),
    Build(script::BuildArgs),
    Test(script::TestArgs),
}

impl Command {
    /// Whether `./contoso` or the command itself builds before it does anything.
    fn is_built_first(&self) -> bool {
        matches!(self, Self::Up(_) | Self::Package(_) | Self::Bench(_))
    }
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

/// Options that contradict each other, where the parser cannot tell; the message says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUsage(pub String);

/// Runs the command. Boxed, so that all of it is compiled with this library, and not with what calls it.
///
/// # Errors
/// With everything `main` has to print: one line, causes joined by colons.
pub fn run(cli: Cli) -> LocalBoxFuture<'static, anyhow::Result<Exit>> {
    chosen(cli).boxed_local()
}

async fn chosen(cli: Cli) -> anyhow::Result<Exit> {
    let project = || project(cli.project.as_deref());
    // A command that acts as an identity starts itself again; once is enough.
    let is_again = environment::variable("IDENTITY_HEADER").is_some();
    if !cli.command.is_built_first()
        && !is_again
        && let Some(source) = Executable::running().and_then(|executable| executable.newer_source())
        // Schemas are read where they are, and are edited to be checked.
        && !(matches!(cli.command, Command::Schemas(_)) && source.extension().is_some_and(|ending| ending == "avsc"))
    {
        output::say(&format!(
            "note: this command was built before {} changed; `./contoso build` makes it anew",
            source.display()
        ));
    }
    match cli.command {
        Command::Up(args) => Box::pin(up::run(*args, &project()?)).await,
        Command::Status(args) => status::run(&args).await,
        Command::Stop(args) => stop::run(&args).await,
        Command::Package(args) => package::run(&args, &project()?),
        Command::Tail(args) => Box::pin(tail::run(args)).await,
        Command::Trace(args) => trace::run(&args).await,
        Command::Simulate(args) => Box::pin(simulate::run(args)).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Rebuild(args) => Box::pin(rebuild::run(args)).await,
        Command::Partners(args) => Box::pin(partners::run(args)).await,
        Command::Sales(args) => Box::pin(sales::run(args)).await,
        Command::DeadLetters(args) => Box::pin(dead_letters::run(args)).await,
        Command::Schemas(args) => Box::pin(schemas::run(args, project)).await,
        Command::Bench(args) => Box::pin(bench::run(args, project)).await,
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Bicep(args) => bicep::run(&args, &project()?),
        Command::Setup(_) => Err(script::needed("setup")),
        Command::Build(_) => Err(script::needed("build")),
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
    fn what_is_deployed_is_optimised() {
        let refused = Cli::try_parse_from(["contoso", "package", "--azure", "--debug"]).expect_err("a contradiction");
        assert_eq!(refused.kind(), clap::error::ErrorKind::ArgumentConflict);
        assert!(Cli::try_parse_from(["contoso", "package", "--azure", "--no-build"]).is_ok());
    }

    /// What `./contoso COMMAND --help` shows where nothing is built yet. `CONTOSO_WRITE_HELP=1` writes it anew.
    #[test]
    fn the_help_of_a_fresh_clone_is_that_of_the_built_command() {
        let mut cli = Cli::command().term_width(100);
        cli.build();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/help");
        let pages = cli.get_subcommands().filter(|command| command.get_name() != "help").cloned();
        let pages = pages.chain([cli.clone()]).collect::<Vec<_>>();
        for mut page in pages {
            let file = folder.join(format!("{}.txt", page.get_name()));
            let help = page.render_long_help().to_string();
            let help = help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";
            if environment::variable("CONTOSO_WRITE_HELP").is_some() {
                std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, &help)).expect("written");
            }
            let kept = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(kept == help, "{}: set CONTOSO_WRITE_HELP=1 once", file.display());
        }
    }

    #[test]
    fn what_the_script_does_stands_in_the_help() {
        let help = Cli::command().render_help().to_string();
        for command in ["setup", "build", "test"] {
            assert!(help.contains(&format!("\n  {command} ")), "{help}");
            let asked = Cli::try_parse_from(["contoso", command, "--help"]).expect_err("help");
            assert_eq!(asked.kind(), clap::error::ErrorKind::DisplayHelp, "{command}");
        }
        // What follows is cargo's.
        let test = Cli::try_parse_from(["contoso", "test", "crash", "--", "--ignored", "--help"]).expect("understood");
        assert!(matches!(test.command, Command::Test(_)));
    }
}
