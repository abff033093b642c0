//! End-to-end latency of clicks: from the moment a click is sent to the moment the visitor's list shows it, while many click.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use super::{
    super::{
        process::memory,
        report::{Report, histogram, mebibytes, micros},
        shop::Shop,
    },
    HUB, Plan, READERS, feed,
};
use crate::{
    clock,
    traffic::{self, Traffic},
};

/// One in so many clicks is watched.
const WATCHED: usize = 50;
/// Clicks on their way at once. Beyond that they wait here, which counts: a port of the stack has places for a few hundred connections, and
/// lets silent ones go for new ones.
const IN_FLIGHT: usize = 128;
/// Pause between two looks at the watched lists: the error of the figure.
const LOOK: Duration = Duration::from_millis(2);
/// A click that is not shown by then is lost.
const GRACE: Duration = Duration::from_secs(30);

struct Watched {
    visitor: String,
    product: String,
    began: Instant,
}

pub(super) async fn measure(shop: &Shop, plan: &Plan, duration: Duration, report: &mut Report) -> Result<()> {
    let before = shop.events(HUB)?;
    let pid = shop.run(&shop.package("clicks", &["CollectClicks", "RecentlyViewed", "Trends", "TrendRollup"])?).await?;
    let began = Instant::now();
    let (watch, watched) = mpsc::unbounded_channel();
    let (sent, shown) = tokio::join!(send(shop, plan, duration, watch), look(shop, watched));
    let (sent, (latencies, lost)) = (sent?, shown?);
    let clicks = before + i64::try_from(sent)?;
    for reader in READERS {
        shop.reach("handled clicks", clicks, |shop| shop.handled(HUB, reader.group)).await?;
    }
    let mut shown = histogram()?;
    for latency in &latencies {
        shown.record(micros(*latency))?;
    }
    report.add_latency(&format!("click → recently viewed, {} clicks/s", plan.rate), &shown);
    report.add(
        "POST /api/clicks → both readers",
        format!(
            "{:.0} clicks/s, {lost} not shown in {} s",
            super::ratio(sent, began.elapsed().as_secs_f64()),
            GRACE.as_secs()
        ),
    );
    report.add("handler memory, all functions of clicks", format!("peak {}", mebibytes(memory(pid)?.peak)));
    Ok(())
}

/// Sends clicks when they are due, whatever the answers take; says how many.
async fn send(shop: &Shop, plan: &Plan, duration: Duration, watch: mpsc::UnboundedSender<Watched>) -> Result<u64> {
    let items = feed::items(plan.products);
    let traffic = traffic::Plan {
        rate: f64::from(plan.rate),
        duration,
        // Without a season: the rate is the same from beginning to end.
        day: Duration::from_secs(24 * 3600),
        time_of_day: 14.0 / 24.0,
        bursts: 0.0,
        outages: Vec::new(),
        consent: 1.0,
    };
    let url = format!("{}/api/clicks", shop.stack.endpoints().functions);
    let began = Instant::now();
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut answers = JoinSet::new();
    let mut sent = 0;
    for (number, planned) in Traffic::new(&items, traffic, StdRng::seed_from_u64(2)).enumerate() {
        tokio::time::sleep_until((began + planned.at).into()).await;
        let item = &items[planned.product];
        // A visitor of each watched click's own: nobody else changes that list.
        let is_watched = number % WATCHED == 0;
        let visitor = if is_watched { format!("watched-{number}") } else { format!("visitor-{}", planned.visitor) };
        let click = json!({ "id": format!("latency-{number:08}"), "productId": item.id, "category": item.category,
            "visitorId": visitor, "sessionId": planned.session.to_string(), "consent": true });
        if is_watched {
            watch.send(Watched { visitor, product: item.id.clone(), began: Instant::now() })?;
        }
        let request = shop.http.post(&url).json(&click);
        let in_flight = Arc::clone(&in_flight);
        answers.spawn(async move {
            let _place = in_flight.acquire_owned().await?;
            anyhow::Ok(request.send().await.and_then(reqwest::Response::error_for_status).map(drop)?)
        });
        while let Some(answer) = answers.try_join_next() {
            answer??;
        }
        sent += 1;
    }
    while let Some(answer) = answers.join_next().await {
        answer??;
    }
    Ok(sent)
}

/// Looks at every watched list until it shows its click. Returns latencies, and how many were never shown.
async fn look(shop: &Shop, mut news: mpsc::UnboundedReceiver<Watched>) -> Result<(Vec<Duration>, usize)> {
    let (mut latencies, mut lost, mut open) = (Vec::new(), 0, Vec::<Watched>::new());
    loop {
        if open.is_empty() {
            match news.recv().await {
                Some(watched) => open.push(watched),
                None => return Ok((latencies, lost)),
            }
        }
        while let Ok(watched) = news.try_recv() {
            open.push(watched);
        }
        let mut still = Vec::with_capacity(open.len());
        for watched in open {
            let list = shop.document("visitors", &watched.visitor).await?;
            if list.is_some_and(|list| list["items"][0]["productId"] == watched.product.as_str()) {
                latencies.push(watched.began.elapsed());
            } else if watched.began.elapsed() < GRACE {
                still.push(watched);
            } else {
                lost += 1;
            }
        }
        open = still;
        clock::until_next_look(LOOK).await;
    }
}
