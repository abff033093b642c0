//! Encodings of OTLP over HTTP: binary protobuf and JSON, compressed or not.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, StatusCode, header};
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value, json};

/// Bytes of a body at most, before and after it is unpacked.
pub(super) const LIMIT: usize = 4 << 20;

/// How a request's message is written, and its answer too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the body is neither application/x-protobuf nor application/json")]
    MediaType,
    #[error("the body's encoding is neither gzip nor identity")]
    ContentEncoding,
    #[error("the body is larger than {LIMIT} bytes")]
    TooLarge,
    #[error("the body broke off: {0}")]
    Broken(String),
    #[error("the body is no gzip: {0}")]
    Gzip(std::io::Error),
    #[error("the body is no message of this signal: {0}")]
    Protobuf(#[from] prost::DecodeError),
    #[error("the body is no message of this signal: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the stack is stopping")]
    Stopping,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::MediaType | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken(_) | Self::Gzip(_) | Self::Protobuf(_) | Self::Json(_) => StatusCode::BAD_REQUEST,
            Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code of `google.rpc.Code`.
    fn code(&self) -> i32 {
        match self {
            Self::TooLarge => 8,
            Self::Stopping => 14,
            _ => 3,
        }
    }
}

/// `google.rpc.Status`, the body of every refusal.
#[derive(Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// `ExportTraceServiceResponse` and its like of the other signals, which are the same on the wire.
#[derive(Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// Items of a message that were not taken.
pub(super) struct Rejected {
    pub(super) count: usize,
    /// As the JSON of the signal names their number.
    pub(super) name: &'static str,
    pub(super) why: &'static str,
}

impl Encoding {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split_once(';').map_or(media, |(media, _)| media).trim();
        match media {
            _ if media.eq_ignore_ascii_case("application/x-protobuf") => Ok(Self::Protobuf),
            _ if media.eq_ignore_ascii_case("application/json") => Ok(Self::Json),
            _ => Err(Refusal::MediaType),
        }
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// Reads a message. Both readers have a bottom: 100 messages in messages, 128 levels of JSON.
    pub(super) fn read<T: Message + Default + DeserializeOwned>(self, body: &[u8]) -> Result<T, Refusal> {
        match self {
            Self::Protobuf => Ok(T::decode(body)?),
            Self::Json => {
                let mut value: Value = contoso_json::from_slice(body)?;
                shorten_numbers(&mut value);
                Ok(serde_json::from_value(value)?)
            }
        }
    }

    /// The answer to a message that was taken, but for what was `rejected` of it.
    pub(super) fn response(self, rejected: &Rejected) -> Vec<u8> {
        let partial = (rejected.count > 0).then(|| PartialSuccess {
            rejected: i64::try_from(rejected.count).unwrap_or(i64::MAX),
            error_message: rejected.why.to_owned(),
        });
        match (self, partial) {
            (Self::Protobuf, partial_success) => Response { partial_success }.encode_to_vec(),
            (Self::Json, None) => b"{}".to_vec(),
            (Self::Json, Some(partial)) => {
                let PartialSuccess { rejected: count, error_message } = partial;
                // 64 bits are text in the JSON of protobuf.
                json!({"partialSuccess": {rejected.name: count.to_string(), "errorMessage": error_message}})
                    .to_string()
                    .into_bytes()
            }
        }
    }

    pub(super) fn refusal(self, refusal: &Refusal) -> Vec<u8> {
        let status = Status { code: refusal.code(), message: refusal.to_string() };
        match self {
            Self::Protobuf => status.encode_to_vec(),
            Self::Json => json!({"code": status.code, "message": status.message}).to_string().into_bytes(),
        }
    }
}

/// The body as it was before it was packed, of at most [`LIMIT`] bytes: what would become larger is not unpacked further.
pub(super) fn unpacked(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Refusal> {
    match headers.get(header::CONTENT_ENCODING).map(http::HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(body),
        Some(name) if name.eq_ignore_ascii_case(b"gzip") => {
            let mut unpacked = Vec::new();
            let most = LIMIT as u64 + 1;
            MultiGzDecoder::new(&*body).take(most).read_to_end(&mut unpacked).map_err(Refusal::Gzip)?;
            if unpacked.len() > LIMIT { Err(Refusal::TooLarge) } else { Ok(unpacked.into()) }
        }
        Some(_) => Err(Refusal::ContentEncoding),
    }
}

/// Writes numbers with a fraction as `serde_json` writes them. It keeps numbers as their text here (`arbitrary_precision`), and
/// gives a text that it would not have written itself as a map to types that ask for whatever comes, which flattened
/// ones do; they look for a number.
fn shorten_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if !number.is_i64() && !number.is_u64() => {
            if let Some(shorter) = number.as_f64().and_then(Number::from_f64) {
                *number = shorter;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten_numbers),
        Value::Object(members) => members.values_mut().for_each(shorten_numbers),
        _ => {}
    }
}
