//! One pass of a run over what it finds: a few at a time, and for no longer than its share of the run, so that one service that is slow
//! keeps no other pass from its turn.

use std::{future::Future, time::Duration};

use futures::{StreamExt, stream};
use rand::seq::SliceRandom;
use tokio::time::Instant;

/// How many are worked on at a time.
const AT_ONCE: usize = 4;

/// Works on what was found, in another order each time, so that what is slow does not keep the same ones waiting. After `share` none is
/// begun: what is left is for the next run.
pub(super) async fn pass<T, F: Future<Output = ()>>(mut found: Vec<T>, share: Duration, work: impl Fn(T) -> F) {
    found.shuffle(&mut rand::rng());
    let (ends, work) = (Instant::now() + share, &work);
    let begin = |one: T| async move {
        if Instant::now() < ends {
            work(one).await;
        }
    };
    stream::iter(found).for_each_concurrent(AT_ONCE, begin).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_pass_ends_with_its_share_however_slow_all_are() {
        let begun = AtomicUsize::new(0);
        let begin = |takes| {
            let begun = &begun;
            move |_| async move {
                begun.fetch_add(1, Ordering::SeqCst);
                crate::clock::pause(takes).await;
            }
        };
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(60));
        pass((0..1000).collect(), short, begin(short * 2)).await;
        assert!(begun.swap(0, Ordering::SeqCst) <= AT_ONCE, "who is slow uses up the share");
        pass((0..1000).collect(), long, begin(Duration::ZERO)).await;
        assert_eq!(begun.load(Ordering::SeqCst), 1000);
    }
}
