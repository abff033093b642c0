//! The `contoso` command line: runs, packages, drives and watches Contoso Events.
//!
//! One file per command in [`commands`]. What they share: [`project`] is the checkout, [`package`] stages the app,
//! [`data_dir`] and [`endpoints`] are what a running stack leaves for others to find, [`catalogue`] and [`seed`] fill the
//! shop, [`products`] is its client, [`catalogue_writer`] does without the app, for which [`local_settings`] lead another host to the stack, `hub` receives, [`pages`] and [`subscription`] are the demo partner, [`schemas`] stores the versions of contracts and registers them, [`contracts`] tells people and other programs of them,
//! [`traces`] is what the app told of itself.
//! [`clickstream`] reads the log of a real shop, on which [`evaluate`] measures our predictions. [`mod@bench`] measures the flow;
//! `private` keeps others out of what is stored; [`backtraces`] keeps its figures, and the stack, free of work for nobody.
//! [`renewed`] knows whether the executable is older than its sources.

pub mod app_settings;
pub mod backtraces;
pub mod bench;
pub mod bicep;
pub mod catalogue;
pub mod catalogue_writer;
pub mod clickstream;
pub mod clock;
pub mod commands;
pub mod contracts;
pub mod data_dir;
pub mod endpoints;
mod environment;
pub mod evaluate;
pub mod failure;
mod hub;
pub mod identity;
pub mod local_settings;
pub mod output;
pub mod package;
pub mod pages;
mod private;
pub mod products;
pub mod project;
pub mod renewed;
pub mod schemas;
pub mod seed;
pub mod signals;
pub mod subscription;
pub mod traces;
pub mod traffic;
pub mod units;
