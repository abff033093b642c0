//! Single flight by key: of several who ask for the same work at once, one does it for all that asked before it began.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as Lock, PoisonError, Weak},
};

use tokio::sync::Mutex;

/// Keys that may be forgotten before they are looked through.
const FORGOTTEN: usize = 1_000;

/// Whose turn it is, by key.
#[derive(Default)]
pub(super) struct Turns(Lock<HashMap<String, Weak<Turn>>>);

#[derive(Default)]
struct Turn {
    /// How often work began. It is read without the lock, before one waits for it.
    began: std::sync::atomic::AtomicU64,
    /// Held while work lasts: the number of the last that ended well.
    ended: Mutex<u64>,
}

impl Turns {
    /// Returns once work on `key` that began after this call has ended well: this caller's, or that of another who waits too.
    ///
    /// # Errors
    /// That of this caller's own work.
    pub(super) async fn take<E>(&self, key: &str, work: impl AsyncFnOnce() -> Result<(), E>) -> Result<(), E> {
        use std::sync::atomic::Ordering::SeqCst;
        let turn = self.of(key);
        let before = turn.began.load(SeqCst);
        let mut ended = turn.ended.lock().await;
        if *ended > before {
            return Ok(());
        }
        let number = turn.began.fetch_add(1, SeqCst) + 1;
        work().await?;
        *ended = number;
        Ok(())
    }

    fn of(&self, key: &str) -> Arc<Turn> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        if turns.len() >= FORGOTTEN {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::<Turn>::default();
        turns.insert(key.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, convert::Infallible};

    use futures::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn one_works_for_all_who_asked_before_it_began() {
        let (turns, done, goes_on) = (Turns::default(), Cell::new(0), Notify::new());
        let slow = turns.take("day", async || {
            goes_on.notified().await;
            done.set(done.get() + 1);
            Ok::<_, Infallible>(())
        });
        // These ask while the first is at work, whose work may have missed what they have.
        let quick = async || {
            done.set(done.get() + 1);
            Ok::<_, Infallible>(())
        };
        let others = join_all((0..5).map(|_| turns.take("day", quick)));
        let other_day = turns.take("other", async || {
            goes_on.notify_one();
            Ok::<_, Infallible>(())
        });
        let (slow, others, other) = tokio::join!(slow, others, other_day);
        assert!(slow.is_ok() && other.is_ok() && others.iter().all(Result::is_ok));
        assert_eq!(done.get(), 2);
    }

    #[tokio::test]
    async fn work_that_failed_is_done_again_by_whoever_waits() {
        let (turns, tried) = (Turns::default(), Cell::new(0));
        let attempts = (0..3).map(|number| {
            let tried = &tried;
            turns.take("day", async move || {
                tried.set(tried.get() + 1);
                // So that the others ask while this one is at work.
                tokio::task::yield_now().await;
                if number == 0 { Err("no") } else { Ok(()) }
            })
        });
        assert_eq!(join_all(attempts).await, [Err("no"), Ok(()), Ok(())]);
        assert_eq!(tried.get(), 2);
    }
}
