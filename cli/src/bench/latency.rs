//! End-to-end latency: from the moment a change is sent to the moment the site's document and the partner's webhook have it.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use contoso_json::Plain;
use rand::Rng;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    Plan,
    process::memory,
    report::{Report, histogram, mebibytes, micros},
    shop::{HUB, Shop},
    throughput::{amount, id, price},
    webhook::agree,
};
use crate::{
    clock,
    identity::{self, SignedIn},
    subscription,
};

/// One in so many changes is watched on the site; every change is watched at the webhook.
const WATCHED: u32 = 4;
/// Pause between two looks at a watched document: the error of the figure.
const LOOK: Duration = Duration::from_millis(2);
/// A change that did not arrive by then was overtaken by a newer one of the same product, or is lost.
const GRACE: Duration = Duration::from_secs(15);
/// Time without a change before idle memory is read.
const IDLE: Duration = Duration::from_secs(3);

/// When changes were sent and when the webhook had them, by (product, amount).
#[derive(Clone, Default)]
struct Board {
    sent: Arc<Mutex<HashMap<(String, String), Instant>>>,
    latencies: Arc<Mutex<Vec<Duration>>>,
}

pub(super) async fn measure(shop: &Shop, plan: &Plan, report: &mut Report) -> Result<()> {
    let app = shop.package("whole", &[])?;
    shop.run(&app).await?;
    let board = Board::default();
    let webhook = serve_webhook(board.clone()).await?;
    let deployment = SignedIn::new(shop.stack.endpoints(), identity::DEPLOYMENT)?;
    subscription::subscribe(&deployment, &shop.stack.endpoints().event_grid, &webhook).await?;
    let events = shop.events(HUB)?;
    shop.reach("published events", events, |shop| shop.handled(HUB, "partners")).await?;
    // A new handler, so that idle memory is not what the backlog of the partners left behind.
    let pid = shop.run(&app).await?;
    // One change opens every connection, as traffic does before it is measured.
    shop.products().patch(&id(0), &json!({"price": price(999)})).await?;
    shop.reach("the first change", events + 1, |shop| shop.handled(HUB, "site")).await?;
    clock::measured(IDLE).await;
    report.add("handler memory, idle", mebibytes(memory(pid)?.now));

    let (sent, site) = drive(shop, plan, &board).await?;
    let webhook = std::mem::take(&mut *lock(&board.latencies));
    let overtaken = lock(&board.sent).len();

    let mut histograms = (histogram()?, histogram()?);
    for latency in &site {
        histograms.0.record(micros(*latency))?;
    }
    for latency in &webhook {
        histograms.1.record(micros(*latency))?;
    }
    let name = |reader| format!("change → {reader}, {} changes/s, {} products", plan.rate, plan.products);
    report.add_latency(&name("projection"), &histograms.0);
    report.add_latency(&name("webhook"), &histograms.1);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let share = overtaken as f64 / f64::from(sent) * 100.0;
    report.add("collapsed into a newer change", format!("{overtaken} of {sent} ({share:.2} %)"));
    report.add("handler memory, busy", format!("peak {}", mebibytes(memory(pid)?.peak)));
    Ok(())
}

/// Sends changes at a steady rate, whatever the answers take, and watches some of them on the site. Returns how many
/// were sent, and the site's latencies.
async fn drive(shop: &Shop, plan: &Plan, board: &Board) -> Result<(u32, Vec<Duration>)> {
    let changes = u32::try_from(plan.duration.as_millis() * u128::from(plan.rate) / 1000).unwrap_or(u32::MAX);
    let (watch, watched) = tokio::sync::mpsc::unbounded_channel();
    let (sent, latencies) = tokio::join!(send(shop, plan, board, changes, watch), look(shop, watched));
    sent?;
    // What the webhook has not got by now has the same grace as what the site has not shown.
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && !lock(&board.sent).is_empty() {
        clock::until_next_look(LOOK).await;
    }
    Ok((changes, latencies?))
}

/// A change whose arrival on the site is watched.
struct Watched {
    id: String,
    amount: String,
    began: Instant,
}

async fn send(
    shop: &Shop,
    plan: &Plan,
    board: &Board,
    changes: u32,
    watch: tokio::sync::mpsc::UnboundedSender<Watched>,
) -> Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / plan.rate);
    let mut answers = JoinSet::new();
    for number in 0..changes {
        ticks.tick().await;
        let id = id(rand::rng().random_range(0..plan.products));
        let minor_units = 1_000_000 + u64::from(number);
        let change = json!({"price": price(minor_units)});
        let began = Instant::now();
        lock(&board.sent).insert((id.clone(), amount(minor_units)), began);
        if number % WATCHED == 0 {
            watch.send(Watched { id: id.clone(), amount: amount(minor_units), began })?;
        }
        let door = shop.products();
        answers.spawn(async move { door.patch(&id, &change).await });
    }
    while let Some(answer) = answers.join_next().await {
        answer??;
    }
    Ok(())
}

/// Looks at every watched document until it shows its change, or a newer one has overtaken it.
async fn look(shop: &Shop, mut news: tokio::sync::mpsc::UnboundedReceiver<Watched>) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let mut open: Vec<Watched> = Vec::new();
    loop {
        if open.is_empty() {
            match news.recv().await {
                Some(watched) => open.push(watched),
                None => return Ok(latencies),
            }
        }
        while let Ok(watched) = news.try_recv() {
            open.push(watched);
        }
        let mut still = Vec::with_capacity(open.len());
        for watched in open {
            let document = shop.document("products", &watched.id).await?;
            if document.is_some_and(|document| document["product"]["price"]["amount"] == watched.amount.as_str()) {
                latencies.push(watched.began.elapsed());
            } else if watched.began.elapsed() < GRACE {
                still.push(watched);
            }
        }
        open = still;
        clock::until_next_look(LOOK).await;
    }
}

/// A partner's webhook: agrees to the handshake and notes when each change arrived.
async fn serve_webhook(board: Board) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/", post(receive).options(agree)).with_state(board);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(format!("http://{address}/"))
}

async fn receive(State(board): State<Board>, Json(Plain(body)): Json<Plain>) -> StatusCode {
    let arrived = Instant::now();
    let events = match body {
        Value::Array(events) => events,
        event => vec![event],
    };
    for event in events {
        let text = |pointer| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let change = (text("/subject"), text("/data/state/price/amount"));
        if let Some(began) = lock(&board.sent).remove(&change) {
            lock(&board.latencies).push(arrived - began);
        }
    }
    StatusCode::OK
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
