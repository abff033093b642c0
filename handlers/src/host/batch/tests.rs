//! Records here are words that say what happens to them.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use opentelemetry::KeyValue;
use time::OffsetDateTime;

use super::*;
use crate::{dead_letters::BadRecord, host::summary::Called, telemetry::Telemetry};

const LIMITS: Limits = Limits {
    call: Duration::from_millis(200),
    run: Duration::from_secs(60),
    pause: Duration::from_millis(1),
    retries: 3,
};

fn silent() -> Summary<'static> {
    static OFF: std::sync::LazyLock<Telemetry> = std::sync::LazyLock::new(Telemetry::off);
    Summary::start(&OFF, Called { function: "F", trigger: "pubsub" }, None)
}

/// `<key>:<what happens>`.
struct Words(Vec<&'static str>, Order);

impl Words {
    fn part(&self, index: usize) -> &'static str {
        self.0[index].split_once(':').map_or("", |(_, part)| part)
    }
}

impl Records for Words {
    type Item = &'static str;

    fn order(&self) -> Order {
        self.1
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    async fn decode(&self, index: usize) -> Result<&'static str, DecodeError> {
        match self.part(index) {
            "undecodable" => Err(DecodeError::Park(Cause::new("not an event"))),
            "no registry" => Err(DecodeError::Retry(Cause::new("no answer"))),
            "decoder panics" => panic!("a bug below"),
            _ => Ok(self.0[index]),
        }
    }

    fn key<'i>(&self, item: &'i &'static str) -> Option<&'i str> {
        item.split_once(':').map(|(key, _)| key)
    }

    fn about<'i>(&'i self, _: &'i &'static str) -> About<'i> {
        About { trace: None, happened: None, event: None }
    }

    fn origin(&self) -> Vec<KeyValue> {
        Vec::new()
    }

    fn dead_letter(&self, index: usize, cause: &Cause) -> DeadLetter {
        let record = BadRecord {
            function: "F",
            origin: "hub",
            part: "0",
            id: Some(index.to_string()),
            position: serde_json::Value::Null,
            properties: None,
            content_type: None,
            body: self.0[index].as_bytes(),
            cause,
        };
        DeadLetter::new(&record, OffsetDateTime::UNIX_EPOCH)
    }
}

#[derive(Default)]
struct Letters {
    names: Mutex<Vec<String>>,
    refuse: bool,
}

impl Parking for Letters {
    async fn park(&self, letter: DeadLetter) -> Result<(), Cause> {
        if self.refuse {
            return Err(Cause::new("no storage"));
        }
        // Behind the place stands a digest of the record.
        let (place, _digest) = letter.name().rsplit_once('-').unwrap();
        self.names.lock().unwrap().push(place.to_owned());
        Ok(())
    }
}

/// What the function was given, call by call.
type Calls = Arc<Mutex<Vec<Vec<&'static str>>>>;

/// A function that does what its records say; records `…:twice` are at Retry until they have been given twice.
fn function(calls: &Calls) -> impl Fn(Vec<&'static str>) -> BoxFuture<Vec<Outcome>> + Sync + use<> {
    let calls = Arc::clone(calls);
    let tries = Arc::new(AtomicUsize::new(0));
    move |words| {
        calls.lock().unwrap().push(words.clone());
        let tries = Arc::clone(&tries);
        Box::pin(async move {
            let mut outcomes = Vec::new();
            for word in words {
                outcomes.push(match word.split_once(':').unwrap().1 {
                    "panics" => panic!("cannot handle this"),
                    "hangs" => pending().await,
                    "refused" => Outcome::Park(Cause::new("never")),
                    "old" => Outcome::Skip("older"),
                    "never" => Outcome::Retry(Cause::new("service down")),
                    "twice" if tries.fetch_add(1, Ordering::Relaxed) == 0 => Outcome::Retry(Cause::new("busy")),
                    _ => Outcome::Done,
                });
            }
            outcomes
        })
    }
}

