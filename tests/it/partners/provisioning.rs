//! What becomes of a change when Resource Manager refuses it for a while, or takes it too late.

use contoso_cli::identity::{DEPLOYMENT, SignedIn};
use contoso_handlers::domain::partner::event_grid_name;

use time::{Duration, format_description::well_known::Rfc3339};

use super::*;

impl Inside {
    /// Has Resource Manager do something else with the next `times` calls of this method on an event subscription.
    async fn manager_fails(&self, method: &str, times: u32, how: Value) {
        let mut fault = how;
        fault["service"] = json!("resourceManager");
        fault["method"] = json!(method);
        fault["times"] = json!(times);
        let armed = self.http.post(format!("{}/faults", self.stack.endpoints().control)).json(&fault).send().await;
        let armed = armed.expect("an answer");
        assert!(armed.status().is_success(), "{}", armed.text().await.unwrap_or_default());
    }

    /// Whether Event Grid has the event subscription of `acme/prices`.
    async fn has_event_subscription(&self) -> bool {
        let grid = &self.stack.endpoints().event_grid;
        let (partner, name) = ("acme".to_owned(), "prices".to_owned());
        let name = event_grid_name(&partner.try_into().expect("a name"), &name.try_into().expect("a name"));
        let url = format!(
            "{}{}/providers/Microsoft.EventGrid/eventSubscriptions/{name}?api-version=2025-02-15",
            grid.resource_manager.trim_end_matches('/'),
            grid.topic_id
        );
        let deployment = SignedIn::new(self.stack.endpoints(), DEPLOYMENT).expect("an identity");
        let get = deployment.request(Method::GET, &url, "https://management.azure.com").await.expect("a token");
        let answer = get.send().await.expect("an answer");
        assert!(answer.status().is_success() || answer.status() == StatusCode::NOT_FOUND, "{}", answer.status());
        answer.status().is_success()
    }

    async fn stored(&self) -> Option<Value> {
        self.item("partners", "subscriptions", "acme", "prices").await
    }
}

/// `acme` with an active subscription to ropes.
async fn subscribed(shop: &Inside) -> (Partner<'_>, Webhook) {
    let (acme, webhook) = (Partner::joins(shop, "acme").await, Webhook::default());
    webhook.set(true);
    let wish = json!({"name": "prices", "endpoint": webhook.serve().await, "productPrefix": "rope"});
    let (status, made) = acme.post("/subscriptions", wish).await;
    assert_eq!(status, 201, "{made}");
    acme.stands(HOOK, "active").await;
    (acme, webhook)
}

#[tokio::test]
async fn a_change_that_event_grid_was_not_told_of_is_told_again_and_not_undone() {
    let shop = Inside::start().await;
    let (acme, webhook) = subscribed(&shop).await;

    // As often as a request tells it: three times, and three times more at its first look.
    shop.manager_fails("PUT", 6, json!({"status": 429, "retryAfterSeconds": 0.01})).await;
    let (status, changed) = acme.patch(HOOK, json!({"productPrefix": "tent"})).await;
    assert_eq!((status, &changed["productPrefix"]), (200, &json!("tent")), "{changed}");
    assert_eq!(changed["state"]["name"], "updating", "{changed}");
    let changed = acme.stands(HOOK, "active").await;
    assert_eq!(changed["productPrefix"], "tent", "{changed}");
    shop.put("tent-1", &product("Tents", "5.00")).await;
    webhook.gets("the tent", is_of("tent-1", "5.00")).await;

    shop.manager_fails("PUT", 6, json!({"status": 503})).await;
    let (status, rotated) = acme.post(&format!("{HOOK}/secret"), json!({})).await;
    assert_eq!(status, 200, "{rotated}");
    acme.stands(HOOK, "active").await;
    shop.put("tent-1", &product("Tents", "6.00")).await;
    let (headers, _) = webhook.gets("the tent", is_of("tent-1", "6.00")).await;
    let versions = rotated["versions"].as_array().expect("versions");
    let both: Vec<_> = versions.iter().map(|version| version["secret"].as_str().expect("a secret")).collect();
    assert_eq!((both.len(), headers["x-contoso-secret"].to_str().expect("text")), (2, both.join(", ").as_str()));

    // Whatever else takes an event subscription away: it is compared once an hour, in the minute in which it was made, and made anew. Here
    // of two in case that a minute ends meanwhile.
    let mut copy = shop.stored().await.expect("a document");
    copy.as_object_mut().expect("an object").retain(|name, _| !name.starts_with('_'));
    for (name, ahead) in [("now", 0), ("soon", 60)] {
        copy["id"] = json!(name);
        let created = machine::now() + Duration::seconds(ahead);
        copy["created"] = json!(created.format(&Rfc3339).expect("a time"));
        shop.create_in("partners", "subscriptions", "acme", &copy).await;
    }
    assert!(shop.stack.host().expect("a host").fire_timer("PartnerHealth").await.expect("a timer"));
    let copies = [acme.get("/subscriptions/now").await.1, acme.get("/subscriptions/soon").await.1];
    let made = copies.iter().find(|shown| shown["gaps"] != copy["gaps"]).expect("one of them is made anew");
    let path = format!("/subscriptions/{}", made["name"].as_str().expect("a name"));
    let made = acme.stands(&path, "active").await;
    assert_eq!(made["missed"]["reason"], "creating", "{made}");

    // A change finds another gone, which makes it: what it missed began where it was last seen.
    copy["id"] = json!("gone");
    copy["created"] = json!((machine::now() - Duration::minutes(30)).format(&Rfc3339).expect("a time"));
    shop.create_in("partners", "subscriptions", "acme", &copy).await;
    let (status, changed) = acme.patch("/subscriptions/gone", json!({"productPrefix": "rope"})).await;
    assert_eq!(status, 200, "{changed}");
    let changed = acme.stands("/subscriptions/gone", "active").await;
    let missed = &changed["missed"];
    assert_eq!((&missed["reason"], &missed["from"]), (&json!("creating"), &copy["seen"]), "{changed}");
    shop.stop().await;
}

