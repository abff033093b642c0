//! `contoso partners send`: an example of an event, to try what gets it.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use contoso_handlers::domain::partner::{ListenerId, NameError, NoListenerId, SubscriptionName};
use contoso_json::UniqueError;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{api::Api, caller::CallerArgs};
use crate::{
    commands::{Exit, WrongUsage},
    output,
};

const EXAMPLES: &str = "\
Examples:
  contoso partners send product.changed
      The schema's example of a change, to the listener that runs, or to the only subscription
  contoso partners send product.changed --subscription prices --set state.price.amount=17.50 --set state.stock=0
      With members of its data set; a path that is not in the event is an error, and so is what the event's rules do not allow
  contoso partners send test --subscription prices
      The event that only says that it is a test";

/// Send an example of an event to a subscription or listener of the partner's
///
/// It goes the way of real events and has the extension `test`. One about a product has a sequence of 0, which no receiver takes for newer
/// than a real event.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// product.changed, product.discontinued, test, welcome, or a whole type
    event: String,
    /// The subscription that gets it
    #[arg(long, value_name = "NAME", conflicts_with = "listener", value_parser = subscription)]
    subscription: Option<SubscriptionName>,
    /// The listener that gets it [default: the only one, else the only subscription]
    #[arg(long, value_name = "ID", value_parser = listener)]
    listener: Option<ListenerId>,
    /// A member of the example's data by its path, such as state.price.amount=17.50; null takes it away. May be said again for another path
    #[arg(long, value_name = "PATH=VALUE", value_parser = member)]
    set: Vec<(String, String)>,
    /// The whole data (JSON) in place of the example's
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    data: Option<PathBuf>,
    #[command(flatten)]
    caller: CallerArgs,
    /// Print what was sent as one JSON object
    #[arg(long)]
    json: bool,
}

fn member(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or("write it as path=value, such as state.price.amount=17.50")?;
    Ok((path.trim().to_owned(), value.to_owned()))
}

/// The name of a subscription.
pub(super) fn subscription(name: &str) -> Result<SubscriptionName, NameError> {
    name.to_owned().try_into()
}

/// The id of a listener.
pub(super) fn listener(id: &str) -> Result<ListenerId, NoListenerId> {
    id.to_owned().try_into()
}

/// Members by their path, each said once: which of two values is meant, nobody knows.
fn members(set: Vec<(String, String)>) -> Result<BTreeMap<String, String>, WrongUsage> {
    let mut members = BTreeMap::new();
    for (path, value) in set {
        if members.contains_key(&path) {
            return Err(WrongUsage(format!("--set says {path} twice")));
        }
        members.insert(path, value);
    }
    Ok(members)
}

pub(super) async fn run(args: Args, endpoints: Option<&Path>) -> anyhow::Result<Exit> {
    let mut body = Map::from_iter([("event".to_owned(), json!(args.event))]);
    if !args.set.is_empty() {
        body.insert("set".to_owned(), json!(members(args.set)?));
    }
    if let Some(file) = &args.data {
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        body.insert("data".to_owned(), data_of(&text).with_context(|| format!("cannot send {}", file.display()))?);
    }
    let api = args.caller.api(None, endpoints).await?;
    let to = match (args.subscription, args.listener) {
        (Some(name), _) => format!("/subscriptions/{}", name.as_str()),
        (None, Some(id)) => format!("/listeners/{}", id.as_str()),
        (None, None) => only(&api).await?,
    };
    let operation = format!("send {} to {}", args.event, to.trim_start_matches('/').replace('/', " "));
    let sent = api.call(Method::POST, &format!("{to}/test"), Some(&Value::Object(body)), &operation).await?;
    if args.json {
        writeln!(io::stdout().lock(), "{sent}")?;
        return Ok(Exit::Done);
    }
    let text = |name: &str| sent[name].as_str().unwrap_or_default();
    let mut line = format!("Published {} {} for {}", text("type"), text("id"), to.trim_start_matches('/'));
    if !text("subject").is_empty() {
        line += &format!(", about {}", text("subject"));
    }
    output::say(&format!(
        "{line}. Event Grid delivers it; what the receiver answered, `listen` or the subscription's failures show."
    ));
    Ok(Exit::Done)
}

/// The data that a file holds, in which no name comes twice.
fn data_of(text: &[u8]) -> anyhow::Result<Value> {
    match contoso_json::unique(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)) {
        Ok(data @ Value::Object(_)) => Ok(data),
        Ok(_) => bail!("it is no JSON object"),
        Err(UniqueError::Twice(name)) => bail!("it has the name {name:?} twice in one object"),
        Err(UniqueError::Json(error)) => Err(error).context("it is no JSON"),
    }
}

/// The path of the one who can only be meant.
async fn only(api: &Api) -> anyhow::Result<String> {
    for (kind, id) in [("listeners", "id"), ("subscriptions", "name")] {
        let listed = api.call(Method::GET, &format!("/{kind}"), None, &format!("list {kind}")).await?;
        let items: Vec<&str> =
            listed["items"].as_array().into_iter().flatten().filter_map(|item| item[id].as_str()).collect();
        match items.as_slice() {
            [] => {}
            [one] => return Ok(format!("/{kind}/{one}")),
            several => {
                let option = kind.trim_end_matches('s');
                return Err(WrongUsage(format!("say which with --{option}: {}", several.join(", "))).into());
            }
        }
    }
    Err(WrongUsage("nobody would get it: the partner has no listener and no subscription".to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_said_once_and_data_has_each_name_once() {
        let said = |set: &[&str]| members(set.iter().map(|text| member(text).expect("a member")).collect());
        assert_eq!(said(&["state.stock=1", "state.brand=a=b"]).expect("two paths")["state.brand"], "a=b");
        let twice = said(&["state.stock=1", " state.stock =2"]).expect_err("refused").to_string();
        assert_eq!(twice, "--set says state.stock twice");
        assert_eq!(data_of(b"\xEF\xBB\xBF{\"a\":1}").expect("an object"), json!({ "a": 1 }));
        for (text, cause) in
            [("{\"a\":{\"b\":1,\"b\":2}}", "the name \"b\" twice"), ("[]", "no JSON object"), ("{", "no JSON")]
        {
            let error = format!("{:#}", data_of(text.as_bytes()).expect_err(text));
            assert!(error.contains(cause), "{text}: {error}");
        }
    }
}
