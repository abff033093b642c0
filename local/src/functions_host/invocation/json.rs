//! JSON text as the host's serialiser (Newtonsoft) writes it.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use super::{instants::rewrite_date, numbers::number_json};

/// Something that can write itself as compact JSON, without an intermediate copy.
pub(crate) trait JsonText: Send + Sync {
    fn write(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Any serialisable value.
pub(crate) struct Plain<T>(pub(crate) T);

impl<T: Serialize + Send + Sync> JsonText for Plain<T> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut serializer = serde_json::Serializer::with_formatter(out, HostFormatter);
        self.0.serialize(&mut serializer).map_err(io::Error::from)
    }
}

/// A string whose content is the JSON text of `0`.
pub(crate) struct QuotedJson<T>(pub(crate) T);

impl<T: JsonText> JsonText for QuotedJson<T> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"\"")?;
        self.0.write(&mut Escaped(out))?;
        out.write_all(b"\"")
    }
}

/// Compact JSON that additionally escapes the line separators U+0085, U+2028 and U+2029.
struct HostFormatter;

impl Formatter for HostFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        escape(fragment.as_bytes(), &mut |piece| writer.write_all(piece))
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        CompactFormatter.write_f64(writer, value)
    }
}

/// Escapes everything that passes as the content of a JSON string.
pub(crate) struct Escaped<'w>(pub(crate) &'w mut dyn Write);

impl Write for Escaped<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        escape(text, &mut |piece| self.0.write_all(piece))?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Passes `text` on in pieces, escaped. A multi-byte character must not be cut by the caller.
pub(crate) fn escape(text: &[u8], emit: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut copied = 0;
    let mut at = 0;
    while at < text.len() {
        let hexadecimal;
        let (escaped, width): (&[u8], usize) = match text[at] {
            b'"' => (b"\\\"", 1),
            b'\\' => (b"\\\\", 1),
            b'\n' => (b"\\n", 1),
            b'\r' => (b"\\r", 1),
            b'\t' => (b"\\t", 1),
            0x08 => (b"\\b", 1),
            0x0c => (b"\\f", 1),
            control @ 0..=0x1f => {
                hexadecimal = format!("\\u{control:04x}");
                (hexadecimal.as_bytes(), 1)
            }
            0xc2 if text[at..].starts_with("\u{85}".as_bytes()) => (b"\\u0085", 2),
            0xe2 if text[at..].starts_with("\u{2028}".as_bytes()) => (b"\\u2028", 3),
            0xe2 if text[at..].starts_with("\u{2029}".as_bytes()) => (b"\\u2029", 3),
            _ => {
                at += 1;
                continue;
            }
        };
        if copied < at {
            emit(&text[copied..at])?;
        }
        emit(escaped)?;
        at += width;
        copied = at;
    }
    if copied < text.len() {
        emit(&text[copied..])?;
    }
    Ok(())
}

/// Whether the host parsed the dates in a text before it wrote it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dates {
    /// Strings stay as they are.
    Verbatim,
    /// Strings that look like ISO 8601 times are re-written: fractions lose their zeros, offsets become host-local.
    Rewritten,
}

/// A JSON text, written again compactly, members in their order, numbers and dates as the host re-writes them.
pub(crate) struct Compact<'a> {
    text: Cow<'a, str>,
    dates: Dates,
}

impl<'a> Compact<'a> {
    /// # Errors
    /// When `text` is not one JSON value.
    pub(crate) fn new(text: &'a str, dates: Dates) -> Result<Self, serde_json::Error> {
        Self::of(Cow::Borrowed(text), dates)
    }

    fn of(text: Cow<'a, str>, dates: Dates) -> Result<Self, serde_json::Error> {
        contoso_json::from_str::<serde::de::IgnoredAny>(&text)?;
        Ok(Self { text, dates })
    }
}

impl Compact<'static> {
    /// As [`Compact::new`], of a text that it keeps.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn owned(text: String, dates: Dates) -> Result<Self, serde_json::Error> {
        Self::of(Cow::Owned(text), dates)
    }
}

impl JsonText for Compact<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let text = self.text.as_bytes();
        let mut at = 0;
        while at < text.len() {
            let end = match text[at] {
                space if space.is_ascii_whitespace() => {
                    at += 1;
                    continue;
                }
                b'"' => string_end(text, at),
                b'-' | b'0'..=b'9' => {
                    end_of(text, at, |byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'))
                }
                b'a'..=b'z' => end_of(text, at, |byte| byte.is_ascii_lowercase()),
                _ => at + 1,
            };
            let token = &self.text[at..end];
            match text[at] {
                b'"' => {
                    let is_key = text[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                    write_string(out, token, if is_key { Dates::Verbatim } else { self.dates })?;
                }
                b'-' | b'0'..=b'9' => out.write_all(number_json(token).as_bytes())?,
                _ => out.write_all(token.as_bytes())?,
            }
            at = end;
        }
        Ok(())
    }
}

