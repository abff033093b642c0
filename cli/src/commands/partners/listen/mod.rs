//! `contoso partners listen`: a partner's events at a server on this machine, as a webhook would get them.
//!
//! The app makes a listener: a queue of its own, which Event Grid puts the events into, as on a laptop so in Azure. This command takes them
//! from there, forwards each and lets the queue forget it only then. So what comes while the command or the stack is down is not lost.

mod backfill;
mod commands;
mod forward;
mod kept;
mod listener;
mod report;
mod seen;
mod session;
mod state;
mod taken;

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use contoso_handlers::domain::partner::{ListenerId, PartnerName};
use reqwest::Url;
use serde_json::{Map, Value, json};

use self::{forward::Forwarder, kept::KeptFile, report::Report, session::Session, state::State};
use super::{accounts::partner, caller::CallerArgs, send::listener};
use crate::{
    commands::{Exit, WrongUsage},
    signals::Signals,
    units,
};

const EXAMPLES: &str = "\
Examples:
  contoso partners listen --forward-to http://localhost:3000/hook --like prices
      What the subscription `prices` gets, with its secret; r and Enter send again what your server did not take
  contoso partners listen --forward-to http://localhost:3000/hook
      Every event that partners get, with a secret of the listener's own that your server does not know unless you give it to it
  contoso partners listen acme --forward-to http://localhost:3000/hook --like prices --since 10m
      What `prices` gets, and the last ten minutes before
  CONTOSO_PARTNER_KEY=cpk_… contoso partners listen acme --api https://shop.azurewebsites.net \\
      --forward-to https://localhost:3000/hook --like prices --skip-verify
      The same from Azure
  contoso partners listen --forward-to http://localhost:3000/hook --like prices --json --exit-after 1 --timeout 60s
      For CI: lines of JSON, the first with \"type\": \"ready\"; fails if no event came in time";

/// Get a partner's events on this machine, and forward them to a server of yours
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The partner, as --partner
    #[arg(value_parser = partner)]
    partner: Option<PartnerName>,
    /// Where to send each event, with its path
    #[arg(long, value_name = "URL")]
    forward_to: Url,
    #[command(flatten)]
    caller: CallerArgs,
    #[command(flatten)]
    wanted: WantedArgs,
    /// First what was captured in so much time before, such as 10m
    #[arg(long, value_parser = units::duration, value_name = "DURATION")]
    since: Option<Duration>,
    /// Print one JSON object a line: ready, event, lost, back, heartbeat and more
    #[arg(long)]
    json: bool,
    /// End after so many events; fails if one of them was not taken
    #[arg(long, value_name = "N")]
    exit_after: Option<NonZeroU32>,
    /// End after so much time; with --exit-after that is a failure
    #[arg(long, value_parser = units::duration, value_name = "DURATION")]
    timeout: Option<Duration>,
    /// How long your server may take for an answer
    #[arg(long, value_parser = units::duration, default_value = "30s", value_name = "DURATION")]
    forward_timeout: Duration,
    /// Do not check the certificate of your server
    #[arg(long)]
    skip_verify: bool,
    /// An authority (PEM) that your server's certificate is of
    #[arg(long, value_name = "FILE", conflicts_with = "skip_verify")]
    cacert: Option<PathBuf>,
    /// Go on with this listener, which an earlier run left; the same command does so by itself
    #[arg(long, value_name = "ID", value_parser = listener)]
    resume: Option<ListenerId>,
    /// How long a listener lasts that nobody renews: 1 to 24
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=24), default_value_t = 2, value_name = "HOURS")]
    hours: u32,
    /// Give up when the app could not be reached for so long
    #[arg(long, value_parser = units::duration, default_value = "30m", value_name = "DURATION")]
    give_up_after: Duration,
    /// Say so often that all is well, or how long the app has been out of reach
    #[arg(long, value_parser = units::duration, default_value = "5m", value_name = "DURATION")]
    heartbeat: Duration,
    /// Where listeners and events that were not taken are kept [default: contoso/listen in the user's state directory]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// Which events.
#[derive(Debug, clap::Args)]
struct WantedArgs {
    /// What this subscription gets: its types and filter, its resends, redeliveries and tests, and with a key that may write its secret
    #[arg(long, value_name = "SUBSCRIPTION", conflicts_with_all = ["event_type", "category", "product", "product_prefix", "price_drop_percent"])]
    like: Option<String>,
    /// Only events of this type; may be said again
    #[arg(long, value_name = "TYPE")]
    event_type: Vec<String>,
    /// Only products of this category; may be said again
    #[arg(long, value_name = "CATEGORY")]
    category: Vec<String>,
    /// Only this product; may be said again
    #[arg(long, value_name = "ID", conflicts_with = "product_prefix")]
    product: Vec<String>,
    /// Only products whose id begins so
    #[arg(long, value_name = "PREFIX")]
    product_prefix: Option<String>,
    /// Only prices that fell by so much
    #[arg(long, value_name = "PERCENT")]
    price_drop_percent: Option<f64>,
}

impl WantedArgs {
    /// As the API has it. It says what is wrong with it, too.
    fn body(&self, hours: u32) -> Value {
        let mut body = Map::from_iter([("hours".to_owned(), json!(hours))]);
        let mut add = |name: &str, value: Value| {
            if !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()) {
                body.insert(name.to_owned(), value);
            }
        };
        add("like", json!(self.like));
        add("eventTypes", json!(self.event_type));
        add("categories", json!(self.category));
        add("products", json!(self.product));
        add("productPrefix", json!(self.product_prefix));
        add("priceDropPercent", json!(self.price_drop_percent));
        Value::Object(body)
    }
}

pub(super) async fn run(args: Args, endpoints: Option<&Path>) -> anyhow::Result<Exit> {
    if !matches!(args.forward_to.scheme(), "http" | "https") || args.forward_to.host().is_none() {
        return Err(WrongUsage("--forward-to is an http or https address".to_owned()).into());
    }
    let api = args.caller.api(args.partner, endpoints).await?;
    let mut signals = Signals::install()?;
    let forwarder = Forwarder::new(&args.forward_to, args.forward_timeout, args.skip_verify, args.cacert.as_deref())?;
    let wanted = args.wanted.body(args.hours);
    let (whereabouts, filter) = (api.whereabouts(), wanted.to_string());
    let parts = [whereabouts.as_str(), api.partner().as_str(), args.forward_to.as_str(), filter.as_str()];
    let state = State::open(args.state, &parts)?;
    let kept = KeptFile::open(state.beside("kept.jsonl"))?;
    let limits = session::Limits {
        exit_after: args.exit_after.map(NonZeroU32::get),
        timeout: args.timeout,
        give_up_after: args.give_up_after,
        heartbeat: args.heartbeat,
        since: args.since,
    };
    let session = Session::new(api, forwarder, state, kept, Report::new(args.json), wanted, limits);
    Box::pin(session.run(args.resume.map(|id| id.as_str().to_owned()), &mut signals)).await
}
