//! One file per function, each in the same order: what triggers it, what it promises, what a second delivery does; its entry
//! in the registry; its handler; the work on one record; tests.

pub mod anomalies;
pub mod capture_batch;
pub mod collect_clicks;
pub mod collect_feedback;
pub mod dead_letter_replays;
pub mod erase_visitor;
pub mod feedback_projection;
pub mod heartbeat;
pub mod ops_api;
pub mod partner_health;
pub mod partner_notifications;
pub mod partner_redelivery;
pub mod partners;
pub mod price_alerts;
pub mod product_changes;
pub mod product_projection;
pub mod products;
pub mod recently_viewed;
pub mod recommendations;
pub mod sales_file_received;
pub mod sales_file_slices;
pub mod sales_totals;
pub mod site_api;
pub mod trend_rollup;
pub mod trends;
