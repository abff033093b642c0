//! Cold start: from the spawn of the handler to its first answer, and to its first successful `ProductProjection` invocation.

use std::{
    net::Ipv4Addr,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
};

use super::{
    Plan,
    report::{Report, histogram, micros},
    shop::Shop,
};
use crate::{clock, identity};

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn measure(shop: &Shop, plan: &Plan, report: &mut Report) -> Result<()> {
    shop.stack.stop_app().await;
    let app = shop.package("projection", &["ProductProjection"])?;
    let invocation = invocation(shop)?;
    let (mut ready, mut first) = (histogram()?, histogram()?);
    for _ in 0..plan.starts {
        let (answered, invoked) = start(shop, &app, &invocation).await?;
        ready.record(micros(answered))?;
        first.record(micros(invoked))?;
    }
    report.add_latency("cold start: spawn → first answer", &ready);
    report.add_latency("cold start: spawn → first ProductProjection", &first);
    Ok(())
}

/// One start: time to the first answer, and to the first success.
async fn start(shop: &Shop, app: &Path, invocation: &Value) -> Result<(Duration, Duration)> {
    let port = free_port().await?;
    let base = format!("http://127.0.0.1:{port}");
    let began = Instant::now();
    let _handler: Child = Command::new(app.join("contoso-handler"))
        .current_dir(app)
        .envs(shop.stack.app_settings(identity::APP)?)
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
        .env("FUNCTIONS_APP_ROOT_PATH", app)
        .env("CONTOSO_LOG", "error")
        .kill_on_drop(true)
        .spawn()?;
    while shop.http.get(&base).send().await.is_err() {
        if began.elapsed() > PATIENCE {
            bail!("the handler did not answer within {PATIENCE:?}");
        }
        // A pause between two looks; its length is the error of the figure.
        clock::until_next_look(Duration::from_micros(200)).await;
    }
    let answered = began.elapsed();
    let answer = shop.http.post(format!("{base}/ProductProjection")).json(invocation).send().await?;
    let status = answer.status();
    if !status.is_success() {
        bail!("the first invocation failed: {status} {}", answer.text().await?);
    }
    Ok((answered, began.elapsed()))
}

async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port())
}

/// The invocation that the Functions host would send for the first event of the hub.
fn invocation(shop: &Shop) -> Result<Value> {
    let hub = shop.stack.event_hubs().hub("products").context("no hub products")?;
    let partition =
        hub.partitions().iter().find(|partition| partition.state().last_sequence >= 0).context("no event")?;
    let stored = partition.read(0, 1, usize::MAX)?.into_iter().next().context("no event")?;
    let event = stored.decode()?;
    let context = json!({
        "FullyQualifiedNamespace": "contoso.servicebus.windows.net", "EventHubName": "products",
        "ConsumerGroup": "site", "PartitionId": partition.id(),
    });
    // CloudEvents attributes are text.
    let properties = event
        .properties
        .iter()
        .map(|(name, value)| match value {
            contoso_local::event_hubs::Value::String(text) => (name.clone(), json!(text.as_str())),
            other => (name.clone(), json!(format!("{other:?}"))),
        })
        .collect();
    let one = |value: Value| Value::from(json!([value]).to_string());
    Ok(json!({
        "Data": { "events": one(json!(BASE64.encode(&event.body))) },
        "Metadata": {
            "PartitionContext": context,
            "SequenceNumberArray": one(json!(stored.sequence)),
            "OffsetStringArray": one(json!(stored.offset.to_string())),
            "EnqueuedTimeUtcArray": one(json!("2026-01-05T10:00:00.123")),
            "PropertiesArray": one(properties),
            "SystemPropertiesArray": one(json!({"content-type": event.content_type})),
            "RetryContext": {"RetryCount": 0, "MaxRetryCount": -1},
        },
    }))
}
