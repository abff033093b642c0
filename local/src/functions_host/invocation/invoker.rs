//! Invoker: runs a function, that is waits for the handler, calls it, judges the answer, and tries again as the
//! policy says.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use super::{
    call::Client,
    exception::Exception,
    judge::{Failure, InvocationAnswer, judge},
    payload::{Payload, Sys},
    retry::RetryContext,
};
use crate::{
    causes::chain,
    clock::Clock,
    functions_host::{
        app::{Function, Trigger},
        handler::Handler,
    },
};

/// How an invocation ended, after all its retries.
#[derive(Debug)]
pub(crate) enum Outcome {
    Succeeded(InvocationAnswer),
    /// The last attempt's failure. Checkpoints and leases move on all the same.
    Failed(Failure),
    /// The host is stopping: nothing may be acknowledged, so that the trigger comes again.
    Cancelled,
}

/// Everything an invocation needs; clones share it.
#[derive(Clone)]
pub(crate) struct Invoker {
    pub(crate) handler: Handler,
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    /// `functionTimeout`; `None` is unlimited.
    pub(crate) timeout: Option<Duration>,
    pub(crate) stopping: CancellationToken,
    /// Cancelled before `stopping` where the stop is orderly: then partitions, leases and locks are given back. A host
    /// that merely vanishes keeps them until they expire.
    pub(crate) leaving: CancellationToken,
}

impl Invoker {
    /// Runs `function`, all attempts under one invocation id. `payload` is an `Err` where the value cannot be bound: then
    /// the handler is not called, and the attempt fails all the same.
    pub(crate) async fn run(
        &self,
        function: &Arc<Function>,
        reason: &str,
        payload: Result<Payload<'_>, Failure>,
    ) -> Outcome {
        self.run_while(function, reason, payload, &self.stopping).await
    }

    /// As [`run`](Self::run), for a listener that may lose what it listens to: once it is `lost`, the attempt under way
    /// still ends, but none follows.
    pub(crate) async fn run_while(
        &self,
        function: &Arc<Function>,
        reason: &str,
        payload: Result<Payload<'_>, Failure>,
        lost: &CancellationToken,
    ) -> Outcome {
        let invocation = Uuid::new_v4();
        let mut delays = function.retry.map(|policy| policy.delays());
        let mut context = function.retry.map(|policy| RetryContext { max: policy.max, ..RetryContext::default() });
        loop {
            debug!("Executing 'Functions.{}' (Reason='{reason}', Id={invocation})", function.name);
            let started = tokio::time::Instant::now();
            let attempt = async {
                let payload = payload.as_ref().map_err(Failure::clone)?;
                self.attempt(function, invocation, payload, context.as_ref()).await
            };
            let ended = tokio::select! {
                biased;
                () = self.stopping.cancelled() => return Outcome::Cancelled,
                ended = attempt => ended,
            };
            log_end(function, invocation, started.elapsed(), &ended);
            let failure = match ended {
                Ok(answer) => return Outcome::Succeeded(answer),
                Err(failure) => failure,
            };
            let (Some(delay), Some(context)) = (delays.as_mut().and_then(Iterator::next), context.as_mut()) else {
                return Outcome::Failed(failure);
            };
            context.count += 1;
            context.exception = Some(Exception::of(&function.name, invocation, &failure));
            info!(
                "Waiting for `{delay:?}` before retrying 'Functions.{}' ({}. retry, Id={invocation})",
                function.name, context.count
            );
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return Outcome::Cancelled,
                () = lost.cancelled() => return Outcome::Cancelled,
                () = self.clock.sleep(delay) => {}
            }
        }
    }

    async fn attempt(
        &self,
        function: &Function,
        invocation: Uuid,
        payload: &Payload<'_>,
        retry: Option<&RetryContext>,
    ) -> Result<InvocationAnswer, Failure> {
        let body = payload
            .body(&Sys::new(&function.name, self.clock.now()), retry)
            .map_err(|error| Failure::Binding { parameter: function.binding.clone(), problem: error.to_string() })?;
        let response =
            self.within_timeout(|port| self.client.invoke(port, &function.name, invocation, Bytes::from(body))).await?;
        judge(&response)
    }

    /// Waits for the handler and calls it. A call that is longer than `functionTimeout` costs the handler its life.
    pub(crate) async fn within_timeout<T, E, F>(&self, call: impl FnOnce(u16) -> F) -> Result<T, Failure>
    where
        E: std::error::Error + 'static,
        F: Future<Output = Result<T, E>>,
    {
        let running = self.handler.ready().await.map_err(|stopped| Failure::Unreachable(stopped.to_string()))?;
        let call = call(running.port);
        let answered = match self.timeout {
            None => call.await,
            Some(limit) => match tokio::time::timeout(limit, call).await {
                Ok(answered) => answered,
                Err(_) => {
                    self.handler.kill(running).await;
                    return Err(Failure::TimedOut(limit));
                }
            },
        };
        answered.map_err(|error| Failure::Unreachable(chain(&error)))
    }
}

/// Successes of hot triggers are for debugging; failures are for everyone.
fn log_end(function: &Function, invocation: Uuid, took: Duration, ended: &Result<InvocationAnswer, Failure>) {
    let name = &function.name;
    let milliseconds = took.as_millis();
    match ended {
        Ok(answer) => {
            for line in &answer.logs {
                info!(target: "Function.User", function = %name, invocation = %invocation, "{line}");
            }
            if matches!(function.trigger, Trigger::Timer(_)) {
                info!("Executed 'Functions.{name}' (Succeeded, Id={invocation}, Duration={milliseconds}ms)");
            } else {
                debug!("Executed 'Functions.{name}' (Succeeded, Id={invocation}, Duration={milliseconds}ms)");
            }
        }
        Err(failure @ Failure::Hang(_)) => {
            error!("Executed 'Functions.{name}' (Failed, Id={invocation}, Duration={milliseconds}ms): {failure}");
        }
        Err(failure) => {
            warn!("Executed 'Functions.{name}' (Failed, Id={invocation}, Duration={milliseconds}ms): {failure}");
        }
    }
}
