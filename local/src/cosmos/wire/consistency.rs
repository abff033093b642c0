//! Consistency levels: what a read may ask for, in the header `x-ms-consistency-level`.

use crate::cosmos::wire::request::Request;

/// What the account has.
pub(in crate::cosmos) const OF_ACCOUNT: &str = "Session";

/// From the strongest on.
const LEVELS: [&str; 5] = ["Strong", "BoundedStaleness", OF_ACCOUNT, "ConsistentPrefix", "Eventual"];

/// Whether a request for items asks for no more than the account gives. Weaker levels allow what is read here, too: the last write.
///
/// # Errors
/// What is wrong, as a sentence.
pub(in crate::cosmos) fn check(request: &Request) -> Result<(), String> {
    let ["dbs", _, "colls", _, "docs", ..] = request.segments()[..] else { return Ok(()) };
    let Some(asked) = request.headers.get("x-ms-consistency-level") else { return Ok(()) };
    let asked = String::from_utf8_lossy(asked.as_bytes());
    let place = |level: &str| LEVELS.iter().position(|known| known.eq_ignore_ascii_case(level));
    match place(&asked) {
        None => Err(format!("The value '{asked}' specified for the header 'x-ms-consistency-level' is invalid.")),
        Some(level) if Some(level) < place(OF_ACCOUNT) => Err(format!(
            "ConsistencyLevel {asked} specified in the request is invalid when service is configured with consistency level \
             {OF_ACCOUNT}. Ensure the request consistency level is not stronger than the service consistency level."
        )),
        Some(_) => Ok(()),
    }
}
