//! The page of one event.

use super::{
    facts::{EventFacts, ExampleFacts, VersionFacts, file},
    html::{self, Node, code, el, text},
    tree::{doc, tree},
};

pub(super) fn page(event: &EventFacts<'_>) -> String {
    let contract = event.source.contract;
    let note = |words: &str| el("p", "faint", vec![text(words)]);
    let head = |words: &str| el("h2", "", vec![text(words)]);
    let title = vec![el("h1", "", vec![text(event.title())]), el("p", "faint", vec![code(contract.event_type)])];
    let mut main = vec![el("div", "title", title)];
    main.extend(event.deprecation().map(|notice| el("p", "notice", vec![text(notice)])));
    main.extend(doc(Some(event.doc)));
    main.push(head("At a glance"));
    main.push(el("dl", "facts", glance(event)));
    main.push(head("Schema"));
    main.push(note("The data as it is on the hub, in Avro. What has a default may be missing in events that an older version wrote."));
    main.push(tree(&event.source.schema));
    main.push(head("Examples"));
    main.push(note("Plain JSON: a value of a union stands there as it is, without the name of its branch around it."));
    main.extend(event.examples.iter().flat_map(|one| example(event, one)));
    if event.versions.len() > 1 {
        main.push(head("Versions"));
        main.extend(event.versions.iter().rev().flat_map(|version| of_version(event, version)));
    }
    html::page(event.title(), &file(contract.event_type), main)
}

fn glance(event: &EventFacts<'_>) -> Vec<Node> {
    let contract = event.source.contract;
    let mut rows = Vec::new();
    let mut row = |name: &str, value: Vec<Node>| {
        rows.push(el("dt", "", vec![text(name)]));
        rows.push(el("dd", "", value));
    };
    row("Owner", vec![text(contract.owner), text(": ask before it changes")]);
    row("Hub", vec![code(contract.hub), text(format!(", kept for {} hours", event.retention_hours))]);
    row("Partition key", vec![text(contract.key), text(": events of one key stay in order")]);
    row("Sent by", vec![names(&event.senders)]);
    let readers = event
        .readers
        .iter()
        .map(|reader| el("li", "", vec![code(reader.function), text(" as the consumer group "), code(reader.group)]));
    let readers: Vec<_> = readers.collect();
    row("Read by", vec![if readers.is_empty() { text("no function") } else { el("ul", "", readers) }]);
    if let Some(container) = event.capture {
        row("Captured to", vec![text("the blob container "), code(container)]);
    }
    row(
        "Told to",
        match event.audience() {
            Some(audience) => vec![text(audience), text(" as JSON, published by "), names(&event.publishers)],
            None => vec![text("nobody outside")],
        },
    );
    row(
        "By traffic",
        vec![
            code(format!("contoso schemas usage {}", contract.event_type)),
            text(
                " says who sends and reads each version on the stack that runs: events on the hub by source and version, and who asked the \
                 registry. This page says who may, by roles and functions",
            ),
        ],
    );
    row("Record", vec![code(contract.name), text(", its name in the schema registry")]);
    row("Schema file", vec![code(format!("schemas/{}.avsc", contract.path))]);
    rows
}

fn names(names: &[&str]) -> Node {
    if names.is_empty() { text("no function") } else { text(names.join(", ")) }
}

fn example(event: &EventFacts<'_>, example: &ExampleFacts<'_>) -> Vec<Node> {
    let figure = |caption: String, data: &serde_json::Value| {
        let shown = serde_json::to_string_pretty(data).unwrap_or_default();
        let shown = el("pre", "", vec![el("code", "", vec![text(shown)])])
            .with("tabindex", "0")
            .with("role", "region")
            .with("aria-label", format!("{}: {caption}", example.name));
        el("figure", "", vec![el("figcaption", "", vec![text(caption)]), shown])
    };
    let mut figures = vec![figure("Data on the hub".to_owned(), example.on_hub)];
    if let (Some(data), Some(audience)) = (&example.travelling, event.audience()) {
        figures.push(figure(format!("Data as {audience} get it"), data));
    }
    vec![el("h3", "", vec![text(example.name.as_str())]), el("div", "examples", figures)]
}

fn of_version(event: &EventFacts<'_>, version: &VersionFacts<'_>) -> Vec<Node> {
    let number = version.version.number;
    let newest = event.versions.last().map_or(0, |last| last.version.number);
    let readers: Vec<_> = event.readers.iter().map(|reader| reader.function).collect();
    let readers = if readers.is_empty() { "no function".to_owned() } else { readers.join(", ") };
    let used = if number == newest {
        let senders = if event.senders.is_empty() { "no function".to_owned() } else { event.senders.join(", ") };
        format!("Written by {senders}; read by {readers}.")
    } else {
        format!(
            "No function of this app writes it any more. What is still of it on the hub and in captured files is read by {readers}, as version {newest}."
        )
    };
    let mut parts = vec![el("h3", "", vec![text(version.heading())]), el("p", "", vec![text(used)])];
    parts.extend(version.warning().map(|warning| el("p", "notice", vec![text(warning)])));
    parts.push(match version.changes.as_slice() {
        [] if number == event.versions.first().map_or(0, |first| first.version.number) => {
            el("p", "faint", vec![text("The first one.")])
        }
        [] => el("p", "faint", vec![text("Nothing that readers see.")]),
        changes => el("ul", "log", changes.iter().map(|change| el("li", "", vec![text(change.as_str())])).collect()),
    });
    if number != newest {
        let summary = el("summary", "", vec![text(format!("Schema of version {number}"))]);
        parts.push(el("details", "", vec![summary, tree(&version.version.schema)]));
    }
    parts
}
