//! The built command line and the packaged app, made once for the whole run.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use tempfile::TempDir;

/// The app as `contoso package` stages it, with a feed poll that does not make tests wait, and timers that only they fire: by themselves
/// they would look at minutes of which a test has written half, or at files of which half are reported.
pub(crate) fn staged_app() -> &'static Path {
    static APP: LazyLock<TempDir> = LazyLock::new(|| {
        let never = ["Anomalies", "Recommendations"].map(|timer| format!("{timer}.schedule=0 0 0 29 2 *"));
        package(&["--set", "ProductChanges.feedPollDelay=50", "--set", &never[0], "--set", &never[1]])
    });
    APP.path()
}

/// Tests run the handler that is built as they are: in a debug build with them, else by `./contoso test` before them.
pub(crate) const PROFILE: &[&str] = if cfg!(debug_assertions) { &["--debug"] } else { &["--local", "--no-build"] };

/// Packages the app into a folder of its own.
pub(crate) fn package(arguments: &[&str]) -> TempDir {
    let out = TempDir::new().expect("a temporary folder");
    let mut command = contoso();
    command.arg("package").arg("--out").arg(out.path()).args(PROFILE).args(arguments);
    let status = command.status().expect("contoso starts");
    assert!(status.success(), "contoso package {arguments:?}: {status}");
    out
}

/// The built `contoso`, run from the workspace root.
pub(crate) fn contoso() -> Command {
    let mut command = Command::new(binary());
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    command
}

/// `contoso` lies beside the `deps` folder that this test binary runs from.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let binary = profile.join("contoso");
    assert!(binary.exists(), "{} is missing: build it first, as `./contoso test` does", binary.display());
    binary
}
