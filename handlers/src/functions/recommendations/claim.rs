//! Lease of the recommendations, one holder at a time: the run of a timer, or `contoso rebuild`.
//!
//! The claim is a document that says until when it holds; its holder renews it, so one whose holder died is over within half a minute. That two
//! were at work at once after all, since a clock was off or a process stood still, the ETag of the state finds out.

use std::{future::Future, time::Duration};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::{sync::oneshot, time::Instant};

use crate::{
    app::App,
    azure::blobs::{BlobErrorKind, Condition},
    clock,
    outcome::Cause,
    stores::co_views::{put, stored},
};

const CLAIM: &str = "claim.json";

/// How long a claim holds that nobody renews.
const LASTS: Duration = Duration::from_secs(30);
/// How often its holder renews it.
const RENEWED: Duration = Duration::from_secs(5);
/// How often who waits for it looks.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Claim {
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
}

impl Claim {
    /// Whether it holds others off. No claim is made for longer than [`LASTS`], so one that says so is of a clock that is off.
    fn holds(self, now: OffsetDateTime) -> bool {
        now < self.until && self.until - now <= 2 * LASTS
    }
}

/// Does `work` while nobody else does, and gives up the claim in the end. `None` if another was at work for as long as `patience`.
///
/// # Errors
/// Those of `work`; or if storage fails, or the claim was lost meanwhile.
pub(super) async fn alone<T>(
    app: &App,
    patience: Duration,
    work: impl Future<Output = Result<T, Cause>>,
) -> Result<Option<T>, Cause> {
    let until = Instant::now() + patience;
    let mut version = loop {
        match take(app).await? {
            Some(version) => break version,
            None if Instant::now() > until => return Ok(None),
            None => clock::pause(LOOK).await,
        }
    };
    let (done, mut is_done) = oneshot::channel::<()>();
    let work = async {
        let ended = work.await;
        drop(done);
        ended
    };
    let renewing = async {
        loop {
            // Only here it ends with the work: a write under way must be waited for, or nobody knows the version.
            tokio::select! {
                () = clock::pause(RENEWED) => {}
                _ = &mut is_done => return None,
            }
            match write(app, app.now() + LASTS, Some(&version)).await {
                Ok(Some(renewed)) => version = renewed,
                Ok(None) => return Some(Cause::new("another took over the recommendations; repeating is safe")),
                Err(cause) => tracing::warn!(cause = cause.chain(), "a claim could not be renewed"),
            }
        }
    };
    let (mut work, mut renewing) = (Box::pin(work), Box::pin(renewing));
    let lost = tokio::select! {
        ended = &mut work => {
            renewing.await;
            if let Err(cause) = write(app, app.now(), Some(&version)).await {
                tracing::warn!(cause = cause.chain(), "a claim stays until it is over");
            }
            return ended.map(Some);
        }
        lost = &mut renewing => lost,
    };
    // It says none only once the work has ended.
    Err(lost.unwrap_or_else(|| Cause::new("the recommendations were not finished; repeating is safe")))
}

/// Takes the claim unless another holds it, and returns its version.
async fn take(app: &App) -> Result<Option<String>, Cause> {
    let (held, version) = stored::<Claim>(app.blobs(), CLAIM).await?;
    let now = app.now();
    if held.is_some_and(|held| held.holds(now)) {
        return Ok(None);
    }
    write(app, now + LASTS, version.as_deref()).await
}

/// Writes the claim in place of that version of it; `None` if another did.
async fn write(app: &App, until: OffsetDateTime, version: Option<&str>) -> Result<Option<String>, Cause> {
    let condition = version.map_or(Condition::IfAbsent, Condition::IfMatch);
    match put(app.blobs(), CLAIM, &Claim { until }, condition).await {
        Ok(version) => Ok(Some(version)),
        Err(error) if matches!(error.kind, BlobErrorKind::Conflict | BlobErrorKind::NotFound) => Ok(None),
        Err(error) => Err(Cause::from_error("claim the recommendations", error)),
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    #[test]
    fn a_claim_holds_until_it_is_over_and_not_for_longer_than_any_is_made_for() {
        let now = datetime!(2026-06-01 12:00 UTC);
        let holds = |seconds| Claim { until: now + Duration::seconds(seconds) }.holds(now);
        assert!(holds(1) && holds(30));
        assert!(!holds(0) && !holds(-1), "over");
        assert!(!holds(3_600), "nobody made it");
    }
}
