//! Deleting a projection's documents.

use anyhow::Context;
use contoso_handlers::app::App;
use contoso_handlers::azure::cosmos::CosmosErrorKind;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

/// The condition that holds for every document.
pub(super) const EVERY: &str = "true";
/// Documents deleted at a time.
const AT_ONCE: usize = 16;

/// A container, and what a projection has in it.
pub(super) struct Store {
    pub(super) database: &'static str,
    pub(super) container: &'static str,
    /// The member that is the partition key.
    pub(super) key: &'static str,
    /// Which documents go, in the language of queries.
    pub(super) condition: &'static str,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    key: String,
}

/// Deletes the documents of `stores`, and says how many.
pub(super) async fn documents(app: &App, stores: &[Store]) -> anyhow::Result<usize> {
    let mut deleted = 0;
    for Store { database, container, key, condition } in stores {
        let place = app.cosmos().container(database, container);
        let failed = || format!("cannot clear {database}/{container}; running the command again is safe");
        let sql = format!("SELECT c.id, c.{key} AS key FROM c WHERE {condition}");
        let found: Vec<Found> = place.query(&sql).await.with_context(failed)?;
        deleted += found.len();
        stream::iter(found)
            .map(|document| {
                let place = &place;
                async move {
                    match place.delete(&document.key, &document.id, None).await {
                        Err(error) if error.kind == CosmosErrorKind::NotFound => Ok(()),
                        ended => ended,
                    }
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
            .with_context(failed)?;
    }
    Ok(deleted)
}
