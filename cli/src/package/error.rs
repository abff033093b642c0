//! Why packaging stops.

use super::Change;
use crate::local_settings::LocalSettingsError;

/// The app cannot be packaged; the message names the file or the flag. Repeating is safe once that is repaired.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// No function has this name.
    #[error("--functions {name}: no such function; there are {known}")]
    UnknownFunction {
        /// What was asked for.
        name: String,
        /// What exists.
        known: String,
    },
    /// A change cannot be made.
    #[error("--set {change}: {reason}")]
    Change {
        /// The change.
        change: Change,
        /// Why not.
        reason: String,
    },
    /// A folder that no function belongs to.
    #[error("{file}: no function {name} is registered in handlers/src/registry.rs")]
    Unregistered {
        /// The definition.
        file: String,
        /// The folder's name.
        name: String,
    },
    /// A definition that the host or the registry would not accept.
    #[error("{file}: {reason}")]
    Definition {
        /// The definition.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A file that is not the JSON it should be.
    #[error("{file}")]
    Json {
        /// The file.
        file: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The handler's name in `host.json` must be that of a file in the root of the zip, or it is not made executable.
    #[error("{file}: customHandler.description.defaultExecutablePath is {path:?}; it must be a plain file name")]
    ExecutablePath {
        /// `host.json`.
        file: String,
        /// What it says.
        path: String,
    },
    /// The target is the checkout itself.
    #[error("--out {out}: that is the checkout or holds it; choose a directory of its own")]
    Out {
        /// The directory.
        out: String,
    },
    /// The target holds something else.
    #[error("--out {out}: that directory is not empty and holds no staged app; choose a directory of its own")]
    OutTaken {
        /// The directory.
        out: String,
    },
    /// The settings for Core Tools.
    #[error(transparent)]
    LocalSettings(#[from] LocalSettingsError),
    /// A file cannot be read.
    #[error("cannot read {file}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {file}")]
    Write {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// Cargo did not run.
    #[error("cannot run cargo")]
    Cargo(#[source] std::io::Error),
    /// The build failed; Cargo has said why.
    #[error("the handler does not build: cargo ended with {0}")]
    Build(std::process::ExitStatus),
    /// Zig is a package of Python's.
    #[error(
        "--azure links with Zig, which comes from PyPI, and {python} has no venv here; install it (Debian: apt-get install python3 python3-venv), then repeat"
    )]
    NoPython {
        /// What was run.
        python: String,
    },
    /// A tool is missing and could not be installed.
    #[error(
        "--azure needs {tool} {version}, and installing it from {registry} failed ({ended}); run `{command}` where {registry} can be reached, then repeat"
    )]
    Tool {
        /// The tool.
        tool: &'static str,
        /// The version that is wanted.
        version: &'static str,
        /// Where it comes from.
        registry: &'static str,
        /// What failed.
        command: String,
        /// How.
        ended: String,
    },
    /// Rust cannot build for the platform of the Functions host.
    #[error(
        "--azure builds for {target}, and this Rust has no standard library for it; run `rustup target add {target}`, then repeat"
    )]
    NoStandardLibrary {
        /// The platform.
        target: &'static str,
    },
    /// What should be the handler is none.
    #[error("{file}: not an executable of Linux: {reason}")]
    Executable {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// The handler would not start where it is deployed to.
    #[error("{file} would not start on the image of the Functions host (glibc 2.31): {missing}")]
    BaseImage {
        /// The handler.
        file: String,
        /// What it needs and the image does not have.
        missing: String,
    },
    /// There is no build to take.
    #[error("--no-build: there is no {0}; leave the flag out once")]
    NotBuilt(String),
}
