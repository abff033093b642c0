//! Message encoding, for what the stack itself sends.

use bytes::{Bytes, BytesMut};

use super::amqp::{Value, message::PARTITION_KEY, section::Kind};

/// An event with a body of bytes, as a client of the hub would encode it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outgoing {
    /// The one data section.
    pub body: Vec<u8>,
    /// Application properties.
    pub properties: Vec<(String, String)>,
    /// Message property `content-type`.
    pub content_type: Option<String>,
    /// Decides the partition.
    pub partition_key: Option<String>,
}

impl Outgoing {
    /// The message, encoded (part 3 §3.2).
    #[must_use]
    pub fn encode(self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.body.len() + 256);
        let mut section = |kind: Kind, value: Value| {
            Value::Described(Box::new(Value::Ulong(kind.code())), Box::new(value)).encode(&mut out);
        };
        if let Some(key) = self.partition_key {
            let entry = (Value::symbol(PARTITION_KEY), Value::string(key));
            section(Kind::MessageAnnotations, Value::Map(vec![entry]));
        }
        if let Some(content_type) = self.content_type {
            // Field 6 of the properties.
            let fields = std::iter::repeat_n(Value::Null, 6).chain([Value::symbol(content_type)]);
            section(Kind::Properties, Value::List(fields.collect()));
        }
        if !self.properties.is_empty() {
            let entries = self.properties.into_iter().map(|(name, value)| (Value::string(name), Value::string(value)));
            section(Kind::ApplicationProperties, Value::Map(entries.collect()));
        }
        section(Kind::Data, Value::Binary(self.body));
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_hubs::EventData;

    #[test]
    fn a_composed_message_is_read_as_it_was_meant() {
        let outgoing = Outgoing {
            body: b"{}".to_vec(),
            properties: vec![("colour".to_owned(), "blue".to_owned())],
            content_type: Some("application/json".to_owned()),
            partition_key: Some("eu".to_owned()),
        };
        let read = EventData::decode(&outgoing.encode()).expect("well formed");
        assert_eq!(read.body, "{}");
        assert_eq!(read.properties["colour"], Value::string("blue"));
        assert_eq!(
            (read.content_type.as_deref(), read.partition_key.as_deref()),
            (Some("application/json"), Some("eu"))
        );
    }
}
