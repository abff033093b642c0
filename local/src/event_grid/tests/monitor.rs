//! What Azure Monitor tells of deliveries: the log's rows and the counts, asked over the wire.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use http::Method;
use serde_json::{Value, json};

use super::support::{Receiver, Stack, agreement, plain, until, web_hook};
use crate::{event_grid::event::timestamp, monitor::Monitor};

const LOGS: &str = "https://api.loganalytics.io";

/// Asks the workspace for the last day of `subscription`, as `who`; returns status and body.
async fn ask(stack: &Stack, who: &str, audience: &str, subscription: &str) -> (u16, Value) {
    let now = stack.clock.now();
    let query = format!(
        "AegDeliveryFailureLogs\n| where Category == 'DeliveryFailures'\n| where _ResourceId =~ '{}'\n\
         | where EventSubscriptionName =~ '{subscription}'\n\
         | where TimeGenerated >= datetime({}) and TimeGenerated < datetime({})\n\
         | top 100 by TimeGenerated desc\n| project TimeGenerated, Message",
        stack.grid.topic_id("orders").expect("a topic"),
        timestamp(now - Duration::from_secs(86_400)),
        timestamp(now + Duration::from_secs(1)),
    );
    post(stack, who, audience, &Monitor::workspace_id().to_string(), &query).await
}

