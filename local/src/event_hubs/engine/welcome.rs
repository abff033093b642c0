//! Beginning of a connection: its first bytes tell whether it speaks AMQP, or HTTP to ask for AMQP over WebSockets.

use std::{io, io::Cursor, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    connection::{READ_SIZE, serve},
    opening::Opening,
    websocket::{BEGINNING, is_http, upgrade},
};
use crate::{
    event_hubs::EventHubs,
    transport::{Hosts, PATIENCE, slots::Slot},
};

/// Serves one connection in either way, as [`serve`] does.
pub(crate) async fn welcome(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    slot: Slot,
    hubs: EventHubs,
    hosts: Hosts,
    silence: Duration,
    stopping: CancellationToken,
) -> io::Result<()> {
    let evicted = slot.evicted();
    let opening = Opening::default();
    let mut stream = opening.bound(stream);
    let mut input = BytesMut::with_capacity(READ_SIZE);
    let begin = async {
        while input.len() < BEGINNING && stream.read_buf(&mut input).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    tokio::select! {
        begun = timeout(PATIENCE, begin) => begun??,
        () = evicted.cancelled() => return Ok(()),
        () = stopping.cancelled() => return Ok(()),
    }
    if !is_http(&input) {
        return serve(stream, opening, input, slot, hubs, silence, stopping).await;
    }
    let (reader, writer) = tokio::io::split(stream);
    let stream = tokio::io::join(Cursor::new(input).chain(reader), writer);
    let socket = tokio::select! {
        upgraded = upgrade(stream, &hosts) => upgraded?,
        () = evicted.cancelled() => return Ok(()),
        () = stopping.cancelled() => return Ok(()),
    };
    match socket {
        Some(socket) => serve(socket, opening, BytesMut::new(), slot, hubs, silence, stopping).await,
        None => Ok(()),
    }
}
