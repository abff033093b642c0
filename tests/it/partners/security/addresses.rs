//! Endpoints that lead where the app and Event Grid can reach and nobody outside should.

use super::*;

/// What is refused when it is stored, in each of its spellings.
const REFUSED: [&str; 40] = [
    "http://ok.example/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://127.0.0.1:443/",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://0/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/metadata/instance",
    "https://168.63.129.16/",
    "https://u:p@ok.example/",
    "https://ok.example@127.0.0.1/",
    "https://localhost/",
    "https://localhost./",
    "https://LocalHost/",
    "https://hooks.localhost/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://intranet/",
    "https://ok.example:22/",
    "https://ok.example:8443/",
    "https://ok.example\\@127.0.0.1/",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_that_are_not_public_are_refused_whenever_they_come() {
    let shop = Inside::start().await;
    let acme = Partner::joins(&shop, "acme").await;
    let (webhook, private) = (Webhook::default(), "/subscriptions/private");
    webhook.set(true);
    let endpoint = webhook.serve().await;
    // Stored while that was allowed.
    for name in ["private", "resting"] {
        let (status, made) = acme.post("/subscriptions", json!({"name": name, "endpoint": endpoint})).await;
        assert_eq!(status, 201, "{made}");
        acme.stands(&format!("/subscriptions/{name}"), "active").await;
    }
    assert_eq!(acme.post("/subscriptions/resting/pause", json!({})).await.0, 200);

    shop.run_app_with(|settings| {
        app_settings::public_webhooks(settings);
        settings.insert("Partners__ownHosts".to_owned(), "app.contoso.example".to_owned());
        settings.insert("Storage__queueServiceUri".to_owned(), "https://contoso.queue.core.windows.net/".to_owned());
    })
    .await;
    let before = acme.get(private).await.1;
    let own = [
        "https://APP.contoso.example./api/partners/x",
        "https://ａpp.contoso.example/",
        "https://contoso.queue.core.windows.net/listener/messages",
    ];
    for endpoint in REFUSED.iter().chain(&own) {
        let wish = json!({"name": "wish", "endpoint": endpoint});
        for (method, path, body) in
            [(Method::POST, "/subscriptions", wish), (Method::PATCH, private, json!({"endpoint": endpoint}))]
        {
            let path = format!("/api/partners/acme{path}");
            let (status, _, text) = acme.sends(|| acme.to(&method, &path).json(&body)).await;
            assert!(status == 422 && text.contains("\"endpoint\""), "{method} {endpoint}: {status} {text}");
        }
    }
    for (endpoint, stored) in [
        ("https://bücher.invalid/h", "https://xn--bcher-kva.invalid"),
        ("https://ok.invalid:443/h?k=1", "https://ok.invalid"),
    ] {
        let (status, made) = acme.post("/subscriptions", json!({"name": "public", "endpoint": endpoint})).await;
        assert_eq!((status, &made["endpoint"]), (201, &json!(stored)), "{made}");
        let again = endpoint.replace(":443", "");
        let again = acme.post("/subscriptions", json!({"name": "public", "endpoint": again})).await;
        assert_eq!(again.0, 200, "the same in another spelling: {again:?}");
        assert_eq!(acme.call(Method::DELETE, "/subscriptions/public", None).await.0, 204);
    }

    // What was stored before is judged again: when it would be dialled, and with every change.
    let asked = webhook.asked();
    for (path, body) in [("/subscriptions/resting/resume", json!({})), (&format!("{private}/secret"), json!({}))] {
        let refused = acme.post(path, body).await;
        assert_eq!(kind(&refused), (409, "/problems/handshake-failed"), "{path}: {refused:?}");
        assert_eq!(refused.1["handshake"]["cause"], "notPublic", "{refused:?}");
        assert!(refused.1["detail"].as_str().is_some_and(|detail| detail.contains("Partners__allowPrivateEndpoints")));
    }
    let refused = acme.patch(private, json!({"productPrefix": "rope"})).await;
    assert_eq!(refused.0, 422, "{refused:?}");
    assert_eq!(webhook.asked(), asked, "nobody dialled it");
    assert_eq!(acme.get(private).await.1, before);
    shop.stop().await;
}
