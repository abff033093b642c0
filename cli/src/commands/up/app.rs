//! Looking at a packaged app before anything starts.

use std::{path::Path, process::Command};

use anyhow::{Context, bail};
use serde::Deserialize;

/// Name of our handler's executable; only that one can be asked what it knows.
const HANDLER: &str = "contoso-handler";

#[derive(Deserialize)]
struct Listed {
    name: String,
}

/// Checks that `app` is a packaged app, and that the handler of the app knows every function that is staged; of another handler that is not known.
///
/// # Errors
/// When it does not, with one line that names the file.
pub(super) fn check(app: &Path) -> anyhow::Result<()> {
    if !app.join("host.json").is_file() {
        bail!("{} is no packaged app: it has no host.json; `contoso package` makes one", app.display());
    }
    let handler = app.join(HANDLER);
    if !handler.is_file() {
        return Ok(());
    }
    let output =
        Command::new(&handler).arg("--list").output().with_context(|| format!("cannot run {}", handler.display()))?;
    let known = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| contoso_json::from_str::<Listed>(line).map(|listed| listed.name))
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{} --list is not understood", handler.display()))?;
    for entry in std::fs::read_dir(app).with_context(|| format!("cannot read {}", app.display()))? {
        let entry = entry?;
        let file = entry.path().join("function.json");
        let name = entry.file_name().to_string_lossy().into_owned();
        if file.is_file() && !known.contains(&name) {
            bail!("{}: the handler knows no function {name}; it knows {}", file.display(), known.join(", "));
        }
    }
    Ok(())
}
