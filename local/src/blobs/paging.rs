//! Paging: a container's blobs through the in-process API, a page at a time.

use super::{
    Blobs, Properties,
    error::Error,
    names::{BlobPath, ContainerName},
    store::{Entry, PageRequest},
};

/// A part of a listing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BlobPage {
    /// Names with what is known of each, in the order of the names.
    pub blobs: Vec<(String, Properties)>,
    /// The name to go on with; `None` at the end.
    pub next: Option<String>,
}

impl Blobs {
    /// At most `limit` blobs from the name `from` on.
    ///
    /// # Errors
    /// A missing container; a failing store.
    pub fn page(&self, container: &str, from: &str, limit: usize) -> Result<BlobPage, Error> {
        let request = PageRequest { marker: from.to_owned(), limit, ..PageRequest::default() };
        let page = ContainerName::new(container)
            .and_then(|container| self.inner.service.store.list_blobs(&container, &request))
            .map_err(|cause| Error::new("list blobs of", container, cause))?;
        let blobs = page.entries.into_iter().filter_map(|entry| match entry {
            Entry::Blob(name, record) => Some((name, Properties::from(&*record))),
            Entry::Prefix(_) | Entry::Uncommitted(_) => None,
        });
        Ok(BlobPage { blobs: blobs.collect(), next: page.next })
    }

    /// The address of a blob.
    ///
    /// # Errors
    /// An impossible name.
    pub fn url(&self, container: &str, name: &str) -> Result<String, Error> {
        let path = BlobPath::parse(container, name).map_err(|cause| Error::new("name blob", name, cause))?;
        Ok(path.url(&self.inner.service.base))
    }
}
