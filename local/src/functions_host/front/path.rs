//! Paths as ASP.NET reads them, and as the host writes them again.
//!
//! The real host routes by the unescaped path, and makes the one that it forwards out of that: `new Uri(displayUrl).AbsolutePath`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What .NET's `Uri` escapes in a path: everything but letters, digits and what RFC 3986 knows as unreserved or reserved.
const URI: &AsciiSet = &COMPONENT.remove(b'?').remove(b'#').remove(b'[').remove(b']');
/// What ASP.NET escapes where it shows a path.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// Unescapes a path: all but `%2F`, which would become a separator, and what makes no UTF-8.
pub(super) fn unescaped(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut at = 0;
    while at < path.len() {
        let bytes: Vec<u8> = (0..4).map_while(|index| escape(path, at + 3 * index)).collect();
        let character = (1..=bytes.len()).find_map(|length| std::str::from_utf8(&bytes[..length]).ok());
        match character.and_then(|text| text.chars().next()).filter(|character| *character != '/') {
            Some(character) => {
                text.push(character);
                at += 3 * character.len_utf8();
            }
            None => {
                let plain = path[at..].chars().next().unwrap_or_default();
                text.push(plain);
                at += plain.len_utf8();
            }
        }
    }
    text
}

/// The path that is forwarded of an unescaped one: up to a question mark or number sign, which begin something else in a URL,
/// backslashes as slashes, and what is escaped a second time unescaped if it is unreserved. `None` where it has segments of
/// dots then, which the real host resolves.
pub(super) fn forwarded(path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default().replace('\\', "/");
    let mut text = String::with_capacity(path.len());
    let mut at = 0;
    while let Some(character) = path[at..].chars().next() {
        match escape(&path, at) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => text.push(char::from(byte)),
            Some(_) => text.push_str(&path[at..at + 3]),
            None => text.extend(utf8_percent_encode(character.encode_utf8(&mut [0; 4]), URI)),
        }
        at += if escape(&path, at).is_some() { 3 } else { character.len_utf8() };
    }
    (!text.split('/').any(|segment| matches!(segment, "." | ".."))).then_some(text)
}

/// An unescaped path as `Data.req.Url` shows it.
pub(super) fn shown(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut at = 0;
    while let Some(character) = path[at..].chars().next() {
        let length = if escape(path, at).is_some() { 3 } else { character.len_utf8() };
        match length {
            3 if character == '%' => text.push_str(&path[at..at + 3]),
            _ => text.extend(utf8_percent_encode(character.encode_utf8(&mut [0; 4]), COMPONENT)),
        }
        at += length;
    }
    text
}

/// The byte of an escape at this place.
fn escape(path: &str, at: usize) -> Option<u8> {
    let digits = path.get(at..at + 3)?.strip_prefix('%')?;
    let is_escape = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| is_escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_unescaped_once_and_escaped_anew() {
        for (sent, read, written) in [
            ("/x/a%3Fb", "/x/a?b", "/x/a"),
            ("/x/a%23b", "/x/a#b", "/x/a"),
            ("/x/a%2520b", "/x/a%20b", "/x/a%20b"),
            ("/x/a%2Fb%41~%7E", "/x/a%2FbA~~", "/x/a%2FbA~~"),
            ("/x/%C3%A4|^%5B[", "/x/ä|^[[", "/x/%C3%A4%7C%5E[["),
            ("/x/%FF%zz%25", "/x/%FF%zz%", "/x/%FF%25zz%25"),
            ("/x/a%5Cb", "/x/a\\b", "/x/a/b"),
            ("/x/%2541%2526", "/x/%41%26", "/x/A%26"),
        ] {
            assert_eq!(unescaped(sent), read, "{sent}");
            assert_eq!(forwarded(read).as_deref(), Some(written), "{sent}");
        }
        assert_eq!(forwarded("/x/%2e%2E/y"), None);
        assert_eq!(shown("/api/a-b ä/%2F|["), "/api/a-b%20%C3%A4/%2F%7C%5B");
    }
}
