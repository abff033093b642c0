//! Operations: which one a request asks for. What is not in [`Operation`] is refused by its name.

use http::Method;
use uuid::Uuid;

use super::target::{Call, Target};
use crate::{
    identity::Action,
    queues::names::QueueName,
    storage_account::{Code, Refusal, auth::Need, not_implemented},
};

/// The operations that are served, with what they work on.
#[derive(Debug)]
pub(super) enum Operation<'c> {
    ListQueues,
    GetServiceProperties,
    Queue(QueueOperation, &'c QueueName),
    Message(MessageOperation, &'c QueueName),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueOperation {
    Create,
    GetMetadata,
    SetMetadata,
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageOperation {
    Put,
    Get,
    Peek,
    Clear,
    Update(Uuid),
    Delete(Uuid),
}

impl<'c> Operation<'c> {
    /// # Errors
    /// [`Code::NotImplemented`] with the operation's name; `405` for what the service has no name for.
    pub(super) fn of(call: &'c Call) -> Result<Self, Refusal> {
        let comp = &*call.query.word("comp").unwrap_or_default();
        if call.method == Method::OPTIONS {
            return Err(not_implemented("Preflight Queue Request"));
        }
        match &call.target {
            Target::Service => of_service(call, comp),
            Target::Queue(name) => Ok(Self::Queue(of_queue(call, comp)?, name)),
            Target::Messages(name) => Ok(Self::Message(of_messages(call, comp)?, name)),
            Target::Message(name, id) => {
                // An id that is none of the service's cannot be one of its messages.
                let id = Uuid::parse_str(id).map_err(|_| Refusal::from(Code::MessageNotFound))?;
                match (&call.method, comp) {
                    (&Method::PUT, "") => Ok(Self::Message(MessageOperation::Update(id), name)),
                    (&Method::DELETE, "") => Ok(Self::Message(MessageOperation::Delete(id), name)),
                    _ => Err(call.unknown()),
                }
            }
        }
    }

    /// What a shared access signature or a role must allow.
    ///
    /// Source: "Create an account SAS", the table of operations of the Queue service.
    pub(super) fn need(&self) -> Need {
        let need = |resource, permissions, action| Need { resource, permissions, action };
        match self {
            Self::ListQueues => need('s', "l", Action::QueueRead),
            Self::GetServiceProperties => need('s', "r", Action::QueueRead),
            Self::Queue(operation, _) => match operation {
                QueueOperation::Create => need('c', "cw", Action::QueueWrite),
                QueueOperation::GetMetadata => need('c', "r", Action::QueueRead),
                QueueOperation::SetMetadata => need('c', "w", Action::QueueWrite),
                QueueOperation::Delete => need('c', "d", Action::QueueWrite),
            },
            Self::Message(operation, _) => match operation {
                MessageOperation::Put => need('o', "a", Action::QueueSend),
                MessageOperation::Get | MessageOperation::Delete(_) => need('o', "p", Action::QueueProcess),
                MessageOperation::Peek => need('o', "r", Action::QueueRead),
                MessageOperation::Clear => need('o', "d", Action::QueueWrite),
                MessageOperation::Update(_) => need('o', "u", Action::QueueProcess),
            },
        }
    }
}

fn of_service<'c>(call: &Call, comp: &str) -> Result<Operation<'c>, Refusal> {
    let restype = call.query.word("restype").unwrap_or_default();
    Err(match (&call.method, restype.as_str(), comp) {
        (&Method::GET, "", "list") => return Ok(Operation::ListQueues),
        (&Method::GET, "service", "properties") => return Ok(Operation::GetServiceProperties),
        (&Method::PUT, "service", "properties") => not_implemented("Set Queue Service Properties"),
        (&Method::GET, "service", "stats") => not_implemented("Get Queue Service Stats"),
        (&Method::POST, "service", "userdelegationkey") => not_implemented("Get User Delegation Key"),
        _ => call.unknown(),
    })
}

fn of_queue(call: &Call, comp: &str) -> Result<QueueOperation, Refusal> {
    Err(match (&call.method, comp) {
        (&Method::PUT, "") => return Ok(QueueOperation::Create),
        (&Method::DELETE, "") => return Ok(QueueOperation::Delete),
        (&Method::GET | &Method::HEAD, "metadata") => return Ok(QueueOperation::GetMetadata),
        (&Method::PUT, "metadata") => return Ok(QueueOperation::SetMetadata),
        (&Method::GET | &Method::HEAD, "acl") => not_implemented("Get Queue ACL"),
        (&Method::PUT, "acl") => not_implemented("Set Queue ACL"),
        _ => call.unknown(),
    })
}

fn of_messages(call: &Call, comp: &str) -> Result<MessageOperation, Refusal> {
    match (&call.method, comp) {
        (&Method::POST, "") => Ok(MessageOperation::Put),
        (&Method::GET, "") => match call.query.word("peekonly").as_deref() {
            None | Some("false") => Ok(MessageOperation::Get),
            Some("true") => Ok(MessageOperation::Peek),
            Some(_) => Err(Refusal::new(Code::InvalidQueryParameterValue, "Parameter: peekonly.")),
        },
        (&Method::DELETE, "") => Ok(MessageOperation::Clear),
        _ => Err(call.unknown()),
    }
}
