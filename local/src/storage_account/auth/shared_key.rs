//! Shared Key: `Authorization: SharedKey …` and `SharedKeyLite …`.
//!
//! Source: "Authorize with Shared Key", versions since 2015-02-21.

use std::collections::BTreeMap;

use time::Duration;

use super::account::Account;
use crate::storage_account::{Call, Code, METADATA, Refusal, dates, unusable};

/// How far the date of a request may be from the present.
const SKEW: Duration = Duration::minutes(15);

/// Standard headers of the string to sign, in order. `Content-Length` and `Date` have rules of their own.
const BEFORE_LENGTH: [&str; 2] = ["content-encoding", "content-language"];
const BEFORE_DATE: [&str; 2] = ["content-md5", "content-type"];
const AFTER_DATE: [&str; 5] = ["if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"];

pub(super) fn check<T>(account: &Account, call: &Call<T>, authorization: &str) -> Result<(), Refusal> {
    let unreadable = |why: &str| Refusal::new(Code::InvalidAuthenticationInfo, why);
    let (scheme, rest) = authorization.split_once(' ').unwrap_or((authorization, ""));
    let candidates = match scheme {
        "SharedKey" => full(account, call)?,
        "SharedKeyLite" => lite(account, call)?,
        other => return Err(unreadable(&format!("Scheme: {other}."))),
    };
    let (name, signature) = rest.trim().split_once(':').ok_or_else(|| unreadable("Expected `account:signature`."))?;
    check_date(call)?;
    if name == account.name && candidates.iter().any(|text| account.signed(text, signature)) {
        return Ok(());
    }
    Err(Code::AuthenticationFailed.into())
}

/// The date is held against the machine's clock, not the stack's: stepping the stack's clock does not step the clients'.
fn check_date<T>(call: &Call<T>) -> Result<(), Refusal> {
    let date = call.header("x-ms-date")?.or(call.header("date")?).and_then(dates::parse);
    match date {
        Some(date) if (crate::clock::machine_now() - date).abs() <= SKEW => Ok(()),
        Some(_) => {
            Err(Refusal::new(Code::AuthenticationFailed, "The date of the request is more than 15 minutes off."))
        }
        None => Err(Refusal::new(Code::AuthenticationFailed, "The request has no date.")),
    }
}

fn full<T>(account: &Account, call: &Call<T>) -> Result<Vec<String>, Refusal> {
    let mut text = format!("{}\n", call.method);
    push(&mut text, call, &BEFORE_LENGTH)?;
    let length = call.header("content-length")?.filter(|length| *length != "0");
    text.push_str(length.unwrap_or_default());
    text.push('\n');
    push(&mut text, call, &BEFORE_DATE)?;
    text.push_str(date(call)?);
    text.push('\n');
    push(&mut text, call, &AFTER_DATE)?;

    let mut resource = format!("/{}{}", account.name, call.path);
    let mut parameters: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, value) in call.query.pairs() {
        parameters.entry(name.to_lowercase()).or_default().push(value);
    }
    for (name, mut values) in parameters {
        values.sort_unstable();
        resource.push_str(&format!("\n{name}:{}", values.join(",")));
    }
    with_headers(&text, call, &resource)
}

fn lite<T>(account: &Account, call: &Call<T>) -> Result<Vec<String>, Refusal> {
    let mut text = format!("{}\n", call.method);
    push(&mut text, call, &BEFORE_DATE)?;
    text.push_str(date(call)?);
    text.push('\n');
    let mut resource = format!("/{}{}", account.name, call.path);
    if let Some(comp) = call.query.get("comp") {
        resource.push_str(&format!("?comp={comp}"));
    }
    with_headers(&text, call, &resource)
}

fn push<T>(text: &mut String, call: &Call<T>, names: &[&str]) -> Result<(), Refusal> {
    for name in names {
        text.push_str(call.header(name)?.unwrap_or_default());
        text.push('\n');
    }
    Ok(())
}

/// The `Date` line: empty where `x-ms-date` is given.
fn date<T>(call: &Call<T>) -> Result<&str, Refusal> {
    match call.header("x-ms-date")? {
        Some(_) => Ok(""),
        None => Ok(call.header("date")?.unwrap_or_default()),
    }
}

/// Both strings that clients sign: the documented order of headers is by name, but the service sorts by its culture's
/// rules, which skip hyphens and put `_` before letters and digits, and official clients follow either.
fn with_headers<T>(text: &str, call: &Call<T>, resource: &str) -> Result<Vec<String>, Refusal> {
    let mut headers = Vec::new();
    for (name, value) in call.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-ms-")) {
        let value = value.to_str().map_err(|_| match name.as_str().starts_with(METADATA) {
            true => Refusal::new(Code::InvalidMetadata, format!("Name: {name}; its value is not ASCII.")),
            false => unusable(name.as_str()),
        })?;
        headers.push((name.as_str(), value.trim()));
    }
    let join = |headers: &[(&str, &str)]| -> String {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        format!("{text}{lines}{resource}")
    };
    headers.sort_unstable();
    let by_name = join(&headers);
    headers.sort_by_cached_key(|(name, _)| name.replace('-', "").replace('_', " "));
    Ok(vec![by_name, join(&headers)])
}
