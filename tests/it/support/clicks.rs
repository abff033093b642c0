//! Clicks of a producer that writes to the hub itself.

use std::collections::BTreeMap;

use bytes::Bytes;
use contoso_local::event_hubs::Outgoing;
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Inside, eventually};

/// A click as a producer sends it, and what the test knows of it.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) product: String,
    pub(crate) category: Option<String>,
    pub(crate) visitor: String,
    /// Seconds since 1970.
    pub(crate) at: u64,
}

impl Sent {
    /// As a message of the hub.
    fn message(&self) -> Bytes {
        let data =
            json!({"productId": self.product, "category": self.category, "visitorId": self.visitor, "sessionId": null});
        let attribute = |name: &str, value: &str| (format!("cloudEvents:{name}"), value.to_owned());
        Outgoing {
            body: data.to_string().into_bytes(),
            properties: vec![
                attribute("specversion", "1.0"),
                attribute("id", &self.id),
                attribute("source", "/tests/clicks"),
                attribute("type", "com.contoso.click.recorded.v1"),
                attribute("subject", &self.visitor),
                attribute("partitionkey", &self.visitor),
                attribute("time", &time_of(self.at)),
            ],
            content_type: Some("application/json".to_owned()),
            partition_key: Some(self.visitor.clone()),
        }
        .encode()
    }

    pub(crate) fn minute(&self) -> u64 {
        self.at / 60
    }
}

/// RFC 3339.
pub(crate) fn time_of(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).expect("a time");
    OffsetDateTime::from_unix_timestamp(seconds).expect("a time").format(&Rfc3339).expect("a text")
}

impl Inside {
    /// Sends clicks, each to the partition of its visitor, in publications of a hundred.
    pub(crate) fn send(&self, clicks: &[Sent]) {
        self.send_to("clicks", clicks);
    }

    /// The same to another hub, such as one that no function reads.
    pub(crate) fn send_to(&self, hub: &str, clicks: &[Sent]) {
        let hub = self.stack.event_hubs().hub(hub).expect("the hub");
        let mut by_partition: BTreeMap<usize, Vec<Bytes>> = BTreeMap::new();
        for click in clicks {
            let chosen = hub.choose(Some(&click.visitor));
            let index =
                hub.partitions().iter().position(|partition| std::ptr::eq(partition, chosen)).expect("one of it");
            by_partition.entry(index).or_default().push(click.message());
        }
        for (index, messages) in by_partition {
            for messages in messages.chunks(100) {
                hub.partitions()[index].append(messages).expect("the hub takes them");
            }
        }
    }

    /// Waits until so many clicks are counted; so often it may take long until one more is.
    pub(crate) async fn counts(&self, clicks: usize, patience: usize) {
        let clicks = i64::try_from(clicks).expect("a count");
        let mut before = -1;
        for _ in 0..patience {
            let counted = eventually("progress of the count", || async {
                match self.handled("clicks", "trends") {
                    counted if counted == clicks || counted > before => Ok(counted),
                    counted => Err(format!("{counted} of {clicks}")),
                }
            })
            .await;
            if counted == clicks {
                return;
            }
            before = counted;
        }
        panic!("{before} of {clicks}");
    }
}
