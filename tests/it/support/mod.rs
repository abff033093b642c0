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
mod otlp;
pub(crate) mod python;
pub(crate) mod seed;
mod shop;
mod suite;

use std::time::{Duration, Instant};

use contoso_handlers::{
    function::{Function, Trigger},
    registry,
};

pub(crate) use self::{
    app::{PROFILE, contoso, package, staged_app},
    inside::Inside,
    log_counts::LogCounts,
    otlp::Otlp,
    shop::{Shop, ShopOptions, children_of, is_alive, signal},
    suite::SuiteStack,
};

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

/// The functions that read a hub, each with its consumer group: what must hold for every reader is asked of all of them.
pub(crate) fn readers(hub: &str) -> Vec<(&'static str, &'static str)> {
    let reads = |function: Function| match function.trigger {
        Trigger::EventHub { hub: read, consumer_group, .. } if read == hub => Some((function.name, consumer_group)),
        _ => None,
    };
    registry::functions().into_iter().filter_map(reads).collect()
}
