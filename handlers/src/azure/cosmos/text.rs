//! The client's calls, on documents as JSON text: without type parameters, in boxed futures.

use std::num::NonZeroU32;

use azure_data_cosmos::{
    FeedScope, Query,
    feed::ContinuationToken,
    models::ItemResponse,
    options::{FeedOptions, MaxItemCountHint, QueryOptions},
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture};
use serde_json::{Value, value::RawValue};

use super::{
    as_of::AsOf,
    container::{Container, Page},
    error::CosmosError,
    write::{Write, unless_changed},
};

/// Physical partitions that a query may ask; the client's own limit is 100.
const MAX_PARTITIONS: u32 = 1_000;

impl Container {
    /// The text of a document and its ETag.
    pub(super) fn read_text<'a>(
        &'a self,
        as_of: AsOf,
        partition_key: &'a str,
        id: &'a str,
    ) -> BoxFuture<'a, Result<(Bytes, String), CosmosError>> {
        let read = self.call("read", id, move |container| async move {
            let response = container.read_item(partition_key.to_owned(), id, as_of.options()).await?;
            self.charged("read", response.headers());
            let etag = etag_of(&response);
            Ok((response.into_body().single()?, etag))
        });
        read.boxed()
    }

    /// Writes the text of a document, and gives its new ETag.
    pub(super) fn write<'a>(
        &'a self,
        write: Write<'a>,
        partition_key: &'a str,
        id: &'a str,
        text: Box<RawValue>,
    ) -> BoxFuture<'a, Result<String, CosmosError>> {
        let (operation, options) = match write {
            Write::Create => ("create", None),
            Write::Replace { etag } => ("replace", Some(unless_changed(etag))),
            Write::Upsert => ("upsert", None),
        };
        let written = self.call(operation, id, move |container| async move {
            let key = partition_key.to_owned();
            let response = match write {
                Write::Create => container.create_item(key, id, &text, options).await?,
                Write::Replace { .. } => container.replace_item(key, id, &text, options).await?,
                Write::Upsert => container.upsert_item(key, id, &text, options).await?,
            };
            self.charged(operation, response.headers());
            Ok(etag_of(&response))
        });
        written.boxed()
    }

    pub(super) fn query_page<'a>(
        &'a self,
        partition_key: &'a str,
        sql: &'a str,
        parameters: &'a [(&'a str, Value)],
        max_items: NonZeroU32,
        continuation: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Page<Box<RawValue>>, CosmosError>> {
        let page = self.call("query", partition_key, move |container| async move {
            let mut query = Query::from(sql);
            for (name, value) in parameters {
                query = query.with_parameter(*name, value)?;
            }
            let mut options = QueryOptions::default().with_max_item_count(MaxItemCountHint::Limit(max_items));
            if let Some(continuation) = continuation {
                options = options.with_continuation_token(ContinuationToken::from_string(continuation.to_owned()));
            }
            let scope = FeedScope::partition(partition_key.to_owned());
            let mut pages = container.query_items::<Box<RawValue>>(query, scope, Some(options)).await?.into_pages();
            let Some(page) = pages.next().await.transpose()? else {
                return Ok(Page { items: Vec::new(), continuation: None });
            };
            self.charged("query", page.headers());
            // The iterator's token is never empty; only the service's header says whether more follows.
            let continuation = match page.headers().continuation() {
                Some(_) => Some(pages.to_continuation_token()?.as_str().to_owned()),
                None => None,
            };
            Ok(Page { items: page.into_items(), continuation })
        });
        page.boxed()
    }

    pub(super) fn query_all<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, Result<Vec<Box<RawValue>>, CosmosError>> {
        let found = self.call("query", "all", move |container| async move {
            let options = FeedOptions::default().with_max_fan_out(MAX_PARTITIONS);
            let options = QueryOptions::default().with_feed_options(options);
            let scope = FeedScope::full_container();
            let found = container.query_items::<Box<RawValue>>(Query::from(sql), scope, Some(options)).await?;
            let (mut pages, mut items) = (found.into_pages(), Vec::new());
            while let Some(page) = pages.try_next().await? {
                self.charged("query", page.headers());
                items.extend(page.into_items());
            }
            Ok(items)
        });
        found.boxed()
    }
}

fn etag_of(response: &ItemResponse) -> String {
    response.headers().etag().map(ToString::to_string).unwrap_or_default()
}
