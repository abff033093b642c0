//! From the sessions of files to one table of weights.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{
    app::App,
    azure::blobs::Condition,
    domain::{
        click::VisitorId,
        recommendation::{
            Day, HORIZON,
            co_views::{Added, CoViews},
            sessions::FileSessions,
            state::{ChangedDays, Settled, State},
            weights::Weights,
        },
    },
    outcome::Cause,
    stores::{
        co_views::{self, MARKS, put, stored},
        visitors::KEPT,
    },
};

const SETTLED: &str = "settled.json";

/// What the names of tables begin with.
const TABLES: &str = "days/";

/// What a product keeps of the settled days: ten times what is shown.
const STRONGEST: usize = 200;

/// What is new since the last run.
#[derive(Default)]
pub(super) struct Changes {
    /// Files of today and yesterday whose visitors have no lists of them yet, and who they are; each is named once.
    pub(super) unserved: BTreeMap<Added, BTreeSet<VisitorId>>,
    /// The other files of today and yesterday.
    pub(super) served: BTreeSet<Added>,
    named: HashSet<VisitorId>,
}

impl Changes {
    fn serve(&mut self, file: &Added, sessions: Option<&FileSessions>) {
        let visitors = sessions.iter().flat_map(|sessions| &sessions.visits).map(|visit| &visit.visitor);
        let named = &mut self.named;
        let unserved = visitors.filter(|visitor| named.insert((*visitor).clone())).cloned().collect();
        self.unserved.insert(file.clone(), unserved);
    }
}

/// Brings the tables of every day that changed up to date.
pub(super) async fn catch_up(app: &App, today: Day, state: &State, marks: &ChangedDays) -> Result<Changes, Cause> {
    let mut changes = Changes::default();
    for (mark, version) in marks {
        let is_recent = is_recent(mark, today);
        if is_forgotten(mark, today) {
            forget(app, mark).await?;
        } else if state.sources.marks.get(mark) == Some(version) {
            if is_recent {
                let folder = format!("{}/", mark.trim_start_matches(MARKS));
                changes.served.extend(state.served.iter().filter(|file| file.name.starts_with(&folder)).cloned());
            }
        } else {
            catch_up_with(app, mark, is_recent, &state.served, &mut changes).await?;
        }
    }
    Ok(changes)
}

/// Adds the new files of one day to its table. If a file was added before or among those that are there, or was replaced, the table
/// is made anew, from all of them, as long as there are all.
async fn catch_up_with(
    app: &App,
    mark: &str,
    is_recent: bool,
    served: &BTreeSet<Added>,
    changes: &mut Changes,
) -> Result<(), Cause> {
    let listed = files_of(app, mark).await?;
    let (table, version) = stored::<CoViews>(app.blobs(), &table_of(mark)).await?;
    let mut table = table.filter(|table| table.goes_on_with(&listed)).unwrap_or_default();
    let added = table.files.len();
    let known: HashSet<String> = table.files.iter().map(|file| file.name.clone()).collect();
    for file in listed {
        let is_new = !known.contains(&file.name);
        let is_served = !is_recent || served.contains(&file);
        if is_new || !is_served {
            // A file that was replaced since it was listed has marked its day again.
            let (sessions, _) = stored::<FileSessions>(app.blobs(), &file.name).await?;
            if !is_served {
                changes.serve(&file, sessions.as_ref());
            }
            if is_new {
                table.add(file.clone(), sessions.as_ref());
            }
        }
        if is_recent && is_served {
            changes.served.insert(file);
        }
    }
    if table.files.len() > added || added == 0 {
        let condition = version.as_deref().map_or(Condition::IfAbsent, Condition::IfMatch);
        put(app.blobs(), &table_of(mark), &table, condition)
            .await
            .map_err(|error| Cause::from_error("store the co-views of a day", error))?;
    }
    Ok(())
}

/// Removes all tables: they are made again from the sessions of the files.
pub(super) async fn forget_tables(app: &App) -> Result<(), Cause> {
    let tables = co_views::list(app.blobs(), TABLES).await;
    for table in tables.map_err(|error| Cause::from_error("list the co-views", error))?.keys() {
        co_views::forget(app.blobs(), table).await?;
    }
    co_views::forget(app.blobs(), SETTLED).await
}

/// Who clicked on a day whose files a run of the function no longer looks into, as long as such a visitor's list is kept.
pub(super) async fn visitors_before_yesterday(app: &App, today: Day, mark: &str) -> Result<BTreeSet<VisitorId>, Cause> {
    let is_kept = day_of(mark).is_some_and(|day| i64::from(today.0 - day.0) <= KEPT.whole_days());
    let mut visitors = BTreeSet::new();
    if is_kept && !is_recent(mark, today) {
        for file in files_of(app, mark).await? {
            let (sessions, _) = stored::<FileSessions>(app.blobs(), &file.name).await?;
            visitors.extend(sessions.into_iter().flat_map(|sessions| sessions.visits).map(|visit| visit.visitor));
        }
    }
    Ok(visitors)
}

