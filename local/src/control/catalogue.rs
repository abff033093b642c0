//! The levers there are, as `GET /` lists them.

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
    lever("POST", "/clock/advance", r#"{"seconds":3600}"#, "Steps the clock forward; what waits on it wakes."),
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
    lever("POST", "/functions/{name}/fire", "{}", "Runs a timer now and waits for its end."),
    lever(
        "POST",
        "/functions/{name}/redeliver",
        r#"{"partition":"0","from":5}"#,
        "Moves the checkpoint of a hub trigger or the lease of a change feed back, so that events come again; without \
         `partition` everywhere, without `from` from the oldest.",
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