async fn post(stack: &Stack, who: &str, audience: &str, workspace: &str, query: &str) -> (u16, Value) {
    let url = format!("{}/v1/workspaces/{workspace}/query", stack.resource_manager());
    let request = stack.http.post(url).bearer_auth(stack.token(who, audience)).json(&json!({ "query": query }));
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn every_failed_attempt_is_a_row_of_its_event() {
    let mut stack = Stack::start().await;
    let (status, none) = ask(&stack, "owner", LOGS, "acme").await;
    let said = &none["error"]["innererror"]["innererror"]["message"];
    assert_eq!(status, 400);
    assert!(said.as_str().expect("a message").contains("Failed to resolve table"), "{none}");

    let failing = Receiver::answering(|request, number| match (request.method == Method::OPTIONS, number) {
        (true, _) => agreement(),
        (false, 0) => plain(500),
        (false, _) => plain(401),
    })
    .await;
    stack.subscribe("acme", web_hook(&failing.url, json!({}))).await;
    stack.publish_order("order-1", json!({})).await;
    failing.delivered(1).await;
    let rows = async |stack: &Stack, count: usize| {
        until("rows", || async {
            let (status, answer) = ask(stack, "owner", LOGS, "acme").await;
            let rows = answer["tables"][0]["rows"].as_array().cloned().unwrap_or_default();
            (status == 200 && rows.len() == count).then_some(rows)
        })
        .await
    };
    rows(&stack, 1).await;
    stack.clock.advance(Duration::from_secs(11));
    let logged = rows(&stack, 2).await;
    let messages: Vec<&str> = logged.iter().map(|row| row[1].as_str().expect("text")).collect();
    for (message, expected) in messages.iter().zip([
        ["outcome=Unauthorized, ", "deliveryCount=1, ", "deliveryResponse=Unauthorized: "],
        ["outcome=Busy, ", "deliveryCount=0, ", "deliveryResponse=InternalServerError: "],
    ]) {
        assert!(expected.iter().all(|part| message.contains(part)), "{message}");
        assert!(message.contains(", id=order-1, ") && message.contains("eventType=com.example.order.placed, "));
        assert!(message.contains(&format!("url={}, ", failing.url)), "{message}");
    }
    assert_eq!(ask(&stack, "owner", LOGS, "other").await.1["tables"][0]["rows"], json!([]));

    let topic = stack.grid.topic_id("orders").expect("a topic");
    let metrics = async |names: &str| {
        let (from, to) = (stack.clock.now() - Duration::from_secs(600), stack.clock.now() + Duration::from_secs(60));
        let url = format!(
            "{}{topic}/providers/Microsoft.Insights/metrics?api-version=2024-02-01&metricnames={names}&aggregation=Total\
             &$filter=EventSubscriptionName eq 'acme'&timespan={}/{}&interval=PT1M",
            stack.resource_manager(),
            timestamp(from),
            timestamp(to),
        );
        stack.call(Method::GET, &url, None).await
    };
    let (status, _, told) =
        metrics("MatchedEventCount,DeliverySuccessCount,DeliveryAttemptFailCount,DroppedEventCount,DeadLetteredCount")
            .await;
    assert_eq!(status, 200, "{told}");
    let totals = told["value"].as_array().expect("metrics").iter().map(|metric| {
        let points = metric["timeseries"][0]["data"].as_array().expect("points");
        points.iter().filter_map(|point| point["total"].as_u64()).sum::<u64>()
    });
    assert_eq!(totals.collect::<Vec<_>>(), [1, 0, 2, 1, 0]);
    let (status, _, refused) = metrics("PublishSuccessCount").await;
    assert_eq!(status, 501);
    assert!(refused["error"]["message"].as_str().expect("a message").contains("PublishSuccessCount"), "{refused}");

    stack.restart().await;
    assert_eq!(rows(&stack, 2).await, logged, "the log is kept");
}

#[tokio::test]
async fn what_waits_with_an_endpoint_that_fails_often_is_in_the_log_without_an_attempt() {
    let stack = Stack::start().await;
    let failing = Receiver::with_statuses(|_| 404).await;
    stack.subscribe("acme", web_hook(&failing.url, json!({}))).await;
    for number in 0..10 {
        stack.publish_order(&format!("order-{number}"), json!({})).await;
    }
    failing.delivered(10).await;
    let late = AtomicUsize::new(0);
    let held = until("an event that waits", || async {
        stack.publish_order(&format!("late-{}", late.fetch_add(1, Ordering::SeqCst)), json!({})).await;
        let (_, answer) = ask(&stack, "owner", LOGS, "acme").await;
        let rows = answer["tables"][0]["rows"].as_array().cloned().unwrap_or_default();
        let messages = rows.iter().map(|row| row[1].as_str().expect("text").to_owned());
        messages.rev().find(|message| message.contains("outcome=Probation, ") && message.contains(", id=late-"))
    })
    .await;
    let parts = ["latencyInMs=0, ", "deliveryCount=0, probationCount=1, ", "deliveryResponse=Probation: "];
    assert!(parts.iter().all(|part| held.contains(part)), "{held}");
    let delivered = failing.deliveries();
    let was_sent = |event: &Value| held.contains(&format!(", id={}, ", event["id"].as_str().expect("an id")));
    assert!(!delivered.iter().any(|request| was_sent(&request.json())), "{held}");
    // However many wait, though nothing else happens.
    let order = |number| json!({ "specversion": "1.0", "id": format!("many-{number}"), "source": "/shop", "type": "com.example.order.placed" });
    let many: Vec<_> = (0..1_500).map(order).collect();
    let answer = stack.publish("orders", "application/cloudevents-batch+json; charset=utf-8", json!(many).to_string());
    assert_eq!(answer.await.status(), 200);
    until("the last of many", || async {
        let (_, answer) = ask(&stack, "owner", LOGS, "acme").await;
        answer.to_string().contains(", id=many-1499, ").then_some(())
    })
    .await;
    // When that is over, it is tried.
    stack.clock.advance(Duration::from_secs(301));
    until("an attempt", || async {
        failing.deliveries().iter().any(|request| was_sent(&request.json())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_log_asks_for_a_token_a_role_and_its_own_query() {
    let stack = Stack::start().await;
    let code = |(status, body): (u16, Value)| (status, body["error"]["code"].as_str().unwrap_or_default().to_owned());
    let management = "https://management.azure.com";
    assert_eq!(code(ask(&stack, "owner", management, "acme").await), (401, "InvalidTokenError".to_owned()));
    assert_eq!(code(ask(&stack, "stranger", LOGS, "acme").await), (403, "InsufficientAccessError".to_owned()));
    let other = uuid::Uuid::nil().to_string();
    assert_eq!(code(post(&stack, "owner", LOGS, &other, "").await), (404, "WorkspaceNotFoundError".to_owned()));
    let workspace = Monitor::workspace_id().to_string();
    let (status, refused) = post(&stack, "owner", LOGS, &workspace, "AppRequests | take 1").await;
    assert_eq!(status, 501);
    assert!(refused["error"]["message"].as_str().expect("a message").contains("AppRequests"), "{refused}");
    let url = format!("{}/v1/workspaces/{workspace}/query", stack.resource_manager());
    let nobody = stack.http.post(url).json(&json!({ "query": "" })).send().await.expect("an answer");
    assert_eq!(nobody.status(), 401);
}
