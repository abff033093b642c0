//! Listing a container, page by page.

use std::sync::PoisonError;

use fjall::{Guard, UserKey, UserValue};

use super::{Store, decode};
use crate::blobs::{
    error::Failure,
    names::{BlobPath, ContainerName},
    record::BlobRecord,
};

/// What to list.
#[derive(Clone, Debug, Default)]
pub(in crate::blobs) struct PageRequest {
    pub(in crate::blobs) prefix: String,
    /// Names that go on after the first one of these behind the prefix are folded into one entry.
    pub(in crate::blobs) delimiter: Option<String>,
    /// Name to start with.
    pub(in crate::blobs) marker: String,
    /// Most entries.
    pub(in crate::blobs) limit: usize,
    /// Whether blobs count that have nothing but staged blocks.
    pub(in crate::blobs) uncommitted: bool,
}

/// A line of a listing.
#[derive(Debug)]
pub(in crate::blobs) enum Entry {
    Blob(String, Box<BlobRecord>),
    /// Name of a blob that has nothing but staged blocks.
    Uncommitted(String),
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
        // Under the writers' lock, so that no blob goes from the blocks to the records while both are read.
        let _turn = request.uncommitted.then(|| self.last_etag.lock().unwrap_or_else(PoisonError::into_inner));
        let root = container.blob_prefix();
        let at = |name: &str| [&root[..], name.as_bytes()].concat();
        let wanted = at(&request.prefix);
        let mut page = Page::default();
        let mut start = at(request.prefix.as_str().max(&request.marker));
        // Each round lists up to a folded name and goes on behind everything that is folded into it.
        'rounds: loop {
            let mut lines = Lines::of(self, container, start.clone(), request.uncommitted)?;
            while let Some((key, value)) = lines.next()? {
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
                page.entries.push(match value {
                    None => Entry::Uncommitted(name),
                    Some(value) => {
                        let record = decode(&value, || format!("blob {}/{name}", container.as_str()))?;
                        Entry::Blob(name, record)
                    }
                });
            }
            break;
        }
        Ok(page)
    }
}

/// A container's blobs by their keys in order: those with a record, and where asked for those that have nothing but staged
/// blocks.
struct Lines<'s> {
    store: &'s Store,
    container: &'s ContainerName,
    records: fjall::Iter,
    record: Option<(UserKey, UserValue)>,
    /// The next blob with staged blocks, whether it has a record or not.
    staged: Option<Vec<u8>>,
}

/// A blob's key, and its record unless all it has are staged blocks.
type Line = (Vec<u8>, Option<UserValue>);

impl<'s> Lines<'s> {
    /// From the key `start` on.
    fn of(store: &'s Store, container: &'s ContainerName, start: Vec<u8>, uncommitted: bool) -> Result<Self, Failure> {
        let mut records = store.blobs.range(start.clone()..);
        let record = records.next().map(Guard::into_inner).transpose()?;
        let mut lines = Self { store, container, records, record, staged: None };
        if uncommitted {
            lines.staged = lines.staged_from(start)?;
        }
        Ok(lines)
    }

    fn next(&mut self) -> Result<Option<Line>, Failure> {
        let record = self.record.as_ref().map(|(key, _)| &key[..]);
        if let Some(staged) = self.staged.take_if(|staged| record.is_none_or(|record| &staged[..] < record)) {
            self.staged = self.staged_behind(&staged)?;
            return Ok(Some((staged, None)));
        }
        let Some((key, value)) = self.record.take() else { return Ok(None) };
        if self.staged.as_deref() == Some(&key[..]) {
            self.staged = self.staged_behind(&key)?;
        }
        self.record = self.records.next().map(Guard::into_inner).transpose()?;
        Ok(Some((key.to_vec(), Some(value))))
    }

    fn staged_from(&self, start: Vec<u8>) -> Result<Option<Vec<u8>>, Failure> {
        let Some(entry) = self.store.blocks.range(start..).next() else { return Ok(None) };
        Ok(BlobPath::key_of_block(&entry.key()?, self.container))
    }

    /// The next one behind all blocks of the blob at `key`, however many there are.
    fn staged_behind(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        self.staged_from([key, &[1]].concat())
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
