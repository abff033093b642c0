//! `contoso status`.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use contoso_handlers::domain::{lag::Health, operations, rates::Recent};
use contoso_local::stack::Endpoints;
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, macros::format_description};

use super::Exit;
use crate::{
    clock,
    data_dir::{self, Holder},
    endpoints,
    failure::{self, CallError},
    output::{self, Paint},
};

const EXAMPLES: &str = "\
Examples:
  contoso status
      What runs on .contoso here or above: since when, where, and how far each function is behind
  contoso status --json | jq .lag.functions
      The same for scripts
  contoso status > /dev/null || contoso up --detach
      Starts it where it does not run

Exit codes: 0 it runs, 1 nothing runs.";

/// Long enough for a busy app; one that hangs is not waited for.
const DEADLINE: Duration = Duration::from_secs(5);

/// Show what runs: since when, its addresses, and how far each function is behind
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The data directory it uses [default: .contoso here or above]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What runs on a data directory.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    running: bool,
    data_dir: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<u32>,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    since: Option<OffsetDateTime>,
    /// Whether it takes calls; it does not while it starts and while it stops.
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoints: Option<Endpoints>,
    /// How far its clock was stepped ahead of this machine's; absent where it was not, or cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_ahead_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<Lag>,
}

/// How far functions are behind, or why that is not known.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
enum Lag {
    Measured {
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
        functions: Vec<Behind>,
    },
    Unknown {
        unknown: String,
    },
}

/// How far one function is behind.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Behind {
    function: String,
    /// The hub, or the container of a change feed.
    reads: String,
    /// Events or changes that it has not handled; null where that is not known.
    lag: Option<i64>,
}

/// Prints what runs.
pub(super) async fn run(args: &Args) -> anyhow::Result<Exit> {
    let directory = data_dir::locate(args.data_dir.as_deref());
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    let status = look(directory).await?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&status)?)?;
    } else if status.running {
        write!(out, "{}", status.text(clock::now(), Paint::stdout()))?;
    } else {
        let place =
            if args.data_dir.is_some() { format!(" --data-dir {}", status.data_dir.display()) } else { String::new() };
        output::say(&format!(
            "Nothing runs on {}. `contoso up{place}` starts it, `contoso up --detach{place}` in the background.",
            status.data_dir.display()
        ));
    }
    Ok(if status.running { Exit::Done } else { Exit::Failed })
}

async fn look(data_dir: PathBuf) -> anyhow::Result<Status> {
    let nothing = Status {
        running: false,
        data_dir,
        process: None,
        since: None,
        ready: false,
        endpoints: None,
        clock_ahead_seconds: None,
        lag: None,
    };
    let Some(Holder { pid, since }) = Holder::of(&nothing.data_dir)? else { return Ok(nothing) };
    let endpoints = published(&nothing.data_dir)?;
    let (lag, clock_ahead_seconds) = match &endpoints {
        Some(endpoints) => (Some(lag(endpoints).await), clock_ahead(&endpoints.control).await),
        None => (None, None),
    };
    Ok(Status {
        running: true,
        process: pid,
        since: Some(since),
        ready: endpoints.is_some(),
        endpoints,
        clock_ahead_seconds,
        lag,
        ..nothing
    })
}

/// What the stack says of itself; `None` until it is ready.
fn published(data_dir: &Path) -> anyhow::Result<Option<Endpoints>> {
    match endpoints::read(&data_dir.join(endpoints::FILE)) {
        Ok(endpoints) => Ok(Some(endpoints)),
        Err(endpoints::EndpointsError::Gone { .. }) => Ok(None),
        Err(error) => Err(error).context("cannot tell where it listens"),
    }
}

/// What the control port says of the clock.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClockReading {
    ahead_seconds: f64,
}

async fn clock_ahead(control: &str) -> Option<f64> {
    let url = format!("{}/clock", control.trim_end_matches('/'));
    let response = reqwest::Client::new().get(url).timeout(DEADLINE).send().await.ok()?;
    let reading: ClockReading = response.json().await.ok()?; // json: names and numbers only
    Some(reading.ahead_seconds).filter(|ahead| *ahead > 0.0)
}

async fn lag(endpoints: &Endpoints) -> Lag {
    if let Err(error) = endpoints::check_functions(endpoints).await {
        return Lag::Unknown { unknown: error.to_string() };
    }
    match health(&endpoints.functions).await {
        Ok(Some(health)) => Lag::measured(&health),
        Ok(None) => Lag::Unknown { unknown: "nothing was measured yet".to_owned() },
        Err(error) => Lag::Unknown { unknown: output::chain(&error) },
    }
}

/// The last measurement; `None` if there is none.
async fn health(functions: &str) -> Result<Option<Health>, CallError> {
    let operation = || "read the lag from /api/site/health".to_owned();
    let unsent = |source| CallError::Send { operation: operation(), source };
    let url = format!("{}/api/site/health", functions.trim_end_matches('/'));
    let response = reqwest::Client::new().get(url).timeout(DEADLINE).send().await.map_err(unsent)?;
    match response.status() {
        StatusCode::OK => response.json().await.map(Some).map_err(unsent), // json: names and numbers only
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(failure::refused(operation(), response).await),
    }
}

