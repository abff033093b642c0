//! `analytics/minutes` and `site/trending`, summed again from the windows.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context;
use contoso_handlers::{
    app::App,
    domain::trends::window::{MOST_PAGES, PageId, WindowId},
    function::Documents,
    functions::trend_rollup,
    outcome::Cause,
};
use serde_json::Value;

use super::{clear, tally::Tally};
use crate::output;

pub(super) const SUMMED: &str = "pages of windows summed";
const KEPT: &str = "minutes not deleted, for not all their windows are there";

/// The minutes, and which pages they were summed of.
const MINUTES: &str = "SELECT c.id, c.pages FROM c WHERE IS_DEFINED(c.minute)";

/// Sums every minute again, by the function's own code. With `cleared` minutes are deleted before, but for those that would not come back.
pub(super) async fn rebuild(app: &App, cleared: Option<&[Documents]>, tally: &mut Tally) -> anyhow::Result<()> {
    let failed = "the minutes cannot be summed now; running the command again is safe";
    let said = |cause: Cause| anyhow::Error::msg(cause.chain());
    let survey = trend_rollup::survey(app).await.map_err(said).context(failed)?;
    for (id, cause) in &survey.damaged {
        tally.leave_out(id, &cause.chain());
    }
    if let Some(stores) = cleared {
        let minutes = app.stores().minutes.container().query::<Value>(MINUTES).await.context(failed)?;
        let is_kept = |minute: &Value| is_missing_pages(minute, &survey.readable);
        let id = |minute: Value| minute["id"].as_str().map(str::to_owned);
        let kept: HashSet<String> = minutes.into_iter().filter(is_kept).filter_map(id).collect();
        tally.add(KEPT, kept.len() as u64);
        clear::documents(app, stores, &kept, tally).await?;
    }
    let bar = output::bar("pages", 0);
    let summed = trend_rollup::sum_everything(app, |pages| {
        tally.add(SUMMED, pages);
        bar.inc_length(pages);
        bar.inc(pages);
    });
    let ended = summed.await.map_err(said);
    bar.finish_and_clear();
    ended.context(failed)
}

/// Whether a minute was summed of pages that are damaged, or gone as they are after their time. One that says no such thing is damaged
/// itself.
fn is_missing_pages(minute: &Value, readable: &HashSet<PageId>) -> bool {
    let Some(id) = minute["id"].as_str().and_then(|id| id.parse().ok()) else { return false };
    let Ok(pages) = serde_json::from_value::<BTreeMap<String, u32>>(minute["pages"].clone()) else { return false };
    pages.into_iter().filter(|(_, count)| *count <= MOST_PAGES).any(|(partition, count)| {
        let window = WindowId { partition, minute: id };
        (0..count).any(|number| !readable.contains(&PageId { window: window.clone(), number }))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_minute_stays_whose_windows_are_not_all_there() {
        let readable: HashSet<PageId> =
            ["0|2026-06-01T12:00Z|0", "0|2026-06-01T12:00Z|1"].map(|id| id.parse().expect("a page")).into();
        let minute = |pages: Value| json!({ "id": "2026-06-01T12:00Z", "pages": pages });
        assert!(!is_missing_pages(&minute(json!({ "0": 2 })), &readable));
        assert!(is_missing_pages(&minute(json!({ "0": 3 })), &readable), "one is damaged, or expired");
        assert!(is_missing_pages(&minute(json!({ "0": 1, "1": 1 })), &readable));
        for damaged in [json!({ "0": 4_000_000_000_u32 }), json!({ "0": "x" }), json!([]), Value::Null] {
            assert!(!is_missing_pages(&minute(damaged), &readable), "nothing is lost by it");
        }
        assert!(!is_missing_pages(&json!({ "id": "yesterday", "pages": { "0": 3 } }), &readable));
    }
}
