//! A running `contoso up` for one test, and ways to wait on what it does.

mod app;
mod child;
pub(crate) mod clicks;
pub(crate) mod data;
mod dead_letters;
mod inside;
pub(crate) mod javascript;
mod log_counts;
pub(crate) mod machine;
pub(crate) mod python;
pub(crate) mod seed;
mod shop;
mod suite;

pub(crate) use app::{contoso, package, staged_app};
pub(crate) use inside::Inside;
pub(crate) use log_counts::LogCounts;
pub(crate) use shop::{Shop, ShopOptions, children_of, is_alive, signal};
pub(crate) use suite::SuiteStack;

use std::time::{Duration, Instant};

/// How long a state may take to come; generous, since a wait ends as soon as the state is there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `probe` yields a value, and reports the last state it saw where it never does.
pub(crate) async fn eventually<T, F>(what: &str, probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    within(PATIENCE, what, probe).await
}

/// As [`eventually`], for states that take longer on a busy machine.
pub(crate) async fn within<T, F>(patience: Duration, what: &str, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    let deadline = Instant::now() + patience;
    loop {
        match probe().await {
            Ok(value) => return value,
            Err(state) if Instant::now() > deadline => panic!("{what} did not happen within {patience:?}: {state}"),
            #[expect(clippy::disallowed_methods, reason = "a pause between two looks, not a wait for an event")]
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
