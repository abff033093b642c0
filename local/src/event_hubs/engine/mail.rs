//! Mail: what other tasks tell a connection.

use crate::event_hubs::amqp::condition::Refusal;

/// What other tasks tell a connection.
pub(crate) enum Mail {
    /// A partition that a link waits for has grown.
    Wake { channel: u16, handle: u32 },
    /// Another receiver has taken this one's place.
    Displaced { channel: u16, handle: u32, receiver: u64, refusal: Refusal },
    /// A test wants the connection to break.
    Cut,
    /// A test wants a link to be detached.
    Detach { link: u64, refusal: Refusal },
    /// Levers have changed.
    Levers,
}
