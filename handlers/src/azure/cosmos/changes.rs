//! The change feed, read from where the reader stopped.

use std::num::NonZeroU32;

use azure_data_cosmos::{
    FeedScope,
    feed::ContinuationToken,
    options::{ChangeFeedOptions, ChangeFeedStartFrom, MaxItemCountHint},
};
use contoso_json::Plain;
use futures::{FutureExt, StreamExt, future::BoxFuture};
use serde::de::DeserializeOwned;

use super::{container::Container, error::CosmosError};

const OPERATION: &str = "read the changes of";

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
    /// moment. They are `max_items` at most, or one of each physical partition: every one of these gives its part, so that one which
    /// changes all the time does not hide the others. What changes meanwhile may come more than once, what changed before comes at least once.
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
        let items = changes.items.into_iter().map(|Plain(item)| serde_json::from_value(item)).collect::<Result<_, _>>();
        let items = items.map_err(|error| self.not_json(OPERATION, "all", error))?;
        Ok(Changes { items, continuation: changes.continuation })
    }

    fn changed_values<'a>(
        &'a self,
        continuation: Option<&'a str>,
        max_items: NonZeroU32,
    ) -> BoxFuture<'a, Result<Changes<Plain>, CosmosError>> {
        let changes = async move {
            let (mut pages, ranges) = self
                .call(OPERATION, "all", move |container| async move {
                    let ranges = container.read_feed_ranges(None).await?.len().max(1);
                    let part = max_items.get() / u32::try_from(ranges).unwrap_or(u32::MAX);
                    let part = NonZeroU32::new(part).unwrap_or(NonZeroU32::MIN);
                    let mut options = ChangeFeedOptions::default().with_max_item_count(MaxItemCountHint::Limit(part));
                    if let Some(continuation) = continuation {
                        options =
                            options.with_continuation_token(ContinuationToken::from_string(continuation.to_owned()));
                    }
                    let scope = FeedScope::full_container();
                    let pages = container
                        .query_change_feed::<Plain>(scope, ChangeFeedStartFrom::Beginning, Some(options))
                        .await?;
                    Ok((pages, ranges))
                })
                .await?;
            let mut items: Vec<Plain> = Vec::new();
            // A page is of one physical partition; they are asked in turn, in each call from the first one on. Each has the deadline of a
            // read: together they may take longer where there are many, and the store is busy.
            for _ in 0..ranges {
                let page = self.call(OPERATION, "all", |_| async { pages.next().await.transpose() }).await?;
                let Some(page) = page else { break };
                items.extend(page.into_items().into_iter().filter_map(|item| item.current().cloned()));
            }
            let token = self.call(OPERATION, "all", |_| async move { pages.to_continuation_token() }).await?;
            Ok(Changes { items, continuation: token.as_str().to_owned() })
        };
        changes.boxed()
    }
}