async fn given(words: &[&'static str], retry_count: u32) -> (Report, Vec<String>, Vec<Vec<&'static str>>) {
    let (letters, calls) = (Letters::default(), Calls::default());
    let report =
        run(&Words(words.to_vec(), Order::Key), function(&calls), &letters, &silent(), retry_count, &LIMITS).await;
    let calls = calls.lock().unwrap().clone();
    (report, letters.names.into_inner().unwrap(), calls)
}

#[tokio::test]
async fn good_records_go_in_one_call() {
    let (report, letters, calls) = given(&["a:x", "b:old", "c:x"], 0).await;
    assert_eq!((report.done, report.skipped, report.parked, report.retried), (2, 1, 0, 0));
    assert_eq!((letters.len(), calls.len()), (0, 1));
}

#[tokio::test]
async fn whatever_is_wrong_with_a_record_it_parks_alone() {
    for fault in ["a:panics", "a:hangs", "a:undecodable", "a:decoder panics", "a:refused"] {
        for retry_count in [0, 3] {
            let (report, letters, _) = given(&["a:x", fault, "b:x"], retry_count).await;
            assert_eq!((report.done, report.parked, report.retried), (2, 1, 0), "{fault}: {report:?}");
            assert_eq!(letters, ["F/hub/0/1"], "{fault}");
            assert!(report.parked_cause.is_some());
        }
    }
}

#[tokio::test]
async fn a_broken_world_leaves_the_record_but_not_its_neighbours() {
    let (report, letters, calls) = given(&["a:x", "b:never", "c:refused", "d:x"], 0).await;
    assert_eq!((report.done, report.parked, report.retried), (2, 1, 1));
    assert_eq!(letters, ["F/hub/0/2"]);
    assert_eq!(report.retry_cause.as_deref(), Some("service down"));
    // The call, and three repeats of what was left.
    assert_eq!(calls[1..], [["b:never"], ["b:never"], ["b:never"]]);
}

#[tokio::test]
async fn a_short_fault_heals_in_place_and_keys_keep_their_order() {
    let (report, _, calls) = given(&["a:twice", "b:x", "a:later"], 0).await;
    assert_eq!((report.done, report.retried), (3, 0));
    assert_eq!(calls[1], ["a:twice", "a:later"]);
    let (report, _, calls) = given(&["a:twice", "b:x", "a:later"], 3).await;
    assert_eq!((report.done, report.retried), (3, 0));
    assert_eq!(calls, [["a:twice"], ["b:x"], ["a:twice"], ["a:later"]]);
}

#[tokio::test]
async fn nothing_passes_a_record_whose_schema_is_out_of_reach() {
    let (report, letters, calls) = given(&["a:x", "a:no registry", "a:x"], 0).await;
    assert_eq!((report.done, report.retried, letters.len()), (1, 2, 0));
    assert!(calls.iter().all(|call| call == &["a:x"]));
}

#[tokio::test]
async fn what_cannot_be_parked_must_come_again() {
    let letters = Letters { refuse: true, ..Letters::default() };
    let report =
        run(&Words(vec!["a:x", "b:refused"], Order::Key), function(&Calls::default()), &letters, &silent(), 0, &LIMITS)
            .await;
    assert_eq!((report.done, report.parked, report.retried), (1, 0, 1));
    assert_eq!(report.retry_cause.as_deref(), Some("no storage"));
}

/// What a function that wants the order of the partition is given, in the order it is given, once each.
async fn given_in_line(
    words: &[&'static str],
    retry_count: u32,
    letters: &Letters,
) -> (Report, Vec<Vec<&'static str>>) {
    let calls = Calls::default();
    let report =
        run(&Words(words.to_vec(), Order::Partition), function(&calls), letters, &silent(), retry_count, &LIMITS).await;
    let calls = calls.lock().unwrap().clone();
    (report, calls)
}

#[tokio::test]
async fn in_the_order_of_the_partition_everything_behind_a_retry_waits() {
    let words = ["a:x", "b:twice", "c:x"];
    let (report, calls) = given_in_line(&words, 0, &Letters::default()).await;
    assert_eq!((report.done, report.retried), (3, 0));
    assert_eq!(calls, [vec!["a:x", "b:twice", "c:x"], vec!["b:twice", "c:x"]]);
    let (report, calls) = given_in_line(&words, 3, &Letters::default()).await;
    assert_eq!((report.done, report.retried), (3, 0));
    assert_eq!(calls, [["a:x"], ["b:twice"], ["b:twice"], ["c:x"]]);
    let (report, calls) = given_in_line(&["a:x", "b:never", "c:x"], 3, &Letters::default()).await;
    assert_eq!((report.done, report.retried), (1, 2));
    assert!(!calls.iter().flatten().any(|word| *word == "c:x"), "{calls:?}");
}

#[tokio::test]
async fn in_the_order_of_the_partition_nothing_passes_a_record_that_is_not_parked() {
    for (words, retry_count) in [
        (["a:x", "b:undecodable", "c:x"], 0),
        (["a:x", "b:undecodable", "c:x"], 3),
        (["a:x", "b:panics", "c:x"], 3),
        (["a:x", "b:no registry", "c:x"], 3),
    ] {
        let letters = Letters { refuse: true, ..Letters::default() };
        let (report, calls) = given_in_line(&words, retry_count, &letters).await;
        assert_eq!((report.done, report.parked, report.retried), (1, 0, 2), "{words:?}: {report:?}");
        assert!(!calls.iter().flatten().any(|word| *word == "c:x"), "{words:?}: {calls:?}");
    }
    for retry_count in [0, 3] {
        for fault in ["b:undecodable", "b:panics", "b:refused"] {
            let letters = Letters::default();
            let (report, _) = given_in_line(&["a:x", fault, "c:x"], retry_count, &letters).await;
            assert_eq!((report.done, report.parked, report.retried), (2, 1, 0), "{fault}: {report:?}");
            assert_eq!(letters.names.into_inner().unwrap(), ["F/hub/0/1"], "{fault}");
        }
    }
}
