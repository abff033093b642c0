//! What the handler tells of itself: one event is one trace, by names that the documentation has, and of nobody in particular.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Otlp, Shop, ShopOptions, contoso, eventually, within};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const VISITOR: &str = "v-nobody-may-know";

/// What only a failed invocation has.
const OF_FAILURES: [&str; 3] = ["error.type", "contoso.partner.endpoints", "contoso.health"];

async fn shop(environment: Vec<(String, String)>) -> Shop {
    Shop::start(ShopOptions { environment, ..ShopOptions::default() }).await
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_price_change_is_one_trace_that_a_foreign_decoder_reads() {
    let (receiver, environment) = Otlp::start().await;
    let shop = shop(environment).await;
    let boots = |price: &str| json!({"name": "Secret boots", "category": "Footwear", "price": {"amount": price, "currency": "USD"}});
    shop.put_product("p-secret", &boots("20.00")).await;
    // Else the feed may leave the first price out.
    shop.site_shows_price("p-secret", "20.00").await;
    let put = shop.http.put(shop.api("products/p-secret")).json(&boots("10.00"));
    let put = put.header("traceparent", format!("00-{TRACE}-{CALLER}-01")).header("tracestate", "vendor=1");
    assert_eq!(put.send().await.expect("an answer").status(), 200);
    let click = json!({"productId": "p-secret", "category": "Footwear", "visitorId": VISITOR, "consent": true});
    let clicked = shop.http.post(shop.api("clicks")).json(&click).send().await.expect("an answer");
    assert!(clicked.status().is_success(), "{clicked:?}");

    let of_trace = |sent: &Value, name: &str| {
        let spans = sent["spans"].as_array().expect("spans").iter();
        let mut found = spans.filter(|span| span["trace"] == TRACE && span["name"] == name);
        let span = found.next().cloned().ok_or_else(|| format!("no {name}: {}", sent["spans"]))?;
        assert_eq!(found.next(), None, "two of {name}");
        Ok::<_, String>(span)
    };
    // The decoder is a process of its own each time.
    let wait = std::time::Duration::from_secs(90);
    let sent = within(wait, "the whole trace", || async {
        let sent = receiver.decoded().await;
        for function in ["ProductProjection", "PartnerNotifications", "PriceAlerts"] {
            of_trace(&sent, function)?;
        }
        let functions: BTreeSet<&str> =
            sent["spans"].as_array().expect("spans").iter().map(|span| text(span, "name")).collect();
        for function in ["RecentlyViewed", "Trends", "Heartbeat", "PriceAlerts batch"] {
            if !functions.contains(function) {
                return Err(format!("no {function}: {functions:?}"));
            }
        }
        Ok(sent)
    })
    .await;
    let id = |name: &str| text(&of_trace(&sent, name).expect("a span"), "id").to_owned();
    let parent = |name: &str| text(&of_trace(&sent, name).expect("a span"), "parent").to_owned();
    assert_eq!(parent("Products"), CALLER);
    assert_eq!(parent("ProductChanges"), id("Products"));
    for reader in ["ProductProjection", "PartnerNotifications", "PriceAlerts"] {
        assert_eq!(parent(reader), id("ProductChanges"), "{reader}");
        let span = of_trace(&sent, reader).expect("a span");
        assert_eq!(span["attributes"]["contoso.outcome"], "done", "{span}");
        assert!(span["attributes"]["contoso.lag"].as_f64().is_some_and(|lag| (0.0..60.0).contains(&lag)), "{span}");
        let batches = sent["spans"].as_array().expect("spans").iter();
        let batch = batches.filter(|span| span["name"] == format!("{reader} batch"));
        assert!(
            batch.flat_map(|span| span["links"].as_array().expect("links")).any(|link| *link == span["id"]),
            "{reader}"
        );
    }
    let told = shop.partner_gets("the new price", |event| event["data"]["state"]["price"]["amount"] == "10.00").await;
    assert_eq!(text(&told, "traceparent"), format!("00-{TRACE}-{}-01", id("ProductChanges")), "{told}");
    assert_eq!(text(&told, "tracestate"), "vendor=1", "{told}");

    let lines = sent["logs"].as_array().expect("logs");
    assert!(
        lines
            .iter()
            .any(|line| line["body"] == "invocation" && line["attributes"]["contoso.function"] == "ProductChanges")
    );
    assert!(lines.iter().any(|line| line["body"] == "request" && line["trace"] == TRACE), "a line of the trace");

    let all = sent.to_string();
    for nobody in ["p-secret", VISITOR, "Secret boots", "vendor=1"] {
        assert!(!all.contains(nobody), "{nobody} was told");
    }
    compare_with_the_page(&sent);
}

/// docs/telemetry.md has each name that was sent, and none that was not.
fn compare_with_the_page(sent: &Value) {
    let page = include_str!("../../docs/telemetry.md");
    let names =
        |value: &Value| value["attributes"].as_object().expect("attributes").keys().cloned().collect::<Vec<_>>();
    let (mut told, mut functions) = (BTreeSet::new(), BTreeSet::new());
    for span in sent["spans"].as_array().expect("spans") {
        told.extend(names(span));
        functions.insert(text(span, "name").trim_end_matches(" batch").to_owned());
    }
    for (metric, points) in sent["metrics"].as_object().expect("metrics") {
        told.insert(metric.clone());
        points.as_array().expect("points").iter().for_each(|point| told.extend(names(point)));
    }
    sent["logs"].as_array().expect("logs").iter().for_each(|line| told.extend(names(line)));
    let known = contoso_handlers::registry::functions();
    for function in &functions {
        assert!(known.iter().any(|known| known.name == function), "a span {function} is no function's");
    }
    // The pages's words that look like names: lower case, with dots.
    let is_name = |word: &&str| {
        ["contoso.", "faas.", "http.", "messaging.", "db.", "azure.", "error."]
            .iter()
            .any(|start| word.starts_with(start))
            && word.chars().all(|letter| letter.is_ascii_lowercase() || "._".contains(letter))
    };
    let written: BTreeSet<String> = page.split('`').filter(is_name).map(str::to_owned).collect();
    let missing: Vec<_> = told.difference(&written).collect();
    assert!(missing.is_empty(), "sent and not in docs/telemetry.md: {missing:?}");
    let unsent: Vec<_> = written.difference(&told).filter(|name| !OF_FAILURES.contains(&name.as_str())).collect();
    assert!(unsent.is_empty(), "in docs/telemetry.md and not sent: {unsent:?}");
}

/// On a laptop without anything: an event is found by its id, and functions and metrics are shown.
#[tokio::test]
async fn an_event_is_shown_from_its_cause_to_its_effects() {
    let shop = Shop::empty().await;
    let product = json!({"name": "Boots", "category": "Footwear", "price": {"amount": "1.00", "currency": "USD"}});
    shop.put_product("p-1", &product).await;
    let told = shop.partner_gets("the product", |event| event["subject"] == "p-1").await;
    let id = text(&told, "id").to_owned();
    let trace = within(std::time::Duration::from_secs(60), "its trace", || async {
        let mut command = contoso();
        command.args(["trace", &id, "--json", "--endpoints"]).arg(shop.endpoints_file());
        let run = tokio::task::spawn_blocking(move || command.output().expect("contoso runs")).await.expect("no panic");
        let shown: Value = serde_json::from_slice(&run.stdout).unwrap_or_default();
        let spans = shown["spans"].as_array().cloned().unwrap_or_default();
        let names: BTreeSet<&str> = spans.iter().map(|span| text(span, "name")).collect();
        let whole = ["Products", "ProductChanges", "ProductProjection", "PartnerNotifications"];
        if whole.iter().all(|name| names.contains(name)) {
            Ok(spans)
        } else {
            Err(format!("{shown} {}", String::from_utf8_lossy(&run.stderr)))
        }
    })
    .await;
    let depth = |name: &str| trace.iter().find(|span| span["name"] == name).expect("a span")["depth"].as_u64();
    let depths = ["Products", "ProductChanges", "ProductProjection", "PartnerNotifications"].map(depth);
    assert_eq!(depths, [Some(0), Some(1), Some(2), Some(2)], "{trace:?}");

    let page = async |path: &str| {
        let url = format!("{}{path}", shop.endpoint("/site").trim_end_matches('/'));
        shop.http.get(url).send().await.expect("an answer").text().await.expect("a body")
    };
    eventually("functions and metrics on the pages' port", || async {
        let functions: Value = serde_json::from_str(&page("/telemetry/functions").await).expect("JSON");
        let did = functions["functions"].as_array().expect("functions").iter();
        let shown = did.filter(|did| did["function"] == "ProductProjection" && did["lag"]["p99"].is_number()).count();
        let metrics = page("/metrics").await;
        let has_lag = metrics.lines().any(|line| {
            line.starts_with("contoso_lag_seconds_count") && line.contains("contoso_function=\"ProductProjection\"")
        });
        if shown == 1 && has_lag { Ok(()) } else { Err(format!("{functions} {metrics}")) }
    })
    .await;
}

/// Events flow, what was not taken is counted, and the log says so.
#[tokio::test]
async fn a_receiver_that_refuses_or_is_silent_holds_nothing_up() {
    let (receiver, environment) = Otlp::start().await;
    receiver.refuse();
    let shop = shop(environment).await;
    shop.put_product(
        "p-1",
        &json!({"name": "Boots", "category": "Footwear", "price": {"amount": "1.00", "currency": "USD"}}),
    )
    .await;
    shop.site_shows_price("p-1", "1.00").await;
    within(std::time::Duration::from_secs(90), "what was dropped, counted", || async {
        let sent = receiver.decoded().await;
        let points = sent["metrics"]["contoso.telemetry.dropped"].as_array().cloned().unwrap_or_default();
        let dropped = ["traces", "logs"].map(|signal| {
            let points = points.iter().filter(|point| point["attributes"]["contoso.signal"] == signal);
            points.filter_map(|point| point["value"].as_f64()).fold(0.0, f64::max)
        });
        if dropped.iter().all(|dropped| *dropped > 0.0) { Ok(()) } else { Err(sent["metrics"].to_string()) }
    })
    .await;
    eventually("a word of it in the log", || async {
        let log = shop.whole_log();
        let said = log.matches("telemetry is not taken").count();
        if (1..=2).contains(&said) { Ok(()) } else { Err(format!("{said} times: {log}")) }
    })
    .await;
}
