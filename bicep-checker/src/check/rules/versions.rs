//! API versions: any stable one of the last two years, else the newest; a preview only if it is that recent and newer than every
//! stable one.

use super::Here;

/// Days after which a version is old.
const DAYS: i64 = 730;

pub(super) fn check(here: &Here<'_, '_>, today: &str) {
    let (Some(azure), Some(today)) = (&here.all.azure, day(today)) else { return };
    for resource in here.model.resources.iter().filter(|one| !one.kind.is_empty()) {
        let versions = azure.versions(&resource.kind);
        let is_known = versions.iter().any(|version| version.eq_ignore_ascii_case(&resource.version));
        if !is_known || acceptable(&versions, today).iter().any(|one| one.eq_ignore_ascii_case(&resource.version)) {
            continue;
        }
        let newest = acceptable(&versions, today).last().copied().unwrap_or_default();
        let message = format!("{} of {} is old; {newest} is recent.", resource.version, resource.kind);
        here.lint("use-recent-api-versions", resource.declared.ty.span, message);
    }
}

/// The versions that pass, oldest first.
fn acceptable<'v>(versions: &[&'v str], today: i64) -> Vec<&'v str> {
    let date = |version: &str| day(version.get(..10).unwrap_or_default()).unwrap_or_default();
    let is_recent = |version: &&&str| today - date(version) <= DAYS;
    let (mut stable, mut preview): (Vec<&str>, Vec<&str>) = versions.iter().partition(|version| version.len() == 10);
    stable.sort_unstable();
    preview.sort_unstable();
    let mut passing: Vec<&str> = stable.iter().filter(is_recent).copied().collect();
    if passing.is_empty() {
        passing.extend(stable.last());
    }
    let newest = stable.last().map(|version| date(version));
    let newer = preview.iter().filter(is_recent).filter(|one| newest.is_none_or(|newest| date(one) > newest));
    passing.extend(newer.copied().collect::<Vec<_>>());
    if passing.is_empty() {
        passing.extend(preview.last());
    }
    passing.sort_unstable();
    passing
}

/// The number of a day in the calendar, from `yyyy-mm-dd`.
fn day(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    // The calendar of Howard Hinnant's `days_from_civil`: years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(365 * year + year / 4 - year / 100 + year / 400 + in_year)
}
