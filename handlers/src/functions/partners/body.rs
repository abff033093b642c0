//! Bodies of requests: JSON objects with known members, and answers.

use axum::{
    Json,
    body::Body,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
    response::{AppendHeaders, IntoResponse, Response},
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    domain::product_body::FieldError,
    http::{Problem, json_body},
};

/// The largest body of a request.
pub(super) const MAX_BODY: usize = 64 * 1024;

const JSON: [&str; 1] = ["application/json"];
/// RFC 7396 has a media type of its own, which few clients know.
const PATCH: [&str; 2] = ["application/merge-patch+json", "application/json"];

/// The body of a `POST`.
pub(super) async fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    typed(json_body(headers, body, &JSON, MAX_BODY).await?)
}

/// The body of a `POST`: an object that has no other members than these.
pub(super) async fn object(headers: &HeaderMap, body: Body, known: &[&str]) -> Result<Map<String, Value>, Problem> {
    let object: Map<String, Value> = read(headers, body).await?;
    let unknown: Vec<_> = object
        .keys()
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| FieldError::new(name.as_str(), format!("is unknown; known are {}", known.join(", "))))
        .collect();
    if unknown.is_empty() { Ok(object) } else { Err(Problem::fields(unknown)) }
}

/// The body of a `POST`, which may be absent where nothing in it is required.
pub(super) async fn read_or_default<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    let bytes = axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body must not be larger than {MAX_BODY} bytes."))
    })?;
    if bytes.trim_ascii().is_empty() { Ok(T::default()) } else { read(headers, Body::from(bytes)).await }
}

/// The body of a `PATCH`: a JSON object.
pub(super) async fn patch(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Problem> {
    match json_body(headers, body, &PATCH, MAX_BODY).await? {
        Value::Object(members) => Ok(members),
        _ => Err(Problem::field("", "the body must be a JSON object")),
    }
}

/// A value of this form; what is wrong is named by its path.
pub(super) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Problem::field("", "the body must be a JSON object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { &path };
        Problem::field(path, error.inner())
    })
}

/// A whole number, also written as `5.0`: JSON Schema takes that for an integer, and so do clients made from a schema.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    number.map(|number| exact(number).ok_or_else(|| serde::de::Error::custom("must be a whole number"))).transpose()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
fn exact(number: f64) -> Option<u32> {
    let fits = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    fits.then_some(number as u32)
}

/// An answer about a partner, which nobody else may keep.
pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    (status, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}

/// The answer to what made something, or is making it.
pub(super) fn made(status: StatusCode, location: &str, body: &impl Serialize) -> Response {
    let location = HeaderValue::try_from(location).ok().map(|location| (LOCATION, location));
    (AppendHeaders(location), answer(status, body)).into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        #[serde(default, deserialize_with = "whole")]
        hours: Option<u32>,
    }

    #[test]
    fn integers_may_be_written_with_a_point() {
        let read = |value: Value| typed::<Wish>(value).map(|wish| wish.hours);
        for (value, hours) in [(json!({"hours": 5.0}), Some(5)), (json!({"hours": 5}), Some(5)), (json!({}), None)] {
            assert_eq!(read(value).unwrap(), hours);
        }
        for (value, said) in [
            (json!({"hours": 5.5}), "hours must be a whole number"),
            (json!({"hours": -1}), "hours must be a whole number"),
            (json!({"hours": 1e300}), "hours must be a whole number"),
            (json!({"day": 1}), "unknown field `day`"),
            (json!([]), "JSON object"),
        ] {
            let problem = format!("{:?}", read(value.clone()).unwrap_err());
            assert!(problem.contains(said), "{value}: {problem}");
        }
    }
}
