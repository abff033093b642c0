//! The list of functions: the only code that names them all. Nothing but `main`, tests and the command imports it.

use crate::{
    function::Function,
    functions::{
        anomalies, capture_batch, collect_clicks, collect_feedback, dead_letter_replays, erase_visitor,
        feedback_projection, heartbeat, ops_api, partner_health, partner_notifications, partner_redelivery, partners,
        price_alerts, product_changes, product_projection, products, recently_viewed, recommendations,
        sales_file_received, sales_file_slices, sales_totals, site_api, trend_rollup, trends,
    },
};

/// Every function of this binary. What an app serves of it is decided by what is staged with it.
pub fn functions() -> Vec<Function> {
    vec![
        products::FUNCTION,
        product_changes::FUNCTION,
        product_projection::FUNCTION,
        partner_notifications::FUNCTION,
        partner_redelivery::FUNCTION,
        partners::FUNCTION,
        partner_health::FUNCTION,
        price_alerts::FUNCTION,
        capture_batch::FUNCTION,
        anomalies::FUNCTION,
        recommendations::FUNCTION,
        heartbeat::FUNCTION,
        collect_clicks::FUNCTION,
        recently_viewed::FUNCTION,
        dead_letter_replays::FUNCTION,
        erase_visitor::FUNCTION,
        site_api::FUNCTION,
        ops_api::FUNCTION,
        trends::FUNCTION,
        trend_rollup::FUNCTION,
        collect_feedback::FUNCTION,
        feedback_projection::FUNCTION,
        sales_file_received::FUNCTION,
        sales_file_slices::FUNCTION,
        sales_totals::FUNCTION,
    ]
}
