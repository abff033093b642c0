//! `contoso schemas bindings`.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use contoso_handlers::events::contracts::{self, PARTNERS};

use super::super::Exit;
use crate::{
    contracts::{
        avro::Schema,
        bindings::{Bindings, Language, Root},
        registry::{Registry, latest},
        sources::{Sources, add_to},
    },
    endpoints,
    identity::{OPERATOR, SignedIn},
    project::{NoProject, Project},
};

const EXAMPLES: &str = "\
Examples:
  contoso schemas bindings --lang typescript --out events.ts
      Of the schemas of this checkout
  contoso schemas bindings --lang python --stack --out contoso_events.py
      Of what is registered in the running stack
  CONTOSO_REGISTRY_TOKEN=$(az account get-access-token --resource https://eventhubs.azure.net --query accessToken -o tsv) \\
  contoso schemas bindings --lang python --registry https://contoso.servicebus.windows.net
      Of what is registered in Azure
  contoso schemas bindings --lang python orders/placed.v1.avsc
      Of a schema of your own

The types are those of JSON as partners receive it: an amount and a time are text, a number of 64 bits is a number that JavaScript takes below 2^53 only, names of an enum are open. docs/schemas-catalogue.md says more.";

/// Write types of what partners receive, for another language
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The language
    #[arg(long, value_enum)]
    lang: Language,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Read the newest versions from the schema registry of the running stack
    #[arg(long, conflicts_with_all = ["registry", "files"])]
    stack: bool,
    /// The running stack [default: the one started here]
    #[arg(long, value_name = "FILE", requires = "stack")]
    endpoints: Option<PathBuf>,
    /// Read the newest versions from this schema registry, the address of an Event Hubs namespace
    #[arg(long, value_name = "URL", conflicts_with = "files", requires = "token")]
    registry: Option<String>,
    /// The token for it
    #[arg(long, value_name = "TOKEN", env = "CONTOSO_REGISTRY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Bind every event, also those that no partner is told of
    #[arg(long, conflicts_with = "files")]
    all: bool,
    /// Schemas to bind, in place of the contracts
    #[arg(value_name = "AVSC")]
    files: Vec<PathBuf>,
}

pub(super) async fn run(args: &Args, project: impl FnOnce() -> Result<Project, NoProject>) -> anyhow::Result<Exit> {
    let bindings = if args.files.is_empty() { of_contracts(args, project).await? } else { of_files(&args.files)? };
    let text = bindings.write(args.lang);
    match &args.out {
        Some(file) => fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?,
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(Exit::Done)
}

fn of_files(files: &[PathBuf]) -> anyhow::Result<Bindings> {
    let mut bindings = Bindings::default();
    for file in files {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let schema = Schema::parse(&text).with_context(|| format!("{} is no Avro schema", file.display()))?;
        let form = bindings.forms.add(&schema, Vec::new());
        bindings.roots.push(Root { name: stem(file), form, event_type: None });
    }
    Ok(bindings)
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The contracts whose events partners are told of, or all.
async fn of_contracts(args: &Args, project: impl FnOnce() -> Result<Project, NoProject>) -> anyhow::Result<Bindings> {
    let mut bindings = Bindings::default();
    let registry = registry(args)?;
    let sources = if registry.is_none() { Some(Sources::read(&project()?)?) } else { None };
    for contract in contracts::ALL.into_iter().filter(|contract| args.all || contract.audience == Some(PARTNERS)) {
        let schema = match (&registry, &sources) {
            (Some(registry), _) => {
                let text = latest(registry, contract.name).await?;
                Schema::parse(&text).with_context(|| format!("what is registered as {}", contract.name))?
            }
            (None, Some(sources)) => match sources.of(contract) {
                Some(source) => source.schema.clone(),
                None => continue,
            },
            (None, None) => bail!("there is neither a checkout nor a registry"),
        };
        let form = add_to(&mut bindings.forms, contract, &schema);
        bindings.roots.push(Root {
            name: contract.name.to_owned(),
            form,
            event_type: Some(contract.event_type.to_owned()),
        });
    }
    Ok(bindings)
}

fn registry(args: &Args) -> anyhow::Result<Option<Registry>> {
    if let (Some(address), Some(token)) = (&args.registry, &args.token) {
        return Ok(Some(Registry::elsewhere(address, token)?));
    }
    if !args.stack {
        return Ok(None);
    }
    let endpoints = endpoints::read(&endpoints::locate(args.endpoints.as_deref())?)?;
    let signed_in = SignedIn::new(&endpoints, OPERATOR)?;
    Ok(Some(Registry::of_stack(signed_in, &endpoints.event_hubs.schema_registry)))
}
