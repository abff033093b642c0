//! XML of blobs: listings and block lists.

use std::io;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::{
    Reader,
    events::{BytesText, Event},
};

pub(super) use crate::storage_account::xml::{Xml, branch, leaf, metadata};
use crate::{
    blobs::{
        error::{Code, Failure},
        record::{ACCESS_TIER, BlobRecord, Block, CopyRecord},
        store::{BlockChoice, Entry},
    },
    storage_account::{dates, xml},
};

/// A document with what `content` writes.
pub(super) fn document(content: impl FnOnce(&mut Xml) -> io::Result<()>) -> Result<Vec<u8>, Failure> {
    xml::document(content).map_err(|source| Failure::Corrupt { what: "answer".to_owned(), source: source.into() })
}

fn optional(xml: &mut Xml, name: &str, text: Option<&str>) -> io::Result<()> {
    match text {
        Some(text) => leaf(xml, name, text),
        None => Ok(()),
    }
}

/// What a listing shows beside what it always shows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Include {
    pub(super) metadata: bool,
    /// Where a blob was copied from.
    pub(super) copy: bool,
    /// Blobs of which nothing but blocks was written so far.
    pub(super) uncommitted: bool,
}

/// A line of a blob listing. `now` decides the state of a lease.
pub(super) fn entry(xml: &mut Xml, entry: &Entry, include: Include, now: i64) -> io::Result<()> {
    match entry {
        Entry::Prefix(prefix) => branch(xml, "BlobPrefix", |xml| text(xml, "Name", prefix)),
        Entry::Uncommitted(name) => branch(xml, "Blob", |xml| {
            text(xml, "Name", name)?;
            branch(xml, "Properties", |xml| {
                leaf(xml, "Content-Length", "0")?;
                leaf(xml, "BlobType", "BlockBlob")?;
                leaf(xml, "LeaseStatus", "unlocked")?;
                leaf(xml, "LeaseState", "available")?;
                leaf(xml, "ServerEncrypted", "true")
            })
        }),
        Entry::Blob(name, record) => branch(xml, "Blob", |xml| {
            text(xml, "Name", name)?;
            branch(xml, "Properties", |xml| {
                properties(xml, record, now)?;
                match &record.copy {
                    Some(copy) if include.copy => copied(xml, copy, record.content.length()),
                    _ => Ok(()),
                }
            })?;
            if include.metadata {
                metadata(xml, &record.metadata)?;
            }
            Ok(())
        }),
    }
}

/// Names and parts of names may hold what XML may not, or what its readers change (line ends); those are percent-encoded and
/// say so.
pub(super) fn text(xml: &mut Xml, element: &str, text: &str) -> io::Result<()> {
    if xml::is_plain(text) || text.chars().all(|c| xml::allows(c) && !c.is_control()) {
        return leaf(xml, element, text);
    }
    let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    xml.create_element(element).with_attribute(("Encoded", "true")).write_text_content(BytesText::new(&encoded))?;
    Ok(())
}

fn copied(xml: &mut Xml, copy: &CopyRecord, length: u64) -> io::Result<()> {
    leaf(xml, "CopyId", copy.id.to_string())?;
    leaf(xml, "CopySource", &copy.source)?;
    leaf(xml, "CopyStatus", CopyRecord::STATUS)?;
    leaf(xml, "CopyProgress", format!("{length}/{length}"))?;
    leaf(xml, "CopyCompletionTime", dates::format(copy.completed))
}

fn properties(xml: &mut Xml, record: &BlobRecord, now: i64) -> io::Result<()> {
    let (headers, lease) = (&record.headers, record.lease.state(now));
    leaf(xml, "Creation-Time", dates::format(record.created))?;
    leaf(xml, "Last-Modified", dates::format(record.last_modified))?;
    leaf(xml, "Etag", record.etag.to_string())?;
    leaf(xml, "Content-Length", record.content.length().to_string())?;
    leaf(xml, "Content-Type", headers.content_type())?;
    optional(xml, "Content-Encoding", headers.content_encoding.as_deref())?;
    optional(xml, "Content-Language", headers.content_language.as_deref())?;
    optional(xml, "Content-MD5", headers.content_md5.as_deref())?;
    optional(xml, "Cache-Control", headers.cache_control.as_deref())?;
    optional(xml, "Content-Disposition", headers.content_disposition.as_deref())?;
    leaf(xml, "BlobType", "BlockBlob")?;
    leaf(xml, "AccessTier", ACCESS_TIER)?;
    leaf(xml, "AccessTierInferred", "true")?;
    leaf(xml, "LeaseStatus", lease.status())?;
    leaf(xml, "LeaseState", lease.as_str())?;
    optional(xml, "LeaseDuration", record.lease.duration(now))?;
    leaf(xml, "ServerEncrypted", "true")
}

pub(super) fn blocks(xml: &mut Xml, name: &str, blocks: &[Block]) -> io::Result<()> {
    branch(xml, name, |xml| {
        blocks.iter().try_for_each(|block| {
            branch(xml, "Block", |xml| {
                leaf(xml, "Name", &block.id)?;
                leaf(xml, "Size", block.length().to_string())
            })
        })
    })
}

/// The body of Put Block List.
///
/// # Errors
/// [`Code::InvalidXmlDocument`].
pub(super) fn read_block_list(document: &[u8]) -> Result<Vec<BlockChoice>, Failure> {
    let invalid = |why: String| Failure::refused(Code::InvalidXmlDocument, why);
    let mut reader = Reader::from_reader(document);
    let mut choices = Vec::new();
    let mut inside = false;
    loop {
        match reader.read_event().map_err(|error| invalid(error.to_string()))? {
            Event::Start(root) if !inside && root.name().as_ref() == b"BlockList" => inside = true,
            Event::Start(line) if inside => {
                let text = reader.read_text(line.name()).map_err(|error| invalid(error.to_string()))?;
                let id = text.trim().to_owned();
                choices.push(match line.name().as_ref() {
                    b"Committed" => BlockChoice::Committed(id),
                    b"Uncommitted" => BlockChoice::Uncommitted(id),
                    b"Latest" => BlockChoice::Latest(id),
                    _ => return Err(invalid("Expected Committed, Uncommitted or Latest.".to_owned())),
                });
            }
            Event::Empty(root) if !inside && root.name().as_ref() == b"BlockList" => return Ok(choices),
            Event::End(_) if inside => return Ok(choices),
            Event::Decl(_) | Event::Comment(_) => {}
            Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => {}
            _ => return Err(invalid("Expected a BlockList.".to_owned())),
        }
    }
}
