//! The letters that there are: listed, read, taken away.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, value::RawValue};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{CONTAINER, EVENT_GRID};
use crate::{
    azure::blobs::{Blob, BlobEntry, BlobError, BlobErrorKind, Blobs},
    domain::{
        dead_letter::{EventName, Filter, Kept, Letter, LetterId, Notes, Said, event_of, sort},
        operations,
    },
};

/// Letters of one container that are listed.
const MOST: usize = 20_000;
/// Letters of one owner that are counted beyond those.
const MOST_OF_ONE: usize = 2_000;
/// Letters without notes that one listing reads.
const MOST_READ: usize = 1_000;
/// Letters that are read at a time.
const AT_ONCE: usize = 16;
/// Letters of which it is kept what they say.
const MOST_KEPT: usize = 20_000;

/// What letters say that have no notes, by blob and ETag: each is read once. Event Grid writes none, nor did this app once.
#[derive(Default)]
pub(crate) struct Read(Mutex<HashMap<(LetterId, String), (Said, OffsetDateTime)>>);

/// Letters, the newest first.
#[derive(Default)]
pub(crate) struct Listed {
    pub(crate) letters: Vec<Letter>,
    /// Whether there are more than are listed.
    pub(crate) is_more: bool,
    /// How many were not read, so that their causes are not known.
    pub(crate) unread: usize,
}

/// A letter that was read.
pub(crate) struct Opened {
    /// Why it was parked or given up.
    pub(crate) cause: String,
    /// When it was written.
    pub(crate) parked_at: Option<OffsetDateTime>,
    /// Where exactly its record was found.
    pub(crate) position: Value,
    /// The record's properties, as they were.
    pub(crate) properties: Option<Box<RawValue>>,
    pub(crate) content_type: Option<String>,
    /// The record's own bytes; of what Event Grid gave up, the letter's.
    pub(crate) body: Vec<u8>,
}

/// What became of a letter that was to be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    Done,
    /// There was none.
    Gone,
    /// It was written again meanwhile, and stays.
    Changed,
}

/// Lists the letters that a filter takes.
///
/// # Errors
/// If blob storage fails.
pub(crate) async fn list(blobs: &Blobs, read: &Read, filter: &Filter) -> Result<Listed, BlobError> {
    let owner = filter.function.as_deref();
    let (parked, given_up) =
        futures::try_join!(entries_of(blobs, Kept::Parked, owner), entries_of(blobs, Kept::GivenUp, owner))?;
    let is_more = parked.len() > MOST || given_up.len() > MOST;
    let letter = |kept| move |entry: &BlobEntry| letter(kept, entry);
    let parked = parked.iter().take(MOST).filter_map(letter(Kept::Parked));
    let mut letters: Vec<Letter> = parked
        .chain(given_up.iter().take(MOST).filter_map(letter(Kept::GivenUp)))
        .filter(|it| filter.may_take(it))
        .collect();
    sort(&mut letters);
    let unread = read.fill(blobs, &mut letters).await;
    // Reading may have told the time, too.
    letters.retain(|letter| filter.takes(letter));
    sort(&mut letters);
    Ok(Listed { letters, is_more, unread })
}

