//! The one place where a client's right to do something is decided.
//!
//! Every token that is well formed and, where it says so itself, not expired is taken; signatures and roles are not
//! checked.

use percent_encoding::percent_decode_str;

/// A token as `$cbs` receives it.
pub(super) struct Token<'a> {
    /// `jwt` or `servicebus.windows.net:sastoken`.
    pub(super) kind: &'a str,
    /// What the token is for.
    pub(super) audience: &'a str,
    pub(super) text: &'a str,
}

/// Why a token was refused, in a sentence that begins with the service's error code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unauthorized(pub(super) &'static str);

const SAS: &str = "servicebus.windows.net:sastoken";

/// Decides about a token.
pub(super) fn check(token: &Token<'_>, now_unix_seconds: i64) -> Result<(), Unauthorized> {
    if token.audience.is_empty() {
        return Err(Unauthorized("InvalidAudience: The put-token request names no audience."));
    }
    match token.kind {
        "jwt" if !token.text.is_empty() && token.text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(()),
        "jwt" => Err(Unauthorized("MalformedToken: The token is empty or holds characters that no token has.")),
        SAS => check_sas(token.text, now_unix_seconds),
        _ => Err(Unauthorized("InvalidTokenType: Only jwt and servicebus.windows.net:sastoken are known.")),
    }
}

fn check_sas(text: &str, now_unix_seconds: i64) -> Result<(), Unauthorized> {
    const MALFORMED: Unauthorized =
        Unauthorized("MalformedToken: The shared access signature lacks sr, sig, se or skn.");
    let fields = text.strip_prefix("SharedAccessSignature ").ok_or(MALFORMED)?;
    let field = |name: &str| {
        let mut pairs = fields.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| percent_decode_str(value).decode_utf8_lossy())
    };
    let (Some(_), Some(_), Some(expiry), Some(_)) = (field("sr"), field("sig"), field("se"), field("skn")) else {
        return Err(MALFORMED);
    };
    let expiry: i64 = expiry.parse().map_err(|_| MALFORMED)?;
    if expiry <= now_unix_seconds {
        return Err(Unauthorized("ExpiredToken: The token has expired."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_tokens_pass_and_others_do_not() {
        let sas = "SharedAccessSignature sr=sb%3A%2F%2Fhost%2Fhub&sig=abc%3D&se=2000&skn=Root";
        let cases = [
            ("jwt", "x", true),
            ("jwt", "", false),
            ("jwt", "two words", false),
            (SAS, sas, true),
            (SAS, "SharedAccessSignature sr=a&se=2000", false),
            (SAS, "SharedAccessSignature sr=a&sig=b&se=999&skn=Root", false),
            ("swt", "x", false),
        ];
        for (kind, text, passes) in cases {
            let token = Token { kind, audience: "sb://host/hub", text };
            assert_eq!(check(&token, 1000).is_ok(), passes, "{kind} {text:?}");
        }
    }
}
