//! `cosmosDBTrigger`: changed documents of a container, latest version each.

use serde_json::{Value, value::RawValue};
use time::OffsetDateTime;

use super::{
    batch::{self, Limits, Records},
    invocation::{Invocation, Malformed, json_text},
    summary::Summary,
};
use crate::{
    app::App,
    clock,
    dead_letters::{BadRecord, DeadLetter},
    events::DecodeError,
    function::BoxFuture,
    outcome::{Cause, Outcome},
};

pub(super) async fn invoke(
    app: &App,
    function: &'static str,
    handle: fn(App, Vec<Value>) -> BoxFuture<Vec<Outcome>>,
    invocation: &Invocation<'_>,
) -> Result<axum::response::Response, Malformed> {
    let summary = Summary::start(function);
    let text = json_text(invocation.trigger()?).map_err(Malformed::value("the change feed"))?;
    let documents: Vec<&RawValue> = contoso_json::parts(text.as_ref()).map_err(Malformed::value("the change feed"))?;
    let feed = Feed { function, documents };
    let call = |documents| handle(app.clone(), documents);
    let report = batch::run(&feed, call, app, invocation.retry_count(), &Limits::USUAL).await;
    let oldest = feed.documents.iter().filter_map(|document| changed_at(document)).min();
    Ok(summary.finish(feed.documents.len(), &report, oldest.map(|changed| app.now() - changed)))
}

struct Feed<'a> {
    function: &'static str,
    documents: Vec<&'a RawValue>,
}

impl Records for Feed<'_> {
    type Item = Value;

    fn len(&self) -> usize {
        self.documents.len()
    }

    async fn decode(&self, index: usize) -> Result<Value, DecodeError> {
        contoso_json::from_str(self.documents[index].get())
            .map_err(|error| DecodeError::Park(Cause::from_error("read the document", error)))
    }

    fn key<'i>(&self, item: &'i Value) -> Option<&'i str> {
        item.get("id").and_then(Value::as_str)
    }

    fn dead_letter(&self, index: usize, cause: &Cause) -> DeadLetter {
        let text = self.documents[index].get();
        let document = contoso_json::plain(text.as_bytes()).unwrap_or_default();
        let member = |name| document.get(name).cloned().unwrap_or_default();
        let record = BadRecord {
            function: self.function,
            origin: "feed",
            part: "documents",
            id: document.get("id").and_then(Value::as_str).map(str::to_owned),
            position: serde_json::json!({ "id": member("id"), "etag": member("_etag"), "lsn": member("_lsn") }),
            properties: None,
            content_type: Some("application/json"),
            body: text.as_bytes(),
            cause,
        };
        DeadLetter::new(&record, clock::now())
    }
}

/// `_ts`, which Cosmos DB keeps in whole seconds.
fn changed_at(document: &RawValue) -> Option<OffsetDateTime> {
    #[derive(serde::Deserialize)]
    struct Stamp {
        #[serde(rename = "_ts")]
        seconds: i64,
    }
    let stamp: Stamp = contoso_json::from_str(document.get()).ok()?;
    OffsetDateTime::from_unix_timestamp(stamp.seconds).ok()
}