impl Lag {
    fn measured(health: &Health) -> Self {
        let (_, flows) = operations::flows(health, &Recent::default());
        let functions =
            flows.into_iter().map(|flow| Behind { function: flow.function, reads: flow.log, lag: flow.lag });
        Self::Measured { at: health.at, functions: functions.collect() }
    }
}

impl Status {
    /// For people.
    fn text(&self, now: OffsetDateTime, paint: Paint) -> String {
        let state = if self.ready { "runs" } else { "is starting or stopping" };
        let mut text = paint.strong(&format!("Contoso Events {state}"));
        if let Some(since) = self.since {
            let shown = since.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]"));
            text += &format!(", since {} UTC ({})", shown.unwrap_or_default(), span(now - since));
        }
        if let Some(process) = self.process {
            text += &format!(", as process {process}");
        }
        text += "\n";
        let mut row = |name: &str, value: &str| text += &format!("  {name:<22}{value}\n");
        row("Data", &self.data_dir.display().to_string());
        if let Some(endpoints) = &self.endpoints {
            for (name, address) in endpoints::addresses(endpoints) {
                row(name, &paint.name(address));
            }
            row("All addresses", &self.data_dir.join(endpoints::FILE).display().to_string());
        }
        if let Some(ahead) = self.clock_ahead_seconds {
            let ahead = span(time::Duration::seconds_f64(ahead));
            text += &format!("Its clock is {ahead} ahead of this machine's; a fresh data directory goes back\n");
        }
        match &self.lag {
            None => {}
            Some(Lag::Unknown { unknown }) => {
                text += &format!("How far functions are behind is not known: {unknown}\n")
            }
            Some(Lag::Measured { at, functions }) => {
                text += &format!("Behind, as measured {} ago\n", span(now - *at));
                for Behind { function, reads, lag } in functions {
                    let lag = lag.map_or_else(|| "not known".to_owned(), |lag| lag.to_string());
                    text += &format!("  {function:<22}{lag} of {reads}\n");
                }
            }
        }
        text
    }
}

/// A span of time in its two largest units.
fn span(time: time::Duration) -> String {
    let seconds = time.whole_seconds().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use contoso_handlers::domain::lag::{CURRENT, FeedLag, HubLag};
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::*;
    use crate::data_dir::DataDir;

    fn health() -> Health {
        Health {
            id: CURRENT.to_owned(),
            at: datetime!(2026-01-05 10:00 UTC),
            functions: Vec::new(),
            hubs: vec![HubLag {
                hub: "products".to_owned(),
                consumer_group: "site".to_owned(),
                function: "ProductProjection".to_owned(),
                lag: 12,
                partitions: Vec::new(),
            }],
            feeds: vec![FeedLag { container: "catalog/products".to_owned(), lag: None, ranges: Vec::new() }],
        }
    }

    #[test]
    fn people_read_since_when_and_how_far_behind() {
        let status = Status {
            running: true,
            data_dir: PathBuf::from("/shop/.contoso"),
            process: Some(42),
            since: Some(datetime!(2026-01-05 07:30 UTC)),
            ready: true,
            endpoints: None,
            clock_ahead_seconds: Some(3_600.5),
            lag: Some(Lag::measured(&health())),
        };
        assert_eq!(
            status.text(datetime!(2026-01-05 10:00:03 UTC), Paint::plain()),
            "Contoso Events runs, since 2026-01-05 07:30:00 UTC (2 h 30 min), as process 42\n  \
               Data                  /shop/.contoso\n\
             Its clock is 1 h 0 min ahead of this machine's; a fresh data directory goes back\n\
             Behind, as measured 3 s ago\n  \
               ProductChanges        not known of catalog/products\n  \
               ProductProjection     12 of products\n"
        );
        let object = serde_json::to_value(&status).expect("JSON");
        assert_eq!(
            object["lag"],
            json!({ "at": "2026-01-05T10:00:00Z", "functions": [
                { "function": "ProductChanges", "reads": "catalog/products", "lag": null },
                { "function": "ProductProjection", "reads": "products", "lag": 12 },
            ] })
        );
        assert_eq!((&object["since"], &object["process"]), (&json!("2026-01-05T07:30:00Z"), &json!(42)));
    }

    #[tokio::test]
    async fn a_directory_tells_whether_something_runs() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("data");
        let object = async || serde_json::to_value(look(path.clone()).await.expect("a status")).expect("JSON");
        assert_eq!(object().await, json!({ "running": false, "ready": false, "dataDir": path }));
        let held = DataDir::open(&path, false).expect("free");
        let starting: Value = object().await;
        assert_eq!((&starting["running"], &starting["ready"]), (&json!(true), &json!(false)));
        assert_eq!(starting["process"], json!(std::process::id()));
        drop(held);
        assert_eq!(object().await["running"], json!(false));
    }

    #[test]
    fn spans_are_short() {
        for (seconds, text) in [(-1, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7_260, "2 h 1 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(span(time::Duration::seconds(seconds)), text);
        }
    }
}
