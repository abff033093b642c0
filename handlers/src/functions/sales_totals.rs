//! `SalesTotals`: daily totals of sales per product and country.
//!
//! Triggered by hub `sales`, consumer group `totals`.
//!
//! Promises: `site/sales` ends at the sum of the invoices that stand in files now, whatever order their events come in. Of an invoice in
//! two files that one counts which was written last, and of two written at once that of the later name; of two versions of one file the
//! later. An invoice that is gone from a file no longer counts by it. Events about files are skipped; an event that breaks a rule of its
//! type is parked alone.
//!
//! A second delivery finds it all noted and entered, and writes nothing: what a file says of an invoice is replaced whole, by the file's
//! revision. What was noted and not yet entered when the process died is entered when the event comes again.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use crate::{
    app::App,
    azure::cosmos::CosmosError,
    domain::sales::{
        events::SalesEvent,
        totals::{DayEntry, Statement},
    },
    events::{Content, hubs},
    function::{Documents, Function, HubEvent, Order, Projection, Trigger},
    outcome::{Cause, Outcome},
    stores::{
        sales::{days, invoices},
        unstored,
    },
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new(
    "SalesTotals",
    Trigger::EventHub {
        hub: hubs::SALES,
        consumer_group: "totals",
        order: Order::Key,
        handle: |app, events| Box::pin(handle(app, events)),
    },
)
.projecting(Projection {
    documents: &[
        Documents { container: invoices::NAME, key: "id", cleared: Documents::ALL },
        Documents { container: days::NAME, key: "day", cleared: Documents::ALL },
    ],
    kept: None,
    there: THERE,
    rest: None,
});

/// Invoices, or documents of days, worked on at a time.
const CONCURRENT: usize = 32;

/// Days added up at a time: all entries of each are in memory meanwhile.
const DAYS: usize = 4;

/// Why an event is skipped that changes nothing.
const THERE: &str = "the totals have it, or newer";

/// What is to be entered, and for which events of the batch.
type Entered = Vec<(Vec<usize>, Vec<DayEntry>)>;

async fn handle(app: App, events: Vec<HubEvent>) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(events.len());
    let mut invoices: BTreeMap<String, (Vec<usize>, Vec<Statement>)> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        outcomes.push(match statement(event) {
            Ok(statement) => {
                let (indices, statements) = invoices.entry(statement.invoice().to_owned()).or_default();
                indices.push(index);
                statements.push(statement);
                Outcome::Done
            }
            Err(outcome) => outcome,
        });
    }
    let app = &app;
    let mut noting = stream::iter(invoices)
        .map(|(invoice, (indices, statements))| async move {
            (indices, app.stores().sales_invoices.note(&invoice, &statements).await)
        })
        .buffer_unordered(CONCURRENT);
    let mut entered = Entered::new();
    while let Some((indices, noted)) = noting.next().await {
        let outcome = match noted {
            Ok((document, is_new)) => {
                // Also what is not new: it may not have been entered.
                entered.push((indices.clone(), document.entries().collect()));
                if is_new { Outcome::Done } else { Outcome::Skip(THERE) }
            }
            Err(error) => failed("note what a file says of an invoice", error),
        };
        indices.into_iter().for_each(|index| outcomes[index] = outcome.clone());
    }
    for (indices, failure) in enter(app, entered).await {
        indices.into_iter().for_each(|index| outcomes[index] = failure.clone());
    }
    outcomes
}

/// What a file says of an invoice, or what becomes of the record instead.
fn statement(HubEvent { event, .. }: &HubEvent) -> Result<Statement, Outcome> {
    match event.content() {
        Ok(Content::Sales(event)) => match *event {
            SalesEvent::Invoice(invoice) => Ok(Statement::of(&invoice)),
            SalesEvent::Withdrawn(withdrawn) => Ok(Statement::withdrawn(&withdrawn)),
            SalesEvent::Received(_) | SalesEvent::Rejected(_) => Err(Outcome::Skip("about a file, not an invoice")),
        },
        Ok(_) => Err(Outcome::Skip("not about sales")),
        Err(error) => Err(Outcome::Park(Cause::from_error("read the sale", error))),
    }
}

/// Enters what invoices add to their days, and adds those days up. Returns what failed, and for which events.
async fn enter(app: &App, entered: Entered) -> Vec<(Vec<usize>, Outcome)> {
    let mut shards: BTreeMap<(String, String), (Vec<usize>, Vec<DayEntry>)> = BTreeMap::new();
    for (indices, entries) in entered {
        for entry in entries {
            let (of_shard, entries) = shards.entry((entry.day.clone(), entry.shard())).or_default();
            of_shard.extend(&indices);
            entries.push(entry);
        }
    }
    let mut entering = stream::iter(shards)
        .map(|((day, shard), (indices, entries))| async move {
            let ended = app.stores().sales_days.enter(&day, &shard, &entries).await;
            (day, indices, ended)
        })
        .buffer_unordered(CONCURRENT);
    let mut days: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut failures = Vec::new();
    while let Some((day, indices, ended)) = entering.next().await {
        match ended {
            Ok(()) => days.entry(day).or_default().extend(indices),
            Err(error) => failures.push((indices, failed("enter invoices in the day", error))),
        }
    }
    let mut adding_up = stream::iter(days)
        .map(|(day, indices)| async move { (indices, app.stores().sales_days.add_up(&day).await) })
        .buffer_unordered(DAYS);
    while let Some((indices, ended)) = adding_up.next().await {
        if let Err(error) = ended {
            failures.push((indices, failed("add up the day", error)));
        }
    }
    failures
}

fn failed(operation: &'static str, error: CosmosError) -> Outcome {
    if error.is_lost_race() {
        return Outcome::Retry(Cause::from_error("write sales beside other writers", error));
    }
    unstored(operation, error)
}
