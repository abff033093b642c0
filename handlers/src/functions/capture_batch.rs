//! `CaptureBatch`: reports what is in the files in which Event Hubs keeps what went through a hub. The frame of batch jobs over them.
//!
//! Triggered by Event Grid, `Microsoft.Storage.BlobCreated` in container `capture` or
//! `capture-personal`.
//!
//! Promises: for each file a report in container `reports`, `<hub>/<partition>/<yyyy>/<MM>/<dd>/<HH>/<mm>/<ss>.json`: how many records
//! of which type, from where to where; for each file of clicks before that its sessions (`co_views`). Of the file, no more
//! than a few blocks are in memory. A record that is no event of ours is parked alone; a file that is not Avro is parked as a whole.
//! Of a file with more bad records than a delivery has time to park, the sessions are kept at once; it asks to be delivered again, and goes on
//! behind those that are parked. The report comes last.
//!
//! A second delivery finds the report of that version of the file, and does nothing. One that comes while the first is at work finds
//! its claim, and asks to be delivered later; a claim whose holder must have died is taken over. Two at work at once would do no harm:
//! the same file makes the same report, the same sessions and the same dead letters.

use std::panic::AssertUnwindSafe;

use cloudevents::{AttributesReader, Data};
use futures::FutureExt;
use serde::Deserialize;
use serde_json::{Value, json};
use time::Duration;

use crate::{
    app::App,
    azure::blobs::{BlobEntry, BlobError, BlobErrorKind, Condition},
    captured::{FileError, Records},
    dead_letters::{self, BadRecord, DeadLetter, several::Several},
    domain::capture::{CaptureFile, CapturedEvent, Claim, Parking, Report},
    events::{DecodeError, Event, Incoming},
    function::{Function, Trigger},
    outcome::{Cause, Outcome},
    stores::{
        capture::{FILES, delete_report, read_report, write_report},
        co_views::FileSessions,
    },
};

/// The registry's entry.
pub const FUNCTION: Function = Function::new(
    "CaptureBatch",
    Trigger::EventGrid {
        handle: |app, event| Box::pin(async move { handle(app, event).await.unwrap_or_else(|end| end) }),
    },
);

/// Longer than an invocation can last (`functionTimeout` of host.json): the holder of an older claim is dead.
const CLAIM_LASTS: Duration = Duration::minutes(10);

/// How long a delivery parks bad records: Event Grid waits for half a minute, and a replay is given that long.
const PARKS: std::time::Duration = std::time::Duration::from_secs(15);

/// Bad records between two notes of how many are parked.
const NOTED: u64 = 1_000;

/// What is read of the event's data.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BlobCreated {
    e_tag: String,
}

/// An early end is an outcome too, hence the type.
async fn handle(app: App, event: cloudevents::Event) -> Result<Outcome, Outcome> {
    let Some(file) = captured_file(&event) else { return Ok(Outcome::Skip("not about a captured file")) };
    let created = blob_created(&event);
    let entry = find(&app, &file).await?;
    let etag = entry.etag.trim_matches('"').to_owned();
    // The hex digits differ in case between the service's events and answers.
    if !created.e_tag.is_empty() && !created.e_tag.trim_matches('"').eq_ignore_ascii_case(&etag) {
        return Ok(Outcome::Skip("the file was written again, which has an event of its own"));
    }
    if entry.length == 0 {
        return Ok(Outcome::Skip("the file is empty: not written yet, which has an event of its own"));
    }
    if is_reported(&app, &file, &etag).await? {
        return Ok(Outcome::Skip("the file was reported already"));
    }
    claim(&app, &file, &etag).await?;
    // However the work ends, the next delivery must not wait for a claim that nobody holds any more.
    let work = AssertUnwindSafe(report(&app, &file, Report::new(&file, &etag, entry.length))).catch_unwind().await;
    if let Err(error) = delete_report(app.blobs(), &file.claim(&etag)).await {
        tracing::warn!(cause = %error, "a claim stays until it is too old");
    }
    work.unwrap_or_else(|_| {
        Err(Outcome::Park(Cause::of("reading a file panicked", format!("reading {} panicked", file.path))))
    })
}

async fn report(app: &App, file: &CaptureFile, empty: Report) -> Result<Outcome, Outcome> {
    let parking = Parked::of(app, file, &empty.file.etag).await?;
    let noted = parking.noted;
    let (report, sessions, is_all) = read(app, file, empty, parking).await?;
    // The report comes last: it says that all is done.
    sessions.store(app.blobs(), file).await.map_err(|error| failed("write the sessions", error))?;
    if !is_all {
        return Err(Outcome::Retry(Cause::new("the file has more bad records than a delivery has time to park")));
    }
    write_report(app.blobs(), &file.report(), &json!(report), Condition::None)
        .await
        .map_err(|error| failed("write the report", error))?;
    if (noted > 0 || report.parked >= NOTED)
        && let Err(error) = delete_report(app.blobs(), &file.parking(&report.file.etag)).await
    {
        tracing::warn!(cause = %error, "how many bad records of a file are parked stays there, which nobody reads again");
    }
    Ok(Outcome::Done)
}

