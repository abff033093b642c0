//! Blob containers `sales-files`, where partners put their files, and `sales-reports`, where `SalesFileReceived` says what became of them.
//!
//! Of a file `<name>` there are `reports/<name>.json` and `bad-lines/<name>.csv`, to be read by whoever sent it; `ledgers/<name>.json` is how
//! far the work on it is and who does it. `waiting/<name>` is there while there is work,
//! written anew by each that asks for it. What lies below `work/` goes with the work, except
//! for the invoices of the version that was read last, by which the next one tells what is gone.

use std::{collections::HashMap, ops::Range};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    azure::blobs::{BlobEntry, BlobError, BlobErrorKind, Blobs, ByteStream, Condition},
    outcome::Cause,
};

/// Files of partners.
pub const FILES: &str = "sales-files";

/// What became of them.
pub const REPORTS: &str = "sales-reports";

/// What names of waiting files begin with.
const WAITING: &str = "waiting/";

/// Files of sales, and what is kept about them.
#[derive(Clone)]
pub struct SalesFiles(Blobs);

/// A file that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) file: String,
    /// The ETag of its mark: another one says that somebody asked for the file since.
    pub(crate) mark: String,
}

/// A document and the ETag it was read under.
pub(crate) struct Kept<T> {
    pub(crate) value: T,
    pub(crate) etag: String,
}

impl SalesFiles {
    /// Those of this account.
    pub fn new(blobs: &Blobs) -> Self {
        Self(blobs.clone())
    }