/// The index after the closing quote of the string that begins at `start`.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

fn end_of(text: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    text[start..].iter().position(|byte| !belongs(*byte)).map_or(text.len(), |length| start + length)
}

fn write_string(out: &mut dyn Write, token: &str, dates: Dates) -> io::Result<()> {
    let content: String = contoso_json::from_str(token)?;
    let rewritten = (dates == Dates::Rewritten).then(|| rewrite_date(&content)).flatten();
    out.write_all(b"\"")?;
    escape(rewritten.as_deref().unwrap_or(&content).as_bytes(), &mut |piece| out.write_all(piece))?;
    out.write_all(b"\"")
}

/// A JSON text with a line for each member and element and two spaces a level, as Newtonsoft indents.
pub(crate) struct Indented<'a>(pub(crate) Compact<'a>);

impl JsonText for Indented<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut compact = Vec::new();
        self.0.write(&mut compact)?;
        let new_line = |out: &mut dyn Write, depth: usize| write!(out, "\n{:1$}", "", 2 * depth);
        let (mut depth, mut at) = (0_usize, 0);
        while at < compact.len() {
            let end = if compact[at] == b'"' { string_end(&compact, at) } else { at + 1 };
            match compact[at] {
                b'{' | b'[' if matches!(compact.get(end), Some(b'}' | b']')) => {
                    out.write_all(&compact[at..=end])?;
                    at = end + 1;
                    continue;
                }
                open @ (b'{' | b'[') => {
                    depth += 1;
                    out.write_all(&[open])?;
                    new_line(out, depth)?;
                }
                close @ (b'}' | b']') => {
                    depth = depth.saturating_sub(1);
                    new_line(out, depth)?;
                    out.write_all(&[close])?;
                }
                b',' => {
                    out.write_all(b",")?;
                    new_line(out, depth)?;
                }
                b':' => out.write_all(b": ")?,
                _ => out.write_all(&compact[at..end])?,
            }
            at = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn written(json: &impl JsonText) -> String {
        let mut out = Vec::new();
        json.write(&mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("UTF-8")
    }

    fn rewritten(text: &str) -> String {
        written(&Compact::new(text, Dates::Rewritten).expect("JSON"))
    }

    #[test]
    fn the_host_rewrites_dates_and_numbers_of_what_it_parses() {
        let cases = [
            (r#" { "b" : 1.10 , "a" : [ 1, -2.50e1, true, null ] } "#, r#"{"b":1.1,"a":[1,-25.0,true,null]}"#),
            (r#""2026-01-02T03:04:05.1230000Z""#, r#""2026-01-02T03:04:05.123Z""#),
            (r#""2026-01-02T05:04:05+02:00""#, r#""2026-01-02T03:04:05+00:00""#),
            (r#""2026-01-02T03:04:05""#, r#""2026-01-02T03:04:05""#),
            (r#""2026-01-02""#, r#""2026-01-02""#),
            (r#""2026-01-02T03:04:05.12345678Z""#, r#""2026-01-02T03:04:05.12345678Z""#),
            (r#"{"2026-01-02T03:04:05.10Z":1}"#, r#"{"2026-01-02T03:04:05.10Z":1}"#),
            (r#""\u00e4\/\u2028\u0001""#, "\"ä/\\u2028\\u0001\""),
        ];
        for (text, expected) in cases {
            assert_eq!(rewritten(text), expected);
        }
        assert!(Compact::new("{", Dates::Verbatim).is_err());
    }

    #[test]
    fn line_separators_are_escaped_at_every_depth() {
        assert_eq!(written(&Plain("a\u{2028}\u{85}\"")), r#""a\u2028\u0085\"""#);
        assert_eq!(written(&QuotedJson(Plain("a\u{2029}"))), r#""\"a\\u2029\"""#);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn compacting_keeps_the_value(value in json()) {
            let pretty = serde_json::to_string_pretty(&value).expect("JSON");
            let compact = written(&Compact::new(&pretty, Dates::Verbatim).expect("JSON"));
            prop_assert_eq!(serde_json::from_str::<Value>(&compact).expect("JSON"), value.clone());
            let quoted = written(&QuotedJson(Plain(&value)));
            let inner: String = serde_json::from_str(&quoted).expect("a string");
            prop_assert_eq!(serde_json::from_str::<Value>(&inner).expect("JSON"), value);
        }
    }
}
