//! Authentication of publishers: a topic key, a signature made with one, or a token of an identity with a role.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use http::{HeaderMap, StatusCode, header::AUTHORIZATION, request::Parts};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use time::{
    Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};
use url::Url;

use super::error::Refusal;
use crate::{
    identity::{Action, Caller, Identity},
    transport::Peer,
};

const KEY_HEADER: &str = "aeg-sas-key";
const TOKEN_HEADER: &str = "aeg-sas-token";

/// What a token for publishing is meant for.
const DATA_PLANE: &str = "https://eventgrid.azure.net";
/// What a token for Resource Manager is meant for; the second is the older name.
const MANAGEMENT: [&str; 2] = ["https://management.azure.com", "https://management.core.windows.net"];

/// The identity whose bearer token a request carries; `None` where it has no such credential.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the token's identity may publish to `topic`.
pub(crate) fn may_publish(identity: &Identity, secure: bool, token: &str, topic: &str) -> Result<(), Refusal> {
    let caller = identity
        .authenticate_request(secure, token, &[DATA_PLANE])
        .map_err(|invalid| Refusal::unauthorized(invalid.to_string()))?;
    caller
        .may(Action::EventGridSend, &format!("eventGrid/topics/{topic}"))
        .map_err(|forbidden| Refusal::forbidden(&forbidden))
}

/// Who calls Resource Manager. Only tokens count there.
pub(crate) fn manager(identity: &Identity, parts: &Parts) -> Result<Caller, Refusal> {
    let refused = |message: String| Refusal::new(StatusCode::UNAUTHORIZED, "AuthenticationFailed", message);
    let token = bearer(&parts.headers).ok_or_else(|| {
        refused("Authentication failed. The 'Authorization' header is missing a bearer token.".to_owned())
    })?;
    identity
        .authenticate_request(Peer::is_secure(&parts.extensions), token, &MANAGEMENT)
        .map_err(|invalid| refused(invalid.to_string()))
}

