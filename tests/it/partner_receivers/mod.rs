//! Receivers of partners' webhooks (`examples/`): each keeps the same rules, the pages quote them as they are, and the one of the first page
//! gets from nothing to a verified notification by the commands that stand there.

mod receiver;
mod rules;
mod walk;

use std::{fmt::Write as _, fs, path::Path, process::Command};

use serde_json::json;

use self::receiver::Receiver;
use crate::support::{eventually, javascript, python};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn checkout(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The receiver that keeps what it gets, with its files in this folder.
fn example(folder: &Path) -> Command {
    let mut python = Command::new("python3");
    python.arg(Path::new(ROOT).join("examples/partner-receiver/receiver.py"));
    python.arg("--secrets").arg(folder.join("secret.json")).arg("--database").arg(folder.join("products.db"));
    python
}

/// Tells it the secrets, as the API would.
fn write_secrets(folder: &Path) {
    let versions = rules::SECRETS
        .map(|secret| json!({ "number": 1, "since": "2027-03-04T10:00:00Z", "until": null, "secret": secret }));
    let answer = json!({ "header": "x-contoso-secret", "versions": versions });
    fs::write(folder.join("secret.json"), answer.to_string()).expect("a file");
}

async fn keeps_the_rules(command: Command) {
    let receiver = Receiver::start(command).await;
    rules::consents(&receiver).await;
    rules::knows_the_secrets(&receiver).await;
    rules::reads(&receiver).await;
    rules::keeps_the_newest(&receiver).await;
}

#[tokio::test]
async fn the_example_keeps_the_rules() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    write_secrets(folder.path());
    let mut command = example(folder.path());
    command.args(["--port", "0"]);
    keeps_the_rules(command).await;
}

#[tokio::test]
async fn express_keeps_the_rules() {
    keeps_the_rules(webhook(|| javascript::webhook("express.js")).await).await;
}

#[tokio::test]
async fn fastify_keeps_the_rules() {
    keeps_the_rules(webhook(|| javascript::webhook("fastify.js")).await).await;
}

#[tokio::test]
async fn fastapi_keeps_the_rules() {
    keeps_the_rules(webhook(python::webhook).await).await;
}

/// A webhook on a framework, whose installation must not hold up this runtime.
async fn webhook(command: impl FnOnce() -> Command + Send + 'static) -> Command {
    let mut command = tokio::task::spawn_blocking(command).await.expect("no panic");
    command.env("PORT", "0").env("CONTOSO_SECRETS", rules::SECRETS.join(","));
    command
}

/// What it answered 200 is on the disk: a kill forgets nothing, and what cannot be stored, or judged yet, is 503 and comes again.
#[tokio::test]
async fn the_example_forgets_nothing_that_it_answered() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let start = || {
        let mut command = example(folder.path());
        command.args(["--port", "0"]);
        Receiver::start(command)
    };
    let change = |sequence: &str| {
        json!({
            "specversion": "1.0", "id": sequence, "source": "/contoso/catalogue", "type": "com.contoso.product.changed.v1",
            "subject": "tent-1", "sequence": sequence,
            "data": { "productId": "tent-1", "state": { "price": { "amount": "1999999999999999.90", "currency": "USD" } } },
        })
    };
    let mut receiver = start().await;
    assert_eq!(receiver.deliver(&change("2")).await, 503, "no secret yet");
    write_secrets(folder.path());
    assert_eq!(receiver.deliver(&change("2")).await, 200, "read again without a restart");
    fs::write(folder.path().join("secret.json"), "{").expect("a file");
    assert_eq!(receiver.deliver(&change("1")).await, 200, "a file that is half written changes nothing");
    receiver.kill();

    write_secrets(folder.path());
    let receiver = start().await;
    for change in [change("2"), change("1")] {
        assert_eq!(receiver.deliver(&change).await, 200);
    }
    receiver.judges("tent-1", &["repeat", "repeat"]).await;

    // Somebody else holds the database for longer than a delivery waits.
    let hold = "import sqlite3, sys\n\
                database = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                database.execute('BEGIN EXCLUSIVE')\n\
                print('held', flush=True)\n\
                sys.stdin.read()";
    let mut command = Command::new("python3");
    command.args(["-c", hold]).arg(folder.path().join("products.db"));
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut holder = command.spawn().expect("Python starts");
    let mut held = [0; 4];
    std::io::Read::read_exact(holder.stdout.as_mut().expect("piped"), &mut held).expect("it is held");
    assert_eq!(receiver.deliver(&change("3")).await, 503, "{:?}", receiver.said());
    drop(holder.stdin.take());
    holder.wait().expect("it ends");
    assert_eq!(receiver.deliver(&change("3")).await, 200, "{:?}", receiver.said());
    let mut redelivered = change("3");
    redelivered["redelivery"] = json!("r-1");
    assert_eq!(receiver.deliver(&redelivered).await, 200);
    receiver.judges("tent-1", &["repeat", "repeat", "applied", "repeat"]).await;

    let shown =
        example(folder.path()).arg("--show").env("PYTHONDONTWRITEBYTECODE", "1").output().expect("Python starts");
    assert_eq!(String::from_utf8_lossy(&shown.stdout), "tent-1 3 1999999999999999.90 USD\n", "{shown:?}");
    eventually("what it said", || async {
        let said = receiver.said();
        let marked = "repeat com.contoso.product.changed.v1 tent-1 3 (redelivery r-1)";
        let is_said = |wanted: &str| said.iter().any(|line| line.starts_with(wanted));
        if is_said("refused 503") && is_said(marked) { Ok(()) } else { Err(format!("{said:?}")) }
    })
    .await;
}

/// A page quotes whole files, each after a line that names it; partners copy what has been tested.
#[test]
fn the_page_quotes_the_webhooks_as_they_are() {
    let page = checkout("docs/partner-receivers.md");
    let mut quoted = 0;
    let mut report = String::new();
    for folder in ["node", "fastapi", "aspnet"] {
        let folder = format!("examples/webhooks/{folder}");
        for entry in fs::read_dir(Path::new(ROOT).join(&folder)).expect("a folder") {
            let name = entry.expect("a file").file_name().into_string().expect("text");
            let Some((_, language)) = name.rsplit_once('.').filter(|(_, end)| ["js", "py", "cs"].contains(end)) else {
                continue;
            };
            let path = format!("{folder}/{name}");
            let language = if language == "cs" { "csharp" } else { language };
            let block = format!("[{path}](../{path}):\n\n```{language}\n{}```\n", checkout(&path));
            quoted += 1;
            if !page.contains(&block) {
                writeln!(report, "docs/partner-receivers.md does not quote {path} as it is:\n{block}").expect("text");
            }
        }
    }
    assert_eq!((quoted, report.as_str()), (5, ""));
}
