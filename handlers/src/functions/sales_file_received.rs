//! `SalesFileReceived`: reads a sales file that a partner put into storage, and tells its invoices.
//!
//! Triggered by Event Grid, `Microsoft.Storage.BlobCreated` of `*.csv` and `*.csv.gz` in container `sales-files`.
//!
//! Promises: hub `sales` gets one event for each invoice of the file, with all its lines wherever they stand, `sales.confirmed` or
//! `sales.refunded`; `sales.withdrawn` for each that an earlier version of the file had and this one has not; and `sales.file-received`
//! at the end. A file that is bad as a whole is told once, `sales.file-rejected`, and changes nothing. Bad lines are parked one by one, in
//! `sales-reports/bad-lines/<file>.csv`, and the good ones go through; `sales-reports/reports/<file>.json` says what became of all.
//! Of the file, one slice is in memory.
//!
//! A second delivery finds the file told, or marked as one to read on, and does nothing. One that comes while an earlier version is being
//! read asks to be delivered later. A delivery works for some seconds; what is left `SalesFileSlices` does. After a kill it goes on behind
//! the last slice that was stored; what was told since is told again, as the same events.

use cloudevents::AttributesReader;
use tokio::time::Instant;

use crate::{
    app::App,
    function::{Function, Trigger},
    outcome::{Cause, Outcome},
    sales_files::{Worked, work_on},
    stores::sales::files::FILES,
};

/// The registry's entry.
pub const FUNCTION: Function =
    Function::new("SalesFileReceived", Trigger::EventGrid { handle: |app, event| Box::pin(handle(app, event)) });

/// How long a delivery works: Event Grid waits for half a minute.
const WORKS: std::time::Duration = std::time::Duration::from_secs(15);

/// Bytes of a file's name: those of its reports are longer, and a blob's name has 1,024 at most.
const LONGEST_NAME: usize = 800;

async fn handle(app: App, event: cloudevents::Event) -> Outcome {
    let Some(file) = sales_file(&event) else { return Outcome::Skip("not about a sales file") };
    if file.len() > LONGEST_NAME {
        return Outcome::Park(Cause::of(
            "the file's name is too long",
            format!("the file's name has more than {LONGEST_NAME} bytes: {file}"),
        ));
    }
    match deliver(&app, &file).await {
        Ok(Worked::Done | Worked::Unfinished) => Outcome::Done,
        Ok(Worked::Already) => Outcome::Skip("the file was read already"),
        Ok(Worked::Claimed) => Outcome::Skip("the file is being read"),
        Ok(Worked::Gone) => Outcome::Skip("the file is gone"),
        Ok(Worked::OlderClaimed) => Outcome::Retry(Cause::new("an earlier version of the file is being read")),
        Err(cause) => Outcome::Retry(cause),
    }
}

async fn deliver(app: &App, file: &str) -> Result<Worked, Cause> {
    let until = Instant::now() + WORKS;
    let waiting = app.stores().sales_files.wait(file).await?;
    work_on(app, &waiting, until).await
}

/// The name of the file that an event is about.
fn sales_file(event: &cloudevents::Event) -> Option<String> {
    if event.ty() != "Microsoft.Storage.BlobCreated" {
        return None;
    }
    let (container, name) =
        event.subject()?.strip_prefix("/blobServices/default/containers/")?.split_once("/blobs/")?;
    let lower = name.to_ascii_lowercase();
    let is_file = container == FILES && (lower.ends_with(".csv") || lower.ends_with(".csv.gz"));
    is_file.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use cloudevents::{EventBuilder, EventBuilderV10};

    use super::*;

    #[test]
    fn only_sales_files_are_taken() {
        let of = |event_type: &str, path: &str| {
            let event = EventBuilderV10::new().id("e").source("/storage").ty(event_type);
            let event = event.subject(format!("/blobServices/default/containers/{path}")).build().expect("an event");
            sales_file(&event)
        };
        let created = "Microsoft.Storage.BlobCreated";
        assert_eq!(of(created, "sales-files/blobs/shop/2010-12-01.csv.gz").as_deref(), Some("shop/2010-12-01.csv.gz"));
        assert_eq!(of(created, "sales-files/blobs/A.CSV").as_deref(), Some("A.CSV"));
        for path in
            ["sales-files/blobs/a.xlsx", "sales-files/blobs/a.csv.tmp", "sales-reports/blobs/a.csv", "sales-files"]
        {
            assert_eq!(of(created, path), None, "{path}");
        }
        assert_eq!(of("Microsoft.Storage.BlobDeleted", "sales-files/blobs/a.csv"), None);
    }
}
