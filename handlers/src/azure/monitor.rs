//! Azure Monitor: the log of failed deliveries of the partners' topic, in a Log Analytics workspace, and counts of its events.
//!
//! Sources: "Azure Monitor Log Analytics API overview", and "Metrics - List" of Azure Monitor, api-version 2024-02-01. The local stack
//! answers this query and this call and no others.

use std::{sync::Arc, time::Duration};

use contoso_json::Plain;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use url::Url;

use super::{
    credentials::{Bearer, Credentials},
    http::Http,
};
use crate::{
    domain::partner::failure::{EventId, FailedDelivery},
    settings::PartnerSettings,
};

const LOGS_SCOPE: &str = "https://api.loganalytics.io/.default";
const METRICS_SCOPE: &str = "https://management.azure.com/.default";
const METRICS_VERSION: &str = "2024-02-01";
/// A query over a day of a busy topic takes seconds.
const DEADLINE: Duration = Duration::from_secs(20);
/// The most rows that are read at once, the newest.
pub(crate) const MOST_ROWS: usize = 5_000;

/// What is counted of a subscription's events, by the names that Event Grid has for it.
pub(crate) const METRICS: [(&str, &str); 5] = [
    ("matched", "MatchedEventCount"),
    ("delivered", "DeliverySuccessCount"),
    ("failedAttempts", "DeliveryAttemptFailCount"),
    ("dropped", "DroppedEventCount"),
    ("deadLettered", "DeadLetteredCount"),
];

/// Azure Monitor; cloning shares its connections.
#[derive(Clone)]
pub struct Monitor(Arc<Inner>);

struct Inner {
    logs: Url,
    workspace: Option<String>,
    resource_manager: Url,
    logs_bearer: Bearer,
    metrics_bearer: Bearer,
    http: Http,
}

/// A call failed; repeating is safe. The service's text is left out, as it quotes the query.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// The settings name no workspace.
    #[error("the setting LogAnalytics__workspaceId is missing")]
    NoWorkspace,
    /// The topic's or subscription's name cannot stand in a query.
    #[error("a name has characters that no query may hold")]
    Name,
    /// There was no answer.
    #[error("Azure Monitor did not answer")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer was another than expected.
    #[error("Azure Monitor answered {0}")]
    Status(StatusCode),
    /// The answer cannot be read.
    #[error("the answer of Azure Monitor cannot be read")]
    Form,
}

/// Whose deliveries are asked about, and of when.
pub(crate) struct Asked<'a> {
    /// Resource id of the topic.
    pub(crate) topic: &'a str,
    /// Name of the event subscription.
    pub(crate) subscription: &'a str,
    pub(crate) from: OffsetDateTime,
    /// The end, which is not in it.
    pub(crate) to: OffsetDateTime,
}

/// A metric's counts, each with the start of its interval.
pub(crate) type Points = Vec<(String, u64)>;

impl Monitor {
    /// The one in `settings`; nothing is connected yet.
    pub fn new(settings: &PartnerSettings, credentials: &Credentials) -> Self {
        Self(Arc::new(Inner {
            logs: settings.log_analytics.clone(),
            workspace: settings.workspace_id.clone(),
            resource_manager: settings.resource_manager.clone(),
            logs_bearer: credentials.bearer(LOGS_SCOPE),
            metrics_bearer: credentials.bearer(METRICS_SCOPE),
            http: credentials.http(),
        }))
    }

    /// The newest failed attempts, [`MOST_ROWS`] at most, newest first; of one event alone if it is named.
    ///
    /// # Errors
    /// As [`MonitorError`] says.
    pub(crate) async fn failures(
        &self,
        asked: &Asked<'_>,
        event: Option<&EventId>,
    ) -> Result<Vec<FailedDelivery>, MonitorError> {
        let workspace = self.0.workspace.as_ref().ok_or(MonitorError::NoWorkspace)?;
        let query = query(asked, event).ok_or(MonitorError::Name)?;
        let mut address = self.0.logs.clone();
        address.set_path(&format!("/v1/workspaces/{workspace}/query"));
        let client = self.0.http.client().map_err(|error| MonitorError::NoAnswer(error.into()))?;
        let request = client.post(address).json(&json!({ "query": query }));
        let (status, answer) = self.send(&self.0.logs_bearer, request).await?;
        if status == StatusCode::BAD_REQUEST && answer.to_string().contains("Failed to resolve table") {
            // A table comes with its first row: nothing failed yet.
            return Ok(Vec::new());
        }
        if !status.is_success() {
            return Err(MonitorError::Status(status));
        }
        let rows = answer["tables"][0]["rows"].as_array().ok_or(MonitorError::Form)?;
        let read = rows.iter().map(|row| {
            let at = OffsetDateTime::parse(row[0].as_str()?, &Rfc3339).ok()?;
            Some(FailedDelivery::parse(at, row[1].as_str()?))
        });
        read.collect::<Option<_>>().ok_or(MonitorError::Form)
    }