/// A date as the US culture and the invariant one of .NET write it: `1/2/2030`, `01/02/2030`.
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[month padding:none]/[day padding:none]/[year padding:none]");
/// A time of the US culture: `3:04:05 PM`.
const TWELVE_HOURS: &[BorrowedFormatItem<'_>] =
    format_description!("[hour repr:12 padding:none]:[minute]:[second] [period case_sensitive:false]");
/// A time of the invariant culture: `15:04:05`.
const DAY_HOURS: &[BorrowedFormatItem<'_>] = format_description!("[hour padding:none]:[minute]:[second]");
const OFFSET: &[BorrowedFormatItem<'_>] = format_description!("[offset_hour sign:mandatory]:[offset_minute]");

/// The two keys of a topic.
///
/// They derive from the topic's name, so that a fresh stack on any machine has the same ones. They protect nothing but
/// the likeness to Azure.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) key1: String,
    pub(crate) key2: String,
}

impl Keys {
    pub(crate) fn of_topic(name: &str) -> Self {
        let key =
            |number| BASE64_STANDARD.encode(Sha256::digest(format!("local event grid topic {name} key {number}")));
        Self { key1: key(1), key2: key(2) }
    }

    fn both(&self) -> [&str; 2] {
        [&self.key1, &self.key2]
    }

    /// Checks the credential of a publish request. `path` is the path of the topic's endpoint, to which a token must
    /// be scoped. The error is the sentence of the 401.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        key_in_query: Option<&str>,
        path: &str,
        now: OffsetDateTime,
    ) -> Result<(), String> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(key) = header(KEY_HEADER).or(key_in_query) {
            return self.check_key(key);
        }
        if let Some(token) = header(TOKEN_HEADER) {
            return self.check_token(token, path, now);
        }
        match header(AUTHORIZATION.as_str()) {
            Some(credential) => match credential.split_once(' ') {
                Some(("SharedAccessSignature", token)) => self.check_token(token.trim(), path, now),
                Some((scheme, _)) => Err(format!(
                    "The authorization scheme `{scheme}` is not known; use {KEY_HEADER}, {TOKEN_HEADER}, SharedAccessSignature or Bearer."
                )),
                None => Err("The Authorization header is malformed.".to_owned()),
            },
            None => {
                Err(format!("The request has no credential: it needs {KEY_HEADER}, {TOKEN_HEADER} or Authorization."))
            }
        }
    }

    fn check_key(&self, key: &str) -> Result<(), String> {
        // Comparing digests takes the same time wherever the keys differ.
        let given = Sha256::digest(key);
        if self.both().iter().any(|ours| Sha256::digest(ours) == given) {
            Ok(())
        } else {
            Err(format!("The {KEY_HEADER} does not belong to this topic."))
        }
    }

    /// `r=<resource>&e=<expiry>&s=<signature>`: the signature covers what stands before `&s=`, byte for byte, because
    /// clients differ in how they escape it.
    fn check_token(&self, token: &str, path: &str, now: OffsetDateTime) -> Result<(), String> {
        let malformed = || "The shared access signature is malformed: it is r=…&e=…&s=….".to_owned();
        let (signed, signature) = token.rsplit_once("&s=").ok_or_else(malformed)?;
        let signature = percent_decode_str(signature).decode_utf8().map_err(|_| malformed())?;
        let signature = BASE64_STANDARD.decode(signature.as_bytes()).map_err(|_| malformed())?;
        if !self.both().iter().any(|key| signs(key, signed, &signature)) {
            return Err("The shared access signature was not made with a key of this topic.".to_owned());
        }
        let field = |name: &str| {
            signed.split('&').find_map(|part| part.strip_prefix(name)).map(form_decoded).ok_or_else(malformed)
        };
        let resource = field("r=")?;
        if !covers(&resource, path) {
            return Err(format!("The shared access signature is for `{resource}`, not for this topic."));
        }
        let expiry = field("e=")?;
        match expiry_of(&expiry) {
            Some(expiry) if expiry > now => Ok(()),
            Some(_) => Err(format!("The shared access signature expired at {expiry}.")),
            None => Err(format!("The expiry `{expiry}` of the shared access signature is not a date.")),
        }
    }
}

fn signs(key: &str, text: &str, signature: &[u8]) -> bool {
    BASE64_STANDARD
        .decode(key)
        .ok()
        .and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok())
        .is_some_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok())
}

fn form_decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Whether the signed resource is this topic's endpoint or a parent of it. The host is not compared: the stack is
/// reached by several names.
fn covers(resource: &str, path: &str) -> bool {
    Url::parse(resource).is_ok_and(|url| {
        let scope = url.path().trim_end_matches('/').to_ascii_lowercase();
        path.to_ascii_lowercase().starts_with(&scope)
    })
}

/// The expiry in any of the forms clients send: with slashes, `2030-01-02 03:04:05+00:00`, RFC 3339.
fn expiry_of(text: &str) -> Option<OffsetDateTime> {
    if let Some(expiry) = with_slashes(text) {
        return Some(expiry);
    }
    let text = text.trim().replacen(' ', "T", 1);
    OffsetDateTime::parse(&text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339))
        .or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339))
        .ok()
}

