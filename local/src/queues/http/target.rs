//! Target: what the address of a request names.

use http::request::Parts;

use crate::{
    queues::names::QueueName,
    storage_account::{
        self, Code, MetadataHeaders, Query, Refusal,
        auth::{Need, Resource, Scope},
    },
};

pub(super) type Call = storage_account::Call<Target>;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Service,
    Queue(QueueName),
    Messages(QueueName),
    /// A message by its id, as the client wrote it.
    Message(QueueName, String),
}

impl Target {
    /// `/{account}[/{queue}[/messages[/{id}]]]`.
    fn of(path: &str, account: &str) -> Result<Self, Refusal> {
        let (queue, rest) = storage_account::address(path, account)?;
        let Some(queue) = queue else { return Ok(Self::Service) };
        let queue = QueueName::new(&queue)?;
        let Some(rest) = rest else { return Ok(Self::Queue(queue)) };
        match rest.split_once('/') {
            None if rest == "messages" => Ok(Self::Messages(queue)),
            Some(("messages", "")) => Ok(Self::Messages(queue)),
            Some(("messages", id)) => Ok(Self::Message(queue, id.to_owned())),
            _ => Err(Code::ResourceNotFound.into()),
        }
    }

    fn queue(&self) -> Option<&QueueName> {
        match self {
            Self::Service => None,
            Self::Queue(name) | Self::Messages(name) | Self::Message(name, _) => Some(name),
        }
    }
}

/// Source: "Create a service SAS", the part on queues.
impl Resource for Target {
    const LETTER: char = 'q';

    fn signed(&self, account: &str, query: &Query) -> Result<(Vec<String>, Scope), Refusal> {
        let Some(queue) = self.queue() else {
            let detail = "A signature of one queue does not fit this address.";
            return Err(Refusal::new(Code::AuthenticationFailed, detail));
        };
        let field = |name: &str| query.get(name).unwrap_or_default().to_owned();
        let resource = format!("/queue/{account}/{}", queue.as_str());
        let mut fields = vec![field("sp"), field("st"), field("se"), resource];
        fields.extend(["si", "sip", "spr", "sv"].map(field));
        Ok((fields, Scope::Container))
    }

    fn path(&self) -> String {
        match self.queue() {
            None => "storage/queues".to_owned(),
            Some(name) => format!("storage/queues/{}", name.as_str()),
        }
    }

    fn is_reached(&self, _: &Scope, need: Need) -> bool {
        // Messages, and reading the queue's metadata.
        need.resource == 'o' || (need.resource == 'c' && need.permissions == "r")
    }
}

/// # Errors
/// An address outside of `account`, or one that names nothing that could exist.
pub(super) fn read(parts: Parts, metadata: MetadataHeaders, id: String, account: &str) -> Result<Call, Refusal> {
    let target = Target::of(parts.uri.path(), account)?;
    Ok(Call::new(parts, metadata, id, target))
}
