//! Dead letters: which there are, what is in one, and what is done with them.
//!
//! A function key names nobody, so who does something says who that is (`by`), and the log shows it as said.

mod chosen;
mod desk;
mod drop;
mod letter;
mod list;
mod log;
mod replay;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use self::desk::Desk;
use crate::{app::App, dead_letters::stored::Read};

/// The routes; `read` keeps what letters say that have no notes.
pub(super) fn routes(app: App, read: Arc<Read>) -> Router {
    Router::new()
        .route("/api/ops/dead-letters", get(list::list))
        .route("/api/ops/dead-letters/letter", get(letter::show))
        .route("/api/ops/dead-letters/letter/body", get(letter::body))
        .route("/api/ops/dead-letters/drop", post(drop::drop_letters))
        .route("/api/ops/dead-letters/replay", post(replay::replay))
        .route("/api/ops/dead-letters/batches", post(replay::batch))
        .route("/api/ops/dead-letters/batches/{id}", get(replay::shown))
        .route("/api/ops/dead-letters/log", get(log::log))
        .with_state(Desk { app, read })
}
