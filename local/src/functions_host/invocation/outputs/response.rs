//! Responses of .NET values: which members of an object make one, and what becomes of its body.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::value::RawValue;

use super::http_result::HttpResult;
use crate::functions_host::invocation::{
    json::{Compact, Dates, Indented, JsonText},
    metadata::{self, scalar_text},
};

const JSON: &str = "application/json; charset=utf-8";
const BYTES: &str = "application/octet-stream";
/// Base64 as .NET reads it, which does not mind bits that are left over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// An object's members, their values as text.
pub(super) type Members = metadata::Members<Box<RawValue>>;

/// What .NET made of the objects in a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `JObject` and `JArray`, which show themselves indented.
    Tokens,
    /// `ExpandoObject` and lists, which show the names of their types.
    Expando,
}

/// The value of a member; of several the last.
pub(super) fn member(members: &Members, is_it: impl Fn(&str) -> bool) -> Option<&RawValue> {
    members.0.iter().rev().find(|(name, _)| is_it(name)).map(|(_, value)| value.as_ref())
}

fn first_byte(value: &RawValue) -> u8 {
    value.get().as_bytes().first().copied().unwrap_or(b'n')
}

/// A named output: an object, or a text that holds one, with `statusCode`, `body` and `headers`. `status` is read and not used.
pub(super) fn named_response(output: &RawValue) -> Result<HttpResult, String> {
    let text: Option<String> = contoso_json::from_str(output.get()).ok();
    let members: Members =
        contoso_json::from_str(text.as_deref().unwrap_or(output.get())).map_err(|_| "it is no object".to_owned())?;
    let named = |wanted: &str| member(&members, |name| name.eq_ignore_ascii_case(wanted));
    let scalar = |wanted: &str| match named(wanted) {
        Some(value) if matches!(first_byte(value), b'{' | b'[') => Err(format!("{wanted} is no text")),
        value => Ok(value),
    };
    scalar("status")?;
    let status = match scalar("statusCode")? {
        Some(value) => status_of_text(&as_text(value)),
        None => None,
    };
    let headers = match named("headers") {
        Some(value) if !matches!(first_byte(value), b'{' | b'n') => return Err("headers is no object".to_owned()),
        headers => headers,
    };
    respond(status.unwrap_or(200), headers, named("body"), Kind::Tokens)
}

/// What is returned, or stands in a returned object under the name of the output: an object with a `body` is a response, anything
/// else the body of one. A text is tried as base64, if `guesses`, and as JSON.
pub(super) fn returned(value: &RawValue, guesses: bool) -> Result<HttpResult, String> {
    if first_byte(value) != b'"' {
        return described(value);
    }
    let text: String = contoso_json::from_str(value.get()).map_err(|error| error.to_string())?;
    if guesses && let Some(body) = base64(&text) {
        return Ok(HttpResult { status: 200, content_type: Some(BYTES.to_owned()), body, ..HttpResult::default() });
    }
    match contoso_json::from_str::<&RawValue>(text.trim()) {
        Ok(inner) => described(inner),
        Err(_) if text.trim().is_empty() => Ok(HttpResult::text(200, String::new())),
        Err(_) => Ok(HttpResult::text(200, scalar_text(value.get()))),
    }
}

fn described(value: &RawValue) -> Result<HttpResult, String> {
    let is_object = first_byte(value) == b'{';
    let members: Option<Members> = is_object.then(|| contoso_json::from_str(value.get()).ok()).flatten();
    let Some(members) = members else {
        return Ok(HttpResult::text(200, shown(value, Kind::Tokens)?));
    };
    let named = |wanted: &str| member(&members, |name| name.eq_ignore_ascii_case(wanted));
    let Some(body) = named("body") else {
        return Ok(HttpResult::text(200, shown(value, Kind::Tokens)?));
    };
    let status = match named("statusCode").or_else(|| named("status")) {
        Some(value) if first_byte(value) == b'"' => status_of_text(&as_text(value)),
        Some(value) => match value.get().parse::<i64>() {
            Ok(number) => Some(i32::try_from(number).map_err(|_| format!("{number} is no status"))?),
            Err(_) => None,
        },
        None => None,
    };
    let headers = named("headers").filter(|headers| first_byte(headers) == b'{');
    respond(status.unwrap_or(200), headers, Some(body), Kind::Expando)
}

