//! The tools that build for another glibc: cargo-zigbuild and the linker and headers of Zig. They are installed below the target folder by
//! the first `contoso package --azure`; nobody else needs them.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use super::super::PackageError;
use crate::output;

/// From crates.io. Exact, because it decides how the handler is linked; raise it together with [`ZIG`].
const CARGO_ZIGBUILD: &str = "0.24.1";
/// From PyPI (`ziglang`). Exact, because other releases have other headers and another linker: the newest that the tests of
/// cargo-zigbuild run with.
const ZIG: &str = "0.16.0";

/// The programs of this machine that install them.
#[derive(Clone, Debug)]
pub(super) struct Installers {
    pub(super) cargo: OsString,
    pub(super) python: OsString,
}

/// Both tools, there and of the right version.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Takes what is in `folder`, and installs what is missing there or is of another version.
    pub(super) fn ensure(folder: &Path, with: &Installers) -> Result<Self, PackageError> {
        let tools = Self { folder: folder.to_owned() };
        if !says(Command::new(tools.zigbuild()).arg("--version"), CARGO_ZIGBUILD) {
            tools.install_zigbuild(&with.cargo)?;
        }
        if !says(Command::new(tools.python()).args(["-m", "ziglang", "version"]), ZIG) {
            tools.install_zig(&with.python)?;
        }
        Ok(tools)
    }

    /// `cargo zigbuild`, which writes nothing outside of the target folder.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(self.zigbuild());
        command
            .arg("zigbuild")
            .env("CARGO_ZIGBUILD_PYTHON_PATH", self.python())
            .env("CARGO_ZIGBUILD_CACHE_DIR", self.folder.join("cache"))
            .env("ZIG_GLOBAL_CACHE_DIR", self.folder.join("zig-cache"));
        command
    }

    fn zigbuild(&self) -> PathBuf {
        self.folder.join("bin").join("cargo-zigbuild")
    }

    fn zig(&self) -> PathBuf {
        self.folder.join("zig")
    }

    fn python(&self) -> PathBuf {
        self.zig().join("bin").join("python")
    }

    fn install_zigbuild(&self, cargo: &OsStr) -> Result<(), PackageError> {
        output::say(&format!("Installing cargo-zigbuild {CARGO_ZIGBUILD} from crates.io, once"));
        let mut command = Command::new(cargo);
        // Built in a folder of its own, which Cargo removes: its dependencies are none of ours.
        command
            .args(["install", "--quiet", "--locked", "--root"])
            .arg(&self.folder)
            .arg(format!("cargo-zigbuild@{CARGO_ZIGBUILD}"))
            .env_remove("CARGO_TARGET_DIR");
        install("cargo-zigbuild", CARGO_ZIGBUILD, "crates.io", &mut command)
    }

    fn install_zig(&self, python: &OsStr) -> Result<(), PackageError> {
        let mut modules = Command::new(python);
        if run(modules.args(["-c", "import ensurepip, venv"])).is_none() {
            return Err(PackageError::NoPython { python: python.to_string_lossy().into_owned() });
        }
        output::say(&format!("Installing Zig {ZIG} from PyPI, once: some 80 MB"));
        let mut environment = Command::new(python);
        environment.args(["-m", "venv", "--clear"]).arg(self.zig());
        install("Zig", ZIG, "PyPI", &mut environment)?;
        let mut package = Command::new(self.python());
        package.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).arg(format!("ziglang=={ZIG}"));
        install("Zig", ZIG, "PyPI", &mut package)
    }
}

/// Runs one step of an installation, whose own messages go to stderr.
fn install(
    tool: &'static str,
    version: &'static str,
    registry: &'static str,
    command: &mut Command,
) -> Result<(), PackageError> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    if status.as_ref().is_ok_and(std::process::ExitStatus::success) {
        return Ok(());
    }
    let words: Vec<_> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    let ended = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    Err(PackageError::Tool { tool, version, registry, command: words.join(" "), ended })
}

/// Whether a program is there and names this version.
fn says(command: &mut Command, version: &str) -> bool {
    run(command)
        .is_some_and(|output| String::from_utf8_lossy(&output.stdout).split_whitespace().any(|word| word == version))
}

/// Runs a program in silence. Nothing where it does not run, or fails.
fn run(command: &mut Command) -> Option<Output> {
    let output = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then_some(output)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A tool that answers with this.
    fn stand_in(file: &Path, answer: &str) {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("created");
        std::fs::write(file, format!("#!/bin/sh\necho {answer}\n")).expect("written");
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).expect("executable");
    }

    fn refusal(folder: &Path, cargo: &str, python: &str) -> String {
        let with = Installers { cargo: cargo.into(), python: python.into() };
        output::chain(&Tools::ensure(folder, &with).expect_err("nothing can be installed"))
    }

    #[test]
    fn what_cannot_be_installed_is_named_with_the_command_to_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        // Without crates.io.
        let line = refusal(folder, "false", "python3");
        let command =
            format!("false install --quiet --locked --root {} cargo-zigbuild@{CARGO_ZIGBUILD}", folder.display());
        assert!(line.contains("crates.io") && line.contains(&command), "{line}");

        // Another version counts as none.
        let tools = Tools { folder: folder.to_owned() };
        stand_in(&tools.zigbuild(), "cargo-zigbuild 0.1.0");
        assert!(refusal(folder, "false", "python3").contains("cargo-zigbuild"));

        stand_in(&tools.zigbuild(), &format!("cargo-zigbuild {CARGO_ZIGBUILD}"));
        let line = refusal(folder, "false", "/nowhere/python3");
        assert!(line.contains("/nowhere/python3") && line.contains("apt-get install python3 python3-venv"), "{line}");

        // What is there is taken, and nothing is installed.
        stand_in(&tools.python(), ZIG);
        let with = Installers { cargo: "false".into(), python: "false".into() };
        assert!(Tools::ensure(folder, &with).is_ok());
    }
}
