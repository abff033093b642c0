//! Listing a container, page by page.

use super::{Store, decode};
use crate::blobs::{error::Failure, names::ContainerName, record::BlobRecord};

/// What to list.
#[derive(Clone, Debug)]
pub(in crate::blobs) struct PageRequest {
    pub(in crate::blobs) prefix: String,
    /// Names that go on after the first one of these behind the prefix are folded into one entry.
    pub(in crate::blobs) delimiter: Option<String>,
    /// Name to start with.
    pub(in crate::blobs) marker: String,
    /// Most entries.
    pub(in crate::blobs) limit: usize,
}

/// A line of a listing.
#[derive(Debug)]
pub(in crate::blobs) enum Entry {
    Blob(String, Box<BlobRecord>),
    /// Blobs folded together: their common start, delimiter included.
    Prefix(String),
}

#[derive(Debug, Default)]
pub(in crate::blobs) struct Page {
    pub(in crate::blobs) entries: Vec<Entry>,
    /// Where the next page starts.
    pub(in crate::blobs) next: Option<String>,
}

impl Store {
    /// # Errors
    /// [`Code::ContainerNotFound`](crate::blobs::Code::ContainerNotFound).
    pub(in crate::blobs) fn list_blobs(
        &self,
        container: &ContainerName,
        request: &PageRequest,
    ) -> Result<Page, Failure> {
        self.existing_container(container)?;
        let root = container.blob_prefix();
        let at = |name: &str| [&root[..], name.as_bytes()].concat();
        let wanted = at(&request.prefix);
        let mut page = Page::default();
        let mut start = at(request.prefix.as_str().max(&request.marker));
        // Each round lists up to a folded name and goes on behind everything that is folded into it.
        'rounds: loop {
            for entry in self.blobs.range(start.clone()..) {
                let (key, value) = entry.into_inner()?;
                if !key.starts_with(&wanted) {
                    break 'rounds;
                }
                let name = String::from_utf8_lossy(&key[root.len()..]).into_owned();
                let folded = fold(&name, request);
                if page.entries.len() == request.limit {
                    page.next = Some(folded.unwrap_or(name));
                    break 'rounds;
                }
                if let Some(prefix) = folded {
                    start = behind(at(&prefix));
                    page.entries.push(Entry::Prefix(prefix));
                    continue 'rounds;
                }
                let record = decode(&value, || format!("blob {}/{name}", container.as_str()))?;
                page.entries.push(Entry::Blob(name, record));
            }
            break;
        }
        Ok(page)
    }
}

fn fold(name: &str, request: &PageRequest) -> Option<String> {
    let delimiter = request.delimiter.as_deref()?;
    let rest = name.get(request.prefix.len()..)?;
    let end = request.prefix.len() + rest.find(delimiter)? + delimiter.len();
    Some(name[..end].to_owned())
}

/// The first key behind all keys that start with `prefix`, which ends in UTF-8 text and so in no `0xFF`.
fn behind(mut prefix: Vec<u8>) -> Vec<u8> {
    if let Some(last) = prefix.last_mut() {
        *last += 1;
    }
    prefix
}