fn captured_file(event: &cloudevents::Event) -> Option<CaptureFile> {
    if event.ty() != "Microsoft.Storage.BlobCreated" {
        return None;
    }
    CaptureFile::from_subject(event.subject()?).filter(|file| FILES.contains(&file.container.as_str()))
}

fn blob_created(event: &cloudevents::Event) -> BlobCreated {
    let data = match event.data() {
        Some(Data::Json(value)) => serde_json::from_value(value.clone()).ok(),
        Some(Data::String(text)) => contoso_json::from_str(text).ok(),
        Some(Data::Binary(bytes)) => contoso_json::from_slice(bytes).ok(),
        None => None,
    };
    data.unwrap_or_default()
}

/// What blob storage says about the file.
async fn find(app: &App, file: &CaptureFile) -> Result<BlobEntry, Outcome> {
    let listed = app.blobs().list(&file.container, &file.path).await.map_err(|error| failed("find the file", error))?;
    let found = listed.into_iter().find(|entry| entry.name == file.path);
    found
        .ok_or_else(|| Outcome::Park(Cause::of("the file is gone", format!("there is no file {} any more", file.path))))
}

async fn is_reported(app: &App, file: &CaptureFile, etag: &str) -> Result<bool, Outcome> {
    let stored = read_report(app.blobs(), &file.report()).await.map_err(|error| failed("look for a report", error))?;
    let report: Option<Report> = stored.and_then(|blob| contoso_json::parts(&blob.body).ok());
    Ok(report.is_some_and(|report| report.file.etag == etag))
}

/// Takes the work on this version of the file, or says that another has it.
async fn claim(app: &App, file: &CaptureFile, etag: &str) -> Result<(), Outcome> {
    let name = file.claim(etag);
    let claim = json!(Claim { claimed_at: app.now() });
    let failed = |error| failed("claim the file", error);
    let taken = || {
        Outcome::Retry(Cause::of(
            "another delivery is at work",
            format!("another delivery is at work on {}", file.path),
        ))
    };
    match write_report(app.blobs(), &name, &claim, Condition::IfAbsent).await {
        Err(error) if error.kind == BlobErrorKind::Conflict => {}
        written => return written.map(drop).map_err(failed),
    }
    let Some(stored) = read_report(app.blobs(), &name).await.map_err(failed)? else { return Err(taken()) };
    // A claim that cannot be read holds nobody off.
    let held: Option<Claim> = contoso_json::from_slice(&stored.body).ok();
    if held.is_some_and(|held| app.now() - held.claimed_at < CLAIM_LASTS) {
        return Err(taken());
    }
    match write_report(app.blobs(), &name, &claim, Condition::IfMatch(&stored.etag)).await {
        Err(error) if matches!(error.kind, BlobErrorKind::Conflict | BlobErrorKind::NotFound) => Err(taken()),
        written => written.map(drop).map_err(failed),
    }
}

/// The bad records of a file, and what is noted of how many are parked.
struct Parked<'a> {
    app: &'a App,
    file: &'a CaptureFile,
    /// Where it is noted.
    name: String,
    noted: u64,
    several: Several<'a>,
}

impl<'a> Parked<'a> {
    /// Goes on where a delivery of this version of the file stopped.
    async fn of(app: &'a App, file: &'a CaptureFile, etag: &str) -> Result<Self, Outcome> {
        let name = file.parking(etag);
        let stored = read_report(app.blobs(), &name).await;
        let stored = stored.map_err(|error| failed("look how many bad records are parked", error))?;
        // What cannot be read is no more than an optimisation that is lost: letters are written again as they are.
        let stored: Option<Parking> = stored.and_then(|blob| contoso_json::from_slice(&blob.body).ok());
        let noted = stored.unwrap_or_default().parked;
        Ok(Self { app, file, name, noted, several: Several::behind(noted, PARKS) })
    }

    async fn park(&mut self, record: &CapturedEvent, cause: &Cause) -> Result<(), Outcome> {
        let (app, file) = (self.app, self.file);
        let write = || letter(app, file, record, cause).store(app.blobs());
        self.several.park(write).await.map_err(Outcome::Retry)?;
        if self.several.parked() >= self.noted + NOTED { self.note().await } else { Ok(()) }
    }

    /// Whether all are parked; what is left then goes on behind them.
    async fn end(&mut self) -> Result<bool, Outcome> {
        let is_all = self.several.end().await.map_err(Outcome::Retry)?;
        if !is_all {
            self.note().await?;
        }
        Ok(is_all)
    }

    async fn note(&mut self) -> Result<(), Outcome> {
        self.noted = self.several.parked();
        write_report(self.app.blobs(), &self.name, &json!(Parking { parked: self.noted }), Condition::None)
            .await
            .map(drop)
            .map_err(|error| failed("note how many bad records are parked", error))
    }
}

