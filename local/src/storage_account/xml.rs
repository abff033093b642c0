//! XML documents: written and read with quick-xml.

use std::io;

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

/// `<name>text</name>`.
pub(crate) fn leaf(xml: &mut Xml, name: &str, text: impl AsRef<str>) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(text.as_ref()))?;
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
