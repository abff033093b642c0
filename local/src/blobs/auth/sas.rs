//! Shared access signatures of the account (`ss`, `srt`) and of one container or blob (`sr`).
//!
//! Source: "Create an account SAS", "Create a service SAS". Stored access policies and user delegation are not there
//! locally: such signatures are refused.

use std::net::Ipv4Addr;

use time::{Date, OffsetDateTime, format_description::well_known::Iso8601};

use crate::blobs::{
    error::{Code, Failure},
    http::request::{Call, Query, Target},
};

use super::Account;

/// Since this version a signature also covers the encryption scope.
const WITH_ENCRYPTION_SCOPE: &str = "2020-12-06";
/// Since this version a service signature also covers the kind of resource and the snapshot.
const WITH_RESOURCE_KIND: &str = "2018-11-09";

/// What an operation asks of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::blobs) struct Need {
    /// `s`, `c` or `o`: on what the operation works.
    pub(in crate::blobs) resource: char,
    /// One of these permissions is enough.
    pub(in crate::blobs) permissions: &'static str,
}

/// A signature that matched.
#[derive(Debug)]
pub(in crate::blobs) struct Sas {
    permissions: String,
    scope: Scope,
}

#[derive(Debug)]
enum Scope {
    /// Resource types of an account signature.
    Account(String),
    Container,
    Blob,
}

impl Sas {
    pub(super) fn check(account: &Account, call: &Call, now: OffsetDateTime) -> Result<Self, Failure> {
        let query = &call.query;
        for absent in ["skoid", "si"] {
            if query.get(absent).is_some() {
                let detail = format!("The parameter {absent} refers to what the local blob service does not have.");
                return Err(Failure::refused(Code::AuthenticationFailed, detail));
            }
        }
        let (text, scope) = match query.get("sr") {
            None => (account_text(account, query), Scope::Account(field(query, "srt").to_owned())),
            Some(kind) => service_text(account, call, kind)?,
        };
        if !account.signed(&text, field(query, "sig")) {
            return Err(Code::AuthenticationFailed.into());
        }
        check_time(query, now)?;
        if query.get("spr") == Some("https") {
            return Err(Code::AuthorizationProtocolMismatch.into());
        }
        if !query.get("sip").is_none_or(includes_loopback) {
            return Err(Code::AuthorizationSourceIPMismatch.into());
        }
        if matches!(scope, Scope::Account(_)) && !field(query, "ss").contains('b') {
            return Err(Code::AuthorizationServiceMismatch.into());
        }
        Ok(Self { permissions: field(query, "sp").to_owned(), scope })
    }

    pub(super) fn covers(&self, need: Need, call: &Call) -> Result<(), Failure> {
        match &self.scope {
            Scope::Account(types) if !types.contains(need.resource) => {
                return Err(Code::AuthorizationResourceTypeMismatch.into());
            }
            // Signatures of one resource never reach the account or the container itself, except to list it.
            Scope::Container if need.resource != 'o' && need.permissions != "l" => {
                return Err(Code::AuthorizationResourceTypeMismatch.into());
            }
            Scope::Blob if !matches!(call.target, Target::Blob(_)) => {
                return Err(Code::AuthorizationResourceTypeMismatch.into());
            }
            _ => {}
        }
        if need.permissions.chars().any(|permission| self.permissions.contains(permission)) {
            return Ok(());
        }
        let detail = format!("One of these is needed: {}.", need.permissions);
        Err(Failure::refused(Code::AuthorizationPermissionMismatch, detail))
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

fn service_text(account: &Account, call: &Call, kind: &str) -> Result<(String, Scope), Failure> {
    let mut resource = format!("/blob/{}", account.name);
    let scope = match (kind, &call.target) {
        ("c", Target::Container(name)) => {
            resource.push_str(&format!("/{}", name.as_str()));
            Scope::Container
        }
        ("c", Target::Blob(path)) => {
            resource.push_str(&format!("/{}", path.container.as_str()));
            Scope::Container
        }
        ("b", Target::Blob(path)) => {
            resource.push_str(&format!("/{path}"));
            Scope::Blob
        }
        _ => {
            let detail = format!("The signed resource {kind} does not fit this address.");
            return Err(Failure::refused(Code::AuthenticationFailed, detail));
        }
    };
    let query = &call.query;
    let version = field(query, "sv");
    let mut fields = vec![field(query, "sp"), field(query, "st"), field(query, "se"), &resource];
    fields.extend(["si", "sip", "spr", "sv"].map(|name| field(query, name)));
    if version >= WITH_RESOURCE_KIND {
        fields.extend([kind, field(query, "snapshot")]);
    }
    if version >= WITH_ENCRYPTION_SCOPE {
        fields.push(field(query, "ses"));
    }
    fields.extend(["rscc", "rscd", "rsce", "rscl", "rsct"].map(|name| field(query, name)));
    Ok((fields.join("\n"), scope))
}

fn check_time(query: &Query, now: OffsetDateTime) -> Result<(), Failure> {
    let refused = |detail: &str| Failure::refused(Code::AuthenticationFailed, detail);
    let read = |name: &str| -> Result<Option<OffsetDateTime>, Failure> {
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