    /// The counts of [`METRICS`], in this order, by minute or by hour.
    ///
    /// # Errors
    /// As [`MonitorError`] says.
    pub(crate) async fn metrics(&self, asked: &Asked<'_>, by_hour: bool) -> Result<Vec<Points>, MonitorError> {
        check(asked).ok_or(MonitorError::Name)?;
        let time = |at: OffsetDateTime| at.format(&Rfc3339).map_err(|_| MonitorError::Name);
        let mut address = self.0.resource_manager.clone();
        let path = address.path().trim_end_matches('/').to_owned();
        address.set_path(&format!("{path}/{}/providers/Microsoft.Insights/metrics", asked.topic.trim_matches('/')));
        address
            .query_pairs_mut()
            .append_pair("api-version", METRICS_VERSION)
            .append_pair("metricnames", &METRICS.map(|(_, name)| name).join(","))
            .append_pair("aggregation", "Total")
            .append_pair("$filter", &format!("EventSubscriptionName eq '{}'", asked.subscription))
            .append_pair("timespan", &format!("{}/{}", time(asked.from)?, time(asked.to)?))
            .append_pair("interval", if by_hour { "PT1H" } else { "PT1M" });
        let client = self.0.http.client().map_err(|error| MonitorError::NoAnswer(error.into()))?;
        let (status, answer) = self.send(&self.0.metrics_bearer, client.get(address)).await?;
        if !status.is_success() {
            return Err(MonitorError::Status(status));
        }
        let values = answer["value"].as_array().ok_or(MonitorError::Form)?;
        let points = |name: &str| -> Points {
            let metric = values.iter().find(|value| value["name"]["value"] == name);
            let data = metric.and_then(|metric| metric["timeseries"][0]["data"].as_array());
            // No series at all means that nothing was counted.
            let point = |point: &Value| Some((point["timeStamp"].as_str()?.to_owned(), whole(&point["total"])));
            data.into_iter().flatten().filter_map(point).collect()
        };
        Ok(METRICS.iter().map(|(_, name)| points(name)).collect())
    }

    async fn send(&self, bearer: &Bearer, request: RequestBuilder) -> Result<(StatusCode, Value), MonitorError> {
        let request = request.timeout(DEADLINE);
        let request = bearer.apply(request).await.map_err(|error| MonitorError::NoAnswer(error.into()))?;
        let no_answer = |error: reqwest::Error| MonitorError::NoAnswer(error.without_url().into());
        let response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let read: Result<Plain, _> = response.json().await; // json: as plain data
        match read {
            Ok(Plain(answer)) => Ok((status, answer)),
            Err(_) if !status.is_success() => Ok((status, Value::Null)),
            Err(error) => Err(no_answer(error)),
        }
    }
}

/// A count, which the service writes as a number with a fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are small and not negative")]
fn whole(total: &Value) -> u64 {
    total.as_u64().or_else(|| total.as_f64().map(|total| total as u64)).unwrap_or_default()
}

/// Whether the names may stand between quotes.
fn check(asked: &Asked<'_>) -> Option<()> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.()".contains(&byte));
    (plain(asked.topic) && plain(asked.subscription)).then_some(())
}

/// The query. Its values are checked: none can end the text that it stands in.
fn query(asked: &Asked<'_>, event: Option<&EventId>) -> Option<String> {
    check(asked)?;
    let time = |at: OffsetDateTime| at.format(&Rfc3339).ok();
    let event = event.map(|id| format!("| where Message contains 'id={},'\n", id.as_str())).unwrap_or_default();
    Some(format!(
        "AegDeliveryFailureLogs\n\
         | where Category == 'DeliveryFailures'\n\
         | where _ResourceId =~ '{}'\n\
         | where EventSubscriptionName =~ '{}'\n\
         | where TimeGenerated >= datetime({}) and TimeGenerated < datetime({})\n\
         {event}\
         | top {MOST_ROWS} by TimeGenerated desc\n\
         | project TimeGenerated, Message",
        asked.topic,
        asked.subscription,
        time(asked.from)?,
        time(asked.to)?,
    ))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn nothing_that_stands_in_a_query_can_end_its_text() {
        let asked = |topic, subscription| Asked {
            topic,
            subscription,
            from: datetime!(2026-03-04 12:00 UTC),
            to: datetime!(2026-03-05 12:00 UTC),
        };
        let text = query(&asked("/subscriptions/0/topics/partners", "sub-a"), EventId::new("p-1").as_ref()).unwrap();
        assert!(text.contains("| where Message contains 'id=p-1,'\n| top 5000 by"), "{text}");
        assert_eq!(text.lines().count(), 8);
        for (topic, subscription) in [("/a'b", "s"), ("/a", "s' or 1 == 1"), ("/a", "s\n| take 1"), ("/a\\", "s")] {
            assert!(query(&asked(topic, subscription), None).is_none(), "{topic} {subscription}");
        }
    }
}
