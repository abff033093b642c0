//! The body of a query: its text, its parameters, and where an `ORDER BY` goes on.

use std::collections::BTreeMap;

use contoso_json::Plain;

use crate::cosmos::wire::request::{Operation, Request};

/// Members that clients send: `resumeFilter` is the .NET client's from 3.64 on, `options` that of its older ones.
const KNOWN: [&str; 4] = ["query", "parameters", "resumeFilter", "options"];

/// Whether a query asks for nothing beside what is known here: what is unknown could change what it finds.
///
/// # Errors
/// The member that is unknown, as a sentence.
pub(in crate::cosmos) fn check(request: &Request) -> Result<(), String> {
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
