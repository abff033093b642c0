//! How many letters there are of each kind.

use std::collections::HashMap;

use serde::Serialize;
use time::OffsetDateTime;

use super::{Kept, Letter};

/// Groups that are shown.
const MOST: usize = 200;

/// Letters of one function with one kind of cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The function, or the subscription in upper case.
    pub function: String,
    /// Whether Event Grid gave them up.
    pub given_up: bool,
    /// What their causes share; `None` where they were not read.
    pub label: Option<String>,
    /// The cause of the newest.
    pub example: Option<String>,
    /// Letters.
    pub letters: usize,
    /// Records that they are of.
    pub records: usize,
    /// When the first was written.
    #[serde(with = "time::serde::rfc3339")]
    pub oldest: OffsetDateTime,
    /// When the last was written.
    #[serde(with = "time::serde::rfc3339")]
    pub newest: OffsetDateTime,
}

/// Records by what tells one from others: how many it stands for.
type Records<'a> = HashMap<&'a str, usize>;

/// Letters by function and cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Groups {
    /// Letters of all groups.
    pub letters: usize,
    /// Records of all groups: what several functions parked is one.
    pub records: usize,
    /// The groups, the largest first.
    pub groups: Vec<Group>,
    /// Whether there are more groups than are shown.
    pub more_groups: bool,
}

impl Groups {
    /// Counts letters, which come the newest first.
    pub fn of<'a>(letters: impl IntoIterator<Item = &'a Letter>) -> Self {
        let (mut all, mut count) = (Records::new(), 0);
        let mut groups: HashMap<(&str, Option<&str>), (Group, Records<'_>)> = HashMap::new();
        for letter in letters {
            count += 1;
            all.insert(letter.record(), letter.records());
            let key = (letter.id.owner(), letter.label());
            let (group, records) = groups.entry(key).or_insert_with(|| {
                let group = Group {
                    function: letter.id.owner().to_owned(),
                    given_up: letter.id.kept() == Kept::GivenUp,
                    label: letter.label().map(str::to_owned),
                    example: letter.said.as_ref().map(|said| said.cause.clone()),
                    letters: 0,
                    records: 0,
                    oldest: letter.parked_at,
                    newest: letter.parked_at,
                };
                (group, Records::new())
            });
            group.letters += 1;
            group.oldest = group.oldest.min(letter.parked_at);
            group.newest = group.newest.max(letter.parked_at);
            records.insert(letter.record(), letter.records());
        }
        let counted =
            groups.into_values().map(|(group, records)| Group { records: records.into_values().sum(), ..group });
        let mut groups: Vec<Group> = counted.collect();
        groups.sort_by(|a, b| {
            b.letters.cmp(&a.letters).then_with(|| (&a.function, &a.label).cmp(&(&b.function, &b.label)))
        });
        let more_groups = groups.len() > MOST;
        groups.truncate(MOST);
        Self { letters: count, records: all.into_values().sum(), groups, more_groups }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dead_letter::Said;

    #[test]
    fn two_bad_events_that_three_functions_read_are_two_records_and_six_letters() {
        let letter = |function: &str, record: &str| Letter {
            id: format!("{function}/products/0/{record}-x.json").parse().unwrap(),
            etag: String::new(),
            parked_at: OffsetDateTime::UNIX_EPOCH,
            size: 0,
            said: Some(Said {
                cause: format!("bad: {record}"),
                label: "bad".to_owned(),
                event: None,
                record: Some(record.to_owned()),
                records: 1,
            }),
        };
        let letters: Vec<Letter> =
            ["A", "B", "C"].iter().flat_map(|function| ["1", "2"].map(|record| letter(function, record))).collect();
        let groups = Groups::of(&letters);
        assert_eq!((groups.letters, groups.records, groups.groups.len()), (6, 2, 3));
        assert!(groups.groups.iter().all(|group| (group.letters, group.records) == (2, 2)));
    }

    #[test]
    fn a_letter_of_ten_events_is_ten_records() {
        let given_up = |name: &str, said| Letter {
            id: format!("event-grid/ACME/{name}.json").parse().unwrap(),
            etag: String::new(),
            parked_at: OffsetDateTime::UNIX_EPOCH,
            size: 0,
            said,
        };
        let said = Said { cause: "gone".into(), label: "gone".into(), event: None, record: None, records: 10 };
        let groups = Groups::of(&[given_up("a", Some(said)), given_up("b", None)]);
        assert_eq!((groups.letters, groups.records), (2, 11));
        assert_eq!(groups.groups.iter().filter(|group| group.label.is_none()).count(), 1);
    }
}
