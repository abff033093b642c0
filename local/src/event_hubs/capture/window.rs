//! Capture windows of one partition.

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;
use tracing::{debug, error};

use super::{
    CaptureError,
    file::CaptureFile,
    name::NameFormat,
    news::{CapturedFile, Contents, Observer},
    progress::{Closing, Progress, ProgressStore},
};
use crate::{
    blobs::{Blobs, Condition, Properties, PutOptions},
    clock::Clock,
    event_hubs::{event::StoredEvent, log::Partition, position::Start},
    topology,
};

/// Events and bytes that one look at the log takes.
const READ_EVENTS: usize = 4096;
const READ_BYTES: usize = 1 << 20;

/// Between two looks at a busy partition; what comes meanwhile is counted together.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// Before a failed step is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Captures one partition.
pub(super) struct Capturer {
    pub(super) hub: String,
    pub(super) partition: Partition,
    pub(super) settings: topology::Capture,
    pub(super) name: NameFormat,
    pub(super) progress: ProgressStore,
    pub(super) blobs: Blobs,
    pub(super) clock: Clock,
    pub(super) observer: Observer,
}

impl Capturer {
    /// Captures window after window, for ever.
    pub(super) async fn run(self) {
        let this = Arc::new(self);
        let mut resumed = true;
        loop {
            match this.window(resumed).await {
                Ok(in_time) => resumed &= !in_time,
                Err(error) => {
                    error!(error = &error as &dyn std::error::Error, "capture failed; it will be tried again");
                    // Not on the stack's clock: a test that steps it wants no storm of attempts.
                    crate::clock::pause(RETRY_AFTER).await;
                }
            }
        }
    }

    /// Waits for the end of the present window and writes its file. Says whether there was anything to wait for;
    /// `resumed` while there was not since the start: then windows in which the stack was down and nothing came are left
    /// out.
    async fn window(self: &Arc<Self>, resumed: bool) -> Result<bool, CaptureError> {
        let mut progress = match self.progress.load()? {
            Some(progress) => progress,
            None => {
                let window_start = self.clock.now().unix_timestamp();
                let next = self.partition.state().last_sequence + 1;
                let new = Progress { window_start, next, closing: None };
                self.progress.save(&new)?;
                new
            }
        };
        let window_end = progress.window_start + i64::from(self.settings.interval_seconds);
        let in_time = self.clock.now().unix_timestamp() < window_end;
        let closing = match progress.closing {
            Some(closing) => closing,
            None => {
                let closing = self.wait(&progress, window_end, resumed && !in_time).await?;
                progress.closing = Some(closing);
                self.progress.save(&progress)?;
                closing
            }
        };
        let this = Arc::clone(self);
        // A file may be hundreds of megabytes: too much work for the threads that serve connections.
        let written = tokio::task::spawn_blocking(move || this.write(progress, closing)).await;
        written.map_err(|_| CaptureError::Interrupted)??;
        self.progress.save(&Progress { window_start: closing.next_window_start, next: closing.end, closing: None })?;
        Ok(in_time)
    }

    /// Waits until the window has its time or its size.
    async fn wait(&self, progress: &Progress, window_end: i64, skip: bool) -> Result<Closing, CaptureError> {
        let end_of_time = OffsetDateTime::from_unix_timestamp(window_end).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let mut counted = progress.next;
        let mut bytes = 0_u64;
        while bytes < self.settings.size_limit_bytes {
            tokio::select! {
                () = self.clock.sleep_until(end_of_time) => return self.end_by_time(window_end, skip),
                () = self.partition.grown_past(counted - 1) => {}
            }
            let events =
                self.partition.read(counted, READ_EVENTS, READ_BYTES).map_err(|source| self.unreadable(source))?;
            for event in events {
                bytes += event.message.len() as u64;
                counted = event.sequence + 1;
                if bytes >= self.settings.size_limit_bytes {
                    break;
                }
            }
            // One read may be cut off by its bytes long before the end of the log.
            let caught_up = counted > self.partition.state().last_sequence;
            if caught_up && bytes < self.settings.size_limit_bytes {
                crate::clock::pause(LOOK_PERIOD).await;
            }
        }
        // Names tell seconds apart, so no two windows start in one.
        let next_window_start = self.clock.now().unix_timestamp().max(progress.window_start + 1);
        Ok(Closing { end: counted, next_window_start })
    }

