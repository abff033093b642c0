//! Paths of an indexing policy: `/a/b/?` is the value of a property, `/a/*` it and all below, `/a/[]/b/?` that of each element.

/// What follows in a refusal behind the path and the place where it failed; in the service's words.
const HINT: &str = "Please ensure that the path is a valid path. Common errors include invalid characters or absence of \
                    quotes around labels.";

/// How far an index reaches from its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// `/*`: the value and all below.
    All,
    /// `/?`: the value.
    Value,
}

/// A path, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexPath {
    /// From the document's root; `[]` is any element of an array.
    pub(super) steps: Vec<String>,
    pub(super) reach: Reach,
}

impl IndexPath {
    /// Reads an included or excluded path.
    ///
    /// # Errors
    /// The service's sentence where it is none.
    pub(super) fn read(path: &str) -> Result<Self, String> {
        let (steps, rest) = steps(path)?;
        let reach = match rest {
            // `/` is how older clients write `/*`.
            "/*" => Reach::All,
            "/" if steps.is_empty() => Reach::All,
            "/?" if !steps.is_empty() => Reach::Value,
            _ => return Err(unread(path, path.len() - rest.len())),
        };
        Ok(Self { steps, reach })
    }

    /// Reads the path of a composite index, which is that of a value without saying so.
    ///
    /// # Errors
    /// The service's sentence where it is none.
    pub(super) fn read_composite(path: &str) -> Result<Vec<String>, String> {
        match steps(path)? {
            (steps, "" | "/?") if !steps.is_empty() => Ok(steps),
            (_, rest) => Err(unread(path, path.len() - rest.len())),
        }
    }

    /// Whether the value at a path from the document's root is among what this is about.
    pub(super) fn has(&self, path: &[String]) -> bool {
        match self.reach {
            Reach::Value => self.steps == path,
            Reach::All => path.starts_with(&self.steps),
        }
    }

    /// By this the more precise of two paths counts: the deeper, else the one of a value alone.
    pub(super) fn precision(&self) -> (usize, Reach) {
        (self.steps.len(), self.reach)
    }
}

/// The steps of a path, and what is left of it: how far it reaches.
fn steps(path: &str) -> Result<(Vec<String>, &str), String> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !matches!(rest, "" | "/" | "/?" | "/*") {
        let failed = || unread(path, path.len() - rest.len());
        let step = rest.strip_prefix('/').ok_or_else(failed)?;
        let length = length_of_step(step).ok_or_else(failed)?;
        let (step, behind) = step.split_at(length);
        steps.push(match step.strip_prefix('"') {
            Some(_) => contoso_json::from_str::<String>(step).map_err(|_| failed())?,
            None => step.to_owned(),
        });
        rest = behind;
    }
    Ok((steps, rest))
}

/// Bytes of the first step: a name of letters, digits and underscores, any name in double quotes, `[]`, `[1]`, or the members of an
/// element in braces.
fn length_of_step(text: &str) -> Option<usize> {
    match text.chars().next()? {
        '"' => {
            let mut escaped = false;
            let end = text.char_indices().skip(1).find(|(_, letter)| {
                let is_end = *letter == '"' && !escaped;
                escaped = *letter == '\\' && !escaped;
                is_end
            });
            end.map(|(place, _)| place + 1).filter(|length| *length > 2)
        }
        '[' => {
            let end = text.find(']')?;
            text[1..end].bytes().all(|digit| digit.is_ascii_digit()).then_some(end + 1)
        }
        '{' => {
            let end = text.find('}')?;
            (end > 1 && !text[1..end].contains('{')).then_some(end + 1)
        }
        _ => {
            let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
            (end > 0).then_some(end)
        }
    }
}

fn unread(path: &str, place: usize) -> String {
    format!("The indexing path '{path}' could not be accepted, failed near position '{place}'. {HINT}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_the_documentation_writes_them() {
        for (path, steps, reach) in [
            ("/*", &[][..], Reach::All),
            ("/", &[], Reach::All),
            ("/\"_etag\"/?", &["_etag"], Reach::Value),
            ("/_etag/?", &["_etag"], Reach::Value),
            ("/headquarters/employees/?", &["headquarters", "employees"], Reach::Value),
            ("/locations/[]/country/?", &["locations", "[]", "country"], Reach::Value),
            ("/\"path-abc\"/\"a\\\"/b\"/*", &["path-abc", "a\"/b"], Reach::All),
            ("/events/[]/{name/first, category}/?", &["events", "[]", "{name/first, category}"], Reach::Value),
        ] {
            let steps = steps.iter().map(|step| (*step).to_owned()).collect();
            assert_eq!(IndexPath::read(path), Ok(IndexPath { steps, reach }), "{path}");
        }
        for (path, place) in
            [("a/?", 0), ("/a", 2), ("/a/", 2), ("/?", 0), ("", 0), ("/a-b/?", 2), ("/a/*/b/?", 2), ("/\"a/?", 0)]
        {
            let refused = IndexPath::read(path).unwrap_err();
            assert!(refused.contains(&format!("'{path}'")) && refused.contains(&format!("'{place}'")), "{refused}");
        }
        assert_eq!(IndexPath::read_composite("/a/\"b\""), Ok(vec!["a".to_owned(), "b".to_owned()]));
        for path in ["/a/*", "/", "a"] {
            assert!(IndexPath::read_composite(path).is_err(), "{path}");
        }
    }
}