#[tokio::test]
async fn what_was_paused_or_deleted_is_gone_from_event_grid_in_the_end() {
    let shop = Inside::start().await;
    let (acme, _webhook) = subscribed(&shop).await;

    // The pause is stored, and its event subscription stays for now: the timer removes it.
    shop.manager_fails("DELETE", 3, json!({"status": 503})).await;
    let (status, refused) = acme.post(&format!("{HOOK}/pause"), json!({})).await;
    assert_eq!(status, 503, "{refused}");
    let stored = shop.stored().await.expect("a document");
    assert_eq!((&stored["state"]["name"], &stored["withdraw"]), (&json!("paused"), &json!(true)));
    assert!(shop.has_event_subscription().await);
    assert!(shop.stack.host().expect("a host").fire_timer("PartnerHealth").await.expect("a timer"));
    assert!(!shop.has_event_subscription().await);
    assert_eq!(shop.stored().await.expect("a document")["withdraw"], Value::Null);

    // It is resumed, and deleted while that is under way to Resource Manager, which makes it after it was deleted.
    shop.manager_fails("PUT", 1, json!({"delayMillis": 4000})).await;
    let resume = async { acme.post(&format!("{HOOK}/resume"), json!({})).await };
    let delete = async {
        eventually("it is being made", || async {
            let stored = shop.stored().await.expect("a document");
            if stored["state"]["name"] == "creating" { Ok(()) } else { Err(stored["state"].to_string()) }
        })
        .await;
        acme.call(Method::DELETE, HOOK, None).await
    };
    let ((status, resumed), deleted) = tokio::join!(resume, delete);
    assert_eq!((status, &resumed["state"]["name"]), (200, &json!("deleting")), "{resumed}");
    assert_eq!(deleted.0, 204);
    assert!(!shop.has_event_subscription().await);
    shop.stop().await;
}

#[tokio::test]
async fn what_event_grid_gave_up_is_removed_before_it_is_made_anew() {
    let shop = Inside::start().await;
    let (acme, webhook) = (Partner::joins(&shop, "acme").await, Webhook::default());
    // It consents to us, and to Event Grid no more.
    webhook.consents.store(1, Ordering::SeqCst);
    let wish = json!({"name": "prices", "endpoint": webhook.serve().await});
    let (status, made) = acme.post("/subscriptions", wish).await;
    assert_eq!(status, 201, "{made}");
    let failed = acme.stands(HOOK, "failed").await;
    assert!(failed["state"]["cause"].as_str().expect("a cause").contains("Event Grid's own handshake"), "{failed}");
    assert_eq!(failed["state"]["handshake"], json!({"cause": "refused"}));
    let first = shop.stored().await.expect("a document")["provisioned"].clone();

    webhook.set(true);
    // It is not told while what was given up is still there.
    shop.manager_fails("DELETE", 3, json!({"status": 503})).await;
    let (status, tried) = acme.post(&format!("{HOOK}/handshake"), json!({})).await;
    assert_eq!(status, 200, "{tried}");
    assert_ne!(tried["state"]["name"], "failed", "what became of the try before is no answer: {tried}");
    acme.stands(HOOK, "active").await;
    assert_ne!(shop.stored().await.expect("a document")["provisioned"], first);
    let faults = shop.http.get(format!("{}/faults", shop.stack.endpoints().control)).send().await.expect("an answer");
    let faults = faults.text().await.expect("text");
    assert!(faults.contains("\"left\":0"), "it was removed first: {faults}");
    shop.stop().await;
}
