//! Catalogue of the levers, as `GET /` lists them.

use serde::Serialize;

/// One lever.
#[derive(Serialize)]
pub(super) struct Lever {
    method: &'static str,
    path: &'static str,
    what: &'static str,
    /// A body that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'static str>,
}

const fn lever(method: &'static str, path: &'static str, body: &'static str, what: &'static str) -> Lever {
    let body = if body.is_empty() { None } else { Some(body) };
    Lever { method, path, what, body }
}

/// All of them. A test asks a running port for each, and looks for each in `docs/levers.md`.
pub(super) const LEVERS: &[Lever] = &[
    lever("GET", "/clock", "", "The stack's time and how far it is ahead of the wall."),
    lever(
        "POST",
        "/clock/advance",
        r#"{"seconds":3600}"#,
        "Steps the clock forward, for later runs too; what waits on it wakes.",
    ),
    lever(
        "POST",
        "/faults",
        r#"{"service":"blob","times":2,"status":503,"code":"ServerBusy","retryAfterSeconds":1,"method":"PUT","pathPrefix":"/"}"#,
        "Fails the next requests of a service in its own error shape; or `close` their connections `before` or `after` \
         the service did its work, or only hold them up for `delayMillis`.",
    ),
    lever("GET", "/faults", "", "What is armed, and how many requests each fault still strikes."),
    lever("DELETE", "/faults", "", "Forgets all faults."),
    lever("DELETE", "/faults/{id}", "", "Forgets one fault."),
    lever("GET", "/event-hubs", "", "Connections, links, and what is held back or still to be answered."),
    lever("DELETE", "/event-hubs", "", "Ends delays and forgets answers still to be given."),
    lever(
        "POST",
        "/event-hubs/drop",
        r#"{"hub":"products"}"#,
        "Drops connections with links to a hub, a partition, or all.",
    ),
    lever(
        "POST",
        "/event-hubs/detach",
        r#"{"hub":"products","partition":"0","condition":"amqp:link:detach-forced"}"#,
        "Detaches links with an error, as when the service moves a partition.",
    ),
    lever(
        "POST",
        "/event-hubs/delay",
        r#"{"hub":"products","deliveryMillis":100,"dispositionMillis":100}"#,
        "Holds back deliveries to receivers, answers to sends, or both.",
    ),
    lever(
        "POST",
        "/event-hubs/answer-sends",
        r#"{"hub":"products","answer":"released","times":2}"#,
        "Answers the next sends with `released`, `modified` or `{\"rejected\":{\"condition\":…}}`, and stores nothing of them.",
    ),
    lever(
        "POST",
        "/event-hubs/steal",
        r#"{"hub":"products","consumerGroup":"site","partition":"0"}"#,
        "Takes a partition from its receivers, as one with a higher epoch would.",
    ),
    lever("GET", "/schema-registry", "", "Who asked the schema registry for which schema since the stack started."),
    lever("GET", "/cosmos", "", "Regions, and how many requests Cosmos DB's own faults still strike."),
    lever("DELETE", "/cosmos", "", "Forgets faults and limits of throughput; regions stay as they are."),
    lever(
        "POST",
        "/cosmos/faults",
        r#"{"count":2,"status":429,"substatus":3200,"container":"items","operations":["read"],"afterCommit":false}"#,
        "Fails the next operations of some kinds on a database or container.",
    ),
    lever(
        "POST",
        "/cosmos/throughput",
        r#"{"database":"shop","container":"items","requestUnitsPerSecond":400}"#,
        "Answers 429 to what exceeds these request units, reads and queries too; without a number, no longer.",
    ),
    lever("POST", "/cosmos/regions/{name}/offline", "{}", "Takes a region away; the next one takes its writes."),
    lever("POST", "/cosmos/regions/{name}/online", "{}", "Brings a region back, to read from."),
    lever("POST", "/functions/{name}/fire", "{}", "Runs a timer now and waits for its end."),
    lever(
        "POST",
        "/functions/{name}/redeliver",
        r#"{"partition":"0","from":5}"#,
        "Moves the checkpoint of a hub trigger or the leases of a change feed back, so that events come again; without \
         `partition` everywhere (a feed always), without `from` from the oldest.",
    ),
];

#[derive(Serialize)]
pub(super) struct Catalogue {
    what: &'static str,
    levers: &'static [Lever],
}

pub(super) async fn show() -> axum::Json<Catalogue> {
    axum::Json(Catalogue { what: "The control port of a local stack: levers for tests.", levers: LEVERS })
}
