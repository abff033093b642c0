//! `cosmosDBTrigger`: changed documents of a container, latest version each.

use opentelemetry::KeyValue;
use serde_json::{Value, value::RawValue};
use time::OffsetDateTime;

use super::{
    batch::{self, About, Limits, Records},
    invocation::{Invocation, Malformed, json_text},
    report::Report,
    summary::Summary,
};
use crate::{
    app::App,
    clock,
    dead_letters::{BadRecord, DeadLetter, stored::Opened},
    domain::trace_context::{self, MEMBER, TraceContext},
    events::DecodeError,
    function::{BoxFuture, ChangedDocument},
    outcome::{Cause, Outcome},
};

pub(super) async fn invoke(
    app: &App,
    function: &'static str,
    handle: fn(App, Vec<ChangedDocument>) -> BoxFuture<Vec<Outcome>>,
    summary: Summary<'_>,
    invocation: &Invocation<'_>,
) -> Result<axum::response::Response, Malformed> {
    let text = json_text(invocation.trigger()?).map_err(Malformed::value("the change feed"))?;
    let documents: Vec<&RawValue> = contoso_json::parts(text.as_ref()).map_err(Malformed::value("the change feed"))?;
    let feed = Feed { function, documents };
    let call = |documents| handle(app.clone(), documents);
    let report = batch::run(&feed, call, app, &summary, invocation.retry_count(), &Limits::USUAL).await;
    let oldest = feed.documents.iter().filter_map(|document| changed_at(document)).min();
    Ok(summary.finish(feed.documents.len(), &report, oldest.map(|changed| app.now() - changed)))
}

/// What letters of a feed have in place of a hub.
pub(super) const ORIGIN: &str = "feed";

/// Gives a parked document to the function once more; `None` if the letter holds none.
pub(super) async fn replay(
    app: &App,
    function: &'static str,
    handle: fn(App, Vec<ChangedDocument>) -> BoxFuture<Vec<Outcome>>,
    summary: &Summary<'_>,
    opened: &Opened,
) -> Option<(Outcome, Report)> {
    let document: &RawValue = contoso_json::parts(&opened.body).ok()?;
    let feed = Feed { function, documents: vec![document] };
    let call = |documents| handle(app.clone(), documents);
    Some(batch::run_alone(&feed, call, app, summary, &Limits::REPLAY).await)
}

struct Feed<'a> {
    function: &'static str,
    documents: Vec<&'a RawValue>,
}

impl Records for Feed<'_> {
    type Item = ChangedDocument;

    fn len(&self) -> usize {
        self.documents.len()
    }

    async fn decode(&self, index: usize) -> Result<ChangedDocument, DecodeError> {
        let document: Value = contoso_json::from_str(self.documents[index].get())
            .map_err(|error| DecodeError::Park(Cause::from_error("read the document", error)))?;
        let trace = document.get(MEMBER).and_then(trace_context::from_json);
        Ok(ChangedDocument { document, trace })
    }

    fn key<'i>(&self, item: &'i ChangedDocument) -> Option<&'i str> {
        item.document.get("id").and_then(Value::as_str)
    }

    fn about<'i>(&'i self, item: &'i ChangedDocument) -> About<'i> {
        let changed = item.document.get("_ts").and_then(Value::as_i64);
        let happened = changed.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        About { trace: item.trace.as_ref(), happened, event: None }
    }

    fn origin(&self) -> Vec<KeyValue> {
        vec![KeyValue::new("messaging.system", "cosmosdb"), KeyValue::new("messaging.operation.type", "process")]
    }

    fn adopt(item: &mut ChangedDocument, trace: &TraceContext) {
        item.trace = Some(trace.clone());
    }

    fn dead_letter(&self, index: usize, cause: &Cause) -> DeadLetter {
        let text = self.documents[index].get();
        let document = contoso_json::plain(text.as_bytes()).unwrap_or_default();
        let member = |name| document.get(name).cloned().unwrap_or_default();
        let record = BadRecord {
            function: self.function,
            origin: ORIGIN,
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
