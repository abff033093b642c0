//! `contoso partners secret`: by which a subscription's endpoint knows that a delivery is ours.

use std::{
    io::{self, Write},
    path::Path,
};

use contoso_handlers::domain::partner::SubscriptionName;
use reqwest::Method;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{accounts, caller::CallerArgs, send::subscription};
use crate::commands::Exit;

const EXAMPLES: &str = "\
Examples:
  contoso partners secret prices
      The header that deliveries have, and the secrets in it: the newest first, old ones until they end
  CONTOSO_SECRETS=$(contoso partners secret prices --secret-only | paste -sd, -)
      For a receiver's settings: nothing but the secrets, one a line";

/// Show the secret that deliveries to a subscription have, and old ones while they are valid
///
/// It needs a key that may write: who knows the secret can pretend to be this shop.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The subscription
    #[arg(value_name = "SUBSCRIPTION", value_parser = subscription)]
    subscription: SubscriptionName,
    /// Print nothing but the secrets, one a line, the newest first
    #[arg(long, conflicts_with = "json")]
    secret_only: bool,
    #[command(flatten)]
    caller: CallerArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, endpoints: Option<&Path>) -> anyhow::Result<Exit> {
    let api = args.caller.api(None, endpoints).await?;
    let path = format!("/subscriptions/{}/secret", args.subscription.as_str());
    let told = api.call(Method::GET, &path, None, &format!("show the secret of {}", args.subscription)).await?;
    let mut out = io::stdout().lock();
    match (args.json, args.secret_only) {
        (true, _) => writeln!(out, "{told}")?,
        (false, true) => lines(&told).try_for_each(|secret| writeln!(out, "{secret}"))?,
        (false, false) => out.write_all(table(&told).as_bytes())?,
    }
    Ok(Exit::Done)
}

/// The secrets, as they are, the newest first.
fn lines(told: &Value) -> impl Iterator<Item = &str> {
    told["versions"].as_array().into_iter().flatten().filter_map(|version| version["secret"].as_str())
}

fn table(told: &Value) -> String {
    let mut table = format!("{:<20}  {:<20}  IN {}\n", "SINCE", "ENDS", told["header"].as_str().unwrap_or_default());
    let at = |text: &Value| {
        let text = text.as_str().unwrap_or_default();
        OffsetDateTime::parse(text, &Rfc3339).map_or_else(|_| text.to_owned(), accounts::text)
    };
    for version in told["versions"].as_array().into_iter().flatten() {
        let (since, ends) = (at(&version["since"]), at(&version["until"]));
        table += &format!("{since:<20}  {ends:<20}  {}\n", version["secret"].as_str().unwrap_or_default());
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_stands_alone_on_its_line() {
        let told = json!({ "header": "x-contoso-secret", "versions": [
            { "number": 2, "since": "2027-03-04T10:00:00.5Z", "until": null, "secret": "whs_new" },
            { "number": 1, "since": "2027-03-01T10:00:00Z", "until": "2027-03-05T10:00:00Z", "secret": "whs_old" },
        ] });
        assert_eq!(lines(&told).collect::<Vec<_>>(), ["whs_new", "whs_old"]);
        let table = table(&told);
        let shown: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(shown[0], ["SINCE", "ENDS", "IN", "x-contoso-secret"]);
        assert_eq!(shown[1], ["2027-03-04T10:00:00Z", "whs_new"]);
        assert_eq!(shown[2], ["2027-03-01T10:00:00Z", "2027-03-05T10:00:00Z", "whs_old"]);
    }
}
