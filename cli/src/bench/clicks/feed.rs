//! Sends planned clicks to the hub, as a process of its own with an identity of the stack.

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use contoso_handlers::{
    app::App,
    domain::click::{Click, SessionId, VisitorId},
    events::{HubMessage, Outgoing, contracts::CLICK_RECORDED},
};
use rand::{SeedableRng, rngs::StdRng};
use time::OffsetDateTime;
use tokio::process::{Child, Command};

use super::HUB;
use crate::{
    clock, endpoints, identity,
    traffic::{Item, Plan, Planned, Traffic},
};

/// Clicks sent at a time.
const AT_ONCE: usize = 2_000;
const CATEGORIES: usize = 40;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct Feed {
    /// How many clicks.
    pub clicks: u64,
    /// Products that are clicked on.
    pub products: usize,
    /// The time up to now that the clicks are spread over.
    pub lasts: Duration,
    /// Whether each click happens at another time than the one before and the one after, evenly over all of it.
    pub is_scattered: bool,
}

/// The products that are clicked on.
pub(super) fn items(products: usize) -> Vec<Item> {
    (0..products)
        .map(|number| Item { id: format!("p{number}"), category: format!("Category {}", number % CATEGORIES) })
        .collect()
}

/// Starts the process that sends clicks as fast as the hub takes them.
pub(super) fn start(endpoints: &Path, feed: Feed) -> Result<Child> {
    let Feed { clicks, products, lasts, is_scattered } = feed;
    Command::new(std::env::current_exe().context("cannot find this program to start it again")?)
        .args(["bench", "feed", "--clicks", &clicks.to_string(), "--products", &products.to_string()])
        .args(["--lasts", &format!("{}s", lasts.as_secs().max(1))])
        .args(is_scattered.then_some("--scattered"))
        .arg("--endpoints")
        .arg(endpoints)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the sender of clicks")
}

/// Waits for the sender's end.
pub(super) async fn finished(mut sender: Child) -> Result<()> {
    let status = sender.wait().await?;
    if status.success() { Ok(()) } else { bail!("the sender of clicks failed: {status}") }
}

/// What that process does.
///
/// # Errors
/// When the hub does not take the clicks.
pub async fn run(file: &Path, feed: Feed) -> Result<()> {
    let Feed { clicks, products, lasts, is_scattered } = feed;
    let endpoints = endpoints::read(file)?;
    identity::sign_in(&endpoints, identity::OPERATOR)?;
    let app = App::new(endpoints::handler_settings(&endpoints)?);
    let items = items(products);
    let rate = super::ratio(clicks, lasts.as_secs_f64());
    // More than enough: the plan ends by count, not by time.
    let duration = lasts.saturating_mul(2) + Duration::from_secs(3600);
    let plan = Plan { rate, duration, day: DAY, time_of_day: 0.0, bursts: 0.0, outages: Vec::new(), consent: 1.0 };
    let began = clock::now() - lasts;
    let mut planned = Traffic::new(&items, plan, StdRng::seed_from_u64(1)).take(usize::try_from(clicks)?);
    let mut number = 0_u64;
    loop {
        let mut messages = Vec::with_capacity(AT_ONCE);
        for click in planned.by_ref().take(AT_ONCE) {
            // What the plan's chance puts beyond its end happens now.
            let at = if is_scattered { scattered(number, lasts) } else { click.at };
            let at = (began + at).min(clock::now());
            messages.push(message(&app, number, &click, &items[click.product], at).await?);
            number += 1;
        }
        if messages.is_empty() {
            return Ok(());
        }
        app.hubs().send(HUB, messages).await?;
    }
}

/// The golden ratio spreads consecutive numbers evenly (Weyl's sequence).
fn scattered(number: u64, lasts: Duration) -> Duration {
    lasts.mul_f64((super::ratio(number, 1.0) * 0.618_033_988_749_894_9).fract())
}

async fn message(
    app: &App,
    number: u64,
    planned: &Planned,
    item: &Item,
    at: OffsetDateTime,
) -> Result<(String, HubMessage)> {
    let visitor = VisitorId::try_from(format!("visitor-{}", planned.visitor))?;
    let click = Click {
        product_id: item.id.clone().try_into()?,
        category: Some(item.category.clone().try_into()?),
        session_id: Some(SessionId::try_from(planned.session.to_string())?),
        visitor_id: Some(visitor.clone()),
    };
    let key = String::from(visitor);
    let event = Outgoing {
        id: format!("bench-{number}"),
        source: "/contoso/bench",
        subject: Some(key.clone()),
        time: Some(at),
        extensions: BTreeMap::from([("partitionkey".to_owned(), key.clone())]),
        trace: None,
        schema: &CLICK_RECORDED,
        data: &click,
    };
    Ok((key, app.events().encode(event).await?))
}
