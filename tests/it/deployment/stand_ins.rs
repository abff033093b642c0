//! Stand-ins for programs that scripts run: the Bicep compiler, Azure's command line, `curl`.

use std::{os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use tempfile::TempDir;

use super::checkout;

/// Programs that answer in place of others, in front of `PATH`.
pub(super) struct StandIns(TempDir);

impl StandIns {
    pub(super) fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub(super) fn program(self, name: &str, script: &str) -> Self {
        let file = self.0.path().join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("executable");
        self
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A script of `deploy/` that finds them.
    pub(super) fn script(&self, name: &str) -> Command {
        let mut command = Command::new("env");
        command.arg(format!("PATH={}:/usr/local/bin:/usr/bin:/bin", self.0.path().display()));
        command.arg("bash").arg(checkout("deploy").join(name));
        command
    }
}

/// Azure's command line, which knows one deployment; it writes down what it is asked to do.
pub(super) fn azure(outputs: &[(&str, &str)]) -> StandIns {
    let mut cases = String::new();
    for (query, value) in outputs {
        cases.push_str(&format!("*'{query}'*) echo '{value}' ;;\n"));
    }
    let script = format!(
        "echo \"$*\" >> \"$(dirname \"$0\")/asked\"\ncase \"$*\" in\n*'deployment sub list'*) echo contoso-events-dev-0 ;;\n\
         *get-access-token*) echo a-token ;;\n{cases}*) ;;\nesac"
    );
    StandIns::new().program("az", &script)
}
