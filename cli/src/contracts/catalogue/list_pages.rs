//! The list of all events, which is searched, and the changelog.

use super::{
    super::avro::Definition,
    facts::{EventFacts, Facts, file},
    html::{Node, code, el, link, page, text},
    tree::doc,
};

pub(super) fn index(facts: &Facts<'_>) -> String {
    let mut main = vec![
        el(
            "div",
            "title",
            vec![
                el("h1", "", vec![text("Events")]),
                el("p", "faint", vec![text("")]).with("id", "count").with("role", "status"),
            ],
        ),
        el(
            "div",
            "search",
            vec![
                el("label", "", vec![text("Search")]).with("for", "search"),
                el("input", "", Vec::new())
                    .with("id", "search")
                    .with("type", "search")
                    .with("autocomplete", "off")
                    .with("spellcheck", "false")
                    .with("aria-describedby", "keys"),
                el(
                    "p",
                    "faint",
                    vec![
                        code("/"),
                        text(" to search, "),
                        code("↓ ↑"),
                        text(" to choose, "),
                        code("Enter"),
                        text(" to open"),
                    ],
                )
                .with("id", "keys"),
            ],
        )
        .with("hidden", ""),
        el("p", "", vec![text("No event has all of these words.")]).with("id", "nothing").with("hidden", ""),
    ];
    let mut hubs: Vec<&str> = facts.events.iter().map(|event| event.source.contract.hub).collect();
    hubs.sort_unstable();
    hubs.dedup();
    for hub in hubs {
        let of_hub = facts.events.iter().filter(|event| event.source.contract.hub == hub);
        let group = vec![el("h2", "", vec![text("Hub "), code(hub)]), el("ul", "events", of_hub.map(row).collect())];
        main.push(el("section", "", group).with("data-group", hub));
    }
    page("Events", "index.html", main)
}

fn row(event: &EventFacts<'_>) -> Node {
    let contract = event.source.contract;
    let mut head = vec![link(&file(contract.event_type), contract.event_type), text(" ")];
    head.push(el("span", "badge", vec![text(contract.owner)]));
    if let Some(audience) = event.audience() {
        head.push(text(" "));
        head.push(el("span", "badge", vec![text(format!("for {audience}"))]));
    }
    if event.deprecation().is_some() {
        head.push(text(" "));
        head.push(el("span", "badge old", vec![text("deprecated")]));
    }
    let first_line = event.doc.lines().next().unwrap_or_default();
    el("li", "", vec![el("div", "", head), el("p", "doc", vec![text(first_line)])]).with("data-text", searched(event))
}

/// All that one may look for, in lower case.
fn searched(event: &EventFacts<'_>) -> String {
    let contract = event.source.contract;
    let mut words = vec![contract.event_type, contract.name, contract.hub, contract.owner, contract.key, event.doc];
    words.extend(
        event.senders.iter().copied().chain(event.readers.iter().flat_map(|reader| [reader.function, reader.group])),
    );
    for named in &event.source.schema.named {
        words.push(&named.name);
        words.extend(named.doc.as_deref());
        match &named.definition {
            Definition::Record(fields) => {
                words.extend(
                    fields.iter().flat_map(|field| [Some(field.name.as_str()), field.doc.as_deref()]).flatten(),
                );
            }
            Definition::Enum { symbols, .. } => words.extend(symbols.iter().map(String::as_str)),
            Definition::Fixed(_) => {}
        }
    }
    words.join(" ").to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn changelog(facts: &Facts<'_>) -> String {
    let mut main = vec![el("div", "title", vec![el("h1", "", vec![text("Changelog")])])];
    let mut is_empty = true;
    for event in &facts.events {
        let contract = event.source.contract;
        let sections: Vec<_> = event.versions.iter().rev().filter(|version| !version.changes.is_empty()).collect();
        if sections.is_empty() && event.deprecation().is_none() {
            continue;
        }
        is_empty = false;
        main.push(el("h2", "", vec![link(&file(contract.event_type), contract.event_type)]));
        main.extend(event.deprecation().map(|notice| el("p", "notice", vec![text(notice)])));
        for version in sections {
            main.push(el("h3", "", vec![text(version.heading())]));
            main.extend(version.warning().map(|warning| el("p", "notice", vec![text(warning)])));
            main.push(el(
                "ul",
                "log",
                version.changes.iter().map(|change| el("li", "", vec![text(change.as_str())])).collect(),
            ));
        }
    }
    if is_empty {
        main.extend(doc(Some("Every event has its first version: nothing has changed yet.")));
    }
    page("Changelog", "changelog.html", main)
}
