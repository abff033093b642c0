//! Database `feedback`: what is known of each item of feedback, at the door and behind the hub.

pub mod items;
pub mod receipts;

use crate::azure::cosmos::Cosmos;

/// What is stored of feedback.
pub struct Feedback {
    /// Items and their totals, by product or customer.
    pub items: items::Items,
    /// What was taken of each partner.
    pub receipts: receipts::Receipts,
}

impl Feedback {
    pub(super) fn new(cosmos: &Cosmos) -> Self {
        Self { items: items::Items::new(cosmos), receipts: receipts::Receipts::new(cosmos) }
    }
}
