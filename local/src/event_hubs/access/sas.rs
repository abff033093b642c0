//! Shared access signatures of the namespace: a resource, an expiry, and an HMAC over both.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use percent_encoding::percent_decode_str;
use sha2::Sha256;

use super::Unauthorized;

/// What every signature begins with.
pub(super) const PREFIX: &str = "SharedAccessSignature ";

/// A signature that matched.
#[derive(Debug)]
pub(super) struct Signature {
    /// What it is for, decoded.
    pub(super) resource: String,
    pub(super) expires_in: Duration,
}

/// Holds `text` against the key of `rule`.
pub(super) fn check(text: &str, rule: &str, key: &str) -> Result<Signature, Unauthorized> {
    let malformed = || Unauthorized::new("MalformedToken: The shared access signature lacks sr, sig, se or skn.");
    let fields = text.strip_prefix(PREFIX).ok_or_else(malformed)?;
    let field = |name: &str| {
        let mut pairs = fields.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value).ok_or_else(malformed)
    };
    let decoded = |value| percent_decode_str(value).decode_utf8().map_err(|_| malformed());
    let (resource, expiry) = (field("sr")?, field("se")?);
    let signature = STANDARD.decode(&*decoded(field("sig")?)?).map_err(|_| malformed())?;
    let expires_at: u64 = expiry.parse().map_err(|_| malformed())?;
    if decoded(field("skn")?)? != rule {
        return Err(Unauthorized::new("InvalidSignature: The namespace has no rule of this name."));
    }
    let signed = Hmac::<Sha256>::new_from_slice(key.as_bytes())
        .map(|mac| mac.chain_update(resource).chain_update("\n").chain_update(expiry))
        .is_ok_and(|mac| mac.verify_slice(&signature).is_ok());
    if !signed {
        return Err(Unauthorized::new("InvalidSignature: The token has an invalid signature."));
    }
    let now = SystemTime::from(crate::clock::machine_now()).duration_since(UNIX_EPOCH).unwrap_or_default();
    match Duration::from_secs(expires_at).checked_sub(now) {
        Some(expires_in) if !expires_in.is_zero() => {
            Ok(Signature { resource: decoded(resource)?.into_owned(), expires_in })
        }
        _ => Err(Unauthorized::new("ExpiredToken: The token has expired.")),
    }
}
