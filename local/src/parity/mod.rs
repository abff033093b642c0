//! `PARITY.md` held against the code: its rows against the services' own lists of operations, its refusals against a
//! running stack.

mod page;
mod source;
mod wire;

use std::collections::BTreeSet;

use self::{
    page::Page,
    source::{literals, variants},
};

/// A service's list of operations, as the code has it.
struct Listed {
    section: &'static str,
    /// What can be found in the source: `Enum::Variant`, `"words"`.
    names: BTreeSet<String>,
}

fn listed() -> Vec<Listed> {
    let of =
        |section, lists: &[&[String]]| Listed { section, names: lists.iter().copied().flatten().cloned().collect() };
    let address = include_str!("../event_hubs/engine/address.rs");
    let position = include_str!("../event_hubs/position.rs");
    let registry = include_str!("../schema_registry/http.rs");
    let schema = include_str!("../event_grid/event/mod.rs");
    let operator = include_str!("../event_grid/filter/operator.rs");
    let destination = include_str!("../event_grid/subscription/target.rs");
    let destinations = &destination[destination.find("match body.endpoint_type").expect("it is matched")..];
    let destinations = &destinations[..destinations.find("does not exist").expect("the last arm")];
    let resource = include_str!("../event_grid/resource_manager/path.rs");
    let blob = include_str!("../blobs/http/operation.rs");
    let queue = include_str!("../queues/http/operation.rs");
    let cosmos = include_str!("../cosmos/wire/request.rs");
    let missing = include_str!("../cosmos/wire/unsupported.rs");
    let trigger = include_str!("../functions_host/app/trigger.rs");
    let roles = include_str!("../identity/roles.rs");
    // Variants that only lead to the lists of their own.
    let inner = |text, name, skipped: &[&str]| {
        let mut all = variants(text, name);
        all.retain(|variant| !skipped.iter().any(|skipped| *variant == format!("{name}::{skipped}")));
        all
    };
    let operators: Vec<String> = literals(operator, "            \"", "\" =>");
    vec![
        of("Event Hubs", &[&variants(address, "Address"), &variants(position, "Start")]),
        of("Schema registry", &[&variants(registry, "Operation")]),
        of(
            "Event Grid",
            &[
                &variants(schema, "Schema"),
                &variants(include_str!("../event_grid/names.rs"), "Source"),
                &operators,
                &literals(destinations, "        \"", "\" =>"),
                &literals(destinations, "(\"", "\" |"),
                &literals(destinations, "| \"", "\""),
            ],
        ),
        of("Resource Manager", &[&variants(resource, "Resource")]),
        of("Azure Monitor", &[&variants(include_str!("../monitor/counts.rs"), "Metric")]),
        of(
            "Blob Storage",
            &[
                &inner(blob, "Operation", &["Container", "Blob"]),
                &variants(blob, "ContainerOperation"),
                &variants(blob, "BlobOperation"),
                &literals(blob, "not_implemented(\"", "\")"),
                // The one that may be either of three.
                &literals(blob, "=> \"", "\","),
                &literals(blob, "    \"", "\",\n"),
                &literals(blob, "2] = [\"", "\""),
                &literals(blob, "\", \"", "\"];"),
            ],
        ),
        of(
            "Queue Storage",
            &[
                &inner(queue, "Operation", &["Queue", "Message"]),
                &variants(queue, "QueueOperation"),
                &variants(queue, "MessageOperation"),
                &literals(queue, "not_implemented(\"", "\")"),
            ],
        ),
        of(
            "Cosmos DB",
            &[
                // What is none of the service's is no operation that it serves.
                &inner(cosmos, "Operation", &["Write", "Unknown"]),
                &variants(cosmos, "Write"),
                &literals(missing, "=> \"", "\",\n"),
            ],
        ),
        of("Functions host", &[&variants(trigger, "Trigger")]),
        of("Identity", &[&literals(roles, "Role { name: \"", "\"")]),
    ]
}

#[test]
fn the_page_and_the_code_list_the_same() {
    let page = Page::read();
    for Listed { section, names } in listed() {
        let rows = page.section(section);
        let told: Vec<&String> = rows.iter().flat_map(|row| &row.in_code).collect();
        let once: BTreeSet<String> = told.iter().map(|name| (*name).clone()).collect();
        assert_eq!(told.len(), once.len(), "{section}: something stands in two rows: {told:?}");
        let missing: Vec<_> = names.difference(&once).collect();
        let gone: Vec<_> = once.difference(&names).collect();
        assert!(missing.is_empty(), "{section}: PARITY.md has no row for {missing:?}");
        assert!(gone.is_empty(), "{section}: PARITY.md tells of {gone:?}, which the code has not");
        for row in rows.iter().filter(|row| row.in_code.iter().any(|name| name.contains("::"))) {
            assert_eq!(row.verdict, "kept", "{section}: {} is in the service's list of what it serves", row.operation);
        }
    }
}

#[test]
fn every_verdict_is_one_of_three_and_every_refusal_says_how() {
    let page = Page::read();
    let known = listed();
    for (section, rows) in &page.sections {
        assert!(rows.iter().any(|row| row.verdict == "kept"), "{section} keeps nothing");
        for row in rows {
            let fits = matches!(row.verdict.as_str(), "kept" | "unknown") || row.verdict.starts_with("refused ");
            assert!(fits, "{section}: {} is {:?}", row.operation, row.verdict);
            assert!(row.verdict != "unknown" || !row.note.is_empty(), "{section}: {} needs a note", row.operation);
            let listed = known.iter().any(|listed| listed.section == section.as_str());
            assert!(row.in_code.is_empty() || listed, "{section}: nothing to hold {:?} against", row.in_code);
        }
    }
}