/// What a function without an `http` output returns: its value as ASP.NET writes objects.
pub(super) fn value_result(value: &RawValue) -> Result<HttpResult, String> {
    let text: Option<String> = contoso_json::from_str(value.get()).ok();
    let compact = written(&Compact::new(value.get(), Dates::Rewritten).map_err(|error| error.to_string())?)?;
    Ok(match text {
        // A text that is a time is none to the host any more.
        Some(text) if scalar_text(value.get()) == text => HttpResult::text(200, text),
        _ => HttpResult { content_type: Some(JSON.to_owned()), ..HttpResult::text(200, compact) },
    })
}

fn respond(status: i32, headers: Option<&RawValue>, body: Option<&RawValue>, kind: Kind) -> Result<HttpResult, String> {
    let status = u16::try_from(status).ok().filter(|status| (200..1000).contains(status));
    let status = status.ok_or("there is no such status")?;
    let headers: Option<Members> = match headers.filter(|headers| first_byte(headers) == b'{') {
        Some(headers) => Some(contoso_json::from_str(headers.get()).map_err(|error| error.to_string())?),
        None => None,
    };
    let body = match body {
        Some(body) if kind == Kind::Expando && first_byte(body) == b'{' => {
            written(&Compact::new(body.get(), Dates::Rewritten).map_err(|error| error.to_string())?)?
        }
        Some(body) => shown(body, kind)?,
        None => String::new(),
    };
    let mut result = HttpResult::text(status, body);
    for (name, value) in headers.map(|headers| headers.0).unwrap_or_default() {
        if first_byte(&value) == b'n' {
            return Err(format!("header '{name}' is null"));
        }
        let value = shown(&value, kind)?;
        match name.eq_ignore_ascii_case("content-type") {
            true => result.content_type = Some(with_charset(value)),
            false => result.headers.push((name, value)),
        }
    }
    Ok(result)
}

/// A content type as the formatter of texts writes it.
fn with_charset(content_type: String) -> String {
    match content_type.to_ascii_lowercase().contains("charset=") {
        true => content_type,
        false => content_type + "; charset=utf-8",
    }
}

/// A value as .NET's `ToString` shows it; null shows nothing.
fn shown(value: &RawValue, kind: Kind) -> Result<String, String> {
    Ok(match (first_byte(value), kind) {
        (b'n', _) => String::new(),
        (b'{' | b'[', Kind::Tokens) => {
            written(&Indented(Compact::new(value.get(), Dates::Rewritten).map_err(|error| error.to_string())?))?
        }
        (b'{', Kind::Expando) => "System.Dynamic.ExpandoObject".to_owned(),
        (b'[', Kind::Expando) => "System.Collections.Generic.List`1[System.Object]".to_owned(),
        _ => scalar_text(value.get()),
    })
}

fn written(json: &impl JsonText) -> Result<String, String> {
    let mut text = Vec::new();
    json.write(&mut text).map_err(|error| error.to_string())?;
    String::from_utf8(text).map_err(|error| error.to_string())
}

/// A scalar read as a text: what a text holds, and of anything else the token.
fn as_text(value: &RawValue) -> String {
    contoso_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

/// `None` for what is no number, which leaves the status at 200.
fn status_of_text(text: &str) -> Option<i32> {
    text.trim().parse().ok()
}

/// The host's guess: a text that decodes as base64 is replaced by its bytes, "test", "no go" and "" included.
fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace([' ', '\t', '\r', '\n'], "")).ok()
}
