//! The change feed, read from where the reader stopped.

use std::num::NonZeroU32;

use azure_data_cosmos::{
    FeedScope,
    feed::ContinuationToken,
    options::{ChangeFeedOptions, ChangeFeedStartFrom, MaxItemCountHint},
};
use futures::{FutureExt, StreamExt, future::BoxFuture};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Container, CosmosError};

/// Documents that changed, each in its latest version.
#[derive(Debug, Clone)]
pub struct Changes<T> {
    /// At least one, unless nothing changed since.
    pub items: Vec<T>,
    /// Where to read on.
    pub continuation: String,
}

impl Container {
    /// The next documents of this container that changed after `continuation`, or from the beginning; none if there are none at the
    /// moment. What changes meanwhile may come more than once, what changed before comes at least once.
    ///
    /// # Errors
    /// [`super::CosmosErrorKind::Refused`] if the continuation is malformed or a document has not the shape of `T`, else as
    /// [`super::CosmosErrorKind`] says.
    pub async fn changes<T: DeserializeOwned>(
        &self,
        continuation: Option<&str>,
        max_items: NonZeroU32,
    ) -> Result<Changes<T>, CosmosError> {
        let changes = self.changed_values(continuation, max_items).await?;
        let items = changes.items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
        let items = items.map_err(|error| self.not_json("read the changes of", "all", error))?;
        Ok(Changes { items, continuation: changes.continuation })
    }

    fn changed_values<'a>(
        &'a self,
        continuation: Option<&'a str>,
        max_items: NonZeroU32,
    ) -> BoxFuture<'a, Result<Changes<Value>, CosmosError>> {
        let changes = self.call("read the changes of", "all", move |container| async move {
            let ranges = container.read_feed_ranges(None).await?.len();
            let mut options = ChangeFeedOptions::default().with_max_item_count(MaxItemCountHint::Limit(max_items));
            if let Some(continuation) = continuation {
                options = options.with_continuation_token(ContinuationToken::from_string(continuation.to_owned()));
            }
            let scope = FeedScope::full_container();
            let mut pages =
                container.query_change_feed::<Value>(scope, ChangeFeedStartFrom::Beginning, Some(options)).await?;
            let mut items: Vec<Value> = Vec::new();
            // A page is of one physical partition; they are asked in turn.
            for _ in 0..ranges.max(1) {
                let Some(page) = pages.next().await.transpose()? else { break };
                items = page.into_items().into_iter().filter_map(|item| item.current().cloned()).collect();
                if !items.is_empty() {
                    break;
                }
            }
            let continuation = pages.to_continuation_token()?.as_str().to_owned();
            Ok(Changes { items, continuation })
        });
        changes.boxed()
    }
}
