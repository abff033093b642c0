//! `contoso schemas usage`: who still writes and reads each version, by what the stack's hubs hold and its registry was asked for.

mod counted;

use std::{collections::BTreeMap, io::Write as _, path::PathBuf};

use anyhow::Context as _;
use contoso_handlers::{
    events::contracts::{ALL, Contract},
    function::Trigger,
    registry::functions,
};
use contoso_local::{schema_registry::Purpose, stack::Endpoints};
use serde_json::{Value, json};

use self::counted::{Counted, Written};
use super::super::{Exit, WrongUsage};
use crate::{
    endpoints, hub,
    identity::{self, SignedIn},
    output::Paint,
    schemas::registered::{self, Registered},
};

const EXAMPLES: &str = "\
Examples:
  contoso schemas usage
      Each version of each event: how many events of it the hubs hold, who wrote them, who asked the registry for it to read
  contoso schemas usage click.recorded --json | jq '.events[].versions[] | select(.events == 0)'
      Versions of which no event is left

Events are counted in the hubs of the running stack, which keep them for days. The registry counts who asked since the stack started, and each program asks once. What Azure tells of this, and what not, is in docs/schemas.md.";

/// Say who still writes and reads each version of an event
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Which events, such as click.recorded [default: all]
    #[arg(value_name = "EVENT")]
    events: Vec<String>,
    /// How many of the newest events of each partition to count
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The endpoints of the stack [default: .contoso/endpoints.json here or above]
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
}

/// One event type, and what is known of its versions.
struct Used {
    contract: &'static Contract,
    versions: Vec<(Registered, Written, Vec<Reader>)>,
    /// Events of the type that are JSON.
    json: Written,
    functions: Vec<&'static str>,
}

/// Who asked the registry for a version, to read.
struct Reader {
    caller: String,
    times: u64,
    last: String,
}

/// Runs the command.
///
/// # Errors
/// When the stack does not answer, or there is no such event.
pub(super) async fn run(args: &Args) -> anyhow::Result<Exit> {
    let contracts = chosen(&args.events)?;
    let endpoints = endpoints::read(&endpoints::locate(args.endpoints.as_deref())?)?;
    identity::sign_in(&endpoints, identity::OPERATOR)?;
    let counted = count(&contracts, args.limit, &endpoints).await?;
    let used = used(contracts, &counted, &endpoints).await?;
    let mut out = std::io::stdout().lock();
    if args.json {
        let events: Vec<Value> = used.iter().map(Used::to_json).collect();
        let unknown: Vec<Value> = unknown(&used, &counted).map(|(id, written)| unknown_json(id, written)).collect();
        writeln!(
            out,
            "{}",
            json!({ "events": events, "unknownSchemas": unknown, "newestOfEachPartition": args.limit })
        )?;
    } else {
        let paint = Paint::stdout();
        for used in &used {
            used.write(&mut out, paint)?;
        }
        for (id, written) in unknown(&used, &counted) {
            writeln!(out, "schema {id}, which is none of these: {}", written.words())?;
        }
    }
    Ok(Exit::Done)
}

fn chosen(wanted: &[String]) -> anyhow::Result<Vec<&'static Contract>> {
    let label = |contract: &Contract| {
        let path = contract.path.replace('/', ".");
        path.strip_suffix(".v1").map_or(path.clone(), str::to_owned)
    };
    let is_called = |contract: &Contract, name: &str| {
        let name = name.replace('/', ".");
        name == label(contract) || name == contract.path.replace('/', ".") || name == contract.event_type
    };
    if let Some(name) = wanted.iter().find(|name| !ALL.iter().any(|contract| is_called(contract, name))) {
        let known: Vec<String> = ALL.iter().map(|contract| label(contract)).collect();
        return Err(WrongUsage(format!("no event is called {name}; there are {}", known.join(", "))).into());
    }
    let is_wanted = |contract: &&Contract| wanted.is_empty() || wanted.iter().any(|name| is_called(contract, name));
    Ok(ALL.into_iter().filter(is_wanted).collect())
}

/// Counts what the hubs of these contracts hold.
async fn count(contracts: &[&Contract], limit: u64, endpoints: &Endpoints) -> anyhow::Result<Counted> {
    let settings = endpoints::handler_settings(endpoints)?;
    let mut hubs: Vec<&str> = contracts.iter().map(|contract| contract.hub).collect();
    hubs.sort_unstable();
    hubs.dedup();
    let mut counted = Counted::default();
    for name in hubs {
        hub::newest(&settings.event_hubs, name, limit, async |_, event| counted.add(event)).await?;
    }
    Ok(counted)
}

