//! What telemetry shows of a record: its span, how late its effect is, and how it ended.

use opentelemetry::KeyValue;
use time::OffsetDateTime;

use super::{end::End, records::Records};
use crate::{
    clock,
    domain::trace_context::event_hash,
    host::{report::Report, summary::Summary},
    telemetry::{Instruments, Traced},
};

/// What is known of a record so far; nothing where nobody is to be told.
#[derive(Default)]
pub(super) struct Watched {
    span: Option<Traced>,
    happened: Option<OffsetDateTime>,
    /// When its outcome was known.
    pub(super) settled: Option<OffsetDateTime>,
}

impl Watched {
    /// Begins the span of a record when it is decoded for the first time, and tells it each time which context its effects are of.
    pub(super) fn decoded<R: Records>(&mut self, records: &R, item: &mut R::Item, summary: &Summary<'_>) {
        if summary.instruments.is_none() {
            return;
        }
        let span = match &mut self.span {
            Some(span) => span,
            unwatched => {
                let about = records.about(item);
                self.happened = about.happened;
                unwatched.insert(summary.record(about.trace, || {
                    let mut attributes = records.origin();
                    if let Some((id, event_type)) = about.event {
                        attributes.push(KeyValue::new("contoso.event.hash", event_hash(id)));
                        attributes.push(KeyValue::new("contoso.event.type", event_type.to_owned()));
                    }
                    attributes
                }))
            }
        };
        if let Some(context) = span.context() {
            R::adopt(item, context);
        }
    }

    /// Begins the span of a record that could not be decoded.
    pub(super) fn undecodable<R: Records>(&mut self, records: &R, index: usize, summary: &Summary<'_>) {
        if self.span.is_none() && summary.instruments.is_some() {
            self.span = Some(summary.record(records.came_with(index).as_ref(), || records.origin()));
        }
    }

    /// Ends the record's span and counts its end.
    pub(super) fn close(self, end: &End, instruments: &Instruments, report: &mut Report) {
        let (outcome, cause) = end.label();
        // An event of a clock that is ahead of ours is not early.
        let lag =
            self.settled.zip(self.happened).map(|(settled, happened)| (settled - happened).as_seconds_f64().max(0.0));
        match (end, lag) {
            (End::Done, Some(lag)) => instruments.lag(lag),
            (End::Done, None) => {}
            _ => *report.ends.entry((outcome, cause)).or_default() += 1,
        }
        let Some(mut span) = self.span.filter(Traced::is_recorded) else { return };
        report.links.extend(span.link());
        span.set(KeyValue::new("contoso.outcome", outcome));
        if !cause.is_empty() {
            span.set(KeyValue::new("contoso.cause", cause));
        }
        if let Some(lag) = lag {
            span.set(KeyValue::new("contoso.lag", lag));
        }
        if matches!(outcome, "parked" | "retried") {
            span.fail(cause);
        }
        span.end(self.settled.unwrap_or_else(clock::now));
    }
}
