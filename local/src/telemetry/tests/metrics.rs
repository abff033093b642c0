//! Metrics over the port: what Prometheus would read.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Fixture, JSON};
use crate::telemetry::WINDOW;

fn attribute(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}

/// As an exporter of JavaScript writes them.
fn message(instance: &str, metrics: &Value) -> String {
    json!({"resourceMetrics": [{
        "resource": {"attributes": [
            attribute("service.name", "shop"), attribute("service.instance.id", instance), attribute("host.name", "a\"b\\c\nd"),
        ], "droppedAttributesCount": 0},
        "scopeMetrics": [{"scope": {"name": "tests"}, "metrics": metrics}],
    }]})
    .to_string()
}

fn sum(name: &str, unit: &str, points: &Value) -> Value {
    json!({"name": name, "unit": unit, "description": "What\nit \\ is",
        "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": points}})
}

#[tokio::test]
async fn prometheus_reads_every_kind() {
    let fixture = Fixture::start().await;
    let metrics = json!([
        sum("contoso.records", "{record}", &json!([
            {"attributes": [attribute("contoso.function", "A"), attribute("contoso.cause", "no \"stock\"\\\n")],
             "timeUnixNano": "2", "startTimeUnixNano": "1", "asInt": "3"},
            {"attributes": [attribute("contoso.function", "B")], "timeUnixNano": "2", "asDouble": 2.50},
        ])),
        sum("http.bytes.total", "By/s", &json!([{"timeUnixNano": "2", "asDouble": 1e3}])),
        {"name": "contoso.lag", "unit": "s", "description": "",
         "histogram": {"aggregationTemporality": 2, "dataPoints": [{
            "attributes": [attribute("contoso.function", "A")], "count": "6", "sum": 4.10, "min": 0.1, "max": 2,
            "bucketCounts": ["1", 2, "3"], "explicitBounds": [0.1, 1], "timeUnixNano": "2"}]}},
        {"name": "memory", "unit": "1", "gauge": {"dataPoints": [{"asDouble": 0.30, "timeUnixNano": "2"}]}},
        {"name": "queue-length", "sum": {"aggregationTemporality": 2, "dataPoints": [{"asInt": "-4"}]}},
        {"name": "size", "unit": "By", "summary": {"dataPoints": [
            {"count": "2", "sum": 3, "quantileValues": [{"quantile": 0.5, "value": 1}]}]}},
        {"name": "spread", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [{
            "count": "7", "sum": 1, "scale": 0, "zeroCount": "1",
            "positive": {"offset": 1, "bucketCounts": ["2", "1"]}, "negative": {"offset": 0, "bucketCounts": ["3"]}}]}},
        {"name": "bad", "histogram": {"dataPoints": [{"count": "1", "bucketCounts": ["1"], "explicitBounds": [1, 2]}]}},
        {"name": "empty", "gauge": {"dataPoints": [{}]}},
    ]);
    let (status, _, said) = fixture.post("/v1/metrics", JSON, None, message("1", &metrics)).await;
    let said: Value = serde_json::from_slice(&said).expect("JSON");
    assert_eq!((status, &said["partialSuccess"]["rejectedDataPoints"]), (200, &json!("2")), "{said}");
    let expected = r#"# HELP target_info Target metadata
# TYPE target_info gauge
target_info{host_name="a\"b\\c\nd",instance="1",job="shop"} 1
# TYPE contoso_lag_seconds histogram
contoso_lag_seconds_bucket{contoso_function="A",ORIGIN,le="0.1"} 1
contoso_lag_seconds_bucket{contoso_function="A",ORIGIN,le="1"} 3
contoso_lag_seconds_bucket{contoso_function="A",ORIGIN,le="+Inf"} 6
contoso_lag_seconds_sum{contoso_function="A",ORIGIN} 4.1
contoso_lag_seconds_count{contoso_function="A",ORIGIN} 6
# HELP contoso_records_total What\nit \\ is
# TYPE contoso_records_total counter
contoso_records_total{contoso_cause="no \"stock\"\\\n",contoso_function="A",ORIGIN} 3
contoso_records_total{contoso_function="B",ORIGIN} 2.5
# HELP http_bytes_bytes_per_second_total What\nit \\ is
# TYPE http_bytes_bytes_per_second_total counter
http_bytes_bytes_per_second_total{ORIGIN} 1000
# TYPE memory_ratio gauge
memory_ratio{ORIGIN} 0.3
# TYPE queue_length gauge
queue_length{ORIGIN} -4
# TYPE size_bytes summary
size_bytes{ORIGIN,quantile="0.5"} 1
size_bytes_sum{ORIGIN} 3
size_bytes_count{ORIGIN} 2
# TYPE spread histogram
spread_bucket{ORIGIN,le="-1"} 3
spread_bucket{ORIGIN,le="0"} 4
spread_bucket{ORIGIN,le="2"} 4
spread_bucket{ORIGIN,le="4"} 6
spread_bucket{ORIGIN,le="8"} 7
spread_bucket{ORIGIN,le="+Inf"} 7
spread_sum{ORIGIN} 1
spread_count{ORIGIN} 7
"#;
    let expected = expected.replace("ORIGIN", r#"instance="1",job="shop",otel_scope_name="tests""#);
    assert_eq!(fixture.telemetry.prometheus(), expected);
    fixture.clock.advance(WINDOW + Duration::from_secs(1));
    assert_eq!(fixture.telemetry.prometheus(), "", "a process that tells no more is gone");
}

#[tokio::test]
async fn rates_and_quantiles_are_of_the_last_minutes() {
    let fixture = Fixture::start().await;
    let lag = |total: u64, slow: u64| {
        json!([{"name": "lag", "unit": "s", "histogram": {"aggregationTemporality": 2, "dataPoints": [{
            "attributes": [attribute("f", "A")], "count": total + slow, "sum": 1.5, "startTimeUnixNano": "1",
            "bucketCounts": [0, total, slow], "explicitBounds": [1, 2], "timeUnixNano": "2"}]}}])
    };
    let send = async |instance: &str, metrics: Value| {
        assert_eq!(fixture.post("/v1/metrics", JSON, None, message(instance, &metrics)).await.0, 200);
    };
    send("1", lag(1000, 0)).await;
    assert_eq!(fixture.telemetry.growth("lag", &["f"])[0].count, 0.0, "since when is not known");
    fixture.clock.advance(WINDOW);
    send("1", lag(1100, 0)).await;
    // Another process, which tells for the first time what it counted for longer.
    send("2", lag(500, 0)).await;
    let growth = fixture.telemetry.growth("lag", &["f", "g"]);
    assert_eq!((growth.len(), &growth[0].by), (1, &vec![Some("A".to_owned()), None]));
    assert_eq!((growth[0].count, growth[0].over), (100.0, WINDOW));
    assert!((growth[0].rate() - 1.0 / 3.0).abs() < 1e-9);
    let quantile = |q| fixture.telemetry.growth("lag", &[])[0].values.quantile(q).expect("values");
    assert!((quantile(0.5) - 1.5).abs() < 1e-9 && (quantile(0.99) - 1.99).abs() < 1e-9);
    fixture.clock.advance(WINDOW);
    send("1", lag(1100, 100)).await;
    send("2", lag(500, 0)).await;
    assert!((quantile(0.01) - 2.0).abs() < 1e-9, "the old ones are out of it, and the new beyond all bounds");
    fixture.clock.advance(WINDOW);
    assert!(fixture.telemetry.growth("lag", &[])[0].values.quantile(0.5).is_none(), "nothing came");
    assert!(fixture.telemetry.growth("log", &[]).is_empty());
}
