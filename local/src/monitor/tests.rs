//! The log's and the metrics' calls, with what they refuse. What Event Grid tells them is tested in its own room.

use std::time::Duration;

use serde_json::json;
use time::{OffsetDateTime, macros::datetime};

use super::{DeliveryFailure, Metric, MetricsRefusal, Monitor, failures::Failures, query::FailureQuery};
use crate::storage::{Storage, Sync};

const NOON: OffsetDateTime = datetime!(2026-03-04 12:00 UTC);
const TOPIC: &str = "/subscriptions/0/resourceGroups/local/providers/Microsoft.EventGrid/topics/partners";

fn query(more: &str) -> String {
    format!(
        "AegDeliveryFailureLogs\n| where Category == 'DeliveryFailures'\n| where _ResourceId =~ '{}'\n\
         | where EventSubscriptionName =~ 'acme'\n\
         | where TimeGenerated >= datetime(2026-03-04T12:00:00Z) and TimeGenerated < datetime(2026-03-04T13:00:00Z)\n\
         {more}| top 50 by TimeGenerated desc\n| project TimeGenerated, Message",
        TOPIC.to_lowercase()
    )
}

fn row(subscription: &str, minutes: i64, id: &str) -> DeliveryFailure {
    let at_millis = NOON.unix_timestamp() * 1_000 + minutes * 60_000;
    DeliveryFailure {
        at_millis,
        topic: TOPIC.to_owned(),
        subscription: subscription.to_owned(),
        message: format!("Message:outcome=Busy, id={id}, deliveryCount=0"),
    }
}

#[test]
fn the_query_is_one_and_nothing_like_it() {
    let wanted = FailureQuery::parse(&query("")).expect("the query");
    assert!(wanted.matches(&row("ACME", 0, "1")) && wanted.matches(&row("acme", 59, "1")));
    assert!(!wanted.matches(&row("ACME", 60, "1")) && !wanted.matches(&row("ACME", -1, "1")));
    assert!(!wanted.matches(&row("acme-2", 0, "1")));
    let of_event = FailureQuery::parse(&query("| where Message contains 'id=7,'\n")).expect("the query");
    assert!(of_event.matches(&row("acme", 0, "7")));
    assert!(!of_event.matches(&row("acme", 0, "8")));
    for other in [
        "AegDeliveryFailureLogs".to_owned(),
        query("").replace("'acme'", "'acme' or 1 == 1"),
        query("").replace("'acme'", "'a\\'me'"),
        query("").replace("AegDeliveryFailureLogs", "AegPublishFailureLogs"),
        query("| where Message has 'x'\n"),
        format!("{}\n| union SecurityEvent", query("")),
        String::new(),
    ] {
        assert_eq!(FailureQuery::parse(&other), None, "{other}");
    }
}

#[test]
fn rows_are_kept_over_a_restart_and_the_oldest_go() {
    let directory = tempfile::tempdir().expect("a directory");
    let storage = Storage::open(directory.path(), Sync::Process).expect("a store");
    let failures = Failures::open(&storage).expect("a log");
    assert!(!failures.exist());
    let many: Vec<_> = (0..20_000).map(|number| row("acme", 0, &number.to_string())).collect();
    failures.append(&many).expect("stored");
    failures.append(&[row("acme", 1, "new"), row("acme", 1, "newer")]).expect("stored");
    drop(failures);
    let failures = Failures::open(&storage).expect("a log");
    let all = failures.find(|_| true).expect("rows");
    assert!(failures.exist());
    assert_eq!((all.len(), &all[0], all.last()), (20_000, &many[2], Some(&row("acme", 1, "newer"))));
}

#[test]
fn metrics_are_counted_by_minute_and_subscription() {
    let directory = tempfile::tempdir().expect("a directory");
    let storage = Storage::open(directory.path(), Sync::Process).expect("a store");
    let monitor = Monitor::open(&storage).expect("a monitor");
    for (subscription, minutes, metric, events) in [
        ("acme", 0, Metric::Delivered, 3),
        ("ACME", 1, Metric::Delivered, 2),
        ("acme", 1, Metric::DeliveryFailed, 5),
        ("other", 1, Metric::Delivered, 9),
    ] {
        monitor.count(TOPIC, subscription, metric, NOON + Duration::from_secs(60 * minutes + 30), events);
    }
    let asked = |changes: &[(&str, &str)]| {
        let mut query: Vec<(String, String)> = [
            ("api-version", "2024-02-01"),
            ("metricnames", "DeliverySuccessCount,DeliveryAttemptFailCount"),
            ("aggregation", "Total"),
            ("$filter", "EventSubscriptionName eq 'acme'"),
            ("timespan", "2026-03-04T12:00:00Z/2026-03-04T12:03:00Z"),
            ("interval", "PT1M"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (name, value) in changes {
            query.retain(|(known, _)| known != name);
            query.push(((*name).to_owned(), (*value).to_owned()));
        }
        monitor.metrics(TOPIC, &query)
    };
    let told = asked(&[]).expect("metrics");
    let totals = |index: usize| {
        let points = told["value"][index]["timeseries"][0]["data"].as_array().expect("points");
        points.iter().map(|point| point["total"].as_u64().expect("a number")).collect::<Vec<_>>()
    };
    assert_eq!((totals(0), totals(1)), (vec![3, 2, 0], vec![0, 5, 0]));
    assert_eq!(told["value"][0]["timeseries"][0]["data"][1]["timeStamp"], json!("2026-03-04T12:01:00Z"));
    let hour = asked(&[("interval", "PT1H")]).expect("metrics");
    assert_eq!(hour["value"][0]["timeseries"][0]["data"][0]["total"], 5);

    let refused = [
        ("metricnames", "PublishSuccessCount"),
        ("aggregation", "Average"),
        ("$filter", "EventSubscriptionName eq '*' or 1 eq '1'"),
        ("interval", "PT5M"),
        ("orderby", "total"),
        ("timespan", "2026-03-04T12:00:00Z/2026-03-14T12:03:00Z"),
    ];
    for (name, value) in refused {
        assert!(matches!(asked(&[(name, value)]), Err(MetricsRefusal::Unsupported(_))), "{name}");
    }
    let beyond = "9999-12-31T23:00:00-23:59/9999-12-31T23:30:00-23:59";
    for timespan in ["P1D", "2026-03-04T12:00:00Z/2026-03-04T12:00:00Z", beyond] {
        assert!(matches!(asked(&[("timespan", timespan)]), Err(MetricsRefusal::Invalid(_))), "{timespan}");
    }
}
