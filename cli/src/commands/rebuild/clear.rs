//! Deleting a projection's documents.

use std::collections::HashSet;

use anyhow::Context;
use contoso_handlers::{app::App, azure::cosmos::CosmosErrorKind, function::Documents};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::tally::Tally;
use crate::output;

/// Documents deleted at a time.
const AT_ONCE: usize = 16;

/// How far deleting came. All that is to be read was read before it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cleared {
    /// It did not begin.
    #[default]
    Nothing,
    /// It began.
    Partly,
    /// It ended.
    Wholly,
}

impl Cleared {
    /// What to tell of a rebuild with `--clear` that did not come to its end.
    pub(super) fn advice(self, projection: &str) -> String {
        let again = format!("run `contoso rebuild {projection} --clear` again, which is safe");
        match self {
            Self::Nothing => format!("nothing was deleted; {again}"),
            Self::Partly => {
                format!("documents were being deleted, and none of them is back: readers miss them; {again}")
            }
            Self::Wholly => {
                format!("the documents were deleted, and only a part of them is back: readers miss the others; {again}")
            }
        }
    }
}

#[derive(Deserialize)]
struct Found {
    id: String,
    key: String,
}

/// Deletes documents but for those with an id in `kept`.
pub(super) async fn documents(
    app: &App,
    all: &[Documents],
    kept: &HashSet<String>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    tally.cleared = Cleared::Partly;
    let mut deleted = 0;
    for Documents { container: name, key, cleared } in all {
        let container = app.cosmos().container(*name);
        let failed = || format!("cannot clear {name}; running the command again is safe");
        let sql = format!("SELECT c.id, c.{key} AS key FROM c WHERE {cleared}");
        let mut found: Vec<Found> = container.query(&sql).await.with_context(failed)?;
        found.retain(|document| !kept.contains(&document.id));
        deleted += found.len();
        stream::iter(found)
            .map(|document| {
                let container = &container;
                async move {
                    match container.delete(&document.key, &document.id, None).await {
                        Err(error) if error.kind == CosmosErrorKind::NotFound => Ok(()),
                        ended => ended,
                    }
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
            .with_context(failed)?;
    }
    tally.cleared = Cleared::Wholly;
    output::say(&format!("deleted {deleted} documents"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stops_a_rebuild_is_told_what_is_missing_and_how_to_go_on() {
        let told = [
            (Cleared::Nothing, "nothing was deleted"),
            (Cleared::Partly, "readers miss them"),
            (Cleared::Wholly, "only a part of them is back"),
        ];
        for (cleared, state) in told {
            let advice = cleared.advice("RecentlyViewed");
            assert!(advice.contains(state), "{advice}");
            assert!(advice.ends_with("run `contoso rebuild RecentlyViewed --clear` again, which is safe"), "{advice}");
        }
    }
}
