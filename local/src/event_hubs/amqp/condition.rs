//! Error conditions: those of the AMQP specification (part 2 §2.8.14 ff.) and the service's own.

use super::value::Value;

/// Condition symbols that this server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    InternalError,
    NotFound,
    NotImplemented,
    UnauthorizedAccess,
    DecodeError,
    InvalidField,
    ResourceLimitExceeded,
    ConnectionForced,
    FramingError,
    HandleInUse,
    UnattachedHandle,
    LinkStolen,
    ServerBusy,
    TransferLimitExceeded,
    MessageSizeExceeded,
    ArgumentError,
    ArgumentOutOfRange,
    /// Any other, as a test asked for it.
    Named(String),
}

impl Condition {
    pub(crate) fn symbol(&self) -> &str {
        match self {
            Self::InternalError => "amqp:internal-error",
            Self::NotFound => "amqp:not-found",
            Self::NotImplemented => "amqp:not-implemented",
            Self::UnauthorizedAccess => "amqp:unauthorized-access",
            Self::DecodeError => "amqp:decode-error",
            Self::InvalidField => "amqp:invalid-field",
            Self::ResourceLimitExceeded => "amqp:resource-limit-exceeded",
            Self::ConnectionForced => "amqp:connection:forced",
            Self::FramingError => "amqp:connection:framing-error",
            Self::HandleInUse => "amqp:session:handle-in-use",
            Self::UnattachedHandle => "amqp:session:unattached-handle",
            Self::LinkStolen => "amqp:link:stolen",
            Self::ServerBusy => "com.microsoft:server-busy",
            Self::TransferLimitExceeded => "amqp:link:transfer-limit-exceeded",
            Self::MessageSizeExceeded => "amqp:link:message-size-exceeded",
            Self::ArgumentError => "com.microsoft:argument-error",
            Self::ArgumentOutOfRange => "com.microsoft:argument-out-of-range",
            Self::Named(symbol) => symbol,
        }
    }
}

/// An error as it goes over the wire: a condition and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) condition: Condition,
    pub(crate) description: String,
}

impl Refusal {
    pub(crate) fn new(condition: Condition, description: impl Into<String>) -> Self {
        Self { condition, description: description.into() }
    }

    /// The `error` type, with all three fields, as some clients index them by position.
    pub(crate) fn to_value(&self) -> Value {
        Value::composite(
            0x1d,
            vec![Value::symbol(self.condition.symbol()), Value::string(&*self.description), Value::Null],
        )
    }
}
