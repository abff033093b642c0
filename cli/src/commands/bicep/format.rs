//! `contoso bicep format`.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use contoso_bicep::{files, format::format, syntax::FileKind};

use super::{super::Exit, check::linked, shown};
use crate::{output, project::Project};

const EXAMPLES: &str = "\
Examples:
  contoso bicep format
      Writes every file of bicep/ as `bicep format` does
  contoso bicep format --check bicep/main.bicep
      Says whether that would change the file

A file with syntax errors stays as it is, and they are printed.
Exit codes: 0 all is formatted now, 1 a file has errors, or would change with --check.";

/// Write Bicep files as `bicep format` does, without the compiler
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Write nothing, and name the files that would change
    #[arg(long)]
    check: bool,
    /// Files to format [default: all .bicep and .bicepparam files of bicep/]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn run(args: &Args, project: &Project) -> anyhow::Result<Exit> {
    let files = if args.files.is_empty() {
        files::below(&project.bicep()).context("cannot read bicep/")?
    } else {
        args.files.clone()
    };
    let mut out = std::io::stdout().lock();
    let mut exit = Exit::Done;
    for file in files {
        let name = shown(&file, project);
        let text = read(&file)?;
        match format(&text, FileKind::of(&file)) {
            Ok(formatted) if formatted == text => {}
            Ok(_) if args.check => {
                writeln!(out, "{name}")?;
                exit = Exit::Failed;
            }
            Ok(formatted) => {
                std::fs::write(&file, formatted).with_context(|| format!("cannot write {name}"))?;
                output::say(&format!("formatted {name}"));
            }
            Err(diagnostics) => {
                for diagnostic in diagnostics {
                    writeln!(out, "{}", linked(&diagnostic, &name, &text))?;
                }
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
