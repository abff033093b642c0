//! Requests to `$cbs` and `$management`: a message in, a message out.

use bytes::Bytes;

use crate::event_hubs::amqp::{
    DecodeError, Decoder, Value,
    condition::Condition,
    message::compose,
    section::{Kind, sections},
};

/// A request, as far as the nodes look at it.
pub(super) struct Request {
    pub(super) message_id: Value,
    pub(super) reply_to: Option<String>,
    /// Application properties.
    properties: Value,
    /// The body, where it is an AMQP value.
    pub(super) body: Value,
}

impl Request {
    pub(super) fn decode(message: &[u8]) -> Result<Self, DecodeError> {
        let mut request = Self { message_id: Value::Null, reply_to: None, properties: Value::Null, body: Value::Null };
        for section in sections(message) {
            let section = section?;
            let value = || Decoder::new(&message[section.value.clone()]).value();
            match section.kind {
                Kind::Properties => {
                    let properties = value()?;
                    request.message_id = properties.field(0).clone();
                    request.reply_to = properties.field(4).as_text().map(str::to_owned);
                }
                Kind::ApplicationProperties => request.properties = value()?,
                Kind::Value => request.body = value()?,
                _ => {}
            }
        }
        Ok(request)
    }

    /// An application property that is text, empty where it is missing.
    pub(super) fn property(&self, name: &str) -> &str {
        self.properties.entry(name).as_text().unwrap_or_default()
    }

    /// The token that the request carries; null where it has none.
    pub(super) fn token(&self) -> &Value {
        match self.properties.entry("security_token") {
            Value::String(empty) if empty.is_empty() => &Value::Null,
            token => token,
        }
    }
}

/// What a node answers.
pub(super) struct Response {
    /// As in HTTP. Clients compare: 202 for a token that was taken, 200 for a read.
    status: i32,
    description: String,
    condition: Option<Condition>,
    body: Value,
}

impl Response {
    pub(super) fn ok(status: i32, description: &str, body: Value) -> Self {
        Self { status, description: description.to_owned(), condition: None, body }
    }

    pub(super) fn refused(status: i32, condition: Condition, description: impl Into<String>) -> Self {
        Self { status, description: description.into(), condition: Some(condition), body: Value::Null }
    }

    /// The message; its correlation id is the request's message id, of the same type.
    pub(super) fn encode(self, message_id: &Value) -> Bytes {
        let mut properties = vec![Value::Null; 13];
        properties[5] = message_id.clone();
        let mut application = vec![
            (Value::string("status-code"), Value::Int(self.status)),
            (Value::string("status-description"), Value::string(self.description)),
        ];
        if let Some(condition) = self.condition {
            application.push((Value::string("error-condition"), Value::symbol(condition.symbol())));
        }
        compose([
            (Kind::Properties, Value::List(properties)),
            (Kind::ApplicationProperties, Value::Map(application)),
            (Kind::Value, self.body),
        ])
    }
}
