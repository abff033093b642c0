//! Shared access signatures of the account (`ss`, `srt`) and of one resource.
//!
//! Source: "Create an account SAS", "Create a service SAS". Stored access policies and user delegation are not there
//! locally: such signatures are refused.

use std::net::Ipv4Addr;

use time::{Date, OffsetDateTime, format_description::well_known::Iso8601};

use super::{
    account::Account,
    need::{Need, Resource, Scope},
};
use crate::storage_account::{Call, Code, Query, Refusal};

/// Since this version a signature also covers the encryption scope.
pub(crate) const WITH_ENCRYPTION_SCOPE: &str = "2020-12-06";

/// A signature that matched.
#[derive(Debug)]
pub(crate) struct Sas {
    permissions: String,
    scope: Scope,
}

impl Sas {
    pub(super) fn check<T: Resource>(account: &Account, call: &Call<T>, now: OffsetDateTime) -> Result<Self, Refusal> {
        let query = &call.query;
        for absent in ["skoid", "si"] {
            if query.get(absent).is_some() {
                let detail = format!("The parameter {absent} refers to what the local storage account does not have.");
                return Err(Refusal::new(Code::AuthenticationFailed, detail));
            }
        }
        let (text, scope) = if query.get("ss").is_some() {
            (account_text(account, query), Scope::Account(field(query, "srt").to_owned()))
        } else {
            let (fields, scope) = call.target.signed(&account.name, query)?;
            (fields.join("\n"), scope)
        };
        if !account.signed(&text, field(query, "sig")) {
            return Err(Code::AuthenticationFailed.into());
        }
        check_time(query, now)?;
        if query.get("spr") == Some("https") && !call.secure {
            return Err(Code::AuthorizationProtocolMismatch.into());
        }
        if !query.get("sip").is_none_or(includes_loopback) {
            return Err(Code::AuthorizationSourceIPMismatch.into());
        }
        if matches!(scope, Scope::Account(_)) && !field(query, "ss").contains(T::LETTER) {
            return Err(Code::AuthorizationServiceMismatch.into());
        }
        Ok(Self { permissions: field(query, "sp").to_owned(), scope })
    }

    pub(super) fn covers<T: Resource>(&self, need: Need, call: &Call<T>) -> Result<(), Refusal> {
        let reached = match &self.scope {
            Scope::Account(types) => types.contains(need.resource),
            scope => call.target.is_reached(scope, need),
        };
        if !reached {
            return Err(Code::AuthorizationResourceTypeMismatch.into());
        }
        if need.permissions.chars().any(|permission| self.permissions.contains(permission)) {
            return Ok(());
        }
        let detail = format!("One of these is needed: {}.", need.permissions);
        Err(Refusal::new(Code::AuthorizationPermissionMismatch, detail))
    }

    pub(super) fn may_write(&self) -> bool {
        self.permissions.contains('w')
    }

    pub(super) fn is_for_one_resource(&self) -> bool {
        !matches!(self.scope, Scope::Account(_))
    }
}

fn field<'q>(query: &'q Query, name: &str) -> &'q str {
    query.get(name).unwrap_or_default()
}

fn account_text(account: &Account, query: &Query) -> String {
    let mut text = format!("{}\n", account.name);
    let mut push = |name| {
        text.push_str(field(query, name));
        text.push('\n');
    };
    ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"].into_iter().for_each(&mut push);
    if field(query, "sv") >= WITH_ENCRYPTION_SCOPE {
        push("ses");
    }
    text
}

fn check_time(query: &Query, now: OffsetDateTime) -> Result<(), Refusal> {
    let refused = |detail: &str| Refusal::new(Code::AuthenticationFailed, detail);
    let read = |name: &str| -> Result<Option<OffsetDateTime>, Refusal> {
        let Some(text) = query.get(name) else { return Ok(None) };
        let time = moment(text).ok_or_else(|| refused(&format!("The time {name} cannot be read.")))?;
        Ok(Some(time))
    };
    if read("st")?.is_some_and(|start| now < start) {
        return Err(refused("The signature is not valid yet."));
    }
    match read("se")? {
        Some(end) if now < end => Ok(()),
        Some(_) => Err(refused("The signature has expired.")),
        None => Err(refused("The signature has no end.")),
    }
}

/// A date, or a date and time in UTC.
fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Iso8601::DEFAULT)
        .ok()
        .or_else(|| Some(Date::parse(text, &Iso8601::DEFAULT).ok()?.midnight().assume_utc()))
}

/// Callers of the local stack come from the loopback address, so that is what an address or range must include.
fn includes_loopback(range: &str) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (first.parse::<Ipv4Addr>(), last.parse::<Ipv4Addr>()) {
        (Ok(first), Ok(last)) => (first..=last).contains(&Ipv4Addr::LOCALHOST),
        _ => false,
    }
}
