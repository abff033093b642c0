//! `bicepcheck FOLDER [TYPES [TODAY]]`: prints what the checker finds, as the compiler prints it.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use contoso_bicep::check::{Options, check_folder};

fn main() -> io::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        return Err(io::Error::other("usage: bicepcheck FOLDER [TYPES [TODAY]]"));
    };
    let types = arguments.next().map(PathBuf::from);
    let today = arguments.next().and_then(|day| day.into_string().ok());
    let report = check_folder(&folder, &Options { types, today })?;
    let mut out = io::stdout().lock();
    for line in report.lines() {
        writeln!(out, "{line}")?;
    }
    for file in &report.unreached {
        writeln!(out, "{file}: not reached from main.bicep")?;
    }
    for file in &report.unloaded {
        writeln!(out, "{file}: loaded by nothing")?;
    }
    for kind in &report.unchecked {
        writeln!(out, "{kind}: no type here, not checked")?;
    }
    for line in report.disabled.iter().filter(|line| !line.used) {
        writeln!(out, "{}({}): silences nothing here", line.file, line.line)?;
    }
    writeln!(out, "{} findings in {} files", report.count(), report.files.len())?;
    Ok(if report.count() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
