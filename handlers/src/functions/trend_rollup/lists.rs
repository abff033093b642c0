//! The lists of `site/trending`, made of the last minutes and the hours before.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::{minutes::Summing, sold::answers};
use crate::{
    app::App,
    azure::cosmos::CosmosError,
    domain::{
        product::Category,
        trends::{
            board::{TrendingDocument, WINDOW_MINUTES, category_id, empty},
            minute::Minute,
            past::{Hour, Past},
            ranking::Ranking,
            tally::Tally,
        },
    },
    outcome::Cause,
    stores::trending::TrendingLists,
};

/// Lists written at a time.
const CONCURRENT_LISTS: usize = 8;

/// Makes the lists, after summing `changed` hours of the past again.
pub(super) async fn write(app: &App, changed: &BTreeSet<i64>) -> Result<(), Cause> {
    let at = app.now();
    let now = Minute::of(at);
    let recent = recent(app, now).await?;
    let past = past(app, now, changed).await.map_err(|error| Cause::from_error("sum the past hours", error))?;
    let ranking = Ranking::new(&recent, &past);
    let sold = answers(app, &ranking).await.map_err(|error| Cause::from_error("ask which products are sold", error))?;
    let lists = ranking.lists(at, &sold);
    put(&app.stores().trending, lists)
        .await
        .map_err(|error| Cause::from_error("write the lists of what is trending", error))
}

/// What was counted in the minutes up to `now`.
async fn recent(app: &App, now: Minute) -> Result<Tally, Cause> {
    let failed = |error| Cause::from_error("read the last minutes", error);
    let (summing, minutes) = (Summing::new(app), &app.stores().minutes);
    let mut recent = Tally::default();
    for minute in (0..WINDOW_MINUTES).map(|ago| now.plus(-ago)) {
        let Some(stored) = minutes.read(minute).await.map_err(failed)? else { continue };
        let tally = match minutes.take_tally(minute, &stored.etag) {
            Some(tally) => tally,
            None => match summing.tally_of(minute, &stored.value.pages).await.map_err(failed)? {
                Some(tally) => tally,
                None => continue,
            },
        };
        recent.merge(&tally);
        minutes.put_tally(minute, stored.etag, tally);
    }
    Ok(recent)
}

/// The hours before, of which only those are summed that changed or came to an end.
async fn past(app: &App, now: Minute, changed: &BTreeSet<i64>) -> Result<Past, CosmosError> {
    let mut past = app.stores().minutes.past().await?;
    let before = past.clone();
    let hours = Past::hours_before(now);
    past.hours.retain(|hour, _| hours.contains(hour));
    for hour in hours {
        if changed.contains(&hour) || !past.hours.contains_key(&hour) {
            past.hours.insert(hour, sum(app, now, hour).await?);
        }
    }
    if past != before {
        app.stores().minutes.write_past(&past).await?;
    }
    Ok(past)
}

async fn sum(app: &App, now: Minute, hour: i64) -> Result<Hour, CosmosError> {
    let day = now.plus(hour * 60 - now.epoch()).day();
    let minutes = app.stores().minutes.between(&day, "*", hour * 60, hour * 60 + 59).await?;
    Ok(Hour::of_minutes(&minutes))
}

/// What the last run stored, as far as the next needs it.
#[derive(Deserialize)]
struct Previous {
    #[serde(default)]
    categories: BTreeSet<Category>,
}

/// Stores the lists, and empties those of categories that have none any more.
async fn put(trending: &TrendingLists, mut lists: Vec<TrendingDocument>) -> Result<(), CosmosError> {
    let previous = trending.all::<Previous>().await?;
    if let Some((previous, all)) = previous.as_ref().zip(lists.last()) {
        let gone: Vec<_> = previous.categories.difference(&all.categories).collect();
        let emptied: Vec<_> = gone.into_iter().map(|category| empty(category_id(category), all.at)).collect();
        // The list over all goes last: until it is stored, the next run finds what to empty.
        let place = lists.len() - 1;
        lists.splice(place..place, emptied);
    }
    let all = lists.pop();
    stream::iter(lists)
        .map(|list| async move { trending.write(&list).await })
        .buffer_unordered(CONCURRENT_LISTS)
        .try_collect::<()>()
        .await?;
    match &all {
        Some(all) => trending.write(all).await,
        None => Ok(()),
    }
}
