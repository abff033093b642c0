//! `cargo run -p contoso-bicep --example snapshot -- bicep/environments/prod.bicepparam`: what an environment deploys.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use contoso_bicep::evaluate::{Circumstances, snapshot};

fn main() -> ExitCode {
    let circumstances = Circumstances {
        subscription_id: "11111111-1111-1111-1111-111111111111".to_owned(),
        tenant_id: "22222222-2222-2222-2222-222222222222".to_owned(),
        location: "westeurope".to_owned(),
        group: "rg-contoso-events-prod".to_owned(),
        variables: BTreeMap::new(),
    };
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
