//! The packaged app on the local stack, driven as a user drives it: the built `contoso` as a child process, real
//! protocols, random ports, several stacks side by side.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "helpers outside of test functions are tests too")]

mod anomalies;
mod background;
mod bad_records;
mod bicep_command;
mod bounds;
mod checkov;
mod clicks;
mod command_line;
mod contracts;
mod cosmos_clients;
mod crash;
mod dead_letters;
mod deployment;
mod feedback;
mod full_disk;
mod harness;
mod identity;
mod javascript_clients;
mod levers;
mod official_clients;
mod openapi;
mod otlp_receiver;
mod pages;
mod partner_failures;
mod partner_filters;
mod partner_health;
mod partner_receivers;
mod partner_redelivery;
mod partners;
mod partners_command;
mod partners_listen;
mod partners_page;
mod power_cut;
mod price_alerts;
mod product_flow;
mod python_suites;
mod rebuild;
mod recommendations;
mod redelivery;
mod refusals;
mod replay;
mod roles;
mod rooms;
mod sales;
mod services_only;
mod settings;
mod small_app;
mod support;
mod survival;
mod telemetry;
mod trends;
mod unread_bodies;
