//! The in-process door's way through a container, a page at a time.

use super::{
    Blobs, Properties,
    error::Error,
    names::{BlobPath, ContainerName},
    store::{Entry, PageRequest},
};

impl Blobs {
    /// At most `limit` blobs from the name `from` on, in the order of their names, and the name to go on with.
    ///
    /// # Errors
    /// A missing container; a failing store.
    pub fn page(
        &self,
        container: &str,
        from: &str,
        limit: usize,
    ) -> Result<(Vec<(String, Properties)>, Option<String>), Error> {
        let request = PageRequest { prefix: String::new(), delimiter: None, marker: from.to_owned(), limit };
        let page = ContainerName::new(container)
            .and_then(|container| self.inner.service.store.list_blobs(&container, &request))
            .map_err(|cause| Error::new("list blobs of", container, cause))?;
        let blobs = page.entries.into_iter().filter_map(|entry| match entry {
            Entry::Blob(name, record) => Some((name, Properties::from(&*record))),
            Entry::Prefix(_) => None,
        });
        Ok((blobs.collect(), page.next))
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
