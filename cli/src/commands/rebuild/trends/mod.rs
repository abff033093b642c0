//! `analytics/windows`, counted again from the log of each partition.
//!
//! The live function goes on meanwhile. How one window takes the place of another beside it: `domain/trends/remade.rs`.

mod log;
mod spool;
mod store;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use anyhow::Context;
use contoso_handlers::{
    app::App,
    domain::trends::{
        minute::Minute,
        remade::{Remade, is_over},
        window::{SequencedClick, WindowId},
    },
    settings::EventHubsSettings,
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use self::{
    log::Log,
    store::{Attempt, Findings, Store},
};
use super::{captured::Captured, tally::Tally};
use crate::{clock, hub::Hub, output};

const HUB: &str = "clicks";
const CONSUMER_GROUP: &str = "trends";

pub(super) const REPLACED: &str = "windows replaced";
pub(super) const SAME: &str = "as they should be";
pub(super) const LEFT: &str = "left alone, for not all their clicks are known";
const GAPS: &str = "gaps in the log";

/// Windows worked on at a time.
const AT_ONCE: usize = 32;
/// The windows of the present minute may need some attempts, but not for longer than the minute lasts, and its batches after it.
const PATIENCE: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(100);

/// Counts every window again of which all clicks are known.
pub(super) async fn rebuild(app: &App, namespace: &EventHubsSettings, tally: &mut Tally) -> anyhow::Result<()> {
    let hub = Hub::open(namespace, HUB).await?;
    let captured = Captured::list(app, HUB).await?;
    let bar = output::bar("bytes", captured.bytes());
    let partitions = hub.partitions().await?;
    for partition in &partitions {
        let Some(mut log) = Log::read(app, &hub, partition, &captured, &bar, tally).await? else { continue };
        for hour in log.hours() {
            rebuild_hour(app, &mut log, partition, hour, tally).await?;
        }
    }
    bar.finish_and_clear();
    look_for_strangers(app, &partitions, tally).await;
    Ok(())
}

/// Names the documents among the windows that are of no partition of the hub. They count in their minutes, and nothing makes them again.
async fn look_for_strangers(app: &App, partitions: &[String], tally: &mut Tally) {
    let ours: Vec<String> = partitions.iter().map(|partition| format!("STARTSWITH(c.id, '{partition}|')")).collect();
    let sql = format!("SELECT VALUE c.id FROM c WHERE NOT ({})", ours.join(" OR "));
    match app.stores().windows.container().query::<String>(&sql).await {
        Ok(ids) => ids
            .iter()
            .for_each(|id| tally.leave_out(id, "it is of no partition of the hub; delete it if it is not wanted")),
        Err(error) => output::say(&format!("windows of other partitions could not be looked for: {error}")),
    }
}

/// Counts the windows of one hour of a partition again.
async fn rebuild_hour(
    app: &App,
    log: &mut Log<'_>,
    partition: &str,
    hour: i64,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let now = app.now();
    let id = |click: &SequencedClick| WindowId { partition: partition.to_owned(), minute: Minute::of(click.at) };
    let mut windows: BTreeMap<WindowId, Remade> = BTreeMap::new();
    let mut place = 0;
    log.clicks(hour, &mut place, |click| {
        let id = id(&click);
        let remade = windows.entry(id.clone()).or_insert_with(|| Remade::new(id));
        remade.add(click, now).context("cannot count a click")
    })?;
    windows.retain(|id, _| !is_over(id.minute, now));
    let all = windows.len();
    windows.retain(|id, _| log.holds(id.minute));
    tally.add(LEFT, (all - windows.len()) as u64);

    let store = Store::new(app);
    let mut findings: HashMap<WindowId, Findings> = HashMap::new();
    let until = Instant::now() + PATIENCE;
    while !windows.is_empty() {
        let end = log.end();
        let attempts: Vec<(WindowId, Attempt)> = stream::iter(&windows)
            .map(|(id, remade)| {
                let attempt = store.attempt(id, remade, end, findings.get(id));
                async move { anyhow::Ok((id.clone(), attempt.await?)) }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut ahead = Vec::new();
        for (id, attempt) in attempts {
            match attempt {
                Attempt::Same => tally.add(SAME, 1),
                Attempt::Replaced(wrong) => {
                    tally.add(REPLACED, 1);
                    if let Some(wrong) = wrong {
                        tally.mend(&format!("the window {id}"), &wrong);
                    }
                }
                Attempt::Refused(cause) => tally.leave_out(&format!("the window {id}"), &cause),
                Attempt::Ahead(mark) => {
                    ahead.push((id, mark));
                    continue;
                }
                Attempt::Raced => {
                    findings.entry(id).or_default().is_raced = true;
                    continue;
                }
            }
            windows.remove(&id);
        }
        if windows.is_empty() {
            break;
        }
        if Instant::now() > until {
            for id in windows.keys() {
                tally.leave_out(&format!("the window {id}"), "it is written all the time; run the command again");
            }
            break;
        }
        clock::until_next_look(PAUSE).await;
        log.read_on(ahead.iter().map(|(_, mark)| *mark).max().unwrap_or(end), tally).await?;
        // An event is in the hub before it counts. So what the hub did not have after the window was read, no writer has counted.
        for (id, mark) in ahead.into_iter().filter(|(_, mark)| *mark > log.hub_end()) {
            findings.entry(id).or_default().impossible.insert(mark);
        }
        // Windows that begin only now are the live function's; those that are done would be made of these clicks alone.
        log.clicks(hour, &mut place, |click| match windows.get_mut(&id(&click)) {
            Some(remade) => remade.add(click, now).context("cannot count a click"),
            None => Ok(()),
        })?;
    }
    Ok(())
}
