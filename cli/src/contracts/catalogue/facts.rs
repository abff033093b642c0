//! What the pages say of each event, once for pages and programs.

use anyhow::{Context as _, Result};
use contoso_handlers::events::contracts::PARTNERS;
use serde_json::Value;

use super::{
    super::{
        avro::short,
        flows::{Flows, Reader},
        sources::{Source, Sources, Version},
    },
    changes::changes,
};

pub(super) struct Facts<'a> {
    pub(super) events: Vec<EventFacts<'a>>,
}

pub(super) struct EventFacts<'a> {
    pub(super) source: &'a Source,
    /// What it is, in the words of its schema.
    pub(super) doc: &'a str,
    pub(super) senders: Vec<&'a str>,
    pub(super) readers: Vec<Reader>,
    pub(super) publishers: Vec<&'a str>,
    pub(super) capture: Option<&'a str>,
    pub(super) retention_hours: u32,
    /// From the first to the one in use.
    pub(super) versions: Vec<VersionFacts<'a>>,
    pub(super) examples: Vec<ExampleFacts<'a>>,
}

pub(super) struct VersionFacts<'a> {
    pub(super) version: &'a Version,
    /// What differs from the one before; nothing is said of the first.
    pub(super) changes: Vec<String>,
}

pub(super) struct ExampleFacts<'a> {
    pub(super) name: String,
    pub(super) on_hub: &'a Value,
    /// As partners or operators get it.
    pub(super) travelling: Option<Value>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(sources: &'a Sources) -> Result<Self> {
        let flows = Flows::new(&sources.topology);
        let events =
            sources.events.iter().map(|source| EventFacts::of(source, sources, &flows)).collect::<Result<_>>()?;
        Ok(Self { events })
    }
}

impl<'a> EventFacts<'a> {
    fn of(source: &'a Source, sources: &'a Sources, flows: &Flows<'a>) -> Result<Self> {
        let contract = source.contract;
        let hub = flows.hubs().iter().find(|hub| hub.name == contract.hub);
        let hub = hub.with_context(|| {
            format!("topology.json has no hub {}, which {} is sent to", contract.hub, contract.event_type)
        })?;
        let topics = sources.topology.event_grid.topics.iter();
        let senders = flows.senders(contract.hub);
        // Who publishes it is who sends it to the hub or reads it there.
        let readers = flows.readers(contract.hub);
        let is_near =
            |function: &&str| senders.contains(function) || readers.iter().any(|reader| reader.function == *function);
        let publishers = if contract.audience.is_some() {
            topics.flat_map(|topic| flows.publishers(&topic.name)).filter(is_near).collect()
        } else {
            Vec::new()
        };
        let examples = source.valid.iter().map(|example| {
            let travelling = contract.audience.map(|_| source.travelling(example)).transpose();
            let travelling =
                travelling.with_context(|| format!("example {} of {}", example.name, contract.event_type))?;
            Ok(ExampleFacts { name: example.name.replace('-', " "), on_hub: &example.data, travelling })
        });
        let doc =
            source.schema.name().and_then(|name| source.schema.named(name)).and_then(|named| named.doc.as_deref());
        Ok(Self {
            doc: doc.unwrap_or_default(),
            senders,
            publishers,
            readers,
            capture: hub.capture.as_ref().map(|capture| capture.container.as_str()),
            retention_hours: hub.retention_hours,
            versions: versions(source),
            examples: examples.collect::<Result<_>>()?,
            source,
        })
    }

    /// Whom the topic tells, in words.
    pub(super) fn audience(&self) -> Option<&'static str> {
        self.source.contract.audience.map(|audience| if audience == PARTNERS { "partners" } else { audience })
    }

    /// That it ends, when, and what comes after it.
    pub(super) fn deprecation(&self) -> Option<String> {
        self.source.deprecation()
    }

    /// The name that people say: without namespace and version.
    pub(super) fn title(&self) -> &'a str {
        short(self.source.contract.name)
    }
}

impl VersionFacts<'_> {
    /// Its number and its day.
    pub(super) fn heading(&self) -> String {
        let number = self.version.number;
        self.version
            .landed
            .as_ref()
            .map_or_else(|| format!("Version {number}"), |day| format!("Version {number}, {day}"))
    }

    /// That it breaks readers on purpose, and why.
    pub(super) fn warning(&self) -> Option<String> {
        self.version
            .reason
            .as_ref()
            .map(|reason| format!("It breaks readers of the versions before, on purpose: {reason}"))
    }
}

fn versions(source: &Source) -> Vec<VersionFacts<'_>> {
    let mut versions: Vec<VersionFacts<'_>> = Vec::new();
    for version in &source.versions {
        let before = versions.last().map(|before| &before.version.schema);
        let changes = before.map(|before| changes(before, &version.schema)).unwrap_or_default();
        versions.push(VersionFacts { version, changes });
    }
    versions
}

/// The page of an event type. Types are letters, digits, dots and hyphens; whatever else one had is no part of a file's name.
pub(super) fn file(event_type: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
    let name: String = event_type.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
    format!("{}.html", name.trim_start_matches('.'))
}
