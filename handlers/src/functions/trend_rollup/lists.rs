//! The lists of `site/trending`, made of the last minutes and the hours before.

use std::{collections::BTreeSet, num::NonZeroU32};

use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{NO_DAY, minutes::Summing, shelf::shelf};
use crate::{
    app::App,
    azure::cosmos::{Container, CosmosError},
    domain::{
        product::Category,
        trends::{
            board::{ALL, TrendingDocument, WINDOW_MINUTES, category_id, empty},
            minute::{Minute, MinuteDocument},
            past::{Hour, Past},
            ranking::Ranking,
            tally::Tally,
        },
    },
    outcome::Cause,
};

/// Lists written at a time.
const AT_ONCE: usize = 8;

/// More than an hour has minutes, so that one page holds them.
const AN_HOUR: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// The past as it was summed last: item `past` of `analytics/minutes`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct PastDocument {
    id: String,
    day: String,
    hours: Past,
}

const PAST: &str = "past";

/// Makes the lists, after summing `changed` hours of the past again.
pub(super) async fn write(app: &App, changed: &BTreeSet<i64>) -> Result<(), Cause> {
    let at = app.now();
    let now = Minute::of(at);
    let recent = recent(app, now).await?;
    let past = past(app, now, changed).await.map_err(|error| Cause::from_error("sum the past hours", error))?;
    let ranking = Ranking::new(&recent, &past);
    let shelf = shelf(app, &ranking).await.map_err(|error| Cause::from_error("ask which products are sold", error))?;
    let lists = ranking.lists(at, &shelf);
    let trending = app.cosmos().container("site", "trending");
    put(&trending, lists).await.map_err(|error| Cause::from_error("write the lists of what is trending", error))
}

/// What was counted in the minutes up to `now`.
async fn recent(app: &App, now: Minute) -> Result<Tally, Cause> {
    let failed = |error| Cause::from_error("read the last minutes", error);
    let summing = Summing::new(app);
    let mut recent = Tally::default();
    for minute in (0..WINDOW_MINUTES).map(|ago| now.plus(-ago)) {
        let Some(stored) = summing.stored(minute).await.map_err(failed)? else { continue };
        let tally = match app.minutes().take(&minute) {
            Some((etag, tally)) if etag == stored.etag => tally,
            _ => match summing.tally_of(minute, &stored.value.pages).await.map_err(failed)? {
                Some(tally) => tally,
                None => continue,
            },
        };
        recent.merge(&tally);
        app.minutes().put(minute, (stored.etag, tally));
    }
    Ok(recent)
}

/// The hours before, of which only those are summed that changed or came to an end.
async fn past(app: &App, now: Minute, changed: &BTreeSet<i64>) -> Result<Past, CosmosError> {
    let minutes = app.cosmos().container("analytics", "minutes");
    let stored = minutes.read::<PastDocument>(NO_DAY, PAST).await?;
    let mut past = stored.map(|stored| stored.value.hours).unwrap_or_default();
    let before = past.clone();
    let hours = Past::hours_before(now);
    past.hours.retain(|hour, _| hours.contains(hour));
    for hour in hours {
        if changed.contains(&hour) || !past.hours.contains_key(&hour) {
            past.hours.insert(hour, sum(&minutes, now, hour).await?);
        }
    }
    if past != before {
        let document = PastDocument { id: PAST.to_owned(), day: NO_DAY.to_owned(), hours: past };
        minutes.upsert(NO_DAY, PAST, &document).await?;
        return Ok(document.hours);
    }
    Ok(past)
}

async fn sum(minutes: &Container, now: Minute, hour: i64) -> Result<Hour, CosmosError> {
    let day = now.plus(hour * 60 - now.epoch()).day();
    let sql = "SELECT * FROM c WHERE c.minute >= @from AND c.minute < @to";
    let bounds = [("@from", (hour * 60).into()), ("@to", (hour * 60 + 60).into())];
    let page = minutes.query_partition::<MinuteDocument>(&day, sql, &bounds, AN_HOUR, None).await?;
    Ok(Hour::of_minutes(&page.items))
}

/// What the last run stored, as far as the next needs it.
#[derive(Deserialize)]
struct Previous {
    #[serde(default)]
    categories: BTreeSet<Category>,
}

/// Stores the lists, and empties those of categories that have none any more.
async fn put(trending: &Container, mut lists: Vec<TrendingDocument>) -> Result<(), CosmosError> {
    let previous = trending.read::<Previous>(ALL, ALL).await?.map(|stored| stored.value);
    if let Some((previous, all)) = previous.as_ref().zip(lists.last()) {
        let gone: Vec<_> = previous.categories.difference(&all.categories).collect();
        let emptied: Vec<_> = gone.into_iter().map(|category| empty(category_id(category), all.at)).collect();
        // The list over all goes last: until it is stored, the next run finds what to empty.
        let place = lists.len() - 1;
        lists.splice(place..place, emptied);
    }
    let all = lists.pop();
    stream::iter(lists)
        .map(|list| async move { trending.upsert(&list.id, &list.id, &list).await })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    match &all {
        Some(all) => trending.upsert(ALL, ALL, all).await,
        None => Ok(()),
    }
}
