//! Building the handler.

use std::ffi::OsString;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::PackageError;
use crate::project::Project;

/// The package and the executable of the handler.
const PACKAGE: &str = "contoso-handlers";
const EXECUTABLE: &str = "contoso-handler";

/// Which build of the handler to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Optimised, as it is deployed.
    #[default]
    Release,
    /// Quick to build.
    Debug,
}

/// Builds the handler and returns the path of its executable. Cargo's own messages go to stderr.
///
/// Its package is built alone: in one build with the local stack Cargo would unify the features of shared dependencies,
/// and the emulator's would end up in the handler that is deployed.
///
/// # Errors
/// When Cargo cannot be started, or the build fails.
pub fn build(project: &Project, profile: Profile) -> Result<PathBuf, PackageError> {
    // Set by Cargo where it runs us.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        .current_dir(project.root())
        .args(["build", "--package", PACKAGE, "--bin", EXECUTABLE, "--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if profile == Profile::Release {
        command.arg("--release");
    }
    let mut child = command.spawn().map_err(PackageError::Cargo)?;
    let executable = child.stdout.take().and_then(|messages| {
        serde_json::Deserializer::from_reader(BufReader::new(messages)) // json: Cargo's own
            .into_iter::<Value>()
            .map_while(Result::ok)
            .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == EXECUTABLE)
            .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
            .last()
    });
    let status = child.wait().map_err(PackageError::Cargo)?;
    match executable {
        Some(executable) if status.success() => Ok(executable),
        _ => Err(PackageError::Build(status)),
    }
}

/// The executable of the last build.
///
/// # Errors
/// When there is none.
pub fn built(project: &Project, profile: Profile) -> Result<PathBuf, PackageError> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| project.root().join("target"), PathBuf::from);
    let folder = match profile {
        Profile::Release => "release",
        Profile::Debug => "debug",
    };
    let handler =
        project.root().join(target).join(folder).join(EXECUTABLE).with_extension(std::env::consts::EXE_EXTENSION);
    if handler.is_file() { Ok(handler) } else { Err(PackageError::NotBuilt(handler.display().to_string())) }
}
