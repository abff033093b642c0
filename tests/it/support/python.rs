//! Virtual environments, each made once for the whole run: one with unmodified official clients, one with the tools that check what
//! is not Rust, one with what reads our contracts, one with schemathesis, and one with checkov, which would force its old versions of what those need on them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use super::child;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/requirements.txt");
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/requirements.txt");
const OPENAPI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/requirements.txt");
const CONTRACTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/requirements.txt");
const CHECKOV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/checkov/requirements.txt");

/// The `python` that has the clients.
pub(crate) fn python() -> Command {
    static ENVIRONMENT: LazyLock<PathBuf> = LazyLock::new(|| environment("python-clients", CLIENTS));
    Command::new(ENVIRONMENT.join("bin/python"))
}

/// One of the tools: `zizmor`, `check-jsonschema`, `shellcheck`.
pub(crate) fn tool(name: &str) -> Command {
    static ENVIRONMENT: LazyLock<PathBuf> = LazyLock::new(|| environment("python-tools", TOOLS));
    Command::new(ENVIRONMENT.join("bin").join(name))
}

/// A program that reads our contracts: `mypy`, or the `python` that has a generic reader of Avro.
pub(crate) fn contracts(name: &str) -> Command {
    static ENVIRONMENT: LazyLock<PathBuf> = LazyLock::new(|| environment("python-contracts", CONTRACTS));
    Command::new(ENVIRONMENT.join("bin").join(name))
}

/// Runs a program with `input`, and returns what it prints.
pub(crate) fn fed(command: &mut Command, input: &str) -> String {
    child::run(command, input)
}

/// Runs checkov over a folder of Bicep files, and returns what `tests/checkov/scan.py` prints. It takes some 300 MB, and 40 s to
/// install the first time.
pub(crate) fn checkov(folder: &Path) -> String {
    static ENVIRONMENT: LazyLock<PathBuf> = LazyLock::new(|| environment("python-checkov", CHECKOV));
    let mut python = Command::new(ENVIRONMENT.join("bin/python"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/checkov/scan.py");
    child::run(python.env("PYTHONDONTWRITEBYTECODE", "1").arg(script).arg(folder), "")
}

/// Runs `tests/openapi/contract.py` with this on standard input, and returns what it prints.
pub(crate) fn contract(input: &str) -> String {
    static ENVIRONMENT: LazyLock<PathBuf> = LazyLock::new(|| environment("python-openapi", OPENAPI));
    let mut python = Command::new(ENVIRONMENT.join("bin/python"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/contract.py");
    child::run(python.env("PYTHONDONTWRITEBYTECODE", "1").arg(script), input)
}

/// An environment lies beside the build output, named by what it holds, so that a second run finds it ready.
fn environment(name: &str, packages: &str) -> PathBuf {
    let requirements = std::fs::read_to_string(packages).expect("requirements.txt");
    let home = child::target().join(name);
    let stamp = home.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|held| held == requirements) {
        return home;
    }
    child::succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home));
    child::succeed(Command::new(home.join("bin/pip")).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        packages,
    ]));
    std::fs::write(&stamp, requirements).expect("a stamp");
    home
}

/// Runs a script of `tests/clients` with the ready line on standard input, and returns what it printed.
pub(crate) fn run_client(script: &str, endpoints: &serde_json::Value) -> String {
    run_client_with(script, &endpoints.to_string())
}

/// The same with this on standard input.
pub(crate) fn run_client_with(script: &str, input: &str) -> String {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/clients")).join(script);
    // What Python compiles stays out of the checkout.
    child::run(python().env("PYTHONDONTWRITEBYTECODE", "1").arg(&path), input)
}

/// The webhook of `examples/` on FastAPI, served at any port, in an environment of its own.
pub(crate) fn webhook() -> Command {
    const HOME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/webhooks/fastapi");
    static ENVIRONMENT: LazyLock<PathBuf> =
        LazyLock::new(|| environment("python-webhook", &format!("{HOME}/requirements.txt")));
    let mut uvicorn = Command::new(ENVIRONMENT.join("bin/uvicorn"));
    uvicorn.args(["--app-dir", HOME, "main:app", "--port", "0"]);
    uvicorn
}