    /// What blob storage says of a file.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<BlobEntry>, Cause> {
        // Of names that begin with this one it is the first.
        let listed =
            self.0.list_first(FILES, name, 1).await.map_err(|error| Cause::from_error("find the sales file", error))?;
        Ok(listed.into_iter().find(|entry| entry.name == name))
    }

    /// The bytes of a version of a file; `None` if it is not that version any more.
    pub(crate) async fn stream(&self, name: &str, etag: &str) -> Result<Option<ByteStream>, BlobError> {
        match self.0.stream_version(FILES, name, etag).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind, BlobErrorKind::Conflict | BlobErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How far the work on a file is.
    pub(crate) async fn ledger<T: DeserializeOwned>(&self, file: &str) -> Result<Option<Kept<T>>, Cause> {
        self.read(&format!("ledgers/{file}.json")).await
    }

    /// Stores how far it is, unless another did meanwhile: then `None`.
    pub(crate) async fn keep_ledger<T: Serialize>(
        &self,
        file: &str,
        ledger: &T,
        etag: Option<&str>,
    ) -> Result<Option<String>, Cause> {
        let body = serde_json::to_vec(ledger).unwrap_or_default();
        let condition = etag.map_or(Condition::IfAbsent, Condition::IfMatch);
        let written = self
            .0
            .put(REPORTS, &format!("ledgers/{file}.json"), body, "application/json", HashMap::new(), condition)
            .await;
        match written {
            Ok(etag) => Ok(Some(etag)),
            Err(error) if matches!(error.kind, BlobErrorKind::Conflict | BlobErrorKind::NotFound) => Ok(None),
            Err(error) => Err(Cause::from_error("store how far a sales file is read", error)),
        }
    }

    /// Marks a file as one to work on, behind all that wait already.
    pub(crate) async fn wait(&self, file: &str) -> Result<Waiting, Cause> {
        let name = format!("{WAITING}{file}");
        let mark = self.write(&name, Bytes::new(), "text/plain").await?;
        Ok(Waiting { file: file.to_owned(), mark })
    }

    /// Takes the mark away, unless it was written again: of the version that somebody asks for since nobody knows here.
    pub(crate) async fn no_longer_waits(&self, waiting: &Waiting) -> Result<(), Cause> {
        let name = format!("{WAITING}{}", waiting.file);
        match self.0.delete_version(REPORTS, &name, Some(&waiting.mark)).await {
            Err(error) if !matches!(error.kind, BlobErrorKind::Conflict | BlobErrorKind::NotFound) => {
                Err(Cause::from_error("take away the mark of a sales file", error))
            }
            _ => Ok(()),
        }
    }

    /// Files that wait, `most` at most: first those that wait longest since they were marked, or had a turn.
    pub(crate) async fn waiting(&self, most: usize) -> Result<Vec<Waiting>, Cause> {
        let listed = self.0.list_first(REPORTS, WAITING, most).await;
        let mut listed = listed.map_err(|error| Cause::from_error("look for sales files that wait", error))?;
        listed.sort_by_key(|entry| entry.last_modified);
        let waiting = |entry: BlobEntry| {
            let file = entry.name.strip_prefix(WAITING)?.to_owned();
            Some(Waiting { file, mark: entry.etag })
        };
        Ok(listed.into_iter().filter_map(waiting).collect())
    }

    /// Reports, `most` at most, in order of the files' names.
    pub(crate) async fn reports(&self, most: usize) -> Result<Vec<BlobEntry>, Cause> {
        let listed = self.0.list_first(REPORTS, "reports/", most).await;
        listed.map_err(|error| Cause::from_error("list the reports of sales files", error))
    }

    /// The report of a file.
    pub(crate) async fn report<T: DeserializeOwned>(&self, file: &str) -> Result<Option<Kept<T>>, Cause> {
        self.read(&format!("reports/{file}.json")).await
    }

    /// Writes it.
    pub(crate) async fn write_report<T: Serialize>(&self, file: &str, report: &T) -> Result<(), Cause> {
        let body = serde_json::to_vec(report).unwrap_or_default();
        self.write(&format!("reports/{file}.json"), body.into(), "application/json").await.map(drop)
    }

    /// The bad lines of a file, as CSV.
    pub(crate) async fn bad_lines(&self, file: &str) -> Result<Option<Bytes>, Cause> {
        let read = self.0.get(REPORTS, &format!("bad-lines/{file}.csv")).await;
        Ok(read.map_err(|error| Cause::from_error("read the bad lines of a sales file", error))?.map(|blob| blob.body))
    }

    /// Writes them; where there are none, what an earlier version had goes.
    pub(crate) async fn write_bad_lines(&self, file: &str, csv: Option<Bytes>) -> Result<(), Cause> {
        let name = format!("bad-lines/{file}.csv");
        match csv {
            Some(csv) => self.write(&name, csv, "text/csv; charset=utf-8").await.map(drop),
            None => self.forget(&name).await,
        }
    }

    /// Writes a part of the work down.
    pub(crate) async fn write_work(&self, name: &str, bytes: Bytes) -> Result<(), Cause> {
        self.write(name, bytes, "application/octet-stream").await.map(drop)
    }

    /// Reads some bytes of it.
    pub(crate) async fn read_work(&self, name: &str, range: Option<Range<u64>>) -> Result<Bytes, Cause> {
        let failed = |error| Cause::from_error("read what was written down of a sales file", error);
        match range {
            Some(range) if range.is_empty() => Ok(Bytes::new()),
            Some(range) => self.0.read_range(REPORTS, name, range).await.map_err(failed),
            None => Ok(self.0.get(REPORTS, name).await.map_err(failed)?.map(|blob| blob.body).unwrap_or_default()),
        }
    }

    /// Deletes it.
    pub(crate) async fn forget(&self, name: &str) -> Result<(), Cause> {
        let deleted = self.0.delete(REPORTS, name).await;
        deleted.map_err(|error| Cause::from_error("remove what is kept of a sales file", error))
    }

    /// Writes a document, and returns its ETag.
    async fn write(&self, name: &str, body: Bytes, content_type: &str) -> Result<String, Cause> {
        let written = self.0.put(REPORTS, name, body, content_type, HashMap::new(), Condition::None).await;
        written.map_err(|error| Cause::from_error("write down what becomes of a sales file", error))
    }

    async fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<Kept<T>>, Cause> {
        let failed = "read what is kept of a sales file";
        let blob = self.0.get(REPORTS, name).await.map_err(|error| Cause::from_error(failed, error))?;
        let Some(blob) = blob else { return Ok(None) };
        let value = contoso_json::from_slice(&blob.body).map_err(|error| Cause::from_error(failed, error))?;
        Ok(Some(Kept { value, etag: blob.etag }))
    }
}
