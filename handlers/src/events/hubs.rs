//! The hubs of the shop, by name. `topology.json` makes them; definitions of functions name them again, which a test compares.

/// Changes of products, keyed by product.
pub const PRODUCTS: &str = "products";
/// Clicks, keyed by visitor where one is known.
pub const CLICKS: &str = "clicks";
/// What is sold, keyed by invoice.
pub const SALES: &str = "sales";
/// What is found out about the shop, keyed by what it is about.
pub const ANALYTICS: &str = "analytics";
/// What partners say of products and customers, keyed by what it is about.
pub const FEEDBACK: &str = "feedback";

/// All of them.
pub const ALL: [&str; 5] = [PRODUCTS, CLICKS, SALES, ANALYTICS, FEEDBACK];