/// An expiry with slashes: `1/2/2030 3:04:05 PM` of JavaScript's client, the same and ` +00:00` of .NET's
/// `EventGridSasBuilder`, which writes a `DateTimeOffset`. Newer .NET puts a narrow no-break space before `PM`, by the
/// culture's data, and an invariant culture has 24 hours. Without an offset the time is UTC.
fn with_slashes(text: &str) -> Option<OffsetDateTime> {
    let mut words = text.split_whitespace();
    let date = Date::parse(words.next()?, DATE).ok()?;
    let (mut clock, mut rest) = (words.next()?.to_owned(), words.next());
    let period = rest.filter(|word| ["AM", "PM"].iter().any(|known| word.eq_ignore_ascii_case(known)));
    let time = if let Some(period) = period {
        clock = format!("{clock} {period}");
        rest = words.next();
        Time::parse(&clock, TWELVE_HOURS)
    } else {
        Time::parse(&clock, DAY_HOURS)
    };
    let offset = rest.map_or(Ok(UtcOffset::UTC), |offset| UtcOffset::parse(offset, OFFSET)).ok()?;
    words.next().is_none().then_some(PrimitiveDateTime::new(date, time.ok()?).assume_offset(offset))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const PATH: &str = "/topics/orders/api/events";
    const NOW: OffsetDateTime = datetime!(2029-12-31 0:00 UTC);

    fn token(keys: &Keys, signed: &str) -> String {
        let key = BASE64_STANDARD.decode(&keys.key2).expect("base64");
        let mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length").chain_update(signed);
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        let escaped = signature.replace('+', "%2b").replace('/', "%2f").replace('=', "%3D");
        format!("{signed}&s={escaped}")
    }

    #[test]
    fn tokens_in_the_spellings_of_three_clients() {
        let keys = Keys::of_topic("orders");
        let resource = "http%3A%2F%2F127.0.0.1%3A6501%2Ftopics%2Forders%2Fapi%2Fevents%3FapiVersion%3D2018-01-01";
        let lower = resource.to_ascii_lowercase();
        for signed in [
            format!("r={resource}&e=1%2F2%2F2030%203%3A04%3A05%20PM"),
            format!("r={resource}&e=2030-01-02%2003%3A04%3A05%2B00%3A00"),
            format!("r={resource}&e=2030-01-02%2003%3A04%3A05.123456%2B00%3A00"),
            format!("r={resource}&e=2030-01-02%2003%3A04%3A05"),
            format!("r={lower}&e=1%2f2%2f2030+3%3a04%3a05+PM"),
            format!("r={lower}&e=1%2f2%2f2030+3%3a04%3a05+PM+%2b00%3a00"),
            format!("r={lower}&e=1%2f2%2f2030+3%3a04%3a05%e2%80%afPM+%2b00%3a00"),
            format!("r={lower}&e=1%2f2%2f2030+12%3a04%3a05+am+-05%3a30"),
            format!("r={lower}&e=01%2f02%2f2030+15%3a04%3a05+%2b00%3a00"),
        ] {
            assert_eq!(keys.check_token(&token(&keys, &signed), PATH, NOW), Ok(()), "{signed}");
            let late = keys.check_token(&token(&keys, &signed), PATH, datetime!(2031-01-01 0:00 UTC));
            assert!(late.expect_err("expired").contains("expired"), "{signed}");
            let stranger = Keys::of_topic("other");
            assert!(keys.check_token(&token(&stranger, &signed), PATH, NOW).is_err());
            assert!(keys.check_token(&token(&keys, &signed), "/topics/other/api/events", NOW).is_err());
        }
    }

    #[test]
    fn an_expiry_is_the_moment_that_its_client_meant() {
        for (text, moment) in [
            ("11/28/2026 7:40:16 PM +00:00", datetime!(2026-11-28 19:40:16 UTC)),
            ("11/28/2026 12:40:16 AM +01:00", datetime!(2026-11-27 23:40:16 UTC)),
            ("11/28/2026 7:40:16\u{202f}PM +00:00", datetime!(2026-11-28 19:40:16 UTC)),
            ("11/28/2026 19:40:16 +00:00", datetime!(2026-11-28 19:40:16 UTC)),
            ("11/28/2026 19:40:16", datetime!(2026-11-28 19:40:16 UTC)),
            ("2026-11-28T19:40:16.5Z", datetime!(2026-11-28 19:40:16.5 UTC)),
            ("2026-11-28 19:40:16-01:00", datetime!(2026-11-28 20:40:16 UTC)),
        ] {
            assert_eq!(expiry_of(text), Some(moment), "{text}");
        }
        for text in
            ["", "11/28/2026", "28/11/2026 7:40:16 PM", "11/28/2026 13:40:16 PM", "11/28/2026 7:40:16 PM UTC", "soon"]
        {
            assert_eq!(expiry_of(text), None, "{text}");
        }
    }
}