async fn used(
    contracts: Vec<&'static Contract>,
    counted: &Counted,
    endpoints: &Endpoints,
) -> anyhow::Result<Vec<Used>> {
    let operator = SignedIn::new(endpoints, identity::OPERATOR)?;
    let asked = asked(endpoints).await?;
    let mut used = Vec::new();
    for contract in contracts {
        let versions = registered::versions(&operator, &endpoints.event_hubs.schema_registry, contract.name).await?;
        let versions = versions.into_iter().map(|version| {
            let written = counted.avro.get(&version.id).cloned().unwrap_or_default();
            let readers = asked.get(&version.id).into_iter().flatten();
            let readers =
                readers.map(|reader| Reader { caller: reader.caller.clone(), last: reader.last.clone(), ..*reader });
            let readers = readers.collect();
            (version, written, readers)
        });
        let functions = functions().into_iter().filter_map(|function| match function.trigger {
            Trigger::EventHub { hub, .. } if hub == contract.hub => Some(function.name),
            _ => None,
        });
        used.push(Used {
            contract,
            versions: versions.collect(),
            json: counted.json.get(contract.event_type).cloned().unwrap_or_default(),
            functions: functions.collect(),
        });
    }
    Ok(used)
}

/// Who asked the stack's registry for the text of a schema, by its id.
async fn asked(endpoints: &Endpoints) -> anyhow::Result<BTreeMap<String, Vec<Reader>>> {
    let url = format!("{}/schema-registry", endpoints.control);
    let answer = reqwest::get(&url).await.with_context(|| format!("cannot ask {url}"))?;
    let text = answer.error_for_status().with_context(|| format!("cannot ask {url}"))?.text().await?;
    let uses: Vec<Value> = contoso_json::from_str(&text).with_context(|| format!("{url} answers no list"))?;
    let purpose = serde_json::to_value(Purpose::Read)?;
    let mut asked: BTreeMap<String, Vec<Reader>> = BTreeMap::new();
    for used in uses.into_iter().filter(|used| used["purpose"] == purpose) {
        let text = |name: &str| used[name].as_str().unwrap_or_default().to_owned();
        // Looking at schemas reads no events.
        if [identity::OPERATOR, identity::DEPLOYMENT].contains(&text("caller").as_str()) {
            continue;
        }
        let times = used["times"].as_u64().unwrap_or_default();
        asked.entry(text("id")).or_default().push(Reader { caller: text("caller"), times, last: text("last") });
    }
    Ok(asked)
}

/// Schema ids on events that are no version of what was looked at.
fn unknown<'c>(used: &'c [Used], counted: &'c Counted) -> impl Iterator<Item = (&'c str, &'c Written)> {
    let is_known = |id: &str| used.iter().any(|used| used.versions.iter().any(|(version, ..)| version.id == id));
    let types: Vec<&str> = used.iter().map(|used| used.contract.event_type).collect();
    let of_these = move |written: &Written| written.types.iter().any(|name| types.contains(&name.as_str()));
    let all = counted.avro.iter().map(|(id, written)| (id.as_str(), written));
    all.filter(move |(id, written)| !is_known(id) && of_these(written))
}

fn unknown_json(id: &str, written: &Written) -> Value {
    let mut json = written.to_json();
    json["id"] = json!(id);
    json
}

impl Used {
    fn to_json(&self) -> Value {
        let versions = self.versions.iter().map(|(version, written, readers)| {
            let mut json = written.to_json();
            json["version"] = json!(version.version);
            json["id"] = json!(version.id);
            let readers = readers
                .iter()
                .map(|reader| json!({ "caller": reader.caller, "times": reader.times, "last": reader.last }));
            json["readers"] = readers.collect();
            json
        });
        json!({
            "type": self.contract.event_type,
            "name": self.contract.name,
            "hub": self.contract.hub,
            "deprecated": self.contract.deprecated.as_ref().map(|deprecated| deprecated.to_json()),
            "versions": versions.collect::<Vec<_>>(),
            "json": self.json.to_json(),
            "functions": self.functions,
        })
    }

    fn write(&self, out: &mut impl std::io::Write, paint: Paint) -> std::io::Result<()> {
        let Contract { event_type, hub, deprecated, .. } = self.contract;
        let ends = deprecated.as_ref().map(|deprecated| format!(", {}", deprecated.words())).unwrap_or_default();
        writeln!(out, "{} on {hub}{ends}", paint.strong(event_type))?;
        for (version, written, readers) in &self.versions {
            writeln!(out, "  v{} {}: {}", version.version, paint.faint(&version.id), written.words())?;
            for Reader { caller, times, last } in readers {
                writeln!(
                    out,
                    "       {caller} asked for it to read, {times} time{}, last at {last}",
                    if *times == 1 { "" } else { "s" }
                )?;
            }
        }
        if self.json.events > 0 {
            writeln!(out, "  JSON: {}", self.json.words())?;
        }
        let functions =
            if self.functions.is_empty() { "no function here".to_owned() } else { self.functions.join(", ") };
        writeln!(out, "  read from the hub, whatever the version, by {functions}")
    }
}
