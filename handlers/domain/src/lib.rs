//! Values and decisions of the shop, pure: nothing here waits, reads a clock or the environment, or knows a service's client.
//!
//! Values are valid by construction: a [`product::Product`] that exists can be stored, sent and shown. Decisions take what is known
//! and return what to do; the functions do it.
//!
//! One product's way through the rooms: [`product_body`] reads what staff wrote, [`catalogue`] decides the new version,
//! [`publication`] what the hub must hear ([`product_events`]), [`projection`] what the site shows, [`product_events_json`] how partners
//! read it, [`price_alert`] whether its price fell. A click's: [`click_event`] and [`click_body`] read what sites submit, [`click`] is
//! what the hub hears, [`recently_viewed`] what the visitor sees, [`trends`] what all visitors look at, [`anomaly`] when that is not as usual, [`recommendation`] what else they
//! may like. [`capture`] reads the hub's files, [`lag`] says how late everything is, [`rates`] how fast it flows, [`operations`] what
//! operators see of both, [`dead_letter`] what they see of bad records. [`mismatch`] says what came where something else was wanted, [`sales`] reads partners' sales files, and sums them up. [`partner`] is who subscribes webhooks, to what, and in which state that is, [`feedback`] what partners say of
//! products and customers, [`sentiment`] how that sounds. [`trace_context`] says of which trace an event is, [`bounds`] which schemas a hub's bodies may be read by.
//!
//! A package of its own, so that it can't reach a client even by mistake, and so that it alone is optimised where the rest is built in a
//! hurry.

pub mod anomaly;
pub mod bounds;
pub mod capture;
pub mod catalogue;
pub mod click;
pub mod click_body;
pub mod click_event;
pub mod dead_letter;
pub mod feedback;
pub mod lag;
pub mod mismatch;
pub mod money;
pub mod operations;
pub mod partner;
pub mod preconditions;
pub mod price_alert;
pub mod product;
pub mod product_body;
pub mod product_diff;
pub mod product_events;
pub mod product_events_json;
pub mod projection;
pub mod publication;
pub mod rates;
pub mod recently_viewed;
pub mod recommendation;
pub mod sales;
pub mod sentiment;
pub mod text;
pub mod trace_context;
pub mod trends;
