//! Parked records, given once more to the function that parked them: the same way as when they came, record by record.

use tokio::sync::Mutex;

use super::{
    cosmos_db, event_grid, event_hub,
    summary::{Called, Summary},
};
use crate::{
    app::App,
    dead_letters::stored::Opened,
    domain::dead_letter::{LetterId, batch::Replayed},
    function::{Function, Order, Trigger},
    outcome::Outcome,
};

/// Who gives parked records to these functions.
pub(super) struct Replayer {
    functions: Vec<Function>,
    /// Held where the order of the partition counts: side by side, records would race for the same documents.
    in_order: Mutex<()>,
}

impl Replayer {
    pub(super) fn of(functions: &[Function]) -> Self {
        Self { functions: functions.to_vec(), in_order: Mutex::default() }
    }

    /// Gives the record of a letter to the function that parked it. A record that is bad still has been parked again after it.
    pub(super) async fn replay(&self, app: &App, id: &LetterId, opened: &Opened) -> Replayed {
        let Some(function) = self.functions.iter().find(|function| function.name == id.owner()) else {
            return Replayed::Refused("this app does not serve the function".to_owned());
        };
        let is_in_order = matches!(function.trigger, Trigger::EventHub { order: Order::Partition, .. });
        let _turn = if is_in_order { Some(self.in_order.lock().await) } else { None };
        replay(app, function, id, opened).await
    }
}

async fn replay(app: &App, function: &Function, id: &LetterId, opened: &Opened) -> Replayed {
    let called = Called { function: function.name, trigger: function.trigger.kind() };
    let summary = Summary::start(app.telemetry(), called, None);
    let name = function.name;
    let run = match function.trigger {
        Trigger::EventHub { hub, consumer_group, order, handle } => {
            let subscription = event_hub::Subscription { function: name, hub, consumer_group, order };
            event_hub::replay(app, &subscription, handle, &summary, opened).await
        }
        Trigger::CosmosDb { handle } if id.origin() == cosmos_db::ORIGIN => {
            cosmos_db::replay(app, name, handle, &summary, opened).await
        }
        Trigger::EventGrid { handle } if id.origin() == event_grid::ORIGIN => {
            event_grid::replay(app, name, handle, &summary, opened).await
        }
        _ => None,
    };
    let Some((outcome, report)) = run else {
        let reason = "the record was found inside of what the function was given, so it cannot be given to it alone";
        return Replayed::Refused(reason.to_owned());
    };
    // Its line in the log is that of an invocation with one record.
    drop(summary.finish(1, &report, None));
    match outcome {
        Outcome::Done => Replayed::Done,
        Outcome::Skip(reason) => Replayed::Skipped(reason.to_owned()),
        Outcome::Park(cause) => Replayed::Parked(cause.chain()),
        Outcome::Retry(cause) => Replayed::Again(cause.chain()),
    }
}
