//! Queries as the emulator reads them: it takes `"x"` for a name, where the service takes it for a string like `'x'`,
//! and would silently find nothing.

use serde_json::Value;

use crate::cosmos::wire::request::{Operation, Request};

/// The query to forward instead of `request`, if it is one that holds a string in double quotes.
pub(in crate::cosmos) fn with_strings(request: &Request) -> Option<Request> {
    if request.method != http::Method::POST || request.operation() != Operation::Read || !request.body.contains(&b'"') {
        return None;
    }
    let mut body: Value = contoso_json::from_slice(&request.body).ok()?;
    let query = body.get_mut("query")?;
    *query = single_quoted(query.as_str()?)?.into();
    Some(request.with_body(body.to_string().into()))
}

/// The query with its strings in single quotes; none where they are.
pub(in crate::cosmos) fn single_quoted(query: &str) -> Option<String> {
    if !query.contains('"') {
        return None;
    }
    let mut rewritten = String::with_capacity(query.len());
    let mut rest = query.chars();
    while let Some(character) = rest.next() {
        match character {
            '"' => string(&mut rest, &mut rewritten),
            '\'' => {
                rewritten.push('\'');
                for character in rest.by_ref() {
                    rewritten.push(character);
                    if character == '\'' {
                        break;
                    }
                }
            }
            character => rewritten.push(character),
        }
    }
    Some(rewritten)
}

/// A string whose opening quote has been read.
fn string(rest: &mut std::str::Chars<'_>, rewritten: &mut String) {
    rewritten.push('\'');
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                rewritten.push('\'');
                return;
            }
            '\\' => match rest.next() {
                Some('\'') => rewritten.push_str("''"),
                Some(escaped @ ('"' | '/')) => rewritten.push(escaped),
                Some(other) => rewritten.extend(['\\', other]),
                None => rewritten.push('\\'),
            },
            '\'' => rewritten.push_str("''"),
            character => rewritten.push(character),
        }
    }
    // It has no end, and the emulator says so.
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_get_single_quotes_wherever_they_stand() {
        for (query, expected) in [
            (r#"SELECT * FROM c WHERE c.id = "a""#, "SELECT * FROM c WHERE c.id = 'a'"),
            (
                r#"SELECT c["my name"] FROM c WHERE c.x IN ("a", 'b')"#,
                "SELECT c['my name'] FROM c WHERE c.x IN ('a', 'b')",
            ),
            (
                r#"SELECT * FROM c WHERE c.a = "it's" AND c.b = "a \"b\"""#,
                r#"SELECT * FROM c WHERE c.a = 'it''s' AND c.b = 'a "b"'"#,
            ),
            (
                r#"SELECT * FROM c WHERE c.a = 'say "x"' AND c.b = "y""#,
                r#"SELECT * FROM c WHERE c.a = 'say "x"' AND c.b = 'y'"#,
            ),
        ] {
            assert_eq!(single_quoted(query).as_deref(), Some(expected));
        }
        assert_eq!(single_quoted("SELECT * FROM c WHERE c.id = 'a'"), None);
    }
}
