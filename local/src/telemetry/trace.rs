//! Traces: spans in the order of what caused what.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use time::OffsetDateTime;

use super::{
    ids::{SpanId, TraceId},
    span::Span,
};

/// A trace: every span after what caused it, those with one cause by their beginning.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its id.
    pub id: TraceId,
    /// When the first span began.
    pub start: OffsetDateTime,
    /// From then to the end of the last.
    pub duration: Duration,
    /// The spans. A list and no tree of nodes: a chain of causes may be as long as there are spans.
    pub spans: Vec<TracedSpan>,
}

/// A span in its trace.
#[derive(Clone, Debug)]
pub struct TracedSpan {
    /// How many causes before it are known.
    pub depth: usize,
    /// From the trace's start to the span's.
    pub offset: Duration,
    /// The span.
    pub span: Arc<Span>,
}

/// A trace in a line.
#[derive(Clone, Debug)]
pub struct TraceSummary {
    /// Its id.
    pub id: TraceId,
    /// Name of the span that began first.
    pub name: String,
    /// When that began.
    pub start: OffsetDateTime,
    /// From then to the end of the last.
    pub duration: Duration,
    /// Number of spans.
    pub spans: usize,
    /// Number of those that failed.
    pub failed: usize,
}

impl Trace {
    /// Whatever an exporter sent twice is there once, as it came last.
    pub(super) fn of(id: TraceId, spans: impl IntoIterator<Item = Arc<Span>>) -> Self {
        let mut spans: Vec<_> =
            spans.into_iter().map(|span| (span.id, span)).collect::<HashMap<_, _>>().into_values().collect();
        spans.sort_by_key(|span| (span.start, span.id));
        let (start, duration) = extent(&spans);
        let known: HashSet<SpanId> = spans.iter().map(|span| span.id).collect();
        let mut effects: HashMap<Option<SpanId>, Vec<&Arc<Span>>> = HashMap::new();
        for span in &spans {
            // What caused it may have been left out of the sample, be under way, or belong to somebody else.
            effects.entry(span.parent.filter(|parent| known.contains(parent))).or_default().push(span);
        }
        let mut order = Vec::with_capacity(spans.len());
        let mut placed = HashSet::new();
        // After those that nothing caused whoever is left, in a circle: nothing honest, but shown.
        for first in effects.get(&None).into_iter().flatten().copied().chain(&spans) {
            let mut next = vec![(0, first)];
            while let Some((depth, span)) = next.pop() {
                if !placed.insert(span.id) {
                    continue;
                }
                let offset = (span.start - start).try_into().unwrap_or_default();
                order.push(TracedSpan { depth, offset, span: Arc::clone(span) });
                next.extend(effects.get(&Some(span.id)).into_iter().flatten().rev().map(|effect| (depth + 1, *effect)));
            }
        }
        Self { id, start, duration, spans: order }
    }
}

impl TraceSummary {
    /// `None` of no spans.
    pub(super) fn of(id: TraceId, spans: &[Arc<Span>]) -> Option<Self> {
        let first = spans.iter().min_by_key(|span| (span.start, span.parent.is_some()))?;
        let (start, duration) = extent(spans);
        let failed = spans.iter().filter(|span| span.failed()).count();
        Some(Self { id, name: first.name.clone(), start, duration, spans: spans.len(), failed })
    }
}

fn extent(spans: &[Arc<Span>]) -> (OffsetDateTime, Duration) {
    let start = spans.iter().map(|span| span.start).min().unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let end = spans.iter().map(|span| span.end()).max().unwrap_or(start);
    (start, (end - start).try_into().unwrap_or_default())
}
