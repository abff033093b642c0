//! `contoso dead-letters show`.

use std::path::PathBuf;

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;

use super::{Console, plain, print};
use crate::{commands::Exit, output};

/// Show one letter: why it was parked, its event decoded with its schema, its bytes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The letter, as lists show it
    #[arg(value_name = "ID")]
    id: String,
    /// Write all bytes of the record to this file; what is shown of it ends after 8 KiB
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(console: &Console, args: &Args) -> anyhow::Result<Exit> {
    let query = [("id", args.id.as_str())];
    let letter = console.get("/letter", &query, "show the dead letter").await?;
    print(&if args.json { letter.to_string() } else { text(&letter) })?;
    if let Some(file) = &args.body {
        let bytes = console.bytes(Method::GET, "/letter/body", &query, None, "get the record's bytes").await?;
        tokio::fs::write(file, &bytes).await.with_context(|| format!("cannot write {}", file.display()))?;
        output::say(&format!("{} bytes in {}", bytes.len(), file.display()));
    }
    Ok(Exit::Done)
}

fn text(letter: &Value) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &Value| {
        let value = match value {
            Value::Null => return,
            Value::String(value) => plain(value, false),
            other => plain(&other.to_string(), false),
        };
        text += &format!("{name:<12} {value}\n");
    };
    for (name, member) in [
        ("letter", "id"),
        ("function", "function"),
        ("cause", "cause"),
        ("parked at", "parkedAt"),
        ("position", "position"),
        ("content type", "contentType"),
    ] {
        line(name, &letter[member]);
    }
    let event = &letter["decoded"]["event"];
    for (name, member) in
        [("event", "id"), ("type", "type"), ("source", "source"), ("subject", "subject"), ("time", "time")]
    {
        line(name, &event[member]);
    }
    line("schema", &letter["decoded"]["schema"]);
    line("not decoded", &letter["notDecoded"]);
    for (name, preview) in
        [("properties", &letter["properties"]), ("data", &letter["decoded"]["data"]), ("body", &letter["body"])]
    {
        let Some(content) = preview["content"].as_str() else { continue };
        let form = if preview["isHex"] == true { ", as hex" } else { "" };
        let cut = if preview["isCut"] == true { ", the beginning; --body FILE writes the body whole" } else { "" };
        text += &format!("\n{name} ({} bytes{form}{cut})\n{}\n", preview["size"], plain(content, true));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_decoded_says_why_and_is_hex() {
        let text = text(&json!({
            "id": "Trends/clicks/0/1-a.json", "cause": "schema 7 is not known", "decoded": null,
            "notDecoded": "schema 7 is not known", "body": { "content": "00ff", "isHex": true, "size": 2, "isCut": false },
        }));
        assert!(
            text.contains("not decoded  schema 7 is not known") && text.contains("body (2 bytes, as hex)\n00ff"),
            "{text}"
        );
    }
}
