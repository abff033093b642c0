//! The protocol machine of one connection.

use std::collections::{HashMap, VecDeque};

use bytes::{Bytes, BytesMut};
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use super::{
    claims::Claims,
    delays::Delays,
    fault::Fault,
    handshake::{Handshake, sasl_too_late},
    mail::Mail,
    rust_client::{DelayedFrames, is_rust_client},
    session::Session,
};
use crate::event_hubs::{
    EventHubs,
    amqp::{
        answer::{put_close, put_open},
        condition::{Condition, Refusal},
        frame::{Frame, FrameKind, MAX_FRAME_SIZE, MIN_MAX_FRAME_SIZE, take_frame},
        performative::{Open, Performative, decode},
    },
    switchboard::Connected,
};

/// Output beyond which no more deliveries are written until the peer has taken some.
pub(super) const HIGH_WATER: usize = 256 << 10;

/// The state of one connection. What it does is in `impl` blocks beside what it is done with: `sessions`, `attach`,
/// `deliveries`, `authorise`, `release`.
pub(super) struct Machine {
    pub(super) hubs: EventHubs,
    pub(super) mailbox: UnboundedSender<Mail>,
    /// What the peer shall get.
    pub(super) out: BytesMut,
    pub(super) delayed: DelayedFrames,
    pub(super) delays: Delays,
    pub(super) claims: Claims,
    pub(super) connected: Connected,
    idle_time_out_millis: u32,
    handshake: Handshake,
    peer: Option<Peer>,
    pub(super) sessions: HashMap<u16, Session>,
    /// Links that have more to deliver than the output could take, in turn.
    pub(super) ready: VecDeque<(u16, u32)>,
    closed: bool,
    cut: bool,
    pub(super) now: Instant,
}

/// What the peer said when it opened the connection.
struct Peer {
    max_frame_size: u32,
    idle_time_out_millis: Option<u32>,
    is_rust_client: bool,
}

impl Machine {
    /// For a peer that may be silent for `idle_time_out_millis`.
    pub(super) fn new(hubs: EventHubs, mailbox: UnboundedSender<Mail>, idle_time_out_millis: u32) -> Self {
        Self {
            connected: hubs.switchboard().connect(mailbox.clone()),
            hubs,
            mailbox,
            out: BytesMut::new(),
            delayed: DelayedFrames::default(),
            delays: Delays::default(),
            claims: Claims::default(),
            idle_time_out_millis,
            handshake: Handshake::default(),
            peer: None,
            sessions: HashMap::new(),
            ready: VecDeque::new(),
            closed: false,
            cut: false,
            now: Instant::now(),
        }
    }

    /// Whether nothing more shall be read: the connection ends once the output is written.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the connection shall end without another word.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether the peer has opened the connection.
    pub(super) fn is_open(&self) -> bool {
        self.peer.is_some() && !self.closed
    }

    /// Milliseconds of silence that the peer bears.
    pub(super) fn peer_idle_time_out_millis(&self) -> Option<u32> {
        self.peer.as_ref()?.idle_time_out_millis.filter(|millis| *millis > 0)
    }

    /// Handles all that has come in whole.
    pub(super) fn receive(&mut self, input: &mut BytesMut, now: Instant) {
        self.now = now;
        while !self.closed {
            if self.handshake.expects_header() {
                let Some(header) = input.first_chunk().copied() else { return };
                drop(input.split_to(header.len()));
                self.closed = self.handshake.header(header, &mut self.out).is_err();
                continue;
            }
            match take_frame(input) {
                Ok(None) => return,
                Ok(Some(frame)) => self.frame(frame),
                Err(error) => self.close(Some(&Refusal::new(Condition::FramingError, error.to_string()))),
            }
        }
    }

    /// Handles what another task has told.
    pub(super) fn mail(&mut self, mail: Mail, now: Instant) {
        self.now = now;
        match mail {
            Mail::Cut => {
                self.cut = true;
                self.closed = true;
                self.sessions.clear();
            }
            Mail::Detach { link, refusal } => {
                if let Some((channel, handle)) = self.find_link(link) {
                    self.detach_link(channel, handle, &refusal);
                }
            }
            Mail::Levers => self.release_delayed(true),
            Mail::Wake { channel, handle } => self.pump(channel, handle),
            Mail::Displaced { channel, handle, receiver, refusal } => {
                // By now the handle may be another link's.
                if self.reads(channel, handle, receiver) {
                    self.detach_link(channel, handle, &refusal);
                }
            }
        }
    }

