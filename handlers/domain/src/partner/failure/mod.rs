//! Failed deliveries, read from the log `DeliveryFailures` of Azure Monitor: a row of it is one attempt (`delivery`), and what becomes of an
//! event follows from all its attempts (`event`).

mod delivery;
mod event;
#[cfg(test)]
mod tests;

pub use self::{
    delivery::{EventId, FailedDelivery, Fate, will_be_retried},
    event::{Counted, FailedEvent, LOG_DELAY, by_event, is_overdue},
};
