//! Child processes of other languages: installed beside the build output, fed by standard input, ended in time.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

/// The folder of all build output.
pub(crate) fn target() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    test.ancestors().nth(3).expect("<target>/<profile>/deps/<test>").to_owned()
}

/// Runs a step of an installation.
pub(crate) fn succeed(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

/// Runs a client with `input` and returns what it printed; where it fails, the error is everything it said.
pub(crate) fn attempt(command: &mut Command, input: &str) -> Result<String, String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let mut stdin = child.stdin.take().expect("standard input is piped");
    // A client that ended early says why on its own.
    let _ended = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("the client ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}\n{said}\n{complaints}", output.status))
}

/// The same for a client that must succeed.
pub(crate) fn run(command: &mut Command, input: &str) -> String {
    attempt(command, input).unwrap_or_else(|said| panic!("{said}"))
}
