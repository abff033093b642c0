//! Parks the bad records of one source, however many there are: some at a time, for as long as there is time, and from where it stopped before.

use std::time::Duration;

use futures::{StreamExt, future::BoxFuture, stream::FuturesOrdered};
use tokio::time::Instant;

use crate::outcome::Cause;

/// Letters that are written at a time.
const AT_ONCE: usize = 16;

/// The bad records of a source, which gives them in the same order whenever it is read.
pub(crate) struct Several<'a> {
    writing: FuturesOrdered<BoxFuture<'a, Result<(), Cause>>>,
    /// So many were parked by a run before, the first ones.
    before: u64,
    found: u64,
    parked: u64,
    lasts: Duration,
    /// Known once something is parked: until then time went by with what was parked before.
    until: Option<Instant>,
}

impl<'a> Several<'a> {
    /// Goes on behind so many of the source's bad records, for so long from the first one that it parks.
    pub(crate) fn behind(parked: u64, lasts: Duration) -> Self {
        Self { writing: FuturesOrdered::new(), before: parked, found: 0, parked, lasts, until: None }
    }

    /// Takes the next bad record, which `write` parks; it is not called for what was parked before, nor once time is over.
    ///
    /// # Errors
    /// If this one or one before it cannot be parked: the source must be read again then.
    pub(crate) async fn park<F>(&mut self, write: impl FnOnce() -> F) -> Result<(), Cause>
    where
        F: Future<Output = Result<(), Cause>> + Send + 'a,
    {
        self.found += 1;
        if self.found <= self.before || self.until.is_some_and(|until| Instant::now() >= until) {
            return Ok(());
        }
        self.until.get_or_insert_with(|| Instant::now() + self.lasts);
        self.writing.push_back(Box::pin(write()));
        if self.writing.len() < AT_ONCE { Ok(()) } else { self.written().await }
    }

    /// How many are parked, the first ones of the source: where the next run goes on.
    pub(crate) fn parked(&self) -> u64 {
        self.parked
    }

    /// Waits until what was begun is written, and says whether all that the source has are parked.
    ///
    /// # Errors
    /// If one cannot be parked: the source must be read again then.
    pub(crate) async fn end(&mut self) -> Result<bool, Cause> {
        while !self.writing.is_empty() {
            self.written().await?;
        }
        Ok(self.parked >= self.found)
    }

    async fn written(&mut self) -> Result<(), Cause> {
        if let Some(written) = self.writing.next().await {
            written?;
            self.parked += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn each_run_goes_on_behind_what_was_parked_and_some_are_written_at_a_time() {
        let written = Mutex::new(Vec::new());
        let at_once = Mutex::new((0, 0));
        let (written, at_once) = (&written, &at_once);
        let write = |record: u32| async move {
            {
                let mut at_once = at_once.lock().expect("not poisoned");
                at_once.0 += 1;
                at_once.1 = at_once.1.max(at_once.0);
            }
            tokio::task::yield_now().await;
            at_once.lock().expect("not poisoned").0 -= 1;
            written.lock().expect("not poisoned").push(record);
            if record == 70 && written.lock().expect("not poisoned").iter().filter(|other| **other == 70).count() == 1 {
                return Err(Cause::new("storage is away"));
            }
            Ok(())
        };
        let run = async |behind: u64, lasts: Duration| {
            let mut several = Several::behind(behind, lasts);
            for record in 0..100 {
                if several.park(|| write(record)).await.is_err() {
                    return (several.parked(), None);
                }
            }
            let is_all = several.end().await.ok();
            (several.parked(), is_all)
        };
        // However short the time, a run gets further.
        assert_eq!(run(0, Duration::ZERO).await, (1, Some(false)));
        // What is behind a letter that was not written does not count, though it was.
        assert_eq!(run(1, LONG).await, (70, None));
        assert_eq!(run(70, LONG).await, (100, Some(true)));
        assert_eq!(run(100, Duration::ZERO).await, (100, Some(true)));
        let mut all = written.lock().expect("not poisoned").clone();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), at_once.lock().expect("not poisoned").1), (100, 16));
    }
}
