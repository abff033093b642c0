//! Query of a request as ASP.NET reads it, and as the host writes it again for the handler.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What .NET's URL encoder escapes: everything but letters, digits and these.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b'-')
    .remove(b'.')
    .remove(b';')
    .remove(b'@')
    .remove(b'_')
    .remove(b'~');

/// Names with their values, both in the order in which they were sent. Names are one without regard to case; the first
/// spelling stays.
#[derive(Default)]
pub(super) struct Query(Vec<(String, Vec<String>)>);

impl Query {
    /// Reads a query without its question mark.
    pub(super) fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decoded(name), decoded(value).into_owned());
            match query.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                Some((_, values)) => values.push(value),
                None => query.0.push((name.into_owned(), vec![value])),
            }
        }
        query
    }

    /// Each name with all its values, joined by commas.
    pub(super) fn joined(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(name, values)| (name.clone(), values.join(","))).collect()
    }

    /// Each name with its last value.
    pub(super) fn last(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(name, values)| (name.clone(), values.last().cloned().unwrap_or_default())).collect()
    }

    /// The query as the host writes it: every name once, its values joined, escaped anew. Without its question mark;
    /// `None` where there is none.
    pub(super) fn written(&self) -> Option<String> {
        let escaped = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
        let pair = |(name, value): &(String, String)| format!("{}={}", escaped(name), escaped(value));
        let pairs: Vec<String> = self.joined().iter().map(pair).collect();
        (!pairs.is_empty()).then(|| pairs.join("&"))
    }
}

/// A plus is a space, and an escape that makes no UTF-8 stays as it is.
fn decoded(text: &str) -> Cow<'_, str> {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Cow::Owned(decoded.into_owned()),
        Err(_) => spaced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_and_escaped_anew() {
        for (sent, written) in [
            ("x=1&x=2", "x=1,2"),
            ("dry=1&x=1&x=2&q=%C3%A4", "dry=1&x=1,2&q=%C3%A4"),
            ("code=a%3D%3D&code2=a==", "code=a%3D%3D&code2=a%3D%3D"),
            ("X=1&y&x=2&&", "X=1,2&y="),
            ("q=a+b/c'd%zz%FF", "q=a%20b%2Fc%27d%25zz%25FF"),
            ("", ""),
        ] {
            assert_eq!(Query::parse(sent).written().unwrap_or_default(), written, "{sent}");
        }
        assert_eq!(Query::parse("x=1&x=2").last(), [("x".to_owned(), "2".to_owned())]);
    }
}
