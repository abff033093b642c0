//! Performatives of the peer (part 2 §2.7).

use super::{
    decode::{DecodeError, Decoder},
    value::Value,
};

/// What a peer sends.
#[derive(Debug)]
pub(crate) enum Performative {
    Open(Open),
    Begin(Begin),
    Attach(Box<Attach>),
    Flow(Flow),
    Transfer(Transfer),
    /// Outcomes of what we sent; as that is pre-settled, they say nothing.
    Disposition,
    Detach(Detach),
    End,
    Close,
}

#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) max_frame_size: Option<u32>,
    pub(crate) idle_time_out_millis: Option<u32>,
    pub(crate) properties: Value,
}

#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) next_outgoing_id: u32,
    pub(crate) incoming_window: u32,
}

/// Which end of a link the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Sender,
    Receiver,
}

#[derive(Debug)]
pub(crate) struct Attach {
    pub(crate) name: Value,
    pub(crate) handle: u32,
    pub(crate) role: Role,
    pub(crate) sender_settle_mode: Value,
    pub(crate) source: Value,
    pub(crate) target: Value,
    pub(crate) initial_delivery_count: u32,
    pub(crate) desired_capabilities: Value,
    pub(crate) properties: Value,
}

#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) next_incoming_id: Option<u32>,
    pub(crate) incoming_window: u32,
    pub(crate) link: Option<LinkFlow>,
    pub(crate) echo: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkFlow {
    pub(crate) handle: u32,
    pub(crate) delivery_count: Option<u32>,
    pub(crate) credit: Option<u32>,
    pub(crate) drain: bool,
}

#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) handle: u32,
    pub(crate) delivery_id: Option<u32>,
    pub(crate) message_format: u32,
    pub(crate) settled: bool,
    pub(crate) more: bool,
    pub(crate) aborted: bool,
}

#[derive(Debug)]
pub(crate) struct Detach {
    pub(crate) handle: u32,
    pub(crate) closed: bool,
}

/// Reads the performative at the front of a frame body, and says how many bytes it took.
pub(crate) fn decode(body: &[u8]) -> Result<(Performative, usize), DecodeError> {
    let mut decoder = Decoder::new(body);
    let value = decoder.value()?;
    let taken = body.len() - decoder.rest().len();
    let Value::Described(code, list) = value else {
        return Err(DecodeError::Invalid("a frame holds no performative"));
    };
    let Value::List(fields) = *list else {
        return Err(DecodeError::Invalid("a performative is no list"));
    };
    let mut fields = Fields(fields);
    let performative = match *code {
        Value::Ulong(0x10) => Performative::Open(Open {
            max_frame_size: fields.uint(2)?,
            idle_time_out_millis: fields.uint(4)?,
            properties: fields.take(9),
        }),
        Value::Ulong(0x11) => {
            Performative::Begin(Begin { next_outgoing_id: fields.required(1)?, incoming_window: fields.required(2)? })
        }
        Value::Ulong(0x12) => Performative::Attach(Box::new(fields.attach()?)),
        Value::Ulong(0x13) => Performative::Flow(fields.flow()?),
        Value::Ulong(0x14) => Performative::Transfer(Transfer {
            handle: fields.required(0)?,
            delivery_id: fields.uint(1)?,
            message_format: fields.uint(3)?.unwrap_or(0),
            settled: fields.flag(4),
            more: fields.flag(5),
            aborted: fields.flag(9),
        }),
        Value::Ulong(0x15) => Performative::Disposition,
        Value::Ulong(0x16) => Performative::Detach(Detach { handle: fields.required(0)?, closed: fields.flag(1) }),
        Value::Ulong(0x17) => Performative::End,
        Value::Ulong(0x18) => Performative::Close,
        _ => return Err(DecodeError::Invalid("a frame holds an unknown performative")),
    };
    Ok((performative, taken))
}

struct Fields(Vec<Value>);

impl Fields {
    fn take(&mut self, index: usize) -> Value {
        self.0.get_mut(index).map_or(Value::Null, |field| std::mem::replace(field, Value::Null))
    }

    fn uint(&self, index: usize) -> Result<Option<u32>, DecodeError> {
        match self.0.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Uint(n)) => Ok(Some(*n)),
            Some(_) => Err(DecodeError::Invalid("a field of a performative is no uint")),
        }
    }

    fn required(&self, index: usize) -> Result<u32, DecodeError> {
        self.uint(index)?.ok_or(DecodeError::Invalid("a performative lacks a mandatory field"))
    }

    fn flag(&self, index: usize) -> bool {
        matches!(self.0.get(index), Some(Value::Bool(true)))
    }

    fn attach(&mut self) -> Result<Attach, DecodeError> {
        Ok(Attach {
            name: self.take(0),
            handle: self.required(1)?,
            role: if self.flag(2) { Role::Receiver } else { Role::Sender },
            sender_settle_mode: self.take(3),
            source: self.take(5),
            target: self.take(6),
            initial_delivery_count: self.uint(9)?.unwrap_or(0),
            desired_capabilities: self.take(12),
            properties: self.take(13),
        })
    }

    fn flow(&self) -> Result<Flow, DecodeError> {
        let link = match self.uint(4)? {
            Some(handle) => {
                Some(LinkFlow { handle, delivery_count: self.uint(5)?, credit: self.uint(6)?, drain: self.flag(8) })
            }
            None => None,
        };
        Ok(Flow { next_incoming_id: self.uint(0)?, incoming_window: self.required(1)?, link, echo: self.flag(9) })
    }
}
