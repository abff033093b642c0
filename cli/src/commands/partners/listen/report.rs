//! What is printed: lines for people, or one JSON object a line. Both go to stdout, since they are the result.

use std::io::{self, Write};

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{forward::Answer, kept::Line, taken::Taken};
use crate::{clock, output::Paint};

/// Prints.
#[derive(Clone, Copy)]
pub(super) struct Report {
    is_json: bool,
    paint: Paint,
}

/// What was done with an event.
pub(super) struct Done<'a> {
    pub(super) event: &'a Taken,
    pub(super) answer: &'a Answer,
    /// It came before in this run.
    pub(super) is_repeat: bool,
    /// It was captured before the listener was there, or kept and is sent again.
    pub(super) how: Option<&'static str>,
}

impl Report {
    pub(super) fn new(is_json: bool) -> Self {
        Self { is_json, paint: Paint::stdout() }
    }

    /// One thing that happened: its name and members as JSON, and the same for people.
    pub(super) fn say(self, kind: &str, members: &Value, line: &str) -> anyhow::Result<()> {
        let now = clock::now();
        if !self.is_json {
            return print(&format!("{} {line}", self.paint.faint(&of_day(now))));
        }
        let mut object = json!({ "type": kind, "at": written(now) });
        if let (Some(object), Some(members)) = (object.as_object_mut(), members.as_object()) {
            object.extend(members.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        print(&object.to_string())
    }

    /// An event, and what became of it.
    pub(super) fn event(self, done: &Done<'_>) -> anyhow::Result<()> {
        let Done { event, answer, is_repeat, how } = done;
        let attributes = &event.attributes;
        let ms = u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX);
        let marks = [
            is_repeat.then_some("repeat"),
            *how,
            attributes.redelivery.is_some().then_some("redelivery"),
            attributes.test.is_some().then_some("test"),
        ];
        let marks: Vec<&str> = marks.into_iter().flatten().collect();
        let members = json!({
            "id": attributes.id,
            "eventType": attributes.event_type,
            "source": attributes.source,
            "subject": attributes.subject,
            "status": answer.status,
            "ms": ms,
            "bytes": event.body.len(),
            "error": answer.fault,
            "repeat": is_repeat,
            "marks": marks,
        });
        let status = answer.status.map_or_else(|| "---".to_owned(), |status| status.to_string());
        let status = if answer.is_taken() { self.paint.strong(&status) } else { self.paint.bad(&status) };
        let mut line = format!("{status} {ms:>5} ms  {}  {}", attributes.event_type, self.paint.name(&attributes.id));
        for mark in marks {
            line += &format!(" [{mark}]");
        }
        if let Some(fault) = &answer.fault {
            line += &format!("  {fault}; kept, r and Enter send it again");
        }
        self.say("event", &members, &line)
    }

    /// What is kept.
    pub(super) fn kept(self, lines: &[Line]) -> anyhow::Result<()> {
        if lines.is_empty() {
            return self.say("kept", &json!({ "events": [] }), "nothing is kept");
        }
        if self.is_json {
            let events = lines.iter().map(
                |line| json!({ "id": line.id, "eventType": line.event_type, "sent": line.at, "error": line.fault }),
            );
            return self.say("kept", &json!({ "events": events.collect::<Vec<_>>() }), "");
        }
        for line in lines {
            self.say("kept", &Value::Null, &format!("kept  {}  {}  {}", line.event_type, line.id, line.fault))?;
        }
        Ok(())
    }
}

/// A time as it stands in lines and files.
pub(super) fn written(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

/// The time of day, UTC.
fn of_day(at: OffsetDateTime) -> String {
    format!("{:02}:{:02}:{:02}Z", at.hour(), at.minute(), at.second())
}

fn print(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    // Whoever reads a pipe waits for the line.
    Ok(out.flush()?)
}
