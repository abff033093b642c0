//! Building the handler.

use std::{
    ffi::OsString,
    io::BufReader,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{PackageError, azure};
use crate::{environment, project::Project};

/// The package and the executable of the handler.
const PACKAGE: &str = "contoso-handlers";
const EXECUTABLE: &str = "contoso-handler";

/// Where Cargo puts what it builds for the platform of the Functions host.
const AZURE_FOLDER: &str = "x86_64-unknown-linux-gnu/release";

/// Which build of the handler to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Optimised, for this machine.
    Release,
    /// Optimised, for the image of the Functions host: what is deployed.
    Azure,
    /// As it runs on this machine: built together with the command, and quicker.
    Local,
    /// Not optimised at all.
    Debug,
}

impl Profile {
    /// The name of the profile's folder below `target`.
    fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Azure => AZURE_FOLDER,
            Self::Local => "local",
            Self::Debug => "debug",
        }
    }
}

/// Builds the handler and returns the path of its executable. Cargo's own messages go to stderr.
///
/// Its package is built alone, but for [`Profile::Local`]: in one build with the local stack Cargo unifies the features of
/// shared dependencies, and those of the stack would end up in the handler that is deployed. On this machine they do no harm,
/// and most of what handler and command need is compiled once instead of twice.
///
/// # Errors
/// When Cargo cannot be started, the build fails, or a build for Azure would not start there.
pub fn build(project: &Project, profile: Profile) -> Result<PathBuf, PackageError> {
    if profile == Profile::Local {
        return build_local(project);
    }
    // Set by Cargo where it runs us.
    let cargo = environment::variable("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = if profile == Profile::Azure {
        azure::builder(project, &cargo, &target(project))?
    } else {
        let mut command = Command::new(cargo);
        command.arg("build");
        command
    };
    if profile != Profile::Debug {
        // What is deployed brings its OpenSSL; builds for this machine may take the system's.
        command.arg("--release").env_remove("OPENSSL_NO_VENDOR");
    }
    command
        .current_dir(project.root())
        .args(["--package", PACKAGE, "--bin", EXECUTABLE, "--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
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
        Some(executable) if status.success() => checked(executable, profile),
        _ => Err(PackageError::Build(status)),
    }
}

/// `./contoso build`, so that how command and handler are built for this machine is said in one place.
fn build_local(project: &Project) -> Result<PathBuf, PackageError> {
    let status = Command::new(project.root().join("contoso"))
        .arg("build")
        .stdin(Stdio::null())
        // Results of this command go there, Cargo's messages do not.
        .stdout(Stdio::null())
        .status()
        .map_err(PackageError::Cargo)?;
    if status.success() { built(project, Profile::Local) } else { Err(PackageError::Build(status)) }
}

/// The executable of the last build.
///
/// # Errors
/// When there is none, or it is for Azure and would not start there.
pub fn built(project: &Project, profile: Profile) -> Result<PathBuf, PackageError> {
    let mut handler = target(project).join(profile.folder()).join(EXECUTABLE);
    if profile != Profile::Azure {
        handler.set_extension(std::env::consts::EXE_EXTENSION);
    }
    if handler.is_file() {
        checked(handler, profile)
    } else {
        Err(PackageError::NotBuilt(handler.display().to_string()))
    }
}

/// Nothing that is for Azure goes on unless it starts there.
fn checked(handler: PathBuf, profile: Profile) -> Result<PathBuf, PackageError> {
    if profile == Profile::Azure {
        azure::check(&handler)?;
    }
    Ok(handler)
}

/// Cargo's folder of all that is built.
fn target(project: &Project) -> PathBuf {
    let target = environment::variable("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    project.root().join(target)
}
