//! The packaged app on the local stack, driven as a user drives it: the built `contoso` as a child process, real
//! protocols, random ports, several stacks side by side.

mod bad_records;
mod command_line;
mod official_clients;
mod product_flow;
mod redelivery;
mod refusals;
mod support;
mod survival;
