//! A virtual environment with unmodified official clients, made once for the whole run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/requirements.txt");

/// The environment's `python`.
pub(crate) fn python() -> Command {
    static ENVIRONMENT: LazyLock<PathBuf> = LazyLock::new(environment);
    Command::new(ENVIRONMENT.join("bin/python"))
}

/// The environment lies beside the build output, named by what it holds, so that a second run finds it ready.
fn environment() -> PathBuf {
    let requirements = std::fs::read_to_string(PACKAGES).expect("requirements.txt");
    let test = std::env::current_exe().expect("the path of this test");
    let target = test.ancestors().nth(3).expect("<target>/<profile>/deps/<test>");
    let home = target.join("python-clients");
    let stamp = home.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|held| held == requirements) {
        return home;
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home));
    run(Command::new(home.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check", "-r", PACKAGES]));
    std::fs::write(&stamp, requirements).expect("a stamp");
    home
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

/// Runs a script of `tests/clients` with the ready line on standard input, and returns what it printed.
pub(crate) fn run_client(script: &str, endpoints: &serde_json::Value) -> String {
    use std::io::Write;
    use std::process::Stdio;

    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/clients")).join(script);
    let mut child = python()
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    stdin.write_all(endpoints.to_string().as_bytes()).expect("written");
    drop(stdin);
    let output = child.wait_with_output().expect("python ends");
    assert!(
        output.status.success(),
        "{script}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
