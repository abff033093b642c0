//! Telemetry that comes from programs which nobody here wrote, and what the operations page makes of it.

use contoso_cli::pages::{self, Pages};
use contoso_local::{stack::Stack, transport::Hosts};
use serde_json::{Value, json};

use crate::{
    pages::browser,
    support::{SuiteStack, contoso, javascript, python},
};

/// The pages of a stack without an app.
fn pages(stack: &Stack) -> Pages {
    let options = pages::Options {
        functions: stack.endpoints().functions.clone(),
        external: false,
        partner: false,
        telemetry: Some(stack.telemetry().clone()),
        schemas: std::collections::BTreeMap::new(),
        hosts: Hosts::default(),
    };
    Pages::start(stack.take_site_listener().expect("the pages' listener"), options).expect("serving")
}

/// The SDK of Python as a foreign witness: what it sends is taken, and is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_of_python_is_understood() {
    let stack = SuiteStack::start().await;
    let endpoints = stack.endpoints.clone();
    let said = tokio::task::spawn_blocking(move || python::run_client("telemetry.py", &endpoints)).await;
    let said = said.expect("no panic");
    let id = said.lines().next().expect("the trace").parse().expect("an id");
    let telemetry = stack.stack.telemetry();
    let trace = telemetry.trace(id).expect("it was kept");
    let shown: Vec<_> = trace.spans.iter().map(|row| (row.depth, row.span.name.as_str(), row.span.service())).collect();
    // Each came twice, and is there once.
    assert_eq!(shown, [(0, "cause", "python"), (1, "effect", "python")]);
    assert_eq!(telemetry.trace_with("messaging.message.id", "from-python"), Some(id));
    let effect = &trace.spans[1].span;
    assert!(effect.failed() && effect.attributes.get("sizes") == Some(&json!([1, 2])), "{effect:?}");
    let text = telemetry.prometheus();
    for line in [
        r#"things_total{instance="1",job="python",kind="a",otel_scope_name="witness"} 3"#,
        r#"wait_seconds_count{instance="1",job="python",otel_scope_name="witness"} 1"#,
        r#"waiting{instance="1",job="python",otel_scope_name="witness"} -2"#,
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    let logs = telemetry.logs(10, |log| log.body == "invocation" && log.severity == 13);
    assert_eq!(logs.len(), 1);

    let pages = pages(&stack.stack);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("endpoints.json");
    std::fs::write(&file, stack.endpoints.to_string()).expect("written");
    let trace = async |arguments: &[&str]| {
        let mut command = contoso();
        command.arg("trace").args(arguments).arg("--endpoints").arg(&file);
        let run = tokio::task::spawn_blocking(move || command.output().expect("contoso runs"));
        let output = run.await.expect("no panic");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, shown, _) = trace(&["from-python"]).await;
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!((code, lines.len()), (Some(0), 3), "{shown}");
    assert!(lines[0].starts_with(&format!("trace {id}  ")) && lines[1].ends_with("  cause server"), "{shown}");
    assert!(lines[2].ends_with("    effect internal  no stock"), "{shown}");
    let (_, shown, _) = trace(&[&id.to_string(), "--json"]).await;
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((&shown["spans"][1]["depth"], &shown["spans"][1]["cause"]), (&json!(1), &json!("no stock")));
    let (code, _, said) = trace(&["nobody"]).await;
    assert!(code == Some(1) && said.contains("\"nobody\"") && said.contains("60 minutes"), "{said}");
    drop(pages);
    stack.stop().await;
}

/// Spans as an exporter of JavaScript writes them, shown by the operations page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_a_waterfall_in_a_browser() {
    let stack = SuiteStack::start().await;
    let pages = pages(&stack.stack);
    let screenshots = javascript::output("screenshots");
    let mut input = stack.endpoints.clone();
    input["pages"] = json!({ "browser": browser(), "screenshots": screenshots, "key": null });
    let run = tokio::task::spawn_blocking(move || javascript::run_suite("telemetry.js", &input));
    match run.await.expect("no panic") {
        Ok(said) => println!("{said}\nscreenshots: {}", screenshots.display()),
        Err(said) => panic!("{said}"),
    }
    drop(pages);
    stack.stop().await;
}
