//! A stack as people live with it: in the background, looked at, stopped, found again; and stopped before it is ready.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{children_of, contoso, eventually, is_alive, signal, staged_app};

/// A data directory; what still runs on it ends with it.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn up(&self, app: &Path) -> Command {
        let mut command = contoso();
        command.args(["up", "--ports", "auto", "--app"]).arg(app).arg("--data-dir").arg(self.path());
        command
    }

    fn detached(&self, app: &Path) -> Output {
        let mut command = self.up(app);
        command.args(["--detach", "--no-catalogue", "--origin", "http://localhost:5173"]);
        command.output().expect("contoso runs")
    }

    fn call(&self, command: &str, arguments: &[&str]) -> Output {
        let mut call = contoso();
        call.arg(command).arg("--data-dir").arg(self.path()).args(arguments);
        call.output().expect("contoso runs")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.call("stop", &[]);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json_of(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 1, "{text}\n{}", said(output));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What the preflight of a click from a page of `origin` allows.
async fn allowed(functions: &str, origin: &str) -> Option<String> {
    let preflight = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, format!("{functions}/api/clicks"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type");
    let answer = preflight.send().await.expect("an answer");
    Some(answer.headers().get("access-control-allow-origin")?.to_str().expect("text").to_owned())
}

#[tokio::test]
async fn a_stack_in_the_background_is_seen_stopped_and_found_on_the_same_ports() {
    let directory = Directory::new();
    let first = directory.detached(staged_app());
    assert!(first.status.success(), "{first:?}");
    let ready = json_of(&first);
    assert_eq!(ready["event"], "ready");

    let running = directory.call("status", &["--json"]);
    assert_eq!(running.status.code(), Some(0), "{running:?}");
    let running = json_of(&running);
    assert_eq!((&running["running"], &running["ready"]), (&json!(true), &json!(true)));
    assert_eq!(running["endpoints"]["functions"], ready["functions"]);
    let process = running["process"].as_u64().and_then(|process| u32::try_from(process).ok()).expect("a process id");
    // What closing a terminal ends is its session: <pid> (<name>) <state> <parent> <group> <session>.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let session = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(3));
    assert_eq!(session, Some(process.to_string().as_str()), "a session of its own");
    let text = directory.call("status", &[]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(
        text.contains(&format!("process {process}"))
            && text.contains(running["endpoints"]["site"].as_str().expect("an address")),
        "{text}"
    );

    let functions = ready["functions"].as_str().expect("an address");
    assert_eq!(allowed(functions, "http://localhost:5173").await.as_deref(), Some("http://localhost:5173"));
    assert_eq!(allowed(functions, "http://localhost:5174").await, None);

    let second = directory.detached(staged_app());
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert!(said(&second).contains(&format!("(process {process})")), "{second:?}");
    let endpoints = directory.path().join("endpoints.json");
    let tail = contoso().args(["tail", "nope", "--endpoints"]).arg(&endpoints).output().expect("contoso runs");
    assert_eq!(tail.status.code(), Some(1), "{tail:?}");
    assert!(said(&tail).contains("there are products, clicks, feedback, sales, analytics"), "{tail:?}");

    let handlers = children_of(process);
    assert!(!handlers.is_empty(), "the handler runs");
    let stopped = directory.call("stop", &[]);
    assert_eq!(stopped.status.code(), Some(0), "{stopped:?}");
    for handler in handlers {
        assert!(!is_alive(handler), "the handler {handler} is left");
    }
    let gone = directory.call("status", &[]);
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
    assert!(said(&gone).contains("`contoso up --data-dir"), "{gone:?}");
    let nothing = directory.call("stop", &[]);
    assert_eq!(nothing.status.code(), Some(0), "{nothing:?}");
    assert!(said(&nothing).starts_with("Nothing runs"), "{nothing:?}");

    let again = directory.detached(staged_app());
    assert!(again.status.success(), "{again:?}");
    let again = json_of(&again);
    for member in ["/functions", "/site", "/cosmos/endpoint", "/eventHubs", "/blob", "/queue", "/control"] {
        assert_eq!(again.pointer(member), ready.pointer(member), "{member}");
    }
}

#[test]
fn what_does_not_start_in_the_background_says_why() {
    let (directory, app) = (Directory::new(), TempDir::new().expect("a temporary folder"));
    std::fs::copy(staged_app().join("host.json"), app.path().join("host.json")).expect("copied");
    std::fs::create_dir(app.path().join("Broken")).expect("a folder");
    std::fs::write(app.path().join("Broken/function.json"), "{").expect("written");
    let output = directory.detached(app.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said(&output).contains("Broken/function.json"), "the last words of the log: {}", said(&output));
    assert!(output.stdout.is_empty(), "{output:?}");
    assert_eq!(directory.call("status", &[]).status.code(), Some(1));
}

/// Interrupted as soon as it listens, and while it seeds.
#[tokio::test]
async fn a_stack_that_is_interrupted_before_it_is_ready_ends_calmly() {
    let products: Vec<Value> = (0..20_000)
        .map(|number| {
            json!({"id": format!("r{number}"), "name": "Rope", "category": "Climbing",
                "price": {"amount": "1.00", "currency": "USD"}})
        })
        .collect();
    let catalogue = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(catalogue.path(), Value::from(products).to_string()).expect("written");
    for wait_for_seeding in [false, true] {
        let directory = Directory::new();
        let mut command = directory.up(staged_app());
        command.arg("--catalogue").arg(catalogue.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let stack = command.spawn().expect("contoso starts");
        let ports = eventually("the ports of the stack", || async {
            let text = std::fs::read(directory.path().join("ports.json")).map_err(|error| error.to_string())?;
            serde_json::from_slice::<Value>(&text).map_err(|error| error.to_string())
        })
        .await;
        let mut children = Vec::new();
        if wait_for_seeding {
            let product = format!("http://127.0.0.1:{}/api/products/r0", ports["functions"]);
            eventually("a seeded product", || async {
                let answer = reqwest::get(&product).await.map_err(|error| error.to_string())?;
                if answer.status().is_success() { Ok(()) } else { Err(answer.status().to_string()) }
            })
            .await;
            children = children_of(stack.id());
            assert!(!children.is_empty(), "the handler runs");
        }
        signal(stack.id(), "-INT");
        let output =
            tokio::task::spawn_blocking(|| stack.wait_with_output()).await.expect("no panic").expect("it ends");
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        assert_eq!(said(&output), "Stopping…\n", "seeding: {wait_for_seeding}");
        assert!(output.stdout.is_empty(), "{output:?}");
        for handler in children {
            assert!(!is_alive(handler), "the handler {handler} is left");
        }
    }
}
