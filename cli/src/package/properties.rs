//! Which properties a binding may have: those of the extension bundle 4.x for the triggers this app uses.
//!
//! The host ignores a property it does not know, so a typo in one is a silent default in production. Here it is an error.

use serde_json::Value;

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text that is not empty.
    Text,
    /// A list of texts.
    Texts,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Whole,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

/// A property: its name, what it holds, and whether a binding must have it.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

const fn must(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, required: false }
}

/// What every binding has, beside its `type`.
const COMMON: [Property; 2] = [must("name", Kind::Text), must("direction", Kind::OneOf(&["in", "out"]))];

const HTTP_TRIGGER: [Property; 3] = [
    must("authLevel", Kind::OneOf(&["anonymous", "function", "admin"])),
    may("methods", Kind::Texts),
    may("route", Kind::Text),
];

/// What is optional to the host but not here, because its default loses events or guesses at bodies, counts as required.
const EVENT_HUB_TRIGGER: [Property; 5] = [
    must("connection", Kind::Text),
    must("eventHubName", Kind::Text),
    must("consumerGroup", Kind::Text),
    must("cardinality", Kind::OneOf(&["many"])),
    must("dataType", Kind::OneOf(&["binary"])),
];

const COSMOS_DB_TRIGGER: [Property; 17] = [
    must("connection", Kind::Text),
    must("databaseName", Kind::Text),
    must("containerName", Kind::Text),
    may("leaseConnection", Kind::Text),
    may("leaseDatabaseName", Kind::Text),
    may("leaseContainerName", Kind::Text),
    may("leaseContainerPrefix", Kind::Text),
    may("createLeaseContainerIfNotExists", Kind::Flag),
    may("leasesContainerThroughput", Kind::Whole),
    may("feedPollDelay", Kind::Whole),
    may("leaseAcquireInterval", Kind::Whole),
    may("leaseExpirationInterval", Kind::Whole),
    may("leaseRenewInterval", Kind::Whole),
    may("maxItemsPerInvocation", Kind::Whole),
    may("startFromBeginning", Kind::Flag),
    may("startFromTime", Kind::Text),
    may("preferredLocations", Kind::Text),
];

const TIMER_TRIGGER: [Property; 3] =
    [must("schedule", Kind::Text), may("runOnStartup", Kind::Flag), may("useMonitor", Kind::Flag)];

/// The properties of a binding of type `binding`, or `None` where this app uses no such binding.
pub(super) fn of(binding: &str) -> Option<impl Iterator<Item = &'static Property> + Clone> {
    let own: &'static [Property] = match binding {
        "httpTrigger" => &HTTP_TRIGGER,
        "eventHubTrigger" => &EVENT_HUB_TRIGGER,
        "cosmosDBTrigger" => &COSMOS_DB_TRIGGER,
        "timerTrigger" => &TIMER_TRIGGER,
        "http" | "eventGridTrigger" => &[],
        _ => return None,
    };
    Some(COMMON.iter().chain(own))
}

impl Kind {
    /// Whether `value` is of this kind.
    pub(super) fn holds(self, value: &Value) -> bool {
        match self {
            Self::Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Flag => value.is_boolean(),
            Self::Whole => value.is_u64(),
            Self::OneOf(allowed) => value.as_str().is_some_and(|text| allowed.contains(&text)),
        }
    }

    /// What to write, for messages.
    pub(super) fn wanted(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Whole => "a whole number".to_owned(),
            Self::OneOf(allowed) => allowed.join(" or "),
        }
    }
}