    fn end_by_time(&self, window_end: i64, skip: bool) -> Result<Closing, CaptureError> {
        let start = Start::EnqueuedTime { millis: window_end.saturating_mul(1000), inclusive: true };
        let end = self.partition.first_sequence_at(&start).map_err(|source| self.unreadable(source))?;
        if !skip {
            return Ok(Closing { end, next_window_start: window_end });
        }
        let first = self.partition.read(end, 1, 1).map_err(|source| self.unreadable(source))?;
        let present = first.first().map_or(self.clock.now_millis(), |event| event.enqueued_millis) / 1000;
        let interval = i64::from(self.settings.interval_seconds.max(1));
        let windows = (present - window_end).div_euclid(interval).max(0);
        Ok(Closing { end, next_window_start: window_end + windows * interval })
    }

    /// Writes the window's file where it is not there yet, and tells of it.
    fn write(&self, progress: Progress, closing: Closing) -> Result<(), CaptureError> {
        if progress.next >= closing.end && self.settings.skip_empty {
            return Ok(());
        }
        let start = OffsetDateTime::from_unix_timestamp(progress.window_start).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let name = self.name.blob(start);
        let mut contents = Contents::default();
        let present = self.blobs.properties(&self.settings.container, &name)?;
        let properties = match present {
            // Written before a crash; only its news may be missing.
            Some(properties) => {
                self.each_event(progress.next, closing.end, |event| {
                    contents.add(event);
                    Ok(())
                })?;
                properties
            }
            None => self.stream(&name, progress.next, closing.end, &mut contents)?,
        };
        debug!(name, first = progress.next, end = closing.end, "captured");
        let file = CapturedFile {
            hub: self.hub.clone(),
            partition: self.partition.id().to_owned(),
            url: self.blobs.url(&self.settings.container, &name)?,
            length: properties.length,
            events: contents.events,
            edges: contents.edges,
        };
        (self.observer)(&file).map_err(|source| CaptureError::Observer { url: file.url.clone(), source })
    }

    /// Streams the events of a window into a new file.
    fn stream(&self, name: &str, first: i64, end: i64, contents: &mut Contents) -> Result<Properties, CaptureError> {
        let options = PutOptions {
            content_type: Some("application/octet-stream".to_owned()),
            condition: Some(Condition::IfAbsent),
            ..PutOptions::default()
        };
        let mut blob = self.blobs.create(&self.settings.container, name, options)?;
        let mut file = CaptureFile::new(name);
        self.each_event(first, end, |event| {
            contents.add(event);
            file.append(event);
            let finished = file.take();
            if !finished.is_empty() {
                blob.write(&finished)?;
            }
            Ok(())
        })?;
        blob.write(&file.finish())?;
        Ok(blob.commit()?)
    }

    /// Calls `each` for the retained events from `first` to `end` (excluded), in order.
    fn each_event(
        &self,
        first: i64,
        end: i64,
        mut each: impl FnMut(&StoredEvent) -> Result<(), CaptureError>,
    ) -> Result<(), CaptureError> {
        let mut next = first;
        while next < end {
            let events =
                self.partition.read(next, READ_EVENTS, READ_BYTES).map_err(|source| self.unreadable(source))?;
            let Some(last) = events.last() else { break };
            next = last.sequence + 1;
            events.iter().take_while(|event| event.sequence < end).try_for_each(&mut each)?;
        }
        Ok(())
    }

    fn unreadable(&self, source: crate::event_hubs::Error) -> CaptureError {
        CaptureError::Read { partition: self.progress.partition().to_owned(), source: Box::new(source) }
    }
}
