//! Projections damaged and rebuilt while clicks go on: each ends as the live function would have it.

use std::{collections::BTreeMap, process::Output, time::Duration};

use axum::http::{HeaderMap, HeaderValue, Method};
use bytes::Bytes;
use contoso_cli::endpoints;
use contoso_handlers::domain::trends::{
    tally::Tally,
    window::{Page, PageDocument, PageId},
};
use contoso_local::{blobs::PutOptions, event_hubs::Outgoing};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::{
    support::{Inside, clicks::Sent, contoso, eventually},
    trends::{Minute, counted, some_clicks},
};

/// Documents by container and id.
pub(crate) type Documents = BTreeMap<(String, String), Value>;

impl Inside {
    /// Every document of a container, without what changes with each write.
    pub(crate) async fn all(&self, database: &str, container: &str) -> Documents {
        let mut documents = Documents::new();
        for range in self.stack.cosmos().feed_ranges(database, container).await.expect("ranges") {
            let feed = self.stack.cosmos().change_feed(database, container, &range.id, None, 100_000).await;
            for item in feed.expect("the documents").items {
                let mut document: Value = serde_json::from_str(&item).expect("JSON");
                let members = document.as_object_mut().expect("an object");
                members.retain(|name, _| !name.starts_with('_') && name != "at");
                let id = document["id"].as_str().expect("an id").to_owned();
                documents.insert((container.to_owned(), id), document);
            }
        }
        documents
    }

