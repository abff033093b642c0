//! Members of queries. Which a route takes is listed here, and the gate refuses others: a mistyped filter would quietly show everything.

use std::{collections::BTreeSet, num::NonZeroU32};

use axum::http::Method;
use url::form_urlencoded;

use crate::http::Problem;

/// What `GET` takes, by what the route's path ends with. Everything else takes nothing.
const TAKEN: [(&str, &[&str]); 6] = [
    ("/{partner}/audit", &["limit", "before"]),
    ("/{partner}/notices", &["limit", "before"]),
    ("/{partner}/events", &["after", "since", "limit", "types", "subscription", "listener"]),
    ("/{subscription}/failures", &["since", "until", "status", "type", "event", "limit", "cursor"]),
    ("/{subscription}/metrics", &["since", "until"]),
    ("/{subscription}/redeliveries", &["limit", "before"]),
];

/// The one member that is a list, with commas between.
const LIST: &str = "types";

/// Refuses members that `route` does not take, and those that come twice: the Functions host hands those on as one, with a comma between.
pub(super) fn check(method: &Method, route: &str, query: Option<&str>) -> Result<(), Problem> {
    let looks = matches!(*method, Method::GET | Method::HEAD);
    let taken = TAKEN.iter().find(|(end, _)| looks && route.ends_with(end)).map_or(&[][..], |(_, names)| names);
    let mut seen = BTreeSet::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let shown: String = name.chars().take(60).collect();
        if !taken.contains(&name.as_ref()) {
            let known = match taken {
                [] => "this takes none".to_owned(),
                _ => format!("known are: {}", taken.join(", ")),
            };
            return Err(Problem::field(&shown, format!("is no known member of the query; {known}")));
        }
        if (value.contains(',') && name != LIST) || !seen.insert(name) {
            return Err(Problem::repeated(&shown));
        }
    }
    Ok(())
}

/// How many items a list is asked for.
pub(in crate::functions) fn limit(text: Option<&str>, usual: u32, largest: u32) -> Result<NonZeroU32, Problem> {
    let limit = text.map_or(Some(usual), whole).filter(|limit| *limit <= largest);
    let wrong = || Problem::field("limit", format!("must be a whole number from 1 to {largest}"));
    limit.and_then(NonZeroU32::new).ok_or_else(wrong)
}

/// A whole number, also written as `5.0`, as clients do that were made from a schema.
pub(super) fn whole(text: &str) -> Option<u32> {
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => digits,
        Some(_) => return None,
        None => text,
    };
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_known_members_once() {
        const JOBS: &str = "/api/partners/{partner}/subscriptions/{subscription}/redeliveries";
        const EVENTS: &str = "/api/partners/{partner}/events";
        let said =
            |method, route, query| check(&method, route, Some(query)).err().map(|problem| format!("{problem:?}"));
        for (method, route, query) in [
            (Method::GET, JOBS, "limit=1&before=x"),
            (Method::GET, JOBS, ""),
            (Method::HEAD, "/api/partners/{partner}/audit", "%6cimit=1"),
            (Method::POST, JOBS, "&"),
            (Method::GET, EVENTS, "types=a,b&limit=1"),
        ] {
            assert_eq!(said(method, route, query), None, "{query}");
        }
        for (method, route, query, expected) in [
            (Method::GET, JOBS, "limits=1", "known are: limit, before"),
            (Method::GET, JOBS, "limit=1&limit=1", "limit came more than once in the query"),
            (Method::GET, JOBS, "limit=1&%6cimit=2", "limit came more than once in the query"),
            (Method::GET, JOBS, "limit=5,5", "limit came more than once in the query"),
            (Method::GET, JOBS, "limit=5%2C5&before=x", "limit came more than once in the query"),
            (Method::GET, EVENTS, "since=2027-03-04T10:00:00Z,2027-03-04T10:00:00Z", "since came more than once"),
            (Method::GET, EVENTS, "types=a&types=b", "types came more than once"),
            (Method::POST, JOBS, "limit=1", "this takes none"),
            (Method::GET, "/api/partners/{partner}", "x", "this takes none"),
        ] {
            let said = said(method, route, query).unwrap_or_default();
            assert!(said.contains(expected), "{query}: {said}");
        }
    }

    #[test]
    fn limits_are_whole_numbers_within_bounds() {
        let read = |text| limit(text, 20, 100).ok().map(NonZeroU32::get);
        for (text, expected) in
            [(None, Some(20)), (Some("1"), Some(1)), (Some("100"), Some(100)), (Some("5.0"), Some(5))]
        {
            assert_eq!(read(text), expected);
        }
        for text in ["", "0", "101", "-1", "+1", "1.5", "1.", "1e1", "9223372036854775808", "NaN", " 1"] {
            assert_eq!(read(Some(text)), None, "{text}");
        }
        let problem = limit(Some("x"), 20, 100).map_err(|problem| format!("{problem:?}"));
        assert!(problem.is_err_and(|said| said.contains("limit must be a whole number from 1 to 100")));
    }
}
