//! A span under way, with its context in the form that events and documents carry.

use std::{
    num::{NonZeroU64, NonZeroU128},
    str::FromStr,
    time::SystemTime,
};

pub use opentelemetry::trace::SpanKind;
use opentelemetry::{
    Context, ContextGuard, KeyValue,
    trace::{Link, Span as _, SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::Span;
use time::OffsetDateTime;

use crate::domain::trace_context::TraceContext;

/// A span that is recorded, or the context that passes through where none is. What is dropped without [`Traced::end`] ends then.
pub struct Traced {
    context: Option<TraceContext>,
    span: Option<Box<Span>>,
}

impl Traced {
    /// Nothing is recorded, and what is caused here has the context of its cause.
    pub(super) fn passing(context: Option<TraceContext>) -> Self {
        Self { context, span: None }
    }

    pub(super) fn recorded(span: Span) -> Self {
        let context = span.span_context();
        let state = Some(context.trace_state().header()).filter(|state| !state.is_empty());
        let ids = NonZeroU128::new(u128::from_be_bytes(context.trace_id().to_bytes()))
            .zip(NonZeroU64::new(u64::from_be_bytes(context.span_id().to_bytes())));
        let context = ids.map(|(trace_id, span_id)| TraceContext {
            trace_id,
            span_id,
            is_sampled: true,
            state: state.map(Into::into),
        });
        Self { context, span: Some(Box::new(span)) }
    }

    /// What is caused here is of this context.
    pub fn context(&self) -> Option<&TraceContext> {
        self.context.as_ref()
    }

    /// Whether anything comes of what is set here.
    pub fn is_recorded(&self) -> bool {
        self.span.is_some()
    }

    /// Adds what became known since it began.
    pub fn set(&mut self, attribute: KeyValue) {
        if let Some(span) = &mut self.span {
            span.set_attribute(attribute);
        }
    }

    /// It failed. The description is a text of the source.
    pub fn fail(&mut self, description: &'static str) {
        if let Some(span) = &mut self.span {
            span.set_status(Status::error(description));
        }
    }

    /// Ends it, at that time.
    pub fn end(mut self, at: OffsetDateTime) {
        if let Some(span) = &mut self.span {
            span.end_with_timestamp(SystemTime::from(at));
        }
    }

    /// What another span links to it by.
    pub fn link(&self) -> Option<Link> {
        self.span.as_ref().map(|span| Link::with_context(span.span_context().clone()))
    }

    /// Lines that are logged on this thread while the guard lives are of this span.
    pub fn attach(&self) -> Option<ContextGuard> {
        let context = self.span.as_ref()?.span_context().clone();
        Some(Context::new().with_remote_span_context(context).attach())
    }
}

/// The same in the SDK's form.
pub(super) fn span_context(context: &TraceContext) -> SpanContext {
    let state = context.state.as_deref().and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
    SpanContext::new(
        TraceId::from_bytes(context.trace_id.get().to_be_bytes()),
        SpanId::from_bytes(context.span_id.get().to_be_bytes()),
        if context.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() },
        true,
        state,
    )
}
