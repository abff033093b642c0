//! Registry of the connections and links that are open, and the levers that tests have set for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc::UnboundedSender;

use super::{
    access::Entity,
    amqp::condition::Refusal,
    engine::Mail,
    levers::{Answer, Delay, LeverState, LinkState, PlannedAnswer, Scope},
};

/// Clones share it.
#[derive(Clone, Default)]
pub(super) struct Switchboard {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    tables: Mutex<Tables>,
    /// Whether any lever is set, so that an unset one costs a connection next to nothing.
    armed: AtomicBool,
}

#[derive(Default)]
struct Tables {
    next_id: u64,
    connections: BTreeMap<u64, UnboundedSender<Mail>>,
    links: BTreeMap<u64, Line>,
    deliveries: Vec<Delay>,
    dispositions: Vec<Delay>,
    answers: Vec<PlannedAnswer>,
}

struct Line {
    connection: u64,
    entity: Entity,
}

/// Notes a connection for as long as it lives.
pub(super) struct Connected {
    id: u64,
    switchboard: Switchboard,
}

/// Notes a link for as long as it is attached.
pub(super) struct Listed {
    id: u64,
    pub(super) entity: Entity,
    switchboard: Switchboard,
}

impl Switchboard {
    pub(super) fn connect(&self, mailbox: UnboundedSender<Mail>) -> Connected {
        let mut tables = self.lock();
        let id = tables.id();
        tables.connections.insert(id, mailbox);
        Connected { id, switchboard: self.clone() }
    }

    /// How long deliveries of a link are held back.
    pub(super) fn delivery_delay(&self, entity: &Entity) -> Option<Duration> {
        self.when_armed(|tables| delay(&tables.deliveries, entity))
    }

    /// How long the answers to what comes in on a link are held back.
    pub(super) fn disposition_delay(&self, entity: &Entity) -> Option<Duration> {
        self.when_armed(|tables| delay(&tables.dispositions, entity))
    }

    /// What a send to a partition is answered instead of being stored, if anything; counts it.
    pub(super) fn take_answer(&self, hub: &str, partition: &str) -> Option<Answer> {
        self.when_armed(|tables| {
            let index = tables.answers.iter().position(|planned| planned.scope.covers(hub, Some(partition)))?;
            let planned = &mut tables.answers[index];
            planned.left -= 1;
            let answer = planned.answer.clone();
            if planned.left == 0 {
                tables.answers.remove(index);
            }
            Some(answer)
        })
    }

    pub(super) fn plan_answer(&self, planned: PlannedAnswer) {
        self.set(|tables| tables.answers.push(planned));
    }

    pub(super) fn delay_deliveries(&self, delay: Delay) {
        self.set(|tables| replace(&mut tables.deliveries, delay));
    }

    pub(super) fn delay_dispositions(&self, delay: Delay) {
        self.set(|tables| replace(&mut tables.dispositions, delay));
    }

    pub(super) fn clear_delays(&self) {
        self.set(|tables| {
            tables.deliveries.clear();
            tables.dispositions.clear();
        });
    }

    pub(super) fn clear_answers(&self) {
        self.set(|tables| tables.answers.clear());
    }

    /// Cuts the connections that have a link in `scope`, or all of them; says how many.
    pub(super) fn cut(&self, scope: &Scope) -> usize {
        let tables = self.lock();
        let covered: BTreeSet<u64> = match scope {
            Scope::All => tables.connections.keys().copied().collect(),
            scope => tables.covered(scope).map(|(_, line)| line.connection).collect(),
        };
        covered.into_iter().filter(|id| tables.tell(*id, Mail::Cut)).count()
    }

    /// Detaches the links in `scope`; says how many.
    pub(super) fn detach(&self, scope: &Scope, refusal: &Refusal) -> usize {
        let tables = self.lock();
        let detach = |link| Mail::Detach { link, refusal: refusal.clone() };
        tables.covered(scope).filter(|(id, line)| tables.tell(line.connection, detach(**id))).count()
    }

    pub(super) fn state(&self) -> LeverState {
        let tables = self.lock();
        let link = |line: &Line| LinkState { connection: line.connection, entity: line.entity.clone() };
        LeverState {
            connections: tables.connections.len(),
            links: tables.links.values().map(link).collect(),
            delivery_delays: tables.deliveries.clone(),
            disposition_delays: tables.dispositions.clone(),
            answers: tables.answers.clone(),
        }
    }

    fn when_armed<T>(&self, look: impl FnOnce(&mut Tables) -> Option<T>) -> Option<T> {
        if self.shared.armed.load(Ordering::Acquire) { look(&mut self.lock()) } else { None }
    }

    /// Changes levers, and has every connection look at them again.
    fn set(&self, change: impl FnOnce(&mut Tables)) {
        let mut tables = self.lock();
        change(&mut tables);
        let armed = !(tables.deliveries.is_empty() && tables.dispositions.is_empty() && tables.answers.is_empty());
        self.shared.armed.store(armed, Ordering::Release);
        for id in tables.connections.keys() {
            tables.tell(*id, Mail::Levers);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.shared.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn covered<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (&'a u64, &'a Line)> {
        self.links.iter().filter(|(_, line)| scope.covers(&line.entity.hub, line.entity.partition.as_deref()))
    }

    /// Whether the connection is still there to hear it.
    fn tell(&self, connection: u64, mail: Mail) -> bool {
        self.connections.get(&connection).is_some_and(|mailbox| mailbox.send(mail).is_ok())
    }
}

fn delay(delays: &[Delay], entity: &Entity) -> Option<Duration> {
    let mut covering = delays.iter().filter(|delay| delay.scope.covers(&entity.hub, entity.partition.as_deref()));
    covering.next_back().map(|delay| Duration::from_millis(delay.millis))
}

/// One delay a scope, the newest last, as that is the one that counts.
fn replace(delays: &mut Vec<Delay>, delay: Delay) {
    delays.retain(|other| other.scope != delay.scope);
    delays.push(delay);
}

impl Connected {
    /// Notes a link of this connection.
    pub(super) fn list(&self, entity: Entity) -> Listed {
        let mut tables = self.switchboard.lock();
        let id = tables.id();
        tables.links.insert(id, Line { connection: self.id, entity: entity.clone() });
        Listed { id, entity, switchboard: self.switchboard.clone() }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.switchboard.lock().connections.remove(&self.id);
    }
}

impl Listed {
    pub(super) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.switchboard.lock().links.remove(&self.id);
    }
}
