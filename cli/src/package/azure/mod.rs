//! Cross compilation of the handler for the image that Azure's Functions host runs in, and the check that it starts there.
//!
//! An executable asks for the glibc that it was linked against, and the image's is older than that of most machines that build. Zig
//! brings the headers and symbol versions of every glibc, so it links for the image's. musl would need no glibc at all, but its standard
//! library is another target of Rust's, and its allocator and name resolution differ from what is tested here.

mod needs;
mod tools;

use std::{ffi::OsString, path::Path, process::Command};

use self::{
    needs::BaseImage,
    tools::{Installers, Tools},
};
use super::PackageError;
use crate::project::Project;
pub use needs::Needs;

/// Rust's name of the platform.
pub(super) const TARGET: &str = "x86_64-unknown-linux-gnu";
/// The same with the version of glibc, as cargo-zigbuild takes it.
const TARGET_WITH_GLIBC: &str = "x86_64-unknown-linux-gnu.2.31";

/// The Functions base image: Debian 11 with glibc 2.31 is the oldest that version 4 of the host was published with; newer ones (Debian 12,
/// glibc 2.36) run what was built for it. The libraries are those of glibc 2.31 itself, from before they became one, and the one that GCC's
/// programs unwind with. OpenSSL is none of them: the handler brings its own.
const BASE_IMAGE: BaseImage = BaseImage {
    glibc: &[2, 31],
    libraries: &[
        "ld-linux-x86-64.so.2",
        "libc.so.6",
        "libdl.so.2",
        "libgcc_s.so.1",
        "libm.so.6",
        "libpthread.so.0",
        "librt.so.1",
        "libutil.so.1",
    ],
};

/// The command that builds `project` for the base image, still without the names of package and executable. Its tools are installed below
/// `target` where they are missing.
///
/// # Errors
/// When a tool is missing and cannot be installed, or Rust's standard library for the platform is not there.
pub(super) fn builder(project: &Project, cargo: &OsString, target: &Path) -> Result<Command, PackageError> {
    has_standard_library(cargo)?;
    let installers = Installers { cargo: cargo.clone(), python: OsString::from("python3") };
    let tools = Tools::ensure(&target.join("azure-tools"), &installers)?;
    let mut command = tools.command();
    // Flags that are meant for the processor or the linker of this machine would be built in.
    command.env("CARGO", cargo).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    if let Some(commit) = commit(project.root()) {
        command.env("CONTOSO_COMMIT", commit);
    }
    command.args(["--target", TARGET_WITH_GLIBC]);
    Ok(command)
}

/// Checks that the executable `handler` starts in the base image.
///
/// # Errors
/// With the symbols and libraries that are not there; a host would only say that it failed to start a process.
pub(super) fn check(handler: &Path) -> Result<(), PackageError> {
    let missing = Needs::read(handler)?.missing_in(&BASE_IMAGE);
    if missing.is_empty() {
        Ok(())
    } else {
        Err(PackageError::BaseImage { file: handler.display().to_string(), missing: missing.join("; ") })
    }
}

/// What is packaged, as Git calls it: the commit, with `-dirty` where files differ from it. Nothing outside of a clone.
fn commit(root: &Path) -> Option<String> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"]);
    let output = git.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|commit| commit.trim().to_owned())
}

/// The toolchain of another platform has no standard library for this one until it is told to.
fn has_standard_library(cargo: &OsString) -> Result<(), PackageError> {
    // Beside Cargo, where there are several toolchains.
    let beside = Path::new(cargo).with_file_name("rustc");
    let rustc = if beside.is_file() { beside.into_os_string() } else { OsString::from("rustc") };
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(PackageError::Cargo)?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && Path::new(&folder).is_dir() {
        Ok(())
    } else {
        Err(PackageError::NoStandardLibrary { target: TARGET })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_for_is_what_is_checked() {
        let glibc: Vec<_> = BASE_IMAGE.glibc.iter().map(u32::to_string).collect();
        assert_eq!(TARGET_WITH_GLIBC, format!("{TARGET}.{}", glibc.join(".")));
    }
}
