//! What a request asks of a query or a page: members of the body, headers that are texts or numbers.

use std::collections::BTreeMap;

use contoso_json::Plain;

use crate::cosmos::wire::request::{Operation, Request};

/// Members that clients send: `resumeFilter` is the .NET client's from 3.64 on, `options` that of its older ones.
const KNOWN: [&str; 4] = ["query", "parameters", "resumeFilter", "options"];

/// Headers that are whole numbers, with the least that each may be. A page of -1 items is as long as the service likes.
const NUMBERS: [(&str, i32); 2] =
    [("x-ms-max-item-count", -1), ("x-ms-documentdb-responsecontinuationtokenlimitinkb", 1)];

/// Beginnings of the names of headers that change what a request does.
const TEXTS: [&str; 3] = ["x-ms-", "if-", "a-im"];

/// Whether the headers that change what a request does are texts: one that is left out, such as a condition, changes it too.
///
/// # Errors
/// The header that is none, as a sentence.
pub(in crate::cosmos) fn check_texts(request: &Request) -> Result<(), String> {
    let is_unread = |name: &str, value: &[u8]| {
        TEXTS.iter().any(|text| name.starts_with(text)) && std::str::from_utf8(value).is_err()
    };
    match request.headers.iter().find(|(name, value)| is_unread(name.as_str(), value.as_bytes())) {
        Some((name, _)) => Err(format!("The value specified for the header '{name}' is not UTF-8.")),
        None => Ok(()),
    }
}

/// Whether the headers that are numbers are such.
///
/// # Errors
/// The header that is none, as a sentence.
pub(in crate::cosmos) fn check_numbers(request: &Request) -> Result<(), String> {
    for (name, least) in NUMBERS {
        let Some(text) = request.header(name) else { continue };
        if !text.trim().parse::<i32>().is_ok_and(|number| number >= least) {
            return Err(format!("The value {text:?} of {name} is no whole number from {least} on."));
        }
    }
    Ok(())
}

/// Whether a query asks for nothing beside what is known here: what is unknown could change what it finds.
///
/// # Errors
/// The member that is unknown, as a sentence.
pub(in crate::cosmos) fn check_members(request: &Request) -> Result<(), String> {
    if request.method != http::Method::POST || request.operation() != Operation::Read {
        return Ok(());
    }
    // What is no object is the query engine's to refuse.
    let Ok(members) = contoso_json::from_slice::<BTreeMap<String, Plain>>(&request.body) else { return Ok(()) };
    match members.keys().find(|member| !KNOWN.contains(&member.as_str())) {
        Some(member) => Err(format!("The member {member:?} of a query is not supported here.")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, Method};

    use super::*;

    fn query(headers: &[(&'static str, &str)], body: &'static str) -> Request {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let mut headers: HeaderMap = headers.collect();
        headers.insert("x-ms-documentdb-isquery", http::HeaderValue::from_static("True"));
        Request::new(Method::POST, "/dbs/d/colls/c/docs", headers, Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn a_query_says_only_what_is_heard() {
        let known = r#"{"query":"SELECT 1","parameters":[],"resumeFilter":{"value":[8],"rid":"a","exclude":false}}"#;
        assert_eq!(check_members(&query(&[], known)), Ok(()));
        let message = check_members(&query(&[], r#"{"query":"SELECT 1","resumeAt":3}"#)).unwrap_err();
        assert!(message.contains("resumeAt"), "{message}");
    }

    #[test]
    fn a_number_is_one() {
        let limit = "x-ms-documentdb-responsecontinuationtokenlimitinkb";
        for (name, value, is_one) in [
            ("x-ms-max-item-count", "-1", true),
            ("x-ms-max-item-count", "100", true),
            ("x-ms-max-item-count", "abc", false),
            ("x-ms-max-item-count", "-2", false),
            (limit, "1", true),
            (limit, "0", false),
        ] {
            assert_eq!(check_numbers(&query(&[(name, value)], "{}")).is_ok(), is_one, "{name}: {value}");
        }
    }
}
