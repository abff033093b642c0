//! Transactional batches: documents of one partition that are written together or not at all.

use azure_core::http::Etag;
use azure_data_cosmos::{
    TransactionalBatch,
    options::{BatchReplaceOptions, Precondition},
};
use futures::FutureExt;
use serde::Serialize;
use serde_json::Value;

use super::{
    container::Container,
    error::{CosmosError, CosmosErrorKind},
};

const OPERATION: &str = "write together";

/// What the service answers for an operation that failed with another one of its batch.
const FAILED_DEPENDENCY: u16 = 424;

/// A document of a batch, and the ETag under which the one in its place was read; without one it is created.
#[derive(Debug, Clone)]
pub struct Unchanged {
    id: String,
    document: Value,
    etag: Option<String>,
}

impl Container {
    /// A document for [`Container::write_together`].
    ///
    /// # Errors
    /// If it is no JSON.
    pub fn unchanged(
        &self,
        id: &str,
        document: &impl Serialize,
        etag: Option<String>,
    ) -> Result<Unchanged, CosmosError> {
        let document = serde_json::to_value(document).map_err(|error| self.not_json(OPERATION, id, error))?;
        Ok(Unchanged { id: id.to_owned(), document, etag })
    }

    /// Writes documents of one partition, all of them or none: at most 100, and 2 MB.
    ///
    /// # Errors
    /// One for which [`CosmosError::is_lost_race`] holds if another writer was there first, at any of them.
    pub async fn write_together(&self, partition_key: &str, documents: Vec<Unchanged>) -> Result<(), CosmosError> {
        let first = documents.first().map(|document| document.id.clone()).unwrap_or_default();
        let key = partition_key.to_owned();
        let written = self.call(OPERATION, &first, move |container| async move {
            let mut batch = TransactionalBatch::new(key);
            for Unchanged { id, document, etag } in documents {
                batch = match etag {
                    None => batch.create_item(document)?,
                    Some(etag) => {
                        let condition = Precondition::if_match(Etag::from(etag));
                        batch.replace_item(
                            id,
                            document,
                            Some(BatchReplaceOptions::default().with_precondition(condition)),
                        )?
                    }
                };
            }
            let response = container.execute_transactional_batch(batch, None).await?;
            self.charged(OPERATION, response.headers());
            Ok(response.into_model()?.results().iter().map(|result| result.status_code()).collect::<Vec<u16>>())
        });
        let statuses = written.boxed().await?;
        match statuses.into_iter().find(|status| !(200..300).contains(status) && *status != FAILED_DEPENDENCY) {
            None => Ok(()),
            Some(status) => Err(self.failed(OPERATION, &first, kind_of(status), None)),
        }
    }
}

fn kind_of(status: u16) -> CosmosErrorKind {
    match status {
        409 | 412 => CosmosErrorKind::Conflict,
        404 => CosmosErrorKind::NotFound,
        413 => CosmosErrorKind::TooLarge,
        400 => CosmosErrorKind::Refused,
        _ => CosmosErrorKind::Transient,
    }
}
