//! `cargo run -p contoso-bicep --example snapshot -- bicep/environments/prod.bicepparam`: what an environment deploys.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::{path::PathBuf, process::ExitCode};

use contoso_bicep::{evaluate::snapshot, policy::stand_in};

fn main() -> ExitCode {
    let circumstances = stand_in("rg-contoso-events-prod");
    for path in std::env::args_os().skip(1).map(PathBuf::from) {
        match snapshot(&path, &circumstances) {
            Ok(snapshot) => {
                for resource in snapshot.resources.iter().filter(|resource| !resource.existing) {
                    println!("{}\n  {}", resource.id, resource.body);
                }
            }
            Err(error) => {
                println!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
