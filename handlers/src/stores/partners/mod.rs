//! Database `partners`: who partners are, what they subscribed to, and what they did. Every container's partition is the partner, so that
//! no read of one partner can meet a document of another.

pub mod accounts;
pub mod audit;
pub mod ending;
pub mod issue;
pub mod listeners;
mod newest;
pub mod notices;
pub mod redeliveries;
pub mod requests;
pub mod room;
pub mod subscriptions;

use crate::azure::cosmos::Cosmos;

/// What is stored of partners.
pub struct Partners {
    /// Accounts and their keys.
    pub accounts: accounts::Accounts,
    /// Who did what.
    pub audit: audit::Audit,
    /// Queues of partners' own machines.
    pub listeners: listeners::Listeners,
    /// What partners were told about their endpoints.
    pub notices: notices::Notices,
    /// Jobs that deliver again.
    pub redeliveries: redeliveries::Redeliveries,
    /// Answers to requests that may come again.
    pub requests: requests::Requests,
    /// Webhooks.
    pub subscriptions: subscriptions::Subscriptions,
}

impl Partners {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self {
            accounts: accounts::Accounts::new(cosmos),
            audit: audit::Audit::new(cosmos),
            listeners: listeners::Listeners::new(cosmos),
            notices: notices::Notices::new(cosmos),
            redeliveries: redeliveries::Redeliveries::new(cosmos),
            requests: requests::Requests::new(cosmos),
            subscriptions: subscriptions::Subscriptions::new(cosmos),
        }
    }
}
