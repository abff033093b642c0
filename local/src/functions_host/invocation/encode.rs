//! Encoding of values: how every entry of `Data` and `Metadata` is put on the wire.

use std::io::{self, Write};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use time::OffsetDateTime;

use super::{
    instants::{Fraction, date_time, date_time_offset},
    json::{JsonText, Plain, escape},
};

/// A value of the host, before the rule.
pub(crate) enum Value<'a> {
    /// `byte[]`: base64.
    Bytes(&'a [u8]),
    /// `byte[][]`: a string that holds a JSON array of base64 strings.
    ByteArrays(Vec<&'a [u8]>),
    /// `DateTime`: whole seconds, without `Z`.
    DateTime(OffsetDateTime),
    /// `DateTimeOffset`: whole seconds, with `+00:00`.
    DateTimeOffset(OffsetDateTime),
    /// Everything else: an object is nested, any other JSON becomes a string that holds its text.
    Json(Box<dyn JsonText + 'a>),
}

impl<'a> Value<'a> {
    pub(crate) fn json(value: impl Serialize + Send + Sync + 'a) -> Self {
        Self::Json(Box::new(Plain(value)))
    }

    pub(crate) fn text(value: impl JsonText + 'a) -> Self {
        Self::Json(Box::new(value))
    }
}

/// Appends `value` to a JSON document as the host writes it.
///
/// # Errors
/// When a value cannot be serialised.
pub(crate) fn encode(value: &Value<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    match value {
        Value::Bytes(bytes) => {
            out.push(b'"');
            push_base64(bytes, out)?;
            out.push(b'"');
        }
        Value::ByteArrays(arrays) => {
            out.extend_from_slice(b"\"[");
            for (index, bytes) in arrays.iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"\\\"" } else { b",\\\"" });
                push_base64(bytes, out)?;
                out.extend_from_slice(b"\\\"");
            }
            out.extend_from_slice(b"]\"");
        }
        Value::DateTime(instant) => push_plain(&date_time(*instant, Fraction::Dropped), out),
        Value::DateTimeOffset(instant) => push_plain(&date_time_offset(*instant, Fraction::Dropped), out),
        Value::Json(json) => {
            let mut writer = ByFirstByte { out, form: Form::Undecided };
            json.write(&mut writer)?;
            writer.finish();
        }
    }
    Ok(())
}

/// A string that needs no escapes.
fn push_plain(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Encodes straight into the document: base64 needs no escapes at any depth.
fn push_base64(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    STANDARD.encode_slice(bytes, &mut out[start..]).map_err(io::Error::other)?;
    Ok(())
}

/// Decides by the first byte of a JSON text whether it is nested or becomes a string, so that nothing is written twice.
struct ByFirstByte<'o> {
    out: &'o mut Vec<u8>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Undecided,
    Nested,
    Text,
}

impl ByFirstByte<'_> {
    fn finish(self) {
        if self.form == Form::Text {
            self.out.push(b'"');
        }
    }
}

impl Write for ByFirstByte<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.form == Form::Undecided && !text.is_empty() {
            self.form = if text[0] == b'{' { Form::Nested } else { Form::Text };
            if self.form == Form::Text {
                self.out.push(b'"');
            }
        }
        if self.form == Form::Text {
            escape(text, &mut |piece| self.out.write_all(piece))?;
        } else {
            self.out.extend_from_slice(text);
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    /// The table of the protocol's value rule, line by line.
    #[test]
    fn every_value_is_written_as_the_host_writes_it() {
        let instant = datetime!(2026-01-02 03:04:05.678 UTC);
        let many_dates = [date_time(instant, Fraction::Kept)];
        let cases = [
            (Value::json("hello"), r#""\"hello\"""#),
            (Value::json(42), r#""42""#),
            (Value::json(()), r#""null""#),
            (Value::json(["x", "y"]), r#""[\"x\",\"y\"]""#),
            (Value::Bytes(&[1, 2]), r#""AQI=""#),
            (Value::ByteArrays(vec![&[1, 2], &[3]]), r#""[\"AQI=\",\"Aw==\"]""#),
            (Value::json(json!([{"a": 1}])), r#""[{\"a\":1}]""#),
            (Value::json(json!({"a": 1})), r#"{"a":1}"#),
            (Value::DateTime(instant), r#""2026-01-02T03:04:05""#),
            (Value::DateTimeOffset(instant), r#""2026-01-02T03:04:05+00:00""#),
            (Value::json(many_dates), r#""[\"2026-01-02T03:04:05.678\"]""#),
            (Value::json("https://a.example/x"), r#""\"https://a.example/x\"""#),
            (Value::json("\u{2028}ä/"), r#""\"\\u2028ä/\"""#),
        ];
        for (value, expected) in cases {
            let mut out = Vec::new();
            encode(&value, &mut out).expect("encoded");
            assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
        }
    }
}
