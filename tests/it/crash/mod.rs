//! Stack and handler are killed at random moments under load: what was acknowledged is where it was.
//!
//! Products change through the app ([`products`]), and official AMQP clients in a process of their own send to the same
//! hub and read it, over TLS ([`clients`]). What a killed stack leaves is read from a copy ([`log`]).
//!
//! The short form runs with all tests. The long form is `CONTOSO_CRASH_ROUNDS=200 ./contoso test crash`; a run is
//! repeated with the seed that it prints.

mod clients;
mod log;
mod products;

use std::time::Duration;

use contoso_local::storage::Sync;

use self::{
    clients::{Clients, Told},
    log::Log,
    products::{Load, Written, changes},
};
use crate::{
    power_cut::{
        load,
        recorder::{self, record},
    },
    support::{
        Shop, machine,
        seed::{self, Random},
    },
};

const WRITERS: usize = 2;
/// The most changes of products that are acknowledged between two kills, and the most batches of AMQP clients.
const CHANGES: usize = 60;
const BATCHES: usize = 150;
/// The longest time from the last of them to the kill, and from a start to a kill in its midst.
const LATER: Duration = Duration::from_millis(300);
const START: Duration = Duration::from_millis(1500);

fn rounds() -> usize {
    machine::setting("CONTOSO_CRASH_ROUNDS").unwrap_or(3)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_at_random_moments_lose_nothing_acknowledged() {
    let mut random = seed::random("CONTOSO_CRASH_SEED");
    let mut shop = Shop::empty().await;
    let mut log = Log::default();
    let written: Vec<Written> = (0..WRITERS).map(|_| Written::default()).collect();
    // What clients of this and of earlier rounds were told since the log was last looked at.
    let mut told: Vec<Told> = Vec::new();
    let (mut batches, mut seen) = (0, 0);
    let mut look = |told: Told, log: &Log, new_from: &[usize]| {
        let (more_batches, more_seen) = told.counts();
        batches += more_batches;
        seen += more_seen;
        told.holds_in(log, new_from);
    };
    for round in 1..=rounds() {
        let load = Load::start(&shop, &written);
        let clients = Clients::start(&shop, round);
        changes(&written, random.below(CHANGES) as u64).await;
        clients.come_to(random.below(BATCHES), 0).await;
        machine::time_passes(upto(LATER, &mut random)).await;
        match random.below(3) {
            0 => {
                shop.kill_handler().await;
                load.stop().await;
                told.push(clients.kill());
            }
            _ => {
                let crashed = shop.crash();
                load.stop().await;
                told.push(clients.kill());
                let new_from = log.grew_into(Log::of(crashed.data_dir()).await, round);
                told.drain(..).for_each(|told| look(told, &log, &new_from));
                if random.below(4) == 0 {
                    crashed.restart_and_kill_within(upto(START, &mut random)).await;
                }
                shop = crashed.restart().await;
            }
        }
        shop.holds(&written).await;
        println!("round {round}: {} events on the hub", log.len());
    }
    shop.comes_right(&written).await;
    let clients = Clients::start(&shop, rounds() + 1);
    clients.come_to(1, 1).await;
    told.push(clients.kill());
    shop.looks_for_dead_letters().await;
    let new_from = log.grew_into(Log::of(shop.crash().data_dir()).await, rounds() + 1);
    told.drain(..).for_each(|told| look(told, &log, &new_from));
    println!("AMQP clients were told of {batches} batches and saw {seen} events");
}

/// The services under direct load at full speed, without the app between: events, documents, blobs, messages, schemas,
/// publications of Event Grid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_stack_keeps_what_each_service_acknowledged() {
    let mut random = seed::random("CONTOSO_CRASH_SEED");
    for round in 1..=rounds() {
        let sync = if random.below(2) == 0 { Sync::Process } else { Sync::Always };
        let recording = record(sync, 20 + random.below(400)).await;
        let lost = load::missing(&recording.directory().join(recorder::STACK), &recording.acknowledged()).await;
        assert_eq!(lost, Vec::<String>::new(), "round {round}, {sync:?}");
    }
}

fn upto(time: Duration, random: &mut Random) -> Duration {
    Duration::from_millis(random.below(usize::try_from(time.as_millis()).expect("short") + 1) as u64)
}
