//! `up --services-only`: the functions host that runs beside the stack, and which other options make no sense then.

use std::path::Path;

use contoso_local::stack::{Endpoints, ExternalHost};

use super::Args;
use crate::{
    commands::WrongUsage,
    environment,
    local_settings::{self, LocalSettingsError, Target},
    project::Project,
};

/// Where Core Tools listen.
const DEFAULT: &str = "http://127.0.0.1:7071";
/// The key, for those who keep it out of the list of processes.
const KEY: &str = "CONTOSO_FUNCTIONS_KEY";

/// The host that the options name; `None` where the stack runs its own.
///
/// # Errors
/// When an option is for the other kind of stack; the message says what to do instead.
pub(super) fn host(args: &Args) -> Result<Option<ExternalHost>, WrongUsage> {
    let named = &args.package.functions;
    if !args.services_only {
        return match named.iter().find(|name| name.contains("://")) {
            Some(address) => Err(WrongUsage(format!(
                "--functions {address}: the address of a Functions host goes with --services-only; without it say names of \
                 functions"
            ))),
            None => Ok(None),
        };
    }
    for (is_given, option, instead) in [
        (args.app.is_some(), "--app", "the host beside it runs the app, such as `func start --script-root DIR`"),
        (
            !args.package.changes.is_empty(),
            "--set",
            "nothing is staged; `contoso package --set …` stages an app for that host",
        ),
        (args.package.debug, "--debug", "nothing is built; `contoso package --debug` stages an app for that host"),
        (args.package.no_build, "--no-build", "nothing is built anyway; leave it out"),
        (
            args.auth,
            "--auth",
            "that host decides whether it asks for keys; --functions-key says the one for Event Grid",
        ),
        (!args.origins.is_empty(), "--origin", "add it to Site__origins in the local.settings.json of that host"),
    ] {
        if is_given {
            return Err(WrongUsage(format!("{option} cannot be used with --services-only: {instead}")));
        }
    }
    let address = match named.as_slice() {
        [] => DEFAULT,
        [address] => address,
        _ => {
            return Err(WrongUsage(format!(
                "--functions {}: with --services-only no function is staged; say the one address of the Functions host, such \
                 as {DEFAULT}",
                named.join(",")
            )));
        }
    };
    let key = args.functions_key.clone().or_else(|| environment::text(KEY));
    let host = ExternalHost::new(address, key)
        .map_err(|error| WrongUsage(format!("--functions {address} with --services-only: {error}")))?;
    Ok(Some(host))
}

/// Writes the settings that lead such a host to this stack: to the data directory, and to the app that lies staged in the checkout.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write_settings(
    project: &Project,
    data_dir: &Path,
    endpoints: &Endpoints,
) -> Result<(), LocalSettingsError> {
    let target = Target { data_dir, endpoints: Some(endpoints) };
    for (access, file) in local_settings::files(data_dir) {
        local_settings::write(&project.local_settings(), target, access, &file)?;
    }
    if project.app().join("host.json").is_file() {
        let file = project.app().join(local_settings::FILE);
        local_settings::write(&project.local_settings(), target, local_settings::Access::Key, &file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Up {
        #[command(flatten)]
        args: Args,
    }

    fn host_of(arguments: &[&str]) -> Result<Option<ExternalHost>, String> {
        let up = Up::try_parse_from([&["up"], arguments].concat()).expect("understood");
        host(&up.args).map_err(|error| error.to_string())
    }

    #[test]
    fn the_host_is_that_of_core_tools_or_the_one_that_is_named() {
        assert_eq!(host_of(&["--functions", "Products,SiteApi"]), Ok(None));
        for (arguments, address) in [
            (&["--services-only"][..], DEFAULT),
            (
                &["--services-only", "--functions", "http://127.0.0.1:7072", "--functions-key", "k"],
                "http://127.0.0.1:7072",
            ),
        ] {
            let host = host_of(arguments).expect("fine").expect("a host");
            assert_eq!(host.address(), address);
        }
    }

    #[test]
    fn options_of_an_own_app_are_refused_by_name_with_the_way_out() {
        for (arguments, option, way_out) in [
            (&["--app", "target/app"][..], "--app", "func start"),
            (&["--set", "A.b=c"], "--set", "contoso package --set"),
            (&["--debug"], "--debug", "contoso package --debug"),
            (&["--no-build"], "--no-build", "leave it out"),
            (&["--auth"], "--auth", "--functions-key"),
            (&["--origin", "http://localhost:5173"], "--origin", "Site__origins"),
            (&["--functions", "A,B"], "--functions A,B", "http://127.0.0.1:7071"),
            (&["--functions", "A"], "--functions A", "http://127.0.0.1:7071"),
            (&["--functions", "http://127.0.0.1:7071/api"], "--functions http", "scheme, host and port alone"),
        ] {
            let refused = host_of(&[&["--services-only"], arguments].concat()).expect_err("refused");
            assert!(
                refused.contains(option) && refused.contains(way_out) && refused.contains("--services-only"),
                "{refused}"
            );
        }
        let refused = host_of(&["--functions", "http://127.0.0.1:7072"]).expect_err("refused");
        assert!(refused.contains("goes with --services-only"), "{refused}");
    }
}
