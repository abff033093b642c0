//! XML of messages.

use std::io;

use quick_xml::{Reader, escape::resolve_predefined_entity, events::Event};

use crate::{
    queues::{error::Failure, message::Message},
    storage_account::{
        Code, Refusal, dates,
        xml::{self, Xml, branch, leaf},
    },
};

/// A document with what `content` writes.
pub(super) fn document(content: impl FnOnce(&mut Xml) -> io::Result<()>) -> Result<Vec<u8>, Failure> {
    xml::document(content).map_err(|source| Failure::Corrupt { what: "answer".to_owned(), source: source.into() })
}

/// How much of a message an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Put,
    Taken,
    Peeked,
}

pub(super) fn messages(messages: &[Message], shown: Shown) -> Result<Vec<u8>, Failure> {
    document(|xml| {
        branch(xml, "QueueMessagesList", |xml| messages.iter().try_for_each(|message| entry(xml, message, shown)))
    })
}

fn entry(xml: &mut Xml, message: &Message, shown: Shown) -> io::Result<()> {
    branch(xml, "QueueMessage", |xml| {
        leaf(xml, "MessageId", message.id.to_string())?;
        leaf(xml, "InsertionTime", dates::format(message.inserted))?;
        leaf(xml, "ExpirationTime", dates::format(message.expires))?;
        if shown != Shown::Peeked {
            leaf(xml, "PopReceipt", message.receipt.to_string())?;
            leaf(xml, "TimeNextVisible", dates::format(message.next_visible))?;
        }
        if shown != Shown::Put {
            leaf(xml, "DequeueCount", message.dequeue_count.to_string())?;
            leaf(xml, "MessageText", &message.text)?;
        }
        Ok(())
    })
}

/// The text of `<QueueMessage><MessageText>…</MessageText></QueueMessage>`.
///
/// # Errors
/// [`Code::InvalidXmlDocument`].
pub(super) fn read_message(document: &[u8]) -> Result<String, Refusal> {
    let invalid = |why: String| Refusal::new(Code::InvalidXmlDocument, why);
    let document = std::str::from_utf8(document).map_err(|error| invalid(error.to_string()))?;
    let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}'));
    let (mut path, mut text) = (Vec::new(), None::<String>);
    loop {
        let event = reader.read_event().map_err(|error| invalid(error.to_string()))?;
        let inside = path.len() == 2;
        let mut push = |piece: &str| text.get_or_insert_default().push_str(piece);
        match event {
            Event::Start(element) => {
                match (path.len(), element.name().as_ref()) {
                    (0, b"QueueMessage") => {}
                    (1, b"MessageText") => push(""),
                    _ => return Err(invalid("Expected a QueueMessage with a MessageText.".to_owned())),
                }
                path.push(element.name().as_ref().to_owned());
            }
            Event::Empty(element) if path.len() == 1 && element.name().as_ref() == b"MessageText" => push(""),
            Event::End(_) => {
                path.pop();
            }
            Event::Text(piece) if inside => push(&piece.decode().map_err(|error| invalid(error.to_string()))?),
            Event::CData(piece) if inside => push(&piece.decode().map_err(|error| invalid(error.to_string()))?),
            Event::GeneralRef(reference) if inside => {
                match reference.resolve_char_ref().map_err(|error| invalid(error.to_string()))? {
                    Some(character) => push(character.encode_utf8(&mut [0; 4])),
                    None => {
                        let name = reference.decode().map_err(|error| invalid(error.to_string()))?;
                        let known = resolve_predefined_entity(&name);
                        push(known.ok_or_else(|| invalid(format!("The entity {name} is unknown.")))?);
                    }
                }
            }
            Event::Text(piece) if piece.iter().all(u8::is_ascii_whitespace) => {}
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if path.is_empty() => break,
            _ => return Err(invalid("Expected a QueueMessage with a MessageText.".to_owned())),
        }
    }
    text.ok_or_else(|| invalid("There is no MessageText.".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> Vec<u8> {
        xml::document(|xml| branch(xml, "QueueMessage", |xml| leaf(xml, "MessageText", text))).expect("written")
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "[^\\p{Cc}\u{FFFE}\u{FFFF}]*") {
            prop_assert_eq!(read_message(&written(&text)).expect("read"), text);
        }

        #[test]
        fn nonsense_is_refused_and_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Err(refusal) = read_message(&bytes) {
                prop_assert_eq!(refusal.code, Code::InvalidXmlDocument);
            }
        }
    }

    #[test]
    fn entities_and_sections_are_resolved() {
        let read = |text: &str| read_message(text.as_bytes()).ok();
        let message =
            |inner: &str| read(&format!("<QueueMessage>\n <MessageText>{inner}</MessageText>\n</QueueMessage>"));
        assert_eq!(message("a &lt;b&gt; &amp;&#x20AC;<![CDATA[<c>]]>").as_deref(), Some("a <b> &€<c>"));
        assert_eq!(message("").as_deref(), Some(""));
        assert_eq!(read("<QueueMessage><MessageText/></QueueMessage>").as_deref(), Some(""));
        for broken in ["", "<QueueMessage/>", "<QueueMessage><MessageText>", "<A><MessageText>x</MessageText></A>"] {
            assert_eq!(read(broken), None, "{broken}");
        }
        assert_eq!(message("&unknown;"), None);
        assert_eq!(message("&#0;"), None);
    }
}
