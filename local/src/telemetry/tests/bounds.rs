//! What is kept, and what goes.

use std::time::Duration;

use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use proptest::prelude::*;
use prost::Message;

use super::{Fixture, PROTOBUF, request, resource, span, text};
use crate::{
    clock::Clock,
    telemetry::{
        KEPT, TraceId,
        kept::Kept,
        log::Log,
        retained::{BYTES, ITEMS, Retained},
        span::Span,
    },
};

fn id(trace: u8) -> TraceId {
    TraceId::read(&[trace; 16]).expect("an id")
}

fn spans(trace: u8, count: usize, name: &str) -> Vec<Span> {
    let spans = (0..count).map(|_| span(trace, 1, 0, name)).collect();
    let message = request("shop", spans).resource_spans.pop().expect("one");
    Span::read_all(message).0
}

fn logs(count: usize, name: &str) -> Vec<Log> {
    let log_records = vec![LogRecord { attributes: vec![text("name", name)], ..LogRecord::default() }; count];
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    Log::read_all(ResourceLogs { resource: resource("shop"), scope_logs, ..ResourceLogs::default() })
}

#[tokio::test]
async fn an_hour_is_kept() {
    let fixture = Fixture::start().await;
    fixture.send(vec![span(1, 1, 0, "first")]).await;
    fixture.clock.advance(KEPT / 2);
    fixture.send(vec![span(1, 2, 1, "second"), span(2, 1, 0, "other")]).await;
    let names = |trace| {
        let trace = fixture.telemetry.trace(id(trace)).map(|trace| trace.spans).unwrap_or_default();
        trace.into_iter().map(|traced| traced.span.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(1), ["first", "second"]);
    fixture.clock.advance(KEPT / 2 + Duration::from_secs(1));
    assert_eq!((names(1), names(2)), (vec!["second".to_owned()], vec!["other".to_owned()]));
    fixture.clock.advance(KEPT / 2);
    assert!(names(1).is_empty() && fixture.telemetry.recent(10).is_empty());
}

#[tokio::test]
async fn the_oldest_makes_room() {
    let fixture = Fixture::start().await;
    let large = |trace| request("shop", vec![span(trace, 1, 0, &"n".repeat(3 << 20))]).encode_to_vec();
    for trace in 1..=40 {
        assert_eq!(fixture.post("/v1/traces", PROTOBUF, None, large(trace)).await.0, 200);
    }
    let recent = fixture.telemetry.recent(100);
    assert_eq!(recent.len(), BYTES / (3 << 20));
    assert_eq!(recent.first().map(|trace| trace.id), Some(id(40)));
    assert!(fixture.telemetry.trace(id(1)).is_none());
}

#[test]
fn there_is_a_number_of_items_too() {
    let (mut retained, now) = (Retained::default(), Clock::default().now());
    retained.add_spans(spans(1, 10, ""), now);
    retained.add_spans(spans(2, ITEMS - 5, ""), now);
    assert_eq!(retained.trace(id(1)).map(|spans| spans.len()), Some(5));
    retained.add_logs(logs(ITEMS + 5, ""), now);
    assert_eq!((retained.logs().count(), retained.spans().count()), (ITEMS, ITEMS), "each of its own");
    retained.expire(now + KEPT + Duration::from_secs(1));
    assert_eq!((retained.bytes(), retained.spans().count(), retained.logs().count()), (0, 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// However things come and time passes, both ways to a span lead to the same, and nothing is counted that is not held.
    #[test]
    fn the_index_and_the_queue_agree(steps in proptest::collection::vec((1..6_u8, 0..8_usize, 0..600_u64, 0..4_000_000_usize), 1..40)) {
        let kept = Kept::new(&Clock::default());
        for (trace, count, seconds, length) in steps {
            let name = "n".repeat(length);
            kept.retained().add_spans(spans(trace, count, &name), kept.clock.now());
            kept.retained().add_logs(logs(usize::from(trace) % 2, &name), kept.clock.now());
            kept.clock.advance(Duration::from_secs(seconds));
            let retained = kept.retained();
            prop_assert!(retained.bytes() <= BYTES);
            let indexed: usize = (1..6).filter_map(|trace| retained.trace(id(trace))).map(|spans| spans.len()).sum();
            prop_assert_eq!(indexed, retained.spans().count());
        }
        kept.clock.advance(KEPT + Duration::from_secs(1));
        prop_assert_eq!(kept.retained().bytes(), 0);
    }
}
