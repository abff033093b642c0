//! Handshake, before `open`: the SASL header and exchange, then the AMQP header.

use bytes::{BufMut, BytesMut};

use crate::event_hubs::{
    access::{Access, Grant},
    amqp::{
        Decoder, Value,
        condition::{Condition, Refusal},
        frame::{Frame, FrameKind, put_frame},
    },
};

const SASL_HEADER: [u8; 8] = *b"AMQP\x03\x01\x00\x00";
const AMQP_HEADER: [u8; 8] = *b"AMQP\x00\x01\x00\x00";

/// What the service offers. Clients that put tokens to `$cbs` pick ANONYMOUS or MSSBCBS.
const MECHANISMS: [&str; 4] = ["MSSBCBS", PLAIN, "ANONYMOUS", "EXTERNAL"];

/// Rule and key in the response (RFC 4616).
const PLAIN: &str = "PLAIN";

/// How far the handshake is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Handshake {
    /// Waits for the SASL header.
    #[default]
    SaslHeader,
    /// Waits for the client's choice of a mechanism.
    SaslInit,
    /// Waits for the AMQP header.
    AmqpHeader,
    /// Frames of AMQP follow.
    Done,
}

/// The client does not speak this protocol; the connection closes after what has been written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused;

impl Handshake {
    /// Whether the next bytes are a header rather than a frame.
    pub(super) fn expects_header(self) -> bool {
        matches!(self, Self::SaslHeader | Self::AmqpHeader)
    }

    /// Takes a protocol header.
    pub(super) fn header(&mut self, header: [u8; 8], out: &mut BytesMut) -> Result<(), Refused> {
        match (*self, header) {
            (Self::SaslHeader, SASL_HEADER) => {
                out.put_slice(&SASL_HEADER);
                let mechanisms = MECHANISMS.map(Value::symbol).to_vec();
                put_frame(out, FrameKind::Sasl, 0, 0x40, vec![Value::Array(mechanisms)]);
                *self = Self::SaslInit;
                Ok(())
            }
            (Self::AmqpHeader, AMQP_HEADER) => {
                out.put_slice(&AMQP_HEADER);
                *self = Self::Done;
                Ok(())
            }
            // The specification's answer to a header one cannot serve: the one that can be.
            (Self::AmqpHeader, _) => {
                out.put_slice(&AMQP_HEADER);
                Err(Refused)
            }
            _ => {
                out.put_slice(&SASL_HEADER);
                Err(Refused)
            }
        }
    }

    /// Takes a frame of the SASL exchange.
    ///
    /// The mechanisms but PLAIN say nothing about the client; those wait for `$cbs`.
    pub(super) fn frame(
        &mut self,
        frame: &Frame,
        access: &Access,
        out: &mut BytesMut,
    ) -> Result<Option<Grant>, Refused> {
        let value = Decoder::new(&frame.body).value().map_err(|_| Refused)?;
        let is_init = matches!(&value, Value::Described(code, _) if **code == Value::Ulong(0x41));
        if frame.kind != FrameKind::Sasl || !is_init {
            return Err(Refused);
        }
        let grant = match (value.field(0).as_text(), value.field(1)) {
            (Some(PLAIN), Value::Binary(response)) => access.redeem_plain(response).map(Some).map_err(|_| Refused),
            (Some(PLAIN), _) => Err(Refused),
            (Some(name), _) if MECHANISMS.contains(&name) => Ok(None),
            _ => Err(Refused),
        };
        // Outcome codes: 0 is ok, 1 a failed authentication.
        put_frame(out, FrameKind::Sasl, 0, 0x44, vec![Value::Ubyte(u8::from(grant.is_err())), Value::Null]);
        if grant.is_ok() {
            *self = Self::AmqpHeader;
        }
        grant
    }
}

/// What a peer hears that sends SASL after the handshake.
pub(super) fn sasl_too_late() -> Refusal {
    Refusal::new(Condition::FramingError, "A SASL frame came after the SASL exchange.")
}
