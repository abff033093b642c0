//! Connection: the input and output of one.

use std::time::Duration;

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{machine::Machine, opening::Opening};
use crate::{
    event_hubs::{
        EventHubs,
        amqp::{
            condition::{Condition, Refusal},
            frame::put_heartbeat,
        },
    },
    transport::{PATIENCE, slots::Slot},
};

/// Bytes that one read takes at most.
pub(super) const READ_SIZE: usize = 64 << 10;

/// Output that a peer may leave unread before nothing more is read from it.
const MAX_OUTPUT: usize = 1 << 20;

/// The longest silence of ours, whatever the peer bears.
const MAX_HEARTBEAT: Duration = Duration::from_secs(30);

/// How long a peer may take to read the rest of a closed connection.
const CLOSE_GRACE: Duration = Duration::from_secs(5);

/// Serves one connection until the peer closes it, does not open it in time, is silent for longer than `silence`, or
/// `stopping` is cancelled; `input` is what was read of it before, and `opening` hears when it is open. One that proves no right can be sent away, so that `slot` is another's.
pub(crate) async fn serve(
    stream: impl AsyncRead + AsyncWrite,
    opening: Opening,
    mut input: BytesMut,
    mut slot: Slot,
    hubs: EventHubs,
    silence: Duration,
    stopping: CancellationToken,
) -> std::io::Result<()> {
    let (mailbox, mut mail) = mpsc::unbounded_channel();
    let mut machine = Machine::new(hubs, mailbox, u32::try_from(silence.as_millis()).unwrap_or(u32::MAX));
    let mut heard = Instant::now();
    let mut spoke = heard;
    let open_by = heard + PATIENCE;
    let mut standing = Standing::Stranger;
    let evicted = slot.evicted();
    let (mut reader, mut writer) = tokio::io::split(stream);
    machine.receive(&mut input, heard);
    while !machine.is_closed() {
        if machine.is_open() {
            opening.done();
        }
        let heartbeat = spoke + heartbeat_after(machine.peer_idle_time_out_millis());
        let patience = (standing == Standing::Stranger).then_some(open_by);
        let due = [Some(heartbeat), Some(heard + silence), machine.next_due(), patience];
        let due = due.into_iter().flatten().min().unwrap_or(heartbeat);
        input.reserve(READ_SIZE);
        tokio::select! {
            read = reader.read_buf(&mut input), if machine.out.len() < MAX_OUTPUT => {
                if read? == 0 {
                    // It may still read what it was owed.
                    break;
                }
                heard = Instant::now();
                machine.receive(&mut input, heard);
            }
            written = writer.write_buf(&mut machine.out), if !machine.out.is_empty() => {
                written?;
                spoke = Instant::now();
            }
            // The machine keeps a sender, so there is always another letter to wait for.
            Some(letter) = mail.recv() => {
                let now = Instant::now();
                machine.mail(letter, now);
                while let Ok(letter) = mail.try_recv() {
                    machine.mail(letter, now);
                }
            }
            () = sleep_until(due) => {}
            () = evicted.cancelled() => return Ok(()),
            () = stopping.cancelled() => {
                machine.close(Some(&Refusal::new(Condition::ConnectionForced, "The server is stopping.")));
            }
        }
        let now = Instant::now();
        if now >= heard + silence {
            machine.close(Some(&Refusal::new(Condition::ResourceLimitExceeded, "The peer was silent for too long.")));
        }
        if Standing::of(&machine) != standing {
            standing = Standing::of(&machine);
            standing.note(&mut slot);
        }
        if standing == Standing::Stranger && now >= open_by {
            machine.close(Some(&Refusal::new(Condition::ResourceLimitExceeded, "The peer was too slow to open.")));
        }
        if now >= heartbeat {
            spoke = now;
            if machine.is_open() && machine.out.is_empty() {
                put_heartbeat(&mut machine.out);
            }
        }
        machine.fire(now);
    }
    if machine.is_cut() {
        return Ok(());
    }
    let farewell = async {
        writer.write_all_buf(&mut machine.out).await?;
        writer.shutdown().await
    };
    // A peer that does not read its close has gone without it.
    tokio::time::timeout(CLOSE_GRACE, farewell).await.unwrap_or(Ok(()))
}

/// What is known of the peer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It has yet to open the connection.
    Stranger,
    /// It has proved no right to anything.
    Guest,
    /// It has.
    Client,
}

impl Standing {
    fn of(machine: &Machine) -> Self {
        match (machine.is_open(), machine.claims.prove_a_right()) {
            (false, _) => Self::Stranger,
            (true, false) => Self::Guest,
            (true, true) => Self::Client,
        }
    }

    fn note(self, slot: &mut Slot) {
        match self {
            Self::Stranger => slot.silent(),
            Self::Guest => slot.idle(),
            Self::Client => slot.busy(),
        }
    }
}

/// Half of what the peer bears, so that one late heartbeat does no harm.
fn heartbeat_after(peer_idle_time_out_millis: Option<u32>) -> Duration {
    let borne = peer_idle_time_out_millis.map_or(MAX_HEARTBEAT, |millis| Duration::from_millis(millis.into()) / 2);
    borne.clamp(Duration::from_millis(10), MAX_HEARTBEAT)
}
