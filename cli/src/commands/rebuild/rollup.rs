//! `analytics/minutes` and `site/trending`, summed again from the windows.

use anyhow::Context;
use contoso_handlers::app::App;
use contoso_handlers::functions::trend_rollup;

use super::tally::Tally;
use crate::output;

pub(super) const SUMMED: &str = "pages of windows summed";

/// Sums every minute again, by the function's own code.
pub(super) async fn rebuild(app: &App, tally: &mut Tally) -> anyhow::Result<()> {
    let bar = output::bar("pages", 0);
    let summed = trend_rollup::sum_everything(app, |pages| {
        tally.add(SUMMED, pages);
        bar.inc_length(pages);
        bar.inc(pages);
    });
    let ended = summed.await.map_err(|cause| anyhow::Error::msg(cause.chain()));
    bar.finish_and_clear();
    ended.context("the minutes cannot be summed now; running the command again is safe")
}
