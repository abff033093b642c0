//! Unmodified official JavaScript clients, installed once for the whole run, and the suites that drive them; frameworks of the webhooks in
//! `examples/`.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

use super::child;

const SUITES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/javascript");
const WEBHOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/webhooks/node");
const CONTRACTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts");
/// Oldest Node.js that the clients run on.
const NODE: u32 = 20;

/// Runs a suite with the addresses of a stack on standard input, and returns what it printed: a line a case. The error of
/// a suite that fails is all it printed, with what failed at its end.
pub(crate) fn run_suite(suite: &str, endpoints: &Value) -> Result<String, String> {
    static HOME: LazyLock<PathBuf> = LazyLock::new(|| install(SUITES, "javascript-clients"));
    let authority = endpoints["caCertificate"].as_str().expect("the stack's certificate");
    let mut node = Command::new("node");
    // Read once, at the start: a suite cannot set it itself.
    node.env("NODE_EXTRA_CA_CERTS", authority);
    child::attempt(node.args(["--test-reporter=spec", "--no-warnings"]).arg(HOME.join(suite)), &endpoints.to_string())
}

/// Node.js with one of the webhooks of `examples/`, whose framework is installed as its page says.
pub(crate) fn webhook(file: &str) -> Command {
    static HOME: LazyLock<PathBuf> = LazyLock::new(|| install(WEBHOOKS, "javascript-webhooks"));
    let mut node = Command::new("node");
    node.arg(HOME.join(file));
    node
}

/// Where what reads our contracts is installed.
pub(crate) fn contracts_home() -> &'static Path {
    static HOME: LazyLock<PathBuf> = LazyLock::new(|| install(CONTRACTS, "javascript-contracts"));
    &HOME
}

/// Runs a script of `tests/contracts` with `input`, and returns what it printed.
pub(crate) fn contracts(script: &str, arguments: &[&str], input: &str) -> String {
    let mut node = Command::new("node");
    child::run(node.arg("--no-warnings").arg(contracts_home().join(script)).args(arguments), input)
}

/// Runs a file of JavaScript with `input`, and returns what it printed.
pub(crate) fn node(file: &Path, input: &str) -> String {
    child::run(Command::new("node").arg(file), input)
}

/// The compiler of TypeScript.
pub(crate) fn compiler() -> Command {
    let mut node = Command::new("node");
    node.arg(contracts_home().join("node_modules/typescript/bin/tsc"));
    node
}

/// A folder for what a suite leaves behind, beside the build output.
pub(crate) fn output(name: &str) -> PathBuf {
    let folder = child::target().join(name);
    std::fs::create_dir_all(&folder).expect("a folder for output");
    folder
}

/// Modules are looked for beside the file that imports them, so the files of `source` are copied to where their packages are: beside the
/// build output. A second run finds the packages ready.
fn install(source: &str, home: &str) -> PathBuf {
    check_version();
    let home = child::target().join(home);
    std::fs::create_dir_all(&home).expect("a folder for packages");
    for entry in std::fs::read_dir(source).expect("the files") {
        let file = entry.expect("a file").path();
        if file.is_file() {
            std::fs::copy(&file, home.join(file.file_name().expect("a name"))).expect("a copy");
        }
    }
    let lock = std::fs::read_to_string(Path::new(source).join("package-lock.json")).expect("package-lock.json");
    let stamp = home.join("installed.json");
    if std::fs::read_to_string(&stamp).is_ok_and(|held| held == lock) {
        return home;
    }
    child::succeed(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&home));
    std::fs::write(&stamp, lock).expect("a stamp");
    home
}

fn check_version() {
    let output = Command::new("node").arg("--version").output();
    let output = output.unwrap_or_else(|error| panic!("node does not start ({error}): `./contoso setup` installs it"));
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    assert!(major.is_some_and(|major| major >= NODE), "node is {version}; the official clients need {NODE} or newer");
}