    /// Writes or deletes a document whose partition key is `key`.
    pub(crate) async fn write(
        &self,
        method: Method,
        database: &str,
        container: &str,
        key: &str,
        id: &str,
        body: Option<&Value>,
    ) {
        let mut headers = HeaderMap::new();
        let key = json!([key]).to_string();
        headers.insert("x-ms-documentdb-partitionkey", HeaderValue::from_str(&key).expect("a header"));
        let item = if method == Method::POST { String::new() } else { format!("/{id}") };
        let path = format!("/dbs/{database}/colls/{container}/docs{item}");
        let body = Bytes::from(body.map(Value::to_string).unwrap_or_default());
        let answer = self.stack.cosmos().execute(method, &path, headers, body).await.expect("Cosmos answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// What the windows count, by minute.
    async fn windows(&self) -> BTreeMap<u64, Tally> {
        let mut minutes: BTreeMap<u64, Tally> = BTreeMap::new();
        for document in self.all("analytics", "windows").await.into_values() {
            let document: PageDocument = serde_json::from_value(document).expect("a page");
            let (id, page) = <(PageId, Page)>::try_from(&document).expect("a page");
            minutes.entry(u64::try_from(id.window.minute.epoch()).expect("now")).or_default().merge(page.tally());
        }
        minutes
    }

    /// Waits until the windows count these clicks, and so many other events were read.
    async fn windows_count(&self, clicks: &[Sent], others: usize) {
        self.counts(clicks.len() + others, 200).await;
        let (found, expected) = (self.windows().await, counted(clicks));
        let views = |minutes: &BTreeMap<u64, Minute>| -> Vec<(u64, u64)> {
            minutes.iter().map(|(minute, counted)| (*minute, counted.views)).collect()
        };
        let found_views: Vec<(u64, u64)> = found.iter().map(|(minute, tally)| (*minute, tally.total.views)).collect();
        assert_eq!(found_views, views(&expected));
        for (minute, expected) in &expected {
            let products = found[minute].products.iter().map(|(id, product)| (id.to_string(), product.count.views));
            let told: BTreeMap<String, u64> =
                expected.products.iter().map(|(id, (views, _))| (id.clone(), *views)).collect();
            assert_eq!(products.collect::<BTreeMap<_, _>>(), told, "minute {minute}");
        }
        let repeats: u64 = found.values().map(|tally| tally.repeats).sum();
        let counted: u64 = expected.values().map(|minute| minute.views).sum();
        assert_eq!(repeats + counted, clicks.len() as u64, "each of a producer's repeats is known");
    }

    /// Runs a command against this stack, and returns its summary.
    pub(crate) async fn rebuilt(&self, arguments: &[&str]) -> String {
        let output = self.rebuild(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs a command against this stack that does not do all it should, and returns its summary and what else it says.
    async fn rebuilt_in_part(&self, arguments: &[&str]) -> (String, String) {
        let output = self.rebuild(arguments).await;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        (String::from_utf8(output.stdout).expect("text"), String::from_utf8(output.stderr).expect("text"))
    }

    async fn rebuild(&self, arguments: &[&str]) -> Output {
        self.contoso("rebuild", arguments).await
    }

    /// Runs a command that finds this stack by its endpoints.
    pub(crate) async fn contoso(&self, name: &str, arguments: &[&str]) -> Output {
        let file = NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), endpoints::ready_line(self.stack.endpoints()).expect("JSON")).expect("written");
        let mut command = contoso();
        command.arg(name).args(arguments).arg("--endpoints").arg(file.path());
        tokio::task::spawn_blocking(move || command.output().expect("contoso runs")).await.expect("no panic")
    }

    /// Waits until every event of a hub is in a report on a captured file.
    async fn every_event_reported(&self, hub: &str) {
        eventually("reports on every event", || async {
            let names = self.blobs("reports", &format!("{hub}/"));
            let records =
                names.iter().map(|name| self.json_blob("reports", name).0["records"].as_i64().expect("a count"));
            let reported: i64 = records.sum();
            if reported == self.events_of(hub) { Ok(()) } else { Err(reported.to_string()) }
        })
        .await;
    }

    async fn timer(&self, name: &str) {
        let host = self.stack.host().expect("a host");
        eventually(&format!("a run of {name}"), || async {
            if host.fire_timer(name).await.expect("a timer") { Ok(()) } else { Err("it failed".to_owned()) }
        })
        .await;
    }
}

/// Every third page is deleted, every other third counts what another counts.
async fn damage_windows(shop: &Inside) {
    let windows = shop.all("analytics", "windows").await;
    let foreign = windows.values().next().expect("a window")["counts"].clone();
    for (number, ((_, id), mut page)) in windows.into_iter().enumerate() {
        match number % 3 {
            0 => shop.write(Method::DELETE, "analytics", "windows", &id, &id, None).await,
            1 => {
                page["counts"] = foreign.clone();
                shop.write(Method::PUT, "analytics", "windows", &id, &id, Some(&page)).await;
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_projection_is_rebuilt_while_clicks_go_on() {
    let mut random = crate::support::seed::random("CONTOSO_REBUILD_SEED");
    let shop = Inside::start().await;
    for number in 0..40 {
        let product = json!({"name": "Thing", "category": format!("Category {}", number % 5),
            "price": {"amount": "1.00", "currency": "USD"}});
        shop.put(&format!("p-{number}"), &product).await;
    }
    shop.comes_to_rest(40).await;
    // Late ones among them; each call numbers its clicks anew.
    let mut named = |prefix: &str, count: usize, late: u64| {
        let mut clicks = some_clicks(&mut random, count);
        for click in &mut clicks {
            click.id = format!("{prefix}-{}", click.id);
            click.at -= late;
        }
        clicks
    };
    let mut clicks = named("early", 1_500, 0);
    clicks.extend(named("late", 500, 5 * 3_600));
    shop.send(&clicks);
    let bad = Outgoing {
        body: b"?".to_vec(),
        properties: Vec::new(),
        content_type: Some("text/plain".to_owned()),
        partition_key: Some("bad".to_owned()),
    };
    shop.stack.event_hubs().hub("clicks").expect("the hub").choose(Some("bad")).append(&[bad.encode()]).expect("taken");
    shop.counts(clicks.len() + 1, 200).await;
    shop.handles("clicks", "recently-viewed", i64::try_from(clicks.len()).expect("a count") + 1).await;
    shop.step(Duration::from_secs(301));
    eventually("everything captured", || async {
        let hubs = ["products", "clicks"].map(|hub| (shop.captured(hub), shop.events_of(hub)));
        if hubs.iter().all(|(captured, events)| captured == events) { Ok(()) } else { Err(format!("{hubs:?}")) }
    })
    .await;
    shop.every_event_reported("clicks").await;
    shop.timer("Recommendations").await;
    let lists = shop.all("site", "recommendations").await;
    shop.rebuilt(&["Recommendations"]).await;
    assert_eq!(shop.all("site", "recommendations").await, lists, "what is right is made again as it was");
    shop.rebuilt(&["Recommendations", "--clear"]).await;
    assert_eq!(shop.all("site", "recommendations").await, lists, "and from nothing");

    // Only the hub has these.
    let tail = named("tail", 600, 0);
    shop.send(&tail);
    clicks.extend(tail);
    shop.windows_count(&clicks, 1).await;
    shop.timer("TrendRollup").await;

    // Healthy: not one window is written.
    let windows = shop.all("analytics", "windows").await;
    let summary = shop.rebuilt(&["Trends"]).await;
    assert!(summary.contains(", 0 windows replaced, ") && summary.contains(", 1 bad"), "{summary}");
    assert_eq!(shop.all("analytics", "windows").await, windows);
    let live = [shop.all("site", "products").await, shop.all("site", "listings").await];

    // Damaged, with clicks that go on.
    damage_windows(&shop).await;
    let more = named("more", 1_200, 0);
    let going_on = async {
        let mut sent = clicks.len() + 1;
        for part in more.chunks(60) {
            shop.send(part);
            sent += part.len();
            shop.counts(sent, 200).await;
        }
    };
    let (summary, ()) = tokio::join!(shop.rebuilt(&["Trends"]), going_on);
    clicks.extend(more);
    assert!(!summary.contains(", 0 windows replaced, "), "{summary}");
    shop.windows_count(&clicks, 1).await;

    // From then on, and delivered once more.
    let last = named("last", 300, 0);
    shop.send(&last);
    clicks.extend(last);
    shop.windows_count(&clicks, 1).await;
    shop.stack.stop_app().await;
    shop.rewind().await;
    shop.run_app().await;
    shop.windows_count(&clicks, 1).await;

    // The minutes follow by themselves; deleted, they are summed again.
    shop.windows_are_summed().await;
    let minutes = shop.minutes_say(&counted(&clicks)).await;
    for minute in &minutes {
        let (day, id) = (minute["day"].as_str().expect("a day"), minute["id"].as_str().expect("an id"));
        shop.write(Method::DELETE, "analytics", "minutes", day, id, None).await;
    }
    let summary = shop.rebuilt(&["TrendRollup"]).await;
    assert!(summary.contains(" pages of windows summed"), "{summary}");
    let again = shop.all("analytics", "minutes").await;
    for minute in &minutes {
        let id = minute["id"].as_str().expect("an id").to_owned();
        let again = &again[&("minutes".to_owned(), id)];
        assert_eq!(
            ["views", "repeats", "otherViews", "pages"].map(|name| &again[name]),
            ["views", "repeats", "otherViews", "pages"].map(|name| &minute[name]),
        );
    }
    shop.minutes_say(&counted(&clicks)).await;

    // The site's documents: they are there, and then from nothing.
    let summary = shop.rebuilt(&["ProductProjection"]).await;
    assert!(summary.contains(", 0 applied, 40 already there, "), "{summary}");
    shop.rebuilt(&["ProductProjection", "--clear"]).await;
    assert_eq!([shop.all("site", "products").await, shop.all("site", "listings").await], live);
    for function in ["RecentlyViewed", "Trends", "CaptureBatch"] {
        shop.parks(function, 1).await;
    }
    shop.stop().await;
}

/// The feed tells once of a page. A minute that cannot be summed just then, since another page is gone, still has it in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_new_while_another_is_gone_is_not_forgotten() {
    let mut random = crate::support::seed::random("CONTOSO_REBUILD_SEED");
    let shop = Inside::start().await;
    let clicks = some_clicks(&mut random, 300);
    shop.send(&clicks);
    shop.counts(clicks.len(), 200).await;
    shop.windows_are_summed().await;
    let windows = shop.all("analytics", "windows").await;
    let of_minute = |minute: &str| -> Vec<(&String, &Value)> {
        windows.iter().filter(|((_, id), _)| id.contains(minute)).map(|((_, id), page)| (id, page)).collect()
    };
    let busiest =
        windows.keys().map(|(_, id)| id.split('|').nth(1).expect("a minute")).max_by_key(|id| of_minute(id).len());
    let busiest = busiest.expect("a minute");
    let [(gone, page), (other, counted), ..] = of_minute(busiest)[..] else { panic!("one partition has every click") };
    let minute = async || {
        let minutes = shop.all("analytics", "minutes").await;
        minutes.into_values().find(|minute| minute["id"] == busiest).expect("the minute")
    };
    let before = minute().await;

    shop.write(Method::DELETE, "analytics", "windows", gone, gone, None).await;
    let (partition, _) = other.split_once('|').expect("a partition");
    let next = format!("{partition}|{busiest}|1");
    let mut added = counted.clone();
    added["id"] = json!(next);
    shop.write(Method::POST, "analytics", "windows", &next, &next, Some(&added)).await;
    shop.windows_are_summed().await;
    assert_eq!(minute().await["views"], before["views"], "what was summed stays");

    shop.write(Method::POST, "analytics", "windows", gone, gone, Some(page)).await;
    shop.windows_are_summed().await;
    let document: PageDocument = serde_json::from_value(added).expect("a page");
    let (_, added) = <(PageId, Page)>::try_from(&document).expect("a page");
    let views = before["views"].as_u64().expect("views") + added.tally().total.views;
    assert_eq!(minute().await["views"], views, "the added page is summed");
    assert_eq!(minute().await["pages"][partition], 2);
    shop.stop().await;
}

/// Files cut off, files of something else, and documents that no writer writes: each is named, and all else is rebuilt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_is_named_and_the_rest_is_rebuilt() {
    let mut random = crate::support::seed::random("CONTOSO_REBUILD_SEED");
    let shop = Inside::start().await;
    let (summary, said) = shop.rebuilt_in_part(&["ProductProjection", "--clear"]).await;
    assert!(summary.starts_with("0 more of the hub, 0 applied"), "{summary}");
    assert!(said.contains("nothing was deleted"), "{said}");
    let product = json!({"name": "Thing", "category": "Things", "price": {"amount": "1.00", "currency": "USD"}});
    for number in 0..12 {
        shop.put(&format!("p-{number}"), &product).await;
    }
    shop.comes_to_rest(12).await;
    let clicks = some_clicks(&mut random, 600);
    shop.send(&clicks);
    shop.counts(clicks.len(), 200).await;
    shop.handles("clicks", "recently-viewed", i64::try_from(clicks.len()).expect("a count")).await;
    shop.step(Duration::from_secs(301));
    eventually("everything captured", || async {
        let hubs = ["products", "clicks"].map(|hub| (shop.captured(hub), shop.events_of(hub)));
        if hubs.iter().all(|(captured, events)| captured == events) { Ok(()) } else { Err(format!("{hubs:?}")) }
    })
    .await;
    // Only the hub has this one.
    shop.put("p-12", &product).await;
    shop.comes_to_rest(13).await;
    shop.every_event_reported("clicks").await;
    shop.timer("Recommendations").await;
    let (site, analytics) = (["products", "listings", "visitors", "recommendations"], ["windows"]);
    let live = async || {
        let mut documents = Documents::new();
        for container in site {
            documents.extend(shop.all("site", container).await);
        }
        for container in analytics {
            documents.extend(shop.all("analytics", container).await);
        }
        documents
    };
    let before = live().await;

    // One file of each hub is cut off in its middle, another is none.
    let mut broken = Vec::new();
    for (hub, container) in [("products", "capture"), ("clicks", "capture-personal")] {
        let files: Vec<String> =
            shop.blobs(container, "").into_iter().filter(|name| name.contains(&format!("/{hub}/"))).collect();
        let whole = shop.stack.blobs().get(container, &files[0]).expect("blobs").expect("a file").body;
        let half = whole.slice(..whole.len() / 2);
        for (file, body) in [(&files[0], half), (&files[1], Bytes::from("no Avro at all"))] {
            shop.stack.blobs().put(container, file, body, PutOptions::default()).expect("written");
            broken.push(file.clone());
        }
    }
    for arguments in [
        &["ProductProjection", "--clear"][..],
        &["ProductProjection"],
        &["RecentlyViewed", "--clear"],
        &["Recommendations", "--clear"],
        &["Trends"],
    ] {
        let (summary, said) = shop.rebuilt_in_part(arguments).await;
        assert!(summary.contains(", 2 left out, "), "{arguments:?}: {summary}");
        let hub = if arguments[0] == "ProductProjection" { "products" } else { "clicks" };
        for file in broken.iter().filter(|file| file.contains(&format!("/{hub}/"))) {
            assert!(said.contains(&format!("left out: {file}: could not take the file apart: ")), "{said}");
        }
        // What the files lack the hub has still, and the sessions of clicks are stored.
        assert_eq!(live().await, before, "{arguments:?}");
    }
    // One for each file, however often a rebuild read it, and one for what Event Grid told of each, since it was written again.
    shop.parks("CaptureBatch", 2 * broken.len()).await;
    let letters = ["products", "clicks", "event-grid"]
        .map(|origin| shop.blobs("dead-letters", &format!("CaptureBatch/{origin}/")).len());
    assert_eq!(letters, [2, 2, 4]);

    // Marks and documents that nobody writes, and a window of a partition that there is not.
    let windows = shop.all("analytics", "windows").await;
    let damages = [("mark", json!(1_000_000)), ("mark", json!(-7)), ("counts", json!(5)), ("full", json!("yes"))];
    let mut damaged = Vec::new();
    for (((_, id), page), (member, value)) in windows.iter().zip(damages) {
        let mut page = page.clone();
        page[member] = value;
        shop.write(Method::PUT, "analytics", "windows", id, id, Some(&page)).await;
        damaged.push(id.rsplit_once('|').expect("a page").0.to_owned());
    }
    let (stranger, mut page) = ("17|2026-06-01T12:00Z|0", windows.values().next().expect("a window").clone());
    page["id"] = json!(stranger);
    shop.write(Method::POST, "analytics", "windows", stranger, stranger, Some(&page)).await;
    let (summary, said) = shop.rebuilt_in_part(&["Trends"]).await;
    assert!(summary.contains(&format!(", {} mended, 3 left out, ", damaged.len())), "{summary}");
    for window in damaged {
        assert!(said.contains(&format!("mended: the window {window}: page ")), "{window}: {said}");
    }
    assert!(said.contains(&format!("left out: {stranger}: ")), "{said}");
    shop.write(Method::DELETE, "analytics", "windows", stranger, stranger, None).await;
    shop.windows_count(&clicks, 0).await;
    shop.stop().await;
}

/// Captured files tell whole seconds; products viewed within one still come back in their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_the_last_moment_are_rebuilt_to_the_millisecond() {
    let shop = Inside::start().await;
    let url = format!("{}/api/clicks", shop.stack.endpoints().functions);
    let products = ["z", "m", "a", "q", "c"];
    for product in products {
        let click = json!({ "productId": product, "visitorId": "visitor-quick", "consent": true });
        let answer = shop.http.post(&url).json(&click).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 202);
    }
    shop.handles("clicks", "recently-viewed", 5).await;
    shop.step(Duration::from_secs(301));
    eventually("everything captured", || async {
        let captured = shop.captured("clicks");
        if captured == 5 { Ok(()) } else { Err(captured.to_string()) }
    })
    .await;
    let live = shop.all("site", "visitors").await;
    shop.rebuilt(&["RecentlyViewed", "--clear"]).await;
    let rebuilt = shop.all("site", "visitors").await;
    assert_eq!(rebuilt, live);
    let list = rebuilt.values().next().expect("a list");
    let found = list["items"].as_array().into_iter().flatten().filter_map(|item| item["productId"].as_str());
    assert_eq!(found.rev().collect::<Vec<_>>(), products);
    shop.stop().await;
}