/// The sessions of a day, by file, in the hub's order.
async fn files_of(app: &App, mark: &str) -> Result<Vec<Added>, Cause> {
    let listed = co_views::list(app.blobs(), &format!("{}/", mark.trim_start_matches(MARKS))).await;
    let listed = listed.map_err(|error| Cause::from_error("list the sessions of a day", error))?;
    Ok(listed.into_iter().map(|(name, etag)| Added { name, etag }).collect())
}

/// Removes a day that no longer counts; the sessions of its files are the storage account's to delete, as the captured files are.
async fn forget(app: &App, mark: &str) -> Result<(), Cause> {
    for name in [table_of(mark).as_str(), mark] {
        co_views::forget(app.blobs(), name).await?;
    }
    Ok(())
}

/// All co-views, decayed to `today`. Days that are settled are merged once a day, or when one of them changed after all.
pub(super) async fn weights(app: &App, today: Day, marks: &ChangedDays) -> Result<Weights, Cause> {
    let counting = || marks.iter().filter(|(mark, _)| !is_forgotten(mark, today));
    let recent = counting().filter(|(mark, _)| is_recent(mark, today));
    let old: ChangedDays = counting()
        .filter(|(mark, _)| !is_recent(mark, today))
        .map(|(mark, etag)| (mark.clone(), etag.clone()))
        .collect();
    let mut weights = if old.is_empty() { Weights::default() } else { settled(app, today, old).await? };
    for (mark, _) in recent {
        absorb(app, &mut weights, mark, today).await?;
    }
    Ok(weights)
}

async fn settled(app: &App, today: Day, marks: ChangedDays) -> Result<Weights, Cause> {
    let (kept, _) = stored::<Settled>(app.blobs(), SETTLED).await?;
    if let Some(kept) = kept.filter(|kept| kept.today == Some(today) && kept.marks == marks) {
        return Ok(kept.weights);
    }
    let mut weights = Weights::default();
    for mark in marks.keys() {
        absorb(app, &mut weights, mark, today).await?;
    }
    weights.keep_strongest(STRONGEST);
    let settled = Settled { today: Some(today), marks, weights };
    put(app.blobs(), SETTLED, &settled, Condition::None)
        .await
        .map_err(|error| Cause::from_error("store the settled days", error))?;
    Ok(settled.weights)
}

/// Adds what a day's table has. Once the day is over, no session of it goes on, and its table names no visitor any more.
async fn absorb(app: &App, weights: &mut Weights, mark: &str, today: Day) -> Result<(), Cause> {
    let (Some(mut table), version) = stored::<CoViews>(app.blobs(), &table_of(mark)).await? else { return Ok(()) };
    if !is_recent(mark, today) && table.close() {
        let condition = version.as_deref().map_or(Condition::IfAbsent, Condition::IfMatch);
        put(app.blobs(), &table_of(mark), &table, condition)
            .await
            .map_err(|error| Cause::from_error("close the sessions of a day", error))?;
    }
    for (day, pairs) in &table.days {
        weights.absorb(pairs, day.decay(today));
    }
    Ok(())
}

/// Where the table of a partition's day is.
fn table_of(mark: &str) -> String {
    format!("{TABLES}{}.json", mark.trim_start_matches(MARKS))
}

/// Today's and yesterday's files may still come.
fn is_recent(mark: &str, today: Day) -> bool {
    day_of(mark).is_some_and(|day| day.0 >= today.0 - 1)
}

fn is_forgotten(mark: &str, today: Day) -> bool {
    day_of(mark).is_none_or(|day| today.0 - day.0 > HORIZON)
}

/// The day in `changed/<hub>/<partition>/<yyyy>/<MM>/<dd>`.
fn day_of(mark: &str) -> Option<Day> {
    let mut parts = mark.rsplit('/').map(|part| part.parse::<u16>().ok());
    let (day, month, year) = (parts.next()??, parts.next()??, parts.next()??);
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = time::Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
    Some(Day::of(date.midnight().assume_utc()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_mark_tells_its_day() {
        let day = Day::of(datetime!(2026-03-04 23:59 UTC));
        assert_eq!(day_of("changed/clicks/3/2026/03/04"), Some(day));
        assert_eq!(day_of("changed/clicks/3/2026/13/04"), None);
        assert!(is_recent("changed/clicks/3/2026/03/04", Day(day.0 + 1)));
        assert!(!is_recent("changed/clicks/3/2026/03/04", Day(day.0 + 2)));
        assert!(is_forgotten("changed/elsewhere", day));
        assert_eq!(table_of("changed/clicks/3/2026/03/04"), "days/clicks/3/2026/03/04.json");
    }
}
