//! Optimistic concurrency: read, decide, write under the ETag that was read, and again from the start if another writer was first.

use std::future::Future;

use super::error::CosmosError;

/// Lost races in a row after which a document counts as contended, and the caller has to decide.
pub(super) const MAX_RACES: usize = 8;

/// Repeats `attempt`, which reads, decides and writes, as long as others write in between: `MAX_RACES` times at most.
///
/// # Errors
/// Those of `attempt`; the last of them if each was a lost race.
pub async fn repeat_lost_races<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, CosmosError>
where
    F: Future<Output = Result<T, CosmosError>>,
{
    let mut races = 0;
    loop {
        match attempt().await {
            Err(error) if error.is_lost_race() && races + 1 < MAX_RACES => races += 1,
            ended => return ended,
        }
    }
}