    /// When [`Self::fire`] has something to do.
    pub(super) fn next_due(&self) -> Option<Instant> {
        [self.delayed.next_due(), self.delays.next_due(), self.claims.next_expiry()].into_iter().flatten().min()
    }

    /// Writes what is due, and deliveries while the output has room.
    pub(super) fn fire(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        self.now = now;
        self.delayed.fire(&mut self.out, now);
        self.release_delayed(false);
        self.expire_claims();
        while self.out.len() < HIGH_WATER {
            let Some((channel, handle)) = self.ready.pop_front() else { return };
            self.pump(channel, handle);
        }
    }

    /// Ends the connection, with the reason if it is not the peer's wish.
    pub(super) fn close(&mut self, error: Option<&Refusal>) {
        if self.closed {
            return;
        }
        if self.handshake == Handshake::Done {
            if self.peer.is_none() {
                // A close must follow an open.
                put_open(&mut self.out, self.hubs.namespace(), self.idle_time_out_millis);
            }
            put_close(&mut self.out, error);
        }
        self.closed = true;
        self.sessions.clear();
    }

    fn frame(&mut self, frame: Frame) {
        if self.handshake != Handshake::Done {
            match self.handshake.frame(&frame, self.hubs.access(), &mut self.out) {
                Ok(Some(grant)) => {
                    self.claims.add(grant, self.now);
                }
                Ok(None) => {}
                Err(_) => self.closed = true,
            }
            return;
        }
        if frame.kind == FrameKind::Sasl {
            return self.close(Some(&sasl_too_late()));
        }
        if frame.body.is_empty() {
            return;
        }
        let (performative, taken) = match decode(&frame.body) {
            Ok(decoded) => decoded,
            Err(error) => return self.close(Some(&Refusal::new(Condition::DecodeError, error.to_string()))),
        };
        match self.perform(frame.channel, performative, frame.body.slice(taken..)) {
            Ok(()) => {}
            Err(Fault::Connection(refusal)) => self.close(Some(&refusal)),
            Err(Fault::Session(refusal)) => self.end_session(frame.channel, &refusal),
        }
    }

    fn perform(&mut self, channel: u16, performative: Performative, payload: Bytes) -> Result<(), Fault> {
        if self.peer.is_none() && !matches!(performative, Performative::Open(_)) {
            return Err(Fault::connection(Condition::FramingError, "A frame came before open."));
        }
        // After our own `end`, only the peer's counts.
        if self.sessions.get(&channel).is_some_and(|session| session.ended)
            && !matches!(performative, Performative::End | Performative::Close)
        {
            return Ok(());
        }
        match performative {
            Performative::Open(open) => self.open(&open),
            Performative::Begin(begin) => self.begin(channel, &begin),
            Performative::Attach(attach) => self.attach(channel, &attach),
            Performative::Flow(flow) => self.flow(channel, &flow),
            Performative::Transfer(transfer) => self.transfer(channel, &transfer, payload),
            Performative::Disposition => self.session(channel).map(|_| ()),
            Performative::Detach(detach) => self.detach(channel, &detach),
            Performative::End => self.end(channel),
            Performative::Close => {
                self.close(None);
                Ok(())
            }
        }
    }

    fn open(&mut self, open: &Open) -> Result<(), Fault> {
        if self.peer.is_some() {
            return Err(Fault::connection(Condition::FramingError, "The connection is open already."));
        }
        self.peer = Some(Peer {
            max_frame_size: open.max_frame_size.unwrap_or(u32::MAX).clamp(MIN_MAX_FRAME_SIZE, MAX_FRAME_SIZE),
            idle_time_out_millis: open.idle_time_out_millis,
            is_rust_client: is_rust_client(&open.properties),
        });
        put_open(&mut self.out, self.hubs.namespace(), self.idle_time_out_millis);
        Ok(())
    }

    /// The largest frame that both sides take.
    pub(super) fn max_frame_size(&self) -> u32 {
        self.peer.as_ref().map_or(MIN_MAX_FRAME_SIZE, |peer| peer.max_frame_size)
    }

    pub(super) fn is_rust_client(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.is_rust_client)
    }
}
