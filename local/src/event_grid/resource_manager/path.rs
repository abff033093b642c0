//! Resource paths: which resource one names. Paths are compared without regard to case.

use uuid::Uuid;

use crate::event_grid::names::{Names, Source};

pub(super) const PROVIDER: &str = "/providers/microsoft.eventgrid/";

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// The event subscriptions of a source.
    Subscriptions(ResourceScope),
    /// One event subscription.
    Subscription(ResourceScope, String),
    /// A `POST` action on one event subscription.
    Action(ResourceScope, String, String),
    Topics,
    Topic(String),
    TopicKeys(String),
    /// The metrics of a topic.
    TopicMetrics(String),
    /// The status of an operation.
    Operation(Uuid),
    /// The end of an operation, for clients that follow `Location`.
    OperationResult(Uuid),
}

/// The source of subscriptions and the prefix of their ids, which differs between the extension and the nested form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResourceScope {
    pub(super) source: Source,
    /// Resource id up to and without `/eventSubscriptions`.
    pub(super) parent: String,
    /// Resource type of the subscriptions.
    pub(super) r#type: &'static str,
}

/// Reads `path`; `None` if nothing of this service has it. `topics` are the names of the custom topics.
pub(super) fn parse<'a>(names: &Names, topics: impl Iterator<Item = &'a str>, path: &str) -> Option<Resource> {
    let path = path.trim_end_matches('/');
    let provider = path.to_ascii_lowercase().rfind(PROVIDER)?;
    let (scope, rest) = (&path[..provider], &path[provider + PROVIDER.len()..]);
    let rest: Vec<&str> = rest.split('/').collect();
    let topics = topics.map(|name| Source::Topic(name.to_owned()));
    let sources: Vec<Source> = topics.chain([Source::Storage, Source::EventHubs]).collect();
    let is = |word: &str, expected: &str| word.eq_ignore_ascii_case(expected);
    let (kind, tail) = rest.split_first()?;
    if is(kind, "eventSubscriptions") {
        let source = sources.into_iter().find(|source| is(&names.source(source), scope))?;
        let within = ResourceScope {
            parent: format!("{scope}/providers/Microsoft.EventGrid"),
            source,
            r#type: "Microsoft.EventGrid/eventSubscriptions",
        };
        return subscriptions(within, tail);
    }
    if is(kind, "locations") {
        let [_, what, id] = tail else { return None };
        let id = id.parse().ok()?;
        return match () {
            () if is(what, "operationsStatus") => Some(Resource::Operation(id)),
            () if is(what, "operationResults") => Some(Resource::OperationResult(id)),
            () => None,
        };
    }
    if !is(kind, "topics") && !is(kind, "systemTopics") {
        return None;
    }
    let Some((name, tail)) = tail.split_first() else {
        return is(kind, "topics").then_some(Resource::Topics);
    };
    let id = format!("{scope}{PROVIDER}{kind}/{name}");
    let source = sources.into_iter().find(|source| is(&names.topic(source), &id))?;
    match (tail, &source) {
        ([], Source::Topic(topic)) => Some(Resource::Topic(topic.clone())),
        (["providers", provider, what], Source::Topic(topic))
            if is(provider, "Microsoft.Insights") && is(what, "metrics") =>
        {
            Some(Resource::TopicMetrics(topic.clone()))
        }
        ([action], Source::Topic(topic)) if is(action, "listKeys") => Some(Resource::TopicKeys(topic.clone())),
        ([collection, tail @ ..], _) if is(collection, "eventSubscriptions") => {
            let within = ResourceScope {
                parent: names.topic(&source),
                r#type: match source {
                    Source::Topic(_) => "Microsoft.EventGrid/topics/eventSubscriptions",
                    Source::Storage | Source::EventHubs => "Microsoft.EventGrid/systemTopics/eventSubscriptions",
                },
                source,
            };
            subscriptions(within, tail)
        }
        _ => None,
    }
}

fn subscriptions(within: ResourceScope, tail: &[&str]) -> Option<Resource> {
    match tail {
        [] => Some(Resource::Subscriptions(within)),
        [name] => Some(Resource::Subscription(within, (*name).to_owned())),
        [name, action] => Some(Resource::Action(within, (*name).to_owned(), (*action).to_owned())),
        _ => None,
    }
}
