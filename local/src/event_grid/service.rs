//! State of the running service: topics, subscriptions, and the bringing up of both.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use url::Url;

use super::{
    auth::Keys,
    delivery::Delivery,
    error::Error,
    event::Schema,
    names::{Names, Source},
    options::Options,
    provisioning::Provisioning,
    queue::Queue,
    registry::Registry,
};
use crate::{clock::Clock, identity::Identity, storage::Storage, topology};

/// What request handlers share.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) names: Names,
    /// By lower-case name.
    pub(crate) topics: BTreeMap<String, Topic>,
    pub(crate) provisioning: Arc<Provisioning>,
    pub(crate) identity: Identity,
}

pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) schema: Schema,
    pub(crate) keys: Keys,
}

impl Service {
    pub(crate) fn open(
        topology: &topology::EventGrid,
        options: Options,
        identity: &Identity,
        address: SocketAddr,
        storage: &Storage,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let topics = topology.topics.iter().map(Topic::new).collect::<Result<BTreeMap<_, _>, _>>()?;
        let names = Names {
            subscription_id: options.subscription_id.clone(),
            resource_group: options.resource_group.clone(),
            storage_account: options.dead_letters.account().to_owned(),
            event_hubs_namespace: options.event_hubs.namespace().to_owned(),
        };
        let queue = Queue::open(storage)?;
        let registry = Registry::open(storage, &queue, |source| input_schema(&topics, source))?;
        let delivery = Arc::new(Delivery::new(clock, queue, names.clone(), options, topology.webhook_egress)?);
        let base = Url::parse(&format!("http://{address}"))
            .map_err(|source| Error::Network { operation: "make a URL of its address", source: source.into() })?;
        Ok(Self {
            address,
            clock: clock.clone(),
            provisioning: Provisioning::new(registry, delivery, names.clone(), base),
            names,
            topics,
            identity: identity.clone(),
        })
    }

    /// Brings the subscriptions of the topology into force and drops those it no longer has.
    pub(crate) fn deploy(&self, topology: &topology::EventGrid) -> Result<(), Error> {
        let unusable = |name: &str| {
            let what = format!("subscription `{name}`");
            |reason| Error::Topology { what, reason }
        };
        let wanted = topology
            .subscriptions
            .iter()
            .map(|subscription| (Source::from(&subscription.source), subscription))
            .collect::<Vec<_>>();
        for known in self.provisioning.registry.all() {
            let still_wanted = wanted.iter().any(|(source, subscription)| {
                *source == known.source && subscription.name.eq_ignore_ascii_case(&known.name)
            });
            if known.record().deployed && !still_wanted {
                tracing::info!(subscription = %known.name, "deleted: the topology no longer has it");
                self.provisioning.delete(&known)?;
            }
        }
        self.provisioning.resume();
        for (source, subscription) in wanted {
            let input = self
                .input_schema(&source)
                .ok_or_else(|| format!("there is no topic for its source {source:?}"))
                .map_err(unusable(&subscription.name))?;
            self.provisioning.deploy(&source, &subscription.name, input, &subscription.properties)?;
        }
        Ok(())
    }

    pub(crate) fn delivery(&self) -> &Arc<Delivery> {
        &self.provisioning.delivery
    }

    pub(crate) fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(&name.to_lowercase())
    }

    pub(crate) fn input_schema(&self, source: &Source) -> Option<Schema> {
        input_schema(&self.topics, source)
    }

    pub(crate) fn endpoint(&self, topic: &Topic) -> String {
        format!("http://{}/topics/{}/api/events", self.address, topic.name)
    }

    /// A topic as Resource Manager shows it.
    pub(crate) fn topic_shown(&self, name: &str) -> Option<Value> {
        let topic = self.topic(name)?;
        Some(json!({
            "id": self.names.source(&Source::Topic(topic.name.clone())),
            "name": topic.name,
            "type": "Microsoft.EventGrid/topics",
            "location": "local",
            "properties": {
                "endpoint": self.endpoint(topic),
                "inputSchema": topic.schema.name(),
                "provisioningState": "Succeeded",
                "publicNetworkAccess": "Enabled",
                "disableLocalAuth": false,
            },
        }))
    }
}

impl Topic {
    fn new(topic: &topology::Topic) -> Result<(String, Self), Error> {
        let schema = Schema::parse(&topic.input_schema)
            .map_err(|reason| Error::Topology { what: format!("topic `{}`", topic.name), reason })?;
        let name = topic.name.clone();
        let keys = Keys::of_topic(&name);
        Ok((name.to_lowercase(), Self { name, schema, keys }))
    }
}

/// System topics emit the Event Grid schema.
fn input_schema(topics: &BTreeMap<String, Topic>, source: &Source) -> Option<Schema> {
    match source {
        Source::Topic(name) => topics.get(&name.to_lowercase()).map(|topic| topic.schema),
        Source::Storage | Source::EventHubs => Some(Schema::EventGrid),
    }
}
