//! A run of `listen`: takes what waits in the queue, forwards it, keeps what was not taken, and tells of loss and return.

mod contact;
mod deliver;
mod end;
mod receive;
mod start;

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use serde_json::Value;
use time::OffsetDateTime;
use tokio::{sync::mpsc, task::JoinHandle};

use self::contact::Contact;
use super::{
    backfill::Backfill,
    commands::{self, Wish},
    forward::Forwarder,
    kept::KeptFile,
    listener::{AT_ONCE, Listener, Received},
    report::Report,
    seen::Seen,
    state::State,
};
use crate::{
    clock,
    commands::{
        Exit,
        partners::api::{Api, ApiError},
    },
    output,
    signals::Signals,
};

/// How often the app is asked whether the listener is there while nothing is taken.
const WHILE_FULL: Duration = Duration::from_secs(20);
/// How long the app may be without an answer before that counts as a loss.
const SILENCE: Duration = Duration::from_secs(10);

/// When to end, and what to say how often.
pub(super) struct Limits {
    pub(super) exit_after: Option<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) give_up_after: Duration,
    pub(super) heartbeat: Duration,
    pub(super) since: Option<Duration>,
}

/// A run.
pub(super) struct Session {
    api: Api,
    forwarder: Forwarder,
    state: State,
    kept: KeptFile,
    report: Report,
    wanted: Value,
    limits: Limits,
    seen: Seen,
    backfill: Option<Backfill>,
    began: Instant,
    contact: Contact,
    /// The app's time when it was heard last.
    heard: Option<OffsetDateTime>,
    /// When it was asked last what the queue did not take.
    asked: Instant,
    /// How many events came, those that come again too.
    came: u32,
    /// How many of them the local server took.
    taken: u32,
    /// Those that it did not take, at most as many as are kept.
    refused: HashSet<String>,
    /// Answers of the local server that help was given for.
    explained: Vec<u16>,
}

/// What happens next in the loop.
enum Next {
    Received(Result<Received, ApiError>),
    Typed(Option<Wish>),
    Silence,
    Heartbeat,
    TimeIsUp,
    Interrupted,
}

impl Session {
    pub(super) fn new(
        api: Api,
        forwarder: Forwarder,
        state: State,
        kept: KeptFile,
        report: Report,
        wanted: Value,
        limits: Limits,
    ) -> Self {
        Self {
            api,
            forwarder,
            state,
            kept,
            report,
            wanted,
            limits,
            seen: Seen::default(),
            backfill: None,
            began: Instant::now(),
            contact: Contact::new(),
            heard: None,
            asked: Instant::now(),
            came: 0,
            taken: 0,
            refused: HashSet::new(),
            explained: Vec::new(),
        }
    }

    /// Listens until the end that was asked for.
    pub(super) async fn run(mut self, resume: Option<String>, signals: &mut Signals) -> anyhow::Result<Exit> {
        let timeout = self.limits.timeout;
        let started = tokio::select! {
            listener = self.start(resume) => Ok(listener?),
            () = signals.next() => Err(Ok(Exit::Interrupted)),
            () = clock::until_next_look(timeout.unwrap_or_default()), if timeout.is_some() => {
                output::say("the time is up before events could be had");
                Err(Ok(Exit::Failed))
            }
        };
        let ended = match started {
            Ok(listener) => self.listen(listener, signals).await,
            Err(ended) => ended,
        };
        // Given up: the listener stays for the next run, until it ends by itself.
        let exit = ended?;
        self.goodbye().await?;
        Ok(match exit {
            Exit::Done if !self.refused.is_empty() => Exit::Failed,
            exit => exit,
        })
    }

    /// The loop.
    async fn listen(&mut self, mut listener: Listener, signals: &mut Signals) -> anyhow::Result<Exit> {
        let mut typed = Some(commands::typed());
        let mut taking: Option<JoinHandle<Result<Received, ApiError>>> = None;
        let mut pause = Duration::ZERO;
        // When a request is without an answer for too long.
        let mut late = Instant::now();
        loop {
            if self.limits.exit_after.is_some_and(|most| self.came >= most) {
                return Ok(Exit::Done);
            }
            let next = {
                // A task of its own: a request that is dropped on its way would leave events with nobody for a minute.
                let taking = taking.get_or_insert_with(|| {
                    let (pause, is_full) = if self.kept.is_full() { (WHILE_FULL, true) } else { (pause, false) };
                    late = Instant::now() + pause + SILENCE;
                    match is_full {
                        true => tokio::spawn(listener.clone().rest(pause)),
                        false => tokio::spawn(listener.clone().receive(pause, self.room())),
                    }
                });
                let up =
                    self.limits.timeout.map(|timeout| (self.began + timeout).saturating_duration_since(Instant::now()));
                let heartbeat = self.contact.until_said(self.limits.heartbeat);
                let silence = late.saturating_duration_since(Instant::now());
                tokio::select! {
                    // An answer that is there is none that is late.
                    biased;
                    () = signals.next() => Next::Interrupted,
                    received = taking => Next::Received(received.unwrap_or_else(|_| Ok(Received::nothing()))),
                    wish = next_typed(&mut typed) => Next::Typed(wish),
                    () = clock::until_next_look(silence), if !self.contact.is_lost() => Next::Silence,
                    () = clock::until_next_look(heartbeat) => Next::Heartbeat,
                    () = clock::until_next_look(up.unwrap_or_default()), if up.is_some() => Next::TimeIsUp,
                }
            };
            match next {
                Next::Interrupted => return Ok(Exit::Interrupted),
                Next::TimeIsUp => return self.time_is_up(),
                Next::Silence => self.lose(format!("no answer for {} s", SILENCE.as_secs()))?,
                Next::Heartbeat => self.heartbeat()?,
                Next::Typed(None) => typed = None,
                Next::Typed(Some(wish)) => tokio::select! {
                    done = self.typed(wish) => done?,
                    () = signals.next() => return Ok(Exit::Interrupted),
                },
                Next::Received(received) => {
                    taking = None;
                    tokio::select! {
                        handled = self.handle(&mut listener, received) => pause = handled?,
                        () = signals.next() => return Ok(Exit::Interrupted),
                    }
                }
            }
        }
    }

    /// How many events may be taken at once: no more than are left until the end.
    fn room(&self) -> usize {
        let left = self.limits.exit_after.map_or(AT_ONCE, |most| most.saturating_sub(self.came) as usize);
        left.clamp(1, AT_ONCE)
    }

    /// How many of the events that came before may be forwarded now: no more than are left until the end, or can be kept if none is taken.
    fn room_before(&self) -> usize {
        let left = self.limits.exit_after.map_or(usize::MAX, |most| most.saturating_sub(self.came) as usize);
        left.min(self.kept.room())
    }

    /// The subscription whose events are wanted.
    fn like(&self) -> Option<&str> {
        self.wanted["like"].as_str()
    }

    fn path(&self, listener: &Listener) -> String {
        format!("/api/partners/{}/listeners/{}", self.api.partner(), listener.id)
    }
}

/// The next line that was typed; never where nothing can be.
async fn next_typed(typed: &mut Option<mpsc::Receiver<Wish>>) -> Option<Wish> {
    match typed {
        Some(typed) => typed.recv().await,
        None => std::future::pending().await,
    }
}

impl Received {
    fn nothing() -> Self {
        Self { events: Vec::new(), now: None, expires: None }
    }
}
