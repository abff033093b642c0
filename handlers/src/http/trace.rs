//! The trace context of a request (W3C Trace Context §3).

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

use crate::domain::trace_context::TraceContext;

/// The context that what a request causes is of: of the request's span where that is recorded, else the caller's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cause(pub(crate) Option<TraceContext>);

impl<S: Sync> FromRequestParts<S> for Cause {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// The context in these headers.
pub(crate) fn trace_context(headers: &HeaderMap) -> Option<TraceContext> {
    // Two values are none (§3.2).
    let mut values = headers.get_all("traceparent").iter();
    let (Some(parent), None) = (values.next(), values.next()) else { return None };
    let state = headers.get("tracestate").and_then(|state| state.to_str().ok());
    TraceContext::parse(parent.to_str().ok()?, state)
}
