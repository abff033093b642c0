//! Blocking work on the store, away from the threads that serve connections: a commit may wait for the disk.

/// The task was cancelled because the stack is stopping.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the stack is stopping; whether the change was stored is unknown, repeating is safe")]
pub struct Stopping;

/// Runs `work` where it may block.
///
/// # Errors
/// What `work` fails with, or [`Stopping`].
pub(crate) async fn blocking<T: Send + 'static, E: From<Stopping> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Stopping.into()),
        },
    }
}