/// Lists all letters of one kind; of the newest `most` it is known what they say. Where there are too many, the letters of `owners` that
/// come behind them by name are listed too: those of one function must not hide what others parked.
///
/// # Errors
/// If blob storage fails.
pub(crate) async fn newest(
    blobs: &Blobs,
    read: &Read,
    kept: Kept,
    owners: &BTreeSet<String>,
    most: usize,
) -> Result<Listed, BlobError> {
    let mut all = entries(blobs, kept, "", MOST).await?;
    let is_more = all.len() > MOST;
    if is_more {
        all.truncate(MOST);
        let last = all.last().map(|entry| entry.name.clone()).unwrap_or_default();
        let behind: Vec<String> = owners.iter().map(|owner| format!("{owner}/")).collect();
        let behind: Vec<Vec<BlobEntry>> = stream::iter(behind)
            .map(|prefix| async move { entries(blobs, kept, &prefix, MOST_OF_ONE).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        all.extend(behind.into_iter().flatten().filter(|entry| entry.name > last));
    }
    let mut letters: Vec<Letter> = all.iter().filter_map(|entry| letter(kept, entry)).collect();
    sort(&mut letters);
    let end = most.min(letters.len());
    let unread = read.fill(blobs, &mut letters[..end]).await;
    Ok(Listed { letters, is_more, unread })
}

/// The letters of an owner first: those of others could take all the room. Where its name is written in another case, it is one of all.
async fn entries_of(blobs: &Blobs, kept: Kept, owner: Option<&str>) -> Result<Vec<BlobEntry>, BlobError> {
    if let Some(owner) = owner {
        let own = entries(blobs, kept, &format!("{owner}/"), MOST).await?;
        if !own.is_empty() {
            return Ok(own);
        }
    }
    entries(blobs, kept, "", MOST).await
}

/// The first `most` by name, and one more if there is one.
async fn entries(blobs: &Blobs, kept: Kept, prefix: &str, most: usize) -> Result<Vec<BlobEntry>, BlobError> {
    match blobs.list_first(container(kept), prefix, most + 1).await {
        Err(error) if error.kind == BlobErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

fn letter(kept: Kept, entry: &BlobEntry) -> Option<Letter> {
    let id = LetterId::of(kept, &entry.name).ok()?;
    let notes = Notes::from_metadata(&entry.metadata);
    let parked_at = notes.as_ref().map(|notes| notes.parked_at).or(entry.last_modified);
    Some(Letter {
        id,
        etag: entry.etag.clone(),
        parked_at: parked_at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        size: entry.length,
        said: notes.map(|notes| notes.said),
    })
}

fn container(kept: Kept) -> &'static str {
    match kept {
        Kept::Parked => CONTAINER,
        Kept::GivenUp => EVENT_GRID,
    }
}

impl Read {
    /// Reads the letters of which nothing is known, the first of them at most, and says how many are left.
    async fn fill(&self, blobs: &Blobs, letters: &mut [Letter]) -> usize {
        let unknown: Vec<usize> = (0..letters.len()).filter(|index| !self.knows(&mut letters[*index])).collect();
        let to_read: Vec<(usize, LetterId)> =
            unknown.iter().take(MOST_READ).map(|index| (*index, letters[*index].id.clone())).collect();
        let read: Vec<_> = stream::iter(to_read)
            .map(|(index, id)| async move {
                let opened = open(blobs, &id).await;
                let opened = opened.inspect_err(|error| tracing::warn!(%error, "a letter cannot be read"));
                (index, opened.ok().flatten())
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut known = 0;
        for (index, opened) in read {
            let (Some(letter), Some(opened)) = (letters.get_mut(index), opened) else { continue };
            known += 1;
            letter.parked_at = opened.parked_at.unwrap_or(letter.parked_at);
            let (event, records) = match letter.id.kept() {
                Kept::Parked => (event_of(opened.properties.as_deref().map(RawValue::get), &opened.body), 1),
                Kept::GivenUp => given_up(&opened.body),
            };
            let said = Said::read(&opened.cause, event, records);
            letter.said = Some(said.clone());
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
            kept.insert((letter.id.clone(), letter.etag.clone()), (said, letter.parked_at));
        }
        unknown.len() - known
    }

    fn knows(&self, letter: &mut Letter) -> bool {
        if letter.said.is_some() {
            return true;
        }
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((said, parked_at)) = kept.get(&(letter.id.clone(), letter.etag.clone())) else { return false };
        letter.said = Some(said.clone());
        letter.parked_at = *parked_at;
        true
    }
}

/// Which event a letter of Event Grid's is of, the first where an attempt had several, and how many those are.
fn given_up(letter: &[u8]) -> (Option<EventName>, usize) {
    let letter = contoso_json::plain(letter).unwrap_or_default();
    let first = letter.get(0).and_then(|event| event_of(None, event.to_string().as_bytes()));
    (first, letter.as_array().map_or(1, Vec::len).max(1))
}

/// Reads a letter; `None` if there is none.
///
/// # Errors
/// If blob storage fails.
pub(crate) async fn open(blobs: &Blobs, id: &LetterId) -> Result<Option<Opened>, BlobError> {
    let blob = blobs.get(container(id.kept()), id.name()).await?;
    Ok(blob.map(|blob| opened(id.kept(), blob)))
}

fn opened(kept: Kept, Blob { body, .. }: Blob) -> Opened {
    let letter = contoso_json::plain(&body).unwrap_or_default();
    let text = |name: &str| letter.get(name).and_then(Value::as_str);
    let cause = operations::cause(&letter).unwrap_or_else(|| "the letter does not say why".to_owned());
    match kept {
        Kept::Parked => Opened {
            parked_at: text("parkedAt").and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok()),
            position: letter.get("position").cloned().unwrap_or_default(),
            properties: properties(&body),
            content_type: text("contentType").map(str::to_owned),
            body: text("bodyBase64").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default(),
            cause,
        },
        Kept::GivenUp => Opened {
            parked_at: None,
            position: Value::Null,
            properties: None,
            content_type: Some("application/json".to_owned()),
            body: body.to_vec(),
            cause,
        },
    }
}

/// The properties as text: what is in them is the business of who reads them, as when the record came.
fn properties(letter: &[u8]) -> Option<Box<RawValue>> {
    #[derive(serde::Deserialize)]
    struct Members {
        properties: Option<Box<RawValue>>,
    }
    impl contoso_json::Parts<'_> for Members {}
    contoso_json::parts::<Members>(letter).ok()?.properties
}

/// Takes a letter away; one version of it, if an ETag is given.
///
/// # Errors
/// If blob storage fails.
pub(crate) async fn remove(blobs: &Blobs, id: &LetterId, etag: Option<&str>) -> Result<Removed, BlobError> {
    match blobs.delete_version(container(id.kept()), id.name(), etag).await {
        Ok(()) => Ok(Removed::Done),
        Err(error) if error.kind == BlobErrorKind::NotFound => Ok(Removed::Gone),
        Err(error) if error.kind == BlobErrorKind::Conflict => Ok(Removed::Changed),
        Err(error) => Err(error),
    }
}
