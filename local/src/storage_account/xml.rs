//! XML documents: written and read with quick-xml.

use std::{borrow::Cow, io};

use percent_encoding::{CONTROLS, utf8_percent_encode};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use super::Metadata;

pub(crate) type Xml = Writer<Vec<u8>>;

/// A document with what `content` writes.
///
/// # Errors
/// What `content` fails with.
pub(crate) fn document(content: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    content(&mut xml)?;
    Ok(xml.into_inner())
}

/// Whether XML 1.0 can hold `character`, escaped or not.
pub(crate) fn allows(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// `text` with U+FFFD for what XML cannot hold.
pub(crate) fn replace(text: String) -> String {
    if text.chars().all(allows) {
        return text;
    }
    text.chars().map(|c| if allows(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Whether `text` is of printable ASCII alone, of which XML holds each character. Nearly all is; a look at each character costs most of
/// a listing in a build that is not optimised, which what is called here is.
pub(crate) fn is_plain(text: &str) -> bool {
    matches!(Cow::from(utf8_percent_encode(text, CONTROLS)), Cow::Borrowed(_))
}

/// `<name>text</name>`. What XML cannot hold becomes U+FFFD, so that no text makes a document that nobody can read.
pub(crate) fn leaf(xml: &mut Xml, name: &str, text: impl AsRef<str>) -> io::Result<()> {
    let replaced;
    let text = match text.as_ref() {
        text if is_plain(text) || text.chars().all(allows) => text,
        text => {
            replaced = replace(text.to_owned());
            &replaced
        }
    };
    let content = match text.contains('\r') {
        // A reader makes a line feed of a carriage return that is not escaped (XML 1.0, 2.11).
        true => BytesText::from_escaped(quick_xml::escape::escape(text).replace('\r', "&#xD;")),
        false => BytesText::new(text),
    };
    let out = xml.get_mut();
    for part in [b"<", name.as_bytes(), b">", &content, b"</", name.as_bytes(), b">"] {
        out.extend_from_slice(part);
    }
    Ok(())
}

/// `<name>…</name>`.
pub(crate) fn branch(xml: &mut Xml, name: &str, content: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    xml.create_element(name).write_inner_content(content)?;
    Ok(())
}

pub(crate) fn error(code: &str, message: &str) -> io::Result<Vec<u8>> {
    document(|xml| {
        branch(xml, "Error", |xml| {
            leaf(xml, "Code", code)?;
            leaf(xml, "Message", message)
        })
    })
}

pub(crate) fn metadata(xml: &mut Xml, metadata: &Metadata) -> io::Result<()> {
    branch(xml, "Metadata", |xml| metadata.iter().try_for_each(|(name, value)| leaf(xml, name, value)))
}