/// Reads the file record by record, and decodes the events in it. Says, too, whether all bad ones are parked.
async fn read(
    app: &App,
    file: &CaptureFile,
    mut report: Report,
    mut parked: Parked<'_>,
) -> Result<(Report, FileSessions, bool), Outcome> {
    let opened = Records::open(app.blobs(), &file.container, &file.path).await;
    let mut records = opened.map_err(|error| failed("read the file", error))?;
    let mut sessions = FileSessions::new(file, &report.file);
    while let Some(record) = records.next().await {
        let event = decode(app, &record).await?;
        report.count(&record, event.as_ref().ok().map(|event| event.r#type.as_str()));
        match event {
            Ok(event) => sessions.add(record.enqueued, &event),
            Err(cause) => parked.park(&record, &cause).await?,
        }
    }
    let is_all = parked.end().await?;
    match records.end().await {
        Ok(()) => Ok((report, sessions, is_all)),
        Err(FileError::Storage(error)) => Err(failed("read the file", error)),
        Err(error) => Err(Outcome::Park(Cause::from_error("take the file apart", error))),
    }
}

/// The event in the record, or why it is no event of ours.
async fn decode(app: &App, record: &CapturedEvent) -> Result<Result<Event, Cause>, Outcome> {
    let incoming = Incoming {
        body: &record.body,
        content_type: record.content_type.as_deref(),
        properties: record.properties.iter().cloned().collect(),
    };
    match app.events().decode(incoming).await {
        Ok(event) => match event.content() {
            Ok(_) => Ok(Ok(event)),
            Err(error) => Ok(Err(Cause::from_error("read the event", error))),
        },
        Err(DecodeError::Retry(cause)) => Err(Outcome::Retry(cause)),
        Err(DecodeError::Park(cause)) => Ok(Err(cause)),
    }
}

fn letter(app: &App, file: &CaptureFile, record: &CapturedEvent, cause: &Cause) -> DeadLetter {
    let properties: serde_json::Map<String, Value> = record.properties.iter().cloned().collect();
    let properties = serde_json::value::to_raw_value(&properties).ok();
    let bad = BadRecord {
        function: FUNCTION.name,
        origin: &file.hub,
        part: &file.partition,
        id: Some(record.sequence.to_string()),
        position: json!({ "file": file.path, "sequence": record.sequence, "offset": record.offset }),
        properties: properties.as_deref(),
        content_type: record.content_type.as_deref(),
        body: &record.body,
        cause,
    };
    DeadLetter::new(&bad, app.now())
}

/// Parks a file that cannot be read to its end, for another reader of such files: under the name of this function, in the hub and partition
/// that the file is of. Parked again it has one letter still.
///
/// # Errors
/// If the dead letter cannot be written; repeating is safe.
pub async fn park_file(app: &App, file: &CaptureFile, cause: &Cause) -> Result<(), Cause> {
    let bad = BadRecord {
        function: FUNCTION.name,
        origin: &file.hub,
        part: &file.partition,
        id: Some(file.report()),
        position: json!({ "container": file.container, "file": file.path }),
        properties: None,
        content_type: None,
        // The file stays where it is: it may be larger than what a letter holds.
        body: b"",
        cause,
    };
    dead_letters::park(app.blobs(), &bad, app.now()).await
}

fn failed(operation: &'static str, error: BlobError) -> Outcome {
    let is_refused = error.kind == BlobErrorKind::Refused;
    let cause = Cause::from_error(operation, error);
    if is_refused { Outcome::Park(cause) } else { Outcome::Retry(cause) }
}

#[cfg(test)]
mod tests {
    use cloudevents::{EventBuilder, EventBuilderV10};

    use super::*;

    fn event(event_type: &str, subject: &str) -> cloudevents::Event {
        EventBuilderV10::new()
            .id("e-1")
            .source("/storage")
            .ty(event_type)
            .subject(subject)
            .data("application/json", json!({ "eTag": "\"0x8DC\"", "contentLength": 508, "sequencer": "0" }))
            .build()
            .expect("an event")
    }

    #[test]
    fn only_captured_files_are_taken() {
        let path = "/blobServices/default/containers/capture/blobs/contoso/products/0/2026/03/04/10/15/02.avro";
        let created = event("Microsoft.Storage.BlobCreated", path);
        assert_eq!(captured_file(&created).expect("a captured file").hub, "products");
        assert_eq!(blob_created(&created).e_tag, "\"0x8DC\"");
        assert!(captured_file(&event("Microsoft.Storage.BlobDeleted", path)).is_none());
        for (container, is_taken) in [("capture-personal", true), ("capture-other", false), ("reports", false)] {
            let elsewhere = event("Microsoft.Storage.BlobCreated", &path.replace("capture", container));
            assert_eq!(captured_file(&elsewhere).is_some(), is_taken, "{container}");
        }
    }
}
