//! Streaming upload: blobs that come piece by piece through the in-process API.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    Blobs, Properties, PutOptions,
    bodies::Upload,
    error::{Code, Error, Failure},
    http::Service,
    names::BlobPath,
    record::ContentHeaders,
    store::Replacement,
};
use crate::storage_account::check_metadata;

/// A blob in the making. Nothing of it is visible before [`BlobWriter::commit`]; dropped without, and after a crash, it
/// leaves nothing. It holds some hundred kilobytes of memory, however large the blob gets.
pub struct BlobWriter {
    service: Arc<Service>,
    path: BlobPath,
    options: PutOptions,
    upload: Upload,
}

impl Blobs {
    /// Begins a blob that is written piece by piece.
    ///
    /// # Errors
    /// An impossible name, metadata or content type. Whether the container is there and the condition holds is seen at
    /// the end.
    pub fn create(&self, container: &str, name: &str, options: PutOptions) -> Result<BlobWriter, Error> {
        let check = || {
            let path = BlobPath::parse(container, name)?;
            check_metadata(&options.metadata)?;
            if let Some(content_type) = &options.content_type {
                // What cannot stand in a header could never be returned.
                ::http::HeaderValue::from_str(content_type)
                    .map_err(|_| Failure::refused(Code::InvalidHeaderValue, "The content type."))?;
            }
            Ok(path)
        };
        let path = check().map_err(|cause: Failure| Error::new("put blob", format!("{container}/{name}"), cause))?;
        let service = Arc::clone(&self.inner.service);
        let upload = service.store.upload();
        Ok(BlobWriter { service, path, options, upload })
    }
}

impl BlobWriter {
    /// Appends bytes.
    ///
    /// # Errors
    /// A failing store; the writer is of no use then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.upload.write(bytes).map_err(|cause| Error::new("write blob", self.path.to_string(), cause))
    }

    /// Makes the blob visible, whole and durable, and raises the same news as Put Blob.
    ///
    /// # Errors
    /// A missing container, what the condition or a lease refuses, a failing store: then there is no blob. A failing
    /// observer: then there is one.
    pub fn commit(self) -> Result<Properties, Error> {
        let Self { service, path, options, upload } = self;
        let (draft, _) = upload.finish();
        let replacement = Replacement {
            headers: ContentHeaders { content_type: options.content_type, ..ContentHeaders::default() },
            metadata: options.metadata,
            access: options.condition.into(),
            may_overwrite: true,
            copy: None,
            url: path.url(&service.base),
            request_id: Uuid::new_v4().to_string(),
            client_request_id: None,
        };
        match service.store.put_blob(&path, draft, replacement) {
            Ok(record) => Ok(Properties::from(&record)),
            Err(cause) => Err(Error::new("put blob", path.to_string(), cause)),
        }
    }
}
