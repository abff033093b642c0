//! Partners: the outside users of the shop, who subscribe webhooks to product changes by themselves.
//!
//! A partner and its subscriptions have names ([`PartnerName`], [`SubscriptionName`]); whom an event on the partner topic is for is its
//! [`Audience`]. [`settings`] is what a partner asks for: an [`endpoint`] at an [`address`] of the public Internet, a [`selection`] of
//! events by their [`match_fields`]. [`subscription`] is the stored document and its states, [`webhook_secret`] the header by which an
//! endpoint knows that a delivery is ours, [`event_subscription`] what Event Grid is told of it all, a [`failure`] what is heard of a delivery, its
//! [`health`] what follows from that, [`redelivery`] what sends events once more, a [`listener`] what gets them on a partner's own machine. A
//! partner is known by an [`api_key`]; its requests may come again ([`idempotency`]).

pub mod address;
pub mod api_key;
pub mod endpoint;
pub mod event_subscription;
pub mod failure;
pub mod health;
pub mod idempotency;
pub mod listener;
pub mod match_fields;
mod name;
pub mod percent;
pub mod redelivery;
pub mod selection;
pub mod settings;
pub mod subscription;
pub mod webhook_secret;

pub use self::name::{Audience, ListenerId, NameError, NoListenerId, PartnerName, SubscriptionName, event_grid_name};

/// Type of the first event that a subscription gets: so its owner sees who subscribed the endpoint, and that deliveries arrive.
pub const WELCOME: &str = "com.contoso.partner.welcome.v1";
/// Type of an event that a partner sends itself to try a subscription.
pub const TEST: &str = "com.contoso.partner.test.v1";
/// Ids of all that a partner sends itself are this and a UUID.
pub const TEST_ID: &str = "test-";
/// Types of what a partner is told about a subscription of its own: nothing reaches its endpoint, …
pub const FAILING: &str = "com.contoso.partner.subscription-failing.v1";
/// … it was paused for that, …
pub const PAUSED: &str = "com.contoso.partner.subscription-paused.v1";
/// … something reached it again.
pub const RECOVERED: &str = "com.contoso.partner.subscription-recovered.v1";
/// `source` of all of them.
pub const SOURCE: &str = "/contoso/partners";
